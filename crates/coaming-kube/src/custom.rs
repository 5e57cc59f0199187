//! Pods in custom resources: whole ones, and the parts of pods that operators complete.
//!
//! A custom resource is searched by shape, as no list of kinds can be complete. What looks like a
//! whole pod is a workload. Everything else that decides about a pod (a `securityContext` without
//! containers, containers without an image, `hostNetwork`, a host path) is a *fragment*: what it
//! says can be judged, and what it does not say cannot. Kinds that keep containers under names of
//! their own have a line in [`LAYOUTS`].

use coaming_yaml::Node;

use crate::Fields;
use crate::object::is_object;
use crate::pod::{CONTAINER_CONTEXTS, ContainerKind, PodLayout};
use crate::workload::FoundPod;

/// The API groups of Kubernetes itself. A custom group may end in `.k8s.io` too.
const OWN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "imagepolicy.k8s.io",
    "internal.apiserver.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "settings.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Groups of policies: their patterns look like pods and are none. A name that starts with a dot
/// means all groups that end in it.
const PATTERN_GROUPS: &[&str] = &[
    "kyverno.io",
    ".kyverno.io",
    ".gatekeeper.sh",
    "policies.kubewarden.io",
    "policy.open-cluster-management.io",
    "policy.karmada.io",
    "policy.jspolicy.com",
    "kuttl.dev",
];

/// Groups of operators that add containers of their own to those that are listed: what looks like a
/// whole pod is a part of one. A name that starts with a dot means all groups that end in it.
const COMPLETED_GROUPS: &[&str] = &[
    ".k8s.elastic.co",
    "cassandra.datastax.com",
    "datadoghq.com",
    "flink.apache.org",
    "grafana.integreatly.org",
    "k8s.keycloak.org",
    "k8ssandra.io",
    "mongodbcommunity.mongodb.com",
    "monitoring.coreos.com",
    "postgres-operator.crunchydata.com",
    "postgresql.cnpg.io",
    "rabbitmq.com",
    "sparkoperator.k8s.io",
    "temporal.io",
    "zookeeper.pravega.io",
];

/// Whether a group is Kubernetes' own.
pub(crate) fn is_own_group(group: &str) -> bool {
    OWN_GROUPS.contains(&group)
}

/// Whether a group has patterns of objects instead of objects.
pub(crate) fn has_patterns(group: &str) -> bool {
    is_among(PATTERN_GROUPS, group)
}

fn is_among(groups: &[&str], group: &str) -> bool {
    groups.iter().any(|known| match known.strip_prefix('.') {
        Some(_) => group.ends_with(*known),
        None => group == *known,
    })
}

/// Whether an object of a kind that is not Kubernetes' own is worth searching.
pub(crate) fn may_hold_pods(group: &str, kind: &str) -> bool {
    !is_own_group(group) && !has_patterns(group) && !kind.ends_with("List")
}

/// Where kinds of a group keep their containers.
struct GroupLayout {
    group: &'static str,
    layout: PodLayout,
}

/// Kinds that keep the parts of a pod under names of their own, by group.
static LAYOUTS: &[GroupLayout] = &[
    GroupLayout {
        group: "argoproj.io",
        layout: PodLayout {
            lists: &[("initContainers", ContainerKind::Init), ("sidecars", ContainerKind::Regular)],
            single: &[("container", "main"), ("script", "main")],
            is_container: false,
            contexts: &["securityContext"],
            defaults: None,
            shared: Some("templateDefaults"),
            volumes: &["volumes"],
        },
    },
    // A predictor has a `model` beside containers of its own.
    GroupLayout {
        group: "serving.kserve.io",
        layout: PodLayout { single: &[("model", "model")], ..FRAGMENT },
    },
    GroupLayout {
        group: "tekton.dev",
        layout: PodLayout {
            lists: &[("steps", ContainerKind::Regular), ("sidecars", ContainerKind::Regular)],
            single: &[],
            is_container: false,
            contexts: &[],
            defaults: Some("stepTemplate"),
            shared: None,
            volumes: &["volumes"],
        },
    },
];

/// A part of a pod in any kind: containers under the names that operators use.
const FRAGMENT: PodLayout = PodLayout {
    lists: &[
        ("initContainers", ContainerKind::Init),
        ("extraInitContainers", ContainerKind::Init),
        ("containers", ContainerKind::Regular),
        ("sidecars", ContainerKind::Regular),
        ("extraContainers", ContainerKind::Regular),
        ("additionalContainers", ContainerKind::Regular),
        ("sidecarContainers", ContainerKind::Regular),
    ],
    single: &[],
    is_container: false,
    contexts: &["securityContext", "podSecurityContext"],
    defaults: None,
    shared: None,
    volumes: &["volumes", "extraVolumes", "additionalVolumes", "podVolumes"],
};

static POD_FRAGMENT: PodLayout = FRAGMENT;

/// A part of a pod that is one of its containers too.
static CONTAINER_FRAGMENT: PodLayout =
    PodLayout { is_container: true, contexts: &["podSecurityContext"], ..FRAGMENT };

/// The same, where the container's own settings have a name of their own beside the pod's.
static SEPARATE_FRAGMENT: PodLayout = PodLayout {
    is_container: true,
    contexts: &["podSecurityContext", "securityContext"],
    ..FRAGMENT
};

/// A step of a workflow: `container` or `script` instead of a list.
static STEP: PodLayout = PodLayout {
    lists: PodLayout::STANDARD.lists,
    single: &[("container", ""), ("script", "")],
    is_container: false,
    contexts: &["securityContext"],
    defaults: None,
    shared: None,
    volumes: &["volumes"],
};

/// Fields that only a container's security context has.
const OF_CONTAINERS: &[&str] = &[
    "allowPrivilegeEscalation",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
];

/// Fields that a pod's security context has.
const OF_PODS: &[&str] = &[
    "appArmorProfile",
    "fsGroup",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile",
    "supplementalGroups",
    "sysctls",
    "windowsOptions",
];

/// Fields of a container that other mappings with an `image` or a name rarely have.
const CONTAINER_FIELDS: &[&str] = &[
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "volumeMounts",
];

/// How deep a custom resource is searched for pods.
const MAX_DEPTH: usize = 16;

/// Finds the pods and fragments of pods in a custom resource, in the order of the text.
pub(crate) fn pods_in<'a>(root: Node<'a>, group: &str, kind: &str) -> Vec<FoundPod<'a>> {
    let layout = LAYOUTS.iter().find(|known| known.group == group).map(|known| &known.layout);
    // Argo CD's applications and Argo Rollouts are in the group of Argo Workflows.
    let layout = layout.filter(|_| !matches!(kind, "Application" | "ApplicationSet" | "Rollout"));
    let is_completed = is_among(COMPLETED_GROUPS, group);
    let mut search = Search { root, layout, is_completed, found: Vec::new() };
    if let Some(spec) = root.mapping("spec") {
        search.mapping(spec, None, 0);
    }
    search.found
}

struct Search<'a> {
    root: Node<'a>,
    layout: Option<&'static PodLayout>,
    /// Whether an operator adds containers to those that are listed.
    is_completed: bool,
    found: Vec<FoundPod<'a>>,
}

impl<'a> Search<'a> {
    fn node(&mut self, node: Node<'a>, outer: Option<Node<'a>>, depth: usize) {
        // A manifest that is kept as text is an object of its own.
        if depth > MAX_DEPTH || node.is_embedded() && is_object(node) {
            return;
        }
        if node.is_mapping() {
            self.mapping(node, outer, depth);
        }
        for item in node.items() {
            self.node(item, outer, depth + 1);
        }
        // Values that are written as parameters.
        for part in node.parts().filter(|part| !is_object(*part)) {
            self.mapping(part, outer, depth + 1);
        }
    }

    fn mapping(&mut self, node: Node<'a>, outer: Option<Node<'a>>, depth: usize) {
        let whole = self.layout.filter(|layout| runs_image(node, layout));
        let has_single = |layout: &PodLayout| {
            layout.single.iter().any(|(field, _)| node.mapping(field).is_some())
        };
        if !self.is_completed && is_whole_pod(node) && !whole.is_some_and(has_single) {
            self.add(node, PodLayout::STANDARD, outer, false);
            return;
        }
        // A workflow's templates inherit its settings: there, they are judged.
        let hands_down = |layout: &PodLayout| layout.shared.or(layout.defaults).is_some();
        let is_inherited = self.layout.is_some_and(hands_down);
        let (layout, mut outer) = (whole.or_else(|| fragment(node, is_inherited)), outer);
        if let Some(layout) = whole {
            self.add(node, layout, outer, false);
        } else if is_step(node) {
            self.add(node, &STEP, outer, false);
            return;
        } else if let Some(layout) = layout {
            self.add(node, layout, outer, true);
            outer = Some(node);
        }
        // What a workflow says is inherited by its templates, whatever it is.
        if self.shared().is_some() && node.sequence("templates").is_some() {
            outer = Some(node);
        }
        let is_shared = self.is_shared(node);
        for entry in node.entries() {
            let holds = |layout: &PodLayout| layout.has(entry.name(), entry.value);
            let is_part = layout.is_some_and(holds) || is_shared && self.is_single(entry.name());
            if !is_part && !is_context(entry.name()) {
                self.node(entry.value, outer, depth + 1);
            }
        }
    }

    /// The field with what all pods of the resource inherit.
    fn shared(&self) -> Option<&'static str> {
        self.layout.and_then(|layout| layout.shared)
    }

    /// Whether a node has what all pods of the resource inherit. A container in it is judged where
    /// they are: it is none by itself.
    fn is_shared(&self, node: Node<'a>) -> bool {
        let Some((field, parent)) = self.shared().zip(node.parent()) else { return false };
        parent.get(field) == Some(node) && parent.sequence("templates").is_some()
    }

    fn is_single(&self, field: &str) -> bool {
        self.layout.is_some_and(|layout| layout.single.iter().any(|(name, _)| *name == field))
    }

    fn add(
        &mut self,
        spec: Node<'a>,
        layout: &'static PodLayout,
        outer: Option<Node<'a>>,
        is_fragment: bool,
    ) {
        // With metadata beside it, what contains it is a template; a template of Argo has it inside.
        let parent = spec.parent().filter(|parent| parent.is_mapping());
        let has_metadata = self.layout.is_some() && spec.mapping("metadata").is_some();
        let template = if has_metadata { spec } else { parent.unwrap_or(self.root) };
        self.found.push(FoundPod { template, spec, layout, outer, is_fragment });
    }
}

fn is_context(name: &str) -> bool {
    CONTAINER_CONTEXTS.contains(&name) || name == "podSecurityContext"
}

fn has_image(container: Node<'_>) -> bool {
    container.string("image").is_some_and(|image| !image.trim().is_empty())
}

/// Whether the node is the whole specification of a pod: each of its `containers` has an image.
fn is_whole_pod(node: Node<'_>) -> bool {
    let containers = || node.list("containers");
    containers().next().is_some() && containers().all(has_image)
}

/// Whether the node runs a container with an image, in a layout of its group.
fn runs_image(node: Node<'_>, layout: &PodLayout) -> bool {
    let listed = layout.lists.iter().flat_map(|(field, _)| node.list(field));
    let single = layout.single.iter().filter_map(|(field, _)| node.mapping(field));
    listed.chain(single).any(has_image)
}

/// Whether the node is a step with a single container, by the shape alone.
fn is_step(node: Node<'_>) -> bool {
    ["container", "script"].into_iter().any(|field| {
        node.mapping(field).is_some_and(|container| {
            has_image(container)
                && (container.field("command").is_some() || container.field("args").is_some())
        })
    })
}

/// Whether the node names an image with its tag or digest. Others (of virtual machines, of clouds) have
/// no tag.
fn names_image(node: Node<'_>) -> bool {
    let Some(image) = node.string("image") else { return false };
    let (path, last) = image.rsplit_once('/').unwrap_or(("", image));
    let mut parts = last.split(':');
    let is_lower = |name: &str| {
        let allowed =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:@".contains(c);
        !name.is_empty() && name.chars().all(allowed)
    };
    let (name, tag, rest) = (parts.next(), parts.next(), parts.next());
    let is_one = rest.is_none() && tag.is_some_and(|tag| !tag.is_empty());
    is_one
        && !path.contains("://")
        && name.is_some_and(is_lower)
        && (path.is_empty() || is_lower(path))
}

/// The layout of a node that says something about a pod.
fn fragment(node: Node<'_>, is_inherited: bool) -> Option<&'static PodLayout> {
    let has = |context: Node<'_>, fields: &[&str]| {
        fields.iter().any(|field| context.field(field).is_some())
    };
    let contexts = || CONTAINER_CONTEXTS.iter().filter_map(|field| node.mapping(field));
    let is_container = contexts().any(|context| has(context, OF_CONTAINERS))
        || has_image(node) && contexts().any(|context| has(context, OF_PODS))
        || names_image(node);
    if is_container {
        let is_separate = node.mapping("containerSecurityContext").is_some();
        return Some(if is_separate { &SEPARATE_FRAGMENT } else { &CONTAINER_FRAGMENT });
    }
    let is_container_like = |item: Node<'_>| {
        item.string("name").is_some() && has(item, CONTAINER_FIELDS) || has_image(item)
    };
    let has_containers =
        FRAGMENT.lists.iter().any(|(field, _)| node.list(field).any(is_container_like));
    let has_pod_context = {
        let contexts = FRAGMENT.contexts.iter().filter_map(|field| node.mapping(field));
        contexts.into_iter().any(|context| has(context, OF_PODS))
    };
    // Settings without containers are those of containers that the operator adds.
    if has_pod_context && !has_containers && !is_inherited {
        return Some(&CONTAINER_FRAGMENT);
    }
    let is_on_node = || {
        ["hostNetwork", "hostPID", "hostIPC"]
            .into_iter()
            .any(|field| node.boolean(field) == Some(true))
    };
    let mut volumes = FRAGMENT.volumes.iter().flat_map(|field| node.list(field));
    let mut mounts_node = || volumes.any(|volume| volume.mapping("hostPath").is_some());
    (has_pod_context || is_on_node() || mounts_node() || has_containers).then_some(&POD_FRAGMENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The containers of whole pods, and those of fragments, with their names.
    fn found(text: &str) -> (Vec<String>, Vec<String>) {
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let root = document.root();
        let group = root.string("apiVersion").and_then(|version| version.split_once('/'));
        let (group, kind) = (group.map_or("", |(group, _)| group), root.string("kind"));
        let (fragments, whole): (Vec<_>, Vec<_>) = pods_in(root, group, kind.unwrap_or_default())
            .into_iter()
            .partition(|found| found.is_fragment);
        let names = |found: Vec<FoundPod<'_>>| {
            let pods = found
                .into_iter()
                .map(|found| crate::PodSpec::new(found.spec, None).with(found.layout, found.outer));
            let containers = pods.flat_map(crate::PodSpec::containers);
            containers.map(|container| container.name().to_owned()).collect()
        };
        (names(whole), names(fragments))
    }

    #[test]
    fn steps_of_tekton_are_containers() {
        let task = "apiVersion: tekton.dev/v1\nkind: Pipeline\nspec: {tasks: [{name: t, taskSpec: {steps: [{name: a, image: x}], sidecars: [{name: b, image: y}]}}]}\n";
        assert_eq!(found(task).0, ["a", "b"]);
    }

    #[test]
    fn steps_that_refer_to_an_action_are_described_there() {
        let task = "apiVersion: tekton.dev/v1\nkind: Task\nspec: {steps: [{name: a, ref: {name: git-clone}}, {name: b, image: x}]}\n";
        assert_eq!(found(task).0, ["b"]);
    }

    #[test]
    fn new_volumes_of_a_set_of_containers_are_in_its_template() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {templates: [{name: t, containerSet: {containers: [{name: a, image: x}]}}]}\n";
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let pods = pods_in(document.root(), "argoproj.io", "Workflow");
        let pod = crate::PodSpec::new(pods[0].spec, None).with(pods[0].layout, pods[0].outer);
        assert_eq!(pod.owner_of_volumes().path().to_string(), "spec.templates[0]");
    }

    #[test]
    fn templates_of_argo_inherit_from_the_workflow() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  hostNetwork: true\n  serviceAccountName: build\n  securityContext: {runAsUser: 1000}\n  volumes: [{name: v, hostPath: {path: /}}]\n  templates:\n  - name: t\n    container: {image: x}\n    sidecars: [{name: s, image: y}]\n";
        assert_eq!(found(text).0, ["s", "main"]);
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let pods = pods_in(document.root(), "argoproj.io", "Workflow");
        let flags: Vec<bool> = pods.iter().map(|pod| pod.is_fragment).collect();
        assert_eq!(flags, [true, false]);
        let step = crate::PodSpec::new(pods[1].spec, None).with(pods[1].layout, pods[1].outer);
        assert_eq!(step.security_context().and_then(|context| context.run_as_user()), Some(1000));
        assert_eq!(step.service_account_name(), "build");
        assert!(step.volume("v").is_some());
        let text = text.replace("name: t\n", "name: t\n    metadata: {labels: {a: b}}\n");
        let document = coaming_yaml::parse(text.as_str().into()).documents.remove(0);
        let pods = pods_in(document.root(), "argoproj.io", "Workflow");
        assert!(pods[1].template.mapping("metadata").mapping("labels").is_some());
    }

    #[test]
    fn the_model_of_a_predictor_is_a_container() {
        let head =
            "apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nspec: {predictor: ";
        let model = "model: {modelFormat: {name: a}, securityContext: {privileged: true}}";
        let beside = format!("{head}{{{model}, containers: [{{name: b, image: x}}]}}}}\n");
        assert_eq!(found(&beside), (vec!["b".to_owned(), "model".to_owned()], Vec::new()));
        assert_eq!(found(&format!("{head}{{{model}}}}}\n")).1, ["model"]);
        let alone = format!("{head}{{containers: [{{name: b, image: x}}]}}}}\n");
        assert_eq!(found(&alone), (vec!["b".to_owned()], Vec::new()));
    }

    #[test]
    fn templates_of_argo_inherit_the_defaults_of_their_kind() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec:\n  workflowSpec:\n    templateDefaults:\n      serviceAccountName: build\n      securityContext: {runAsUser: 7}\n      container: {securityContext: {privileged: true}}\n    templates:\n    - {name: a, container: {image: x}}\n    - {name: b, script: {image: x}}\n    - {name: c, securityContext: {runAsUser: 8}, container: {image: x, securityContext: {privileged: false}}}\n";
        let document = coaming_yaml::parse(text.into()).documents.remove(0);
        let pods = pods_in(document.root(), "argoproj.io", "CronWorkflow");
        let judged: Vec<_> = pods
            .iter()
            .filter(|pod| !pod.is_fragment)
            .map(|pod| {
                let pod = crate::PodSpec::new(pod.spec, None).with(pod.layout, pod.outer);
                let container = pod.containers().next().unwrap();
                (
                    container.security_context().and_then(|context| context.privileged()),
                    pod.security_context().and_then(|context| context.run_as_user()),
                    pod.service_account_name(),
                )
            })
            .collect();
        let of_a = (Some(true), Some(7), "build");
        assert_eq!(judged, [of_a, (None, Some(7), "build"), (Some(false), Some(8), "build")]);
        // The container of the defaults is none by itself.
        let fragments: Vec<_> = pods.iter().filter(|pod| pod.is_fragment).collect();
        assert!(
            fragments.iter().all(|pod| pod.layout.single.is_empty() && !pod.layout.is_container)
        );
    }

    #[test]
    fn parts_of_pods_are_found_without_images() {
        let kafka = "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nspec: {kafka: {template: {kafkaContainer: {securityContext: {privileged: true}}}}}\n";
        assert_eq!(found(kafka).1, ["kafkaContainer"]);
        let spark = "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: SparkApplication\nspec: {driver: {securityContext: {privileged: true}, sidecars: [{name: side, image: x}]}}\n";
        assert_eq!(found(spark).1, ["side", "driver"]);
        let values = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {extraVolumes: [{name: h, hostPath: {path: /}}]}}\n";
        let document = coaming_yaml::parse(values.into()).documents.remove(0);
        let pods = pods_in(document.root(), "helm.toolkit.fluxcd.io", "HelmRelease");
        let part = crate::PodSpec::new(pods[0].spec, None).with(pods[0].layout, pods[0].outer);
        assert_eq!(part.volumes().next().and_then(|volume| volume.name()), Some("h"));
        let search = "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nspec: {nodeSets: [{podTemplate: {spec: {initContainers: [{name: sysctl, command: [a]}]}}}]}\n";
        assert_eq!(found(search).1, ["sysctl"]);
    }

    #[test]
    fn containers_that_an_operator_adds_to_are_parts() {
        let postgres = "apiVersion: postgres-operator.crunchydata.com/v1beta1\nkind: PostgresCluster\nspec: {instances: [{name: a, containers: [{name: side, image: 'x:1'}]}]}\n";
        assert_eq!(found(postgres), (Vec::new(), vec!["side".to_owned()]));
        let prometheus = "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nspec: {containers: [{name: side, image: 'x:1'}]}\n";
        assert_eq!(found(prometheus), (Vec::new(), vec!["side".to_owned()]));
        let search = "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nspec: {nodeSets: [{podTemplate: {spec: {containers: [{name: side, image: 'x:1'}]}}}]}\n";
        assert_eq!(found(search), (Vec::new(), vec!["side".to_owned()]));
    }

    #[test]
    fn settings_without_containers_are_those_of_one() {
        let pod = "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnect\nspec: {template: {pod: {securityContext: {runAsUser: 0}}}}\n";
        assert_eq!(found(pod).1, [""]);
        let redis = "apiVersion: databases.spotahome.com/v1\nkind: RedisFailover\nspec: {redis: {image: 'redis:latest', securityContext: {runAsUser: 0}, containerSecurityContext: {privileged: true}}}\n";
        assert_eq!(found(redis).1, ["redis"]);
        let document = coaming_yaml::parse(redis.into()).documents.remove(0);
        let pods = pods_in(document.root(), "databases.spotahome.com", "RedisFailover");
        let part = crate::PodSpec::new(pods[0].spec, None).with(pods[0].layout, pods[0].outer);
        let container = part.containers().next().unwrap();
        assert_eq!(container.security_context().and_then(|it| it.privileged()), Some(true));
        assert_eq!(part.security_context().and_then(|it| it.run_as_user()), Some(0));
    }

    #[test]
    fn an_image_with_a_tag_is_one_wherever_it_is() {
        let of = |image: &str| {
            let text = format!(
                "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nspec: {{image: '{image}'}}\n"
            );
            found(&text).1.len()
        };
        for image in ["flink:latest", "registry.example.com:5000/a/b:1.2", "a@sha256:00"] {
            assert_eq!(of(image), 1, "{image}");
        }
        for image in [
            "ubuntu-22.04",
            "https://example.com/a.png",
            "projects/debian-cloud/global/images/debian",
            "Canonical:Ubuntu:22_04:latest",
            "a:",
        ] {
            assert_eq!(of(image), 0, "{image}");
        }
    }

    #[test]
    fn other_resources_have_no_pods() {
        let of = |group: &str, kind: &str| may_hold_pods(group, kind);
        assert!(of("sparkoperator.k8s.io", "SparkApplication"));
        assert!(!of("rbac.authorization.k8s.io", "Role"));
        assert!(!of("apiextensions.k8s.io", "CustomResourceDefinition"));
        assert!(!of("kyverno.io", "ClusterPolicy"));
        assert!(!of("constraints.gatekeeper.sh", "K8sAllowedRepos"));
        let scaler = "apiVersion: autoscaling.k8s.io/v1\nkind: VerticalPodAutoscaler\nspec: {resourcePolicy: {containerPolicies: [{containerName: a}]}, containers: [a, b]}\n";
        assert_eq!(found(scaler), (Vec::new(), Vec::new()));
    }
}
