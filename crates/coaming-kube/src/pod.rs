//! Pods and their containers.

use coaming_yaml::Node;

use crate::{Fields, PodSecurityContext, SecurityContext};

/// A pod's specification, with the metadata that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct PodSpec<'a> {
    node: Node<'a>,
    template: Option<Node<'a>>,
    layout: &'static PodLayout,
    outer: Option<Node<'a>>,
}

/// Where a kind keeps the parts of a pod: the API's own kinds in one way, custom resources in many.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PodLayout {
    /// Fields with lists of containers.
    pub(crate) lists: &'static [(&'static str, ContainerKind)],
    /// Fields with one container, and the name that it gets if it has none.
    pub(crate) single: &'static [(&'static str, &'static str)],
    /// Whether the specification is a container too: `image` beside `volumes`.
    pub(crate) is_container: bool,
    /// Fields with the security context of the pod.
    pub(crate) contexts: &'static [&'static str],
    /// The field with a container whose settings all others inherit.
    pub(crate) defaults: Option<&'static str>,
    /// The field of the specification around it with the parts that all pods in it inherit.
    pub(crate) shared: Option<&'static str>,
    /// Fields with volumes.
    pub(crate) volumes: &'static [&'static str],
}

/// Fields with the security context of a container.
pub(crate) const CONTAINER_CONTEXTS: &[&str] = &["securityContext", "containerSecurityContext"];

impl PodLayout {
    /// The API's own pods.
    pub(crate) const STANDARD: &'static Self = &Self {
        lists: &[
            ("initContainers", ContainerKind::Init),
            ("containers", ContainerKind::Regular),
            ("ephemeralContainers", ContainerKind::Ephemeral),
        ],
        single: &[],
        is_container: false,
        contexts: &["securityContext"],
        defaults: None,
        shared: None,
        volumes: &["volumes"],
    };

    /// Whether a field with this value holds containers.
    pub(crate) fn has(&self, field: &str, value: Node<'_>) -> bool {
        value.is_sequence() && self.lists.iter().any(|(name, _)| *name == field)
            || self.single.iter().any(|(name, _)| *name == field)
            || self.defaults == Some(field)
    }
}

impl<'a> PodSpec<'a> {
    /// A view of a pod specification; `template` is what has the pod's own metadata beside it.
    #[must_use]
    pub fn new(node: Node<'a>, template: Option<Node<'a>>) -> Self {
        Self { node, template, layout: PodLayout::STANDARD, outer: None }
    }

    /// The same specification in another layout; `outer` is the specification around it, from which
    /// it inherits.
    pub(crate) fn with(self, layout: &'static PodLayout, outer: Option<Node<'a>>) -> Self {
        Self { layout, outer, ..self }
    }

    /// The field of this name, else that of the specification around it.
    fn inherited(self, name: &str) -> Option<Node<'a>> {
        let shared = || self.shared().field(name);
        self.node.field(name).or_else(shared).or_else(|| self.outer.field(name))
    }

    /// The parts that all pods in the specification around it inherit.
    fn shared(self) -> Option<Node<'a>> {
        self.layout.shared.and_then(|field| self.outer.mapping(field))
    }

    /// The specification's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// The pod's metadata.
    #[must_use]
    pub fn metadata(self) -> Option<Node<'a>> {
        self.template.mapping("metadata")
    }

    /// The pod's annotations.
    #[must_use]
    pub fn annotations(self) -> Option<Node<'a>> {
        self.metadata().mapping("annotations")
    }

    /// The value of an annotation of the pod.
    #[must_use]
    pub fn annotation(self, name: &str) -> Option<Node<'a>> {
        self.annotations().field(name)
    }

    /// The pod-level security context.
    #[must_use]
    pub fn security_context(self) -> Option<PodSecurityContext<'a>> {
        let own = self.layout.contexts.iter().find_map(|field| self.node.mapping(field));
        let shared = || self.shared().mapping("securityContext");
        let outer = || self.outer.mapping("securityContext");
        own.or_else(shared).or_else(outer).map(PodSecurityContext::new)
    }

    /// All containers: init containers and sidecars first, then the regular ones, then ephemeral
    /// ones; each in the order of the text.
    pub fn containers(self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        let defaults = self.layout.defaults.and_then(|field| self.node.mapping(field));
        let lists = self.layout.lists.iter().flat_map(move |&(field, kind)| {
            let items = self.node.list(field).filter(|node| node.is_mapping());
            items.filter(|node| !is_reference(*node)).map(move |node| {
                let sidecar =
                    kind == ContainerKind::Init && node.string("restartPolicy") == Some("Always");
                let kind = if sidecar { ContainerKind::Sidecar } else { kind };
                Container { node, kind, default_name: "", defaults }
            })
        });
        let shared = self.shared();
        let single = self.layout.single.iter().filter_map(move |&(field, default_name)| {
            let node = self.node.mapping(field)?;
            let defaults = defaults.or_else(|| shared.mapping(field));
            Some(Container { node, kind: ContainerKind::Regular, default_name, defaults })
        });
        let itself = self.layout.is_container.then(|| Container {
            node: self.node,
            kind: ContainerKind::Regular,
            default_name: own_key(self.node),
            defaults,
        });
        lists.chain(single).chain(itself)
    }

    /// The pod's volumes.
    pub fn volumes(self) -> impl Iterator<Item = Volume<'a>> + use<'a> {
        let node = self.node;
        let lists = self.layout.volumes.iter().flat_map(move |field| node.list(field));
        lists.filter(|node| node.is_mapping()).map(|node| Volume { node })
    }

    /// What takes new volumes: the specification, or the template around a set of containers of Argo
    /// Workflows, which has none of its own.
    #[must_use]
    pub fn owner_of_volumes(self) -> Node<'a> {
        let is_set = |parent: &Node<'a>| parent.get("containerSet") == Some(self.node);
        self.node.parent().filter(is_set).unwrap_or(self.node)
    }

    /// The volume of this name.
    #[must_use]
    pub fn volume(self, name: &str) -> Option<Volume<'a>> {
        let around = self.outer;
        let outer = self.layout.volumes.iter().flat_map(move |field| around.list(field));
        let outer = outer.filter(|node| node.is_mapping());
        let mut volumes = self.volumes().chain(outer.map(|node| Volume { node }));
        volumes.find(|volume| volume.name() == Some(name))
    }

    /// The containers that mount a volume, each mount with its container.
    pub fn mounts_of(
        self,
        volume: Volume<'a>,
    ) -> impl Iterator<Item = (Container<'a>, VolumeMount<'a>)> + use<'a> {
        self.containers()
            .flat_map(|container| container.volume_mounts().map(move |mount| (container, mount)))
            .filter(move |(_, mount)| mount.name().is_some() && mount.name() == volume.name())
    }

    /// Whether it shares the node's network.
    #[must_use]
    pub fn host_network(self) -> bool {
        self.node.boolean("hostNetwork") == Some(true)
    }

    /// Whether it sees the node's processes.
    #[must_use]
    pub fn host_pid(self) -> bool {
        self.node.boolean("hostPID") == Some(true)
    }

    /// Whether it shares the node's interprocess communication.
    #[must_use]
    pub fn host_ipc(self) -> bool {
        self.node.boolean("hostIPC") == Some(true)
    }

    /// Whether it runs on Windows, as far as it says so.
    #[must_use]
    pub fn is_windows(self) -> bool {
        self.node.mapping("os").string("name") == Some("windows")
            || self
                .node
                .mapping("nodeSelector")
                .is_some_and(|selector| selector.string("kubernetes.io/os") == Some("windows"))
    }

    /// The service account it runs as; `default` where it names none.
    #[must_use]
    pub fn service_account_name(self) -> &'a str {
        self.inherited("serviceAccountName")
            .or_else(|| self.inherited("serviceAccount"))
            .and_then(Node::as_str)
            .filter(|name| !name.is_empty())
            .unwrap_or("default")
    }

    /// Whether its service account's token is mounted, as far as the pod says so.
    #[must_use]
    pub fn automount_service_account_token(self) -> Option<bool> {
        self.inherited("automountServiceAccountToken").and_then(Node::as_bool)
    }
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    /// Runs to its end before the others start.
    Init,
    /// An init container that restarts always: it runs beside the others.
    Sidecar,
    /// Runs as long as the pod.
    Regular,
    /// Added to a running pod for debugging.
    Ephemeral,
}

/// A container of a pod.
#[derive(Clone, Copy, Debug)]
pub struct Container<'a> {
    node: Node<'a>,
    kind: ContainerKind,
    /// Its name where it says none.
    default_name: &'a str,
    /// A container whose settings it inherits.
    defaults: Option<Node<'a>>,
}

/// Keys that are no names of containers: of specifications, of pods, and of the values of charts.
const NO_NAMES: &[&str] = &[
    "common",
    "global",
    "pod",
    "podSpecPatch",
    "podTemplate",
    "spec",
    "template",
    "values",
    "valuesContent",
    "valuesObject",
    "valuesTemplate",
];

/// The key under which a node is in its mapping; empty for one that says nothing about a container,
/// and for an item of a list.
fn own_key(node: Node<'_>) -> &str {
    let Some(parent) = node.parent() else { return "" };
    let key = parent.entries().find(|entry| entry.value == node).map_or("", |entry| entry.name());
    if NO_NAMES.contains(&key) { "" } else { key }
}

/// Whether an item is a container that another object describes: a step of Tekton that refers to a
/// StepAction.
fn is_reference(item: Node<'_>) -> bool {
    item.mapping("ref").is_some() && item.field("image").is_none()
}

impl<'a> Container<'a> {
    /// The container's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// What it is for.
    #[must_use]
    pub fn kind(self) -> ContainerKind {
        self.kind
    }

    /// Its name; empty where it has none.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.node.string("name").unwrap_or(self.default_name)
    }

    /// The image it runs, as it is written. OpenShift replaces a blank one.
    #[must_use]
    pub fn image(self) -> Option<&'a str> {
        self.node.string("image").filter(|image| !image.trim().is_empty())
    }

    /// When its image is pulled, if it says so.
    #[must_use]
    pub fn image_pull_policy(self) -> Option<&'a str> {
        self.node.string("imagePullPolicy").filter(|policy| !policy.is_empty())
    }

    /// Its own security context.
    #[must_use]
    pub fn security_context(self) -> Option<SecurityContext<'a>> {
        let of = |node: Node<'a>| {
            // Beside it, `securityContext` is the pod's.
            let other = || node.mapping("securityContext");
            node.mapping("containerSecurityContext").or_else(other)
        };
        of(self.node).or_else(|| self.defaults.and_then(of)).map(SecurityContext::new)
    }

    /// The words of its command, the entry point's replacement.
    pub fn command(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("command")
    }

    /// The words of its arguments.
    pub fn args(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.strings("args")
    }

    /// The ports it says it listens on.
    pub fn ports(self) -> impl Iterator<Item = ContainerPort<'a>> + use<'a> {
        self.node.list("ports").filter(|node| node.is_mapping()).map(|node| ContainerPort { node })
    }

    /// What is mounted in it.
    pub fn volume_mounts(self) -> impl Iterator<Item = VolumeMount<'a>> + use<'a> {
        self.node
            .list("volumeMounts")
            .filter(|node| node.is_mapping())
            .map(|node| VolumeMount { node })
    }
}

/// A port of a container.
#[derive(Clone, Copy, Debug)]
pub struct ContainerPort<'a> {
    node: Node<'a>,
}

impl<'a> ContainerPort<'a> {
    /// The port's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// Its name, by which Services and policies may mean it.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.node.string("name")
    }

    /// Its number.
    #[must_use]
    pub fn container_port(self) -> Option<i64> {
        self.node.integer("containerPort")
    }

    /// The node's port that leads to it; 0 counts as none.
    #[must_use]
    pub fn host_port(self) -> Option<i64> {
        self.node.integer("hostPort").filter(|&port| port != 0)
    }

    /// `TCP` where it says nothing.
    #[must_use]
    pub fn protocol(self) -> &'a str {
        self.node.string("protocol").unwrap_or("TCP")
    }
}

/// A volume of a pod.
#[derive(Clone, Copy, Debug)]
pub struct Volume<'a> {
    node: Node<'a>,
}

impl<'a> Volume<'a> {
    /// The volume's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.node.string("name")
    }

    /// A source of it by its field's name (`secret`, `hostPath`, `emptyDir` …). Present also
    /// where it is empty, as `emptyDir: {}` is.
    #[must_use]
    pub fn source(self, name: &str) -> Option<Node<'a>> {
        self.node.mapping(name)
    }

    /// The node's directory that it is.
    #[must_use]
    pub fn host_path(self) -> Option<&'a str> {
        self.source("hostPath").string("path")
    }
}

/// A volume's place in a container.
#[derive(Clone, Copy, Debug)]
pub struct VolumeMount<'a> {
    node: Node<'a>,
}

impl<'a> VolumeMount<'a> {
    /// The mount's node.
    #[must_use]
    pub fn node(self) -> Node<'a> {
        self.node
    }

    /// The name of the volume.
    #[must_use]
    pub fn name(self) -> Option<&'a str> {
        self.node.string("name")
    }

    /// Where it is mounted.
    #[must_use]
    pub fn mount_path(self) -> Option<&'a str> {
        self.node.string("mountPath")
    }

    /// Whether the container can only read it.
    #[must_use]
    pub fn read_only(self) -> bool {
        self.node.boolean("readOnly") == Some(true)
    }

    /// The part of the volume that is mounted, if not all of it.
    #[must_use]
    pub fn sub_path(self) -> Option<&'a str> {
        self.node.string("subPath").or_else(|| self.node.string("subPathExpr"))
    }
}
