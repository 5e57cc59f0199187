//! Workloads: objects that contain a pod specification, at any depth.

use coaming_yaml::Node;

use crate::{Fields, Object, PodSpec};

/// An object that holds a pod specification.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// The object.
    pub object: Object<'a>,
    template: Node<'a>,
    spec: Node<'a>,
}

impl<'a> Workload<'a> {
    pub(crate) fn new(object: Object<'a>, template: Node<'a>, spec: Node<'a>) -> Self {
        Self { object, template, spec }
    }

    /// The mapping with the pod's `metadata` and `spec`: the object itself for a `Pod`.
    #[must_use]
    pub fn template(self) -> Node<'a> {
        self.template
    }

    /// The pod's own metadata (labels, annotations).
    #[must_use]
    pub fn pod_metadata(self) -> Option<Node<'a>> {
        self.template.mapping("metadata")
    }

    /// The pod's specification.
    #[must_use]
    pub fn pod(self) -> PodSpec<'a> {
        PodSpec::new(self.spec, Some(self.template))
    }

    /// The labels that the pods of this workload have.
    #[must_use]
    pub fn pod_labels(self) -> Vec<(&'a str, &'a str)> {
        self.pod_metadata()
            .pairs("labels")
            .filter_map(|entry| Some((entry.name(), entry.value.as_str()?)))
            .collect()
    }
}

/// Where the pods of an object are: pairs of a template (with `metadata`) and its `spec`.
pub(crate) fn pods_in<'a>(
    root: Node<'a>,
    api_version: &str,
    kind: &str,
) -> Vec<(Node<'a>, Node<'a>)> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let template = match (group, kind) {
        ("", "Pod") => Some(root),
        ("", "PodTemplate") => root.mapping("template"),
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch" | "extensions", "Job") => root.mapping("spec").mapping("template"),
        ("batch", "CronJob" | "ScheduledJob") => {
            root.mapping("spec").mapping("jobTemplate").mapping("spec").mapping("template")
        }
        (group, kind) if may_hold_pods(group, kind) => return by_shape(root),
        _ => None,
    };
    template.and_then(|template| Some((template, template.mapping("spec")?))).into_iter().collect()
}

/// Whether an object of an unknown kind is worth searching: not one of Kubernetes' own, and not a
/// definition whose schemas only look like objects.
fn may_hold_pods(group: &str, kind: &str) -> bool {
    let own = group.is_empty()
        || group.ends_with(".k8s.io") && !group.ends_with(".x-k8s.io")
        || matches!(group, "apps" | "batch" | "extensions" | "policy" | "autoscaling");
    !own && !kind.ends_with("List") && kind != "CustomResourceDefinition"
}

/// How deep a custom resource is searched for pods.
const MAX_DEPTH: usize = 12;

/// Finds pod specifications by their shape: a list of `containers`, of which one has an image.
fn by_shape(root: Node<'_>) -> Vec<(Node<'_>, Node<'_>)> {
    let mut found = Vec::new();
    let mut stack: Vec<(Node<'_>, usize)> =
        root.mapping("spec").map(|spec| (spec, 0)).into_iter().collect();
    while let Some((node, depth)) = stack.pop() {
        if is_pod_spec(node) {
            // With metadata beside it, what contains it is a template.
            let template = node.parent().filter(|parent| parent.is_mapping()).unwrap_or(root);
            found.push((template, node));
            continue;
        }
        if depth == MAX_DEPTH {
            continue;
        }
        let below: Vec<Node<'_>> =
            node.entries().map(|entry| entry.value).chain(node.items()).collect();
        stack.extend(below.into_iter().rev().map(|child| (child, depth + 1)));
    }
    found
}

fn is_pod_spec(node: Node<'_>) -> bool {
    let has_image = |container: Node<'_>| container.string("image").is_some();
    let is_list = node.sequence("containers").is_some()
        && node.list("containers").all(Node::is_mapping)
        && node.list("containers").any(has_image);
    // A step of an Argo workflow: `container` or `script` instead of a list.
    let is_step = || {
        ["container", "script"].into_iter().any(|field| {
            node.mapping(field).is_some_and(|container| {
                has_image(container)
                    && (container.field("command").is_some() || container.field("args").is_some())
            })
        })
    };
    node.is_mapping() && (is_list || is_step())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContainerKind;

    /// The images of the pods in a custom resource.
    fn images(text: &str) -> Vec<String> {
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let root = document.root();
        let version = root.string("apiVersion").unwrap_or_default();
        pods_in(root, version, root.string("kind").unwrap_or_default())
            .into_iter()
            .flat_map(|(_, spec)| crate::PodSpec::new(spec, None).containers())
            .filter(|container| container.kind() == ContainerKind::Regular)
            .filter_map(|container| container.image().map(str::to_owned))
            .collect()
    }

    #[test]
    fn pods_are_found_by_shape() {
        let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{name: a, image: x}]}}}\n";
        assert_eq!(images(rollout), ["x"]);
        let knative = "apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {template: {spec: {containers: [{image: z}]}}}\n";
        assert_eq!(images(knative), ["z"]);
        let workflow = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {templates: [{name: a, container: {image: x, command: [run]}}, {name: b, script: {image: z, command: [sh]}}]}\n";
        assert_eq!(images(workflow), ["x", "z"]);
        let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {containers: [{image: x}]}\n";
        assert!(images(definition).is_empty());
        let other = "apiVersion: example.com/v1\nkind: Thing\nspec: {containers: [a, b], container: {image: x}}\n";
        assert!(images(other).is_empty());
    }
}
