//! Workloads: objects that contain a pod specification, at any depth.

use coaming_yaml::Node;

use crate::custom;
use crate::pod::PodLayout;
use crate::{Fields, Object, PodSpec};

/// An object that holds a pod specification.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// The object.
    pub object: Object<'a>,
    found: FoundPod<'a>,
}

impl<'a> Workload<'a> {
    pub(crate) fn new(object: Object<'a>, found: FoundPod<'a>) -> Self {
        Self { object, found }
    }

    /// The mapping with the pod's `metadata` and `spec`: the object itself for a `Pod`.
    #[must_use]
    pub fn template(self) -> Node<'a> {
        self.found.template
    }

    /// The pod's own metadata (labels, annotations).
    #[must_use]
    pub fn pod_metadata(self) -> Option<Node<'a>> {
        self.found.template.mapping("metadata")
    }

    /// The pod's specification.
    #[must_use]
    pub fn pod(self) -> PodSpec<'a> {
        PodSpec::new(self.found.spec, Some(self.found.template))
            .with(self.found.layout, self.found.outer)
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

/// A pod specification that was found in an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FoundPod<'a> {
    /// The mapping with the pod's `metadata`.
    pub(crate) template: Node<'a>,
    /// The specification.
    pub(crate) spec: Node<'a>,
    /// Where its parts are.
    pub(crate) layout: &'static PodLayout,
    /// The specification around it, from which it inherits.
    pub(crate) outer: Option<Node<'a>>,
    /// Whether it is a part of a pod only, which an operator completes.
    pub(crate) is_fragment: bool,
}

/// The pods of an object.
pub(crate) fn pods_in<'a>(root: Node<'a>, api_version: &str, kind: &str) -> Vec<FoundPod<'a>> {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let template = match (group, kind) {
        ("", "Pod") => Some(root),
        ("", "PodTemplate") => root.mapping("template"),
        ("", "ReplicationController" | "DeploymentConfig")
        | ("apps.openshift.io", "DeploymentConfig")
        | ("apps" | "extensions", "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")
        | ("batch" | "extensions", "Job") => root.mapping("spec").mapping("template"),
        ("batch", "CronJob" | "ScheduledJob") => {
            root.mapping("spec").mapping("jobTemplate").mapping("spec").mapping("template")
        }
        (group, kind) if custom::may_hold_pods(group, kind) => {
            return custom::pods_in(root, group, kind);
        }
        _ => None,
    };
    let found = template.and_then(|template| {
        let spec = template.mapping("spec")?;
        let layout = PodLayout::STANDARD;
        Some(FoundPod { template, spec, layout, outer: None, is_fragment: false })
    });
    found.into_iter().collect()
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
            .filter(|found| !found.is_fragment)
            .flat_map(|found| {
                let pod = crate::PodSpec::new(found.spec, None);
                pod.with(found.layout, found.outer).containers()
            })
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
