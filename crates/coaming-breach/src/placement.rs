//! Which pods share a node.
//!
//! Without Node objects nobody knows where a pod runs. Workloads with the same demands on their
//! node
//! (its name, its labels, the taints of the control plane that they tolerate) are one *demand*; two
//! demands meet on a node unless they name different ones.

use std::collections::BTreeMap;

use coaming_kube::{Fields as _, Object, PodSpec, World};
use coaming_yaml::Node;

use crate::scene::PodInfo;

/// What pods demand of their node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Demand {
    node: Option<String>,
    labels: BTreeMap<String, String>,
    /// Whether they run on every node that fits.
    is_daemon: bool,
    on_control_plane: OnControlPlane,
}

/// Whether pods run on nodes of the control plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum OnControlPlane {
    /// They do not tolerate its taint.
    #[default]
    No,
    /// They tolerate it: the scheduler decides.
    Maybe,
    /// They only run there, or on every node including those.
    Always,
}

/// The demands of all pods.
#[derive(Debug, Default)]
pub(crate) struct Placements {
    demands: Vec<Demand>,
    of_pod: Vec<usize>,
}

const CONTROL_PLANE: &[&str] =
    &["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];

impl Placements {
    pub(crate) fn new(world: &World, pods: &[PodInfo<'_>]) -> Self {
        let mut known: BTreeMap<Demand, usize> = BTreeMap::new();
        let mut placements = Self::default();
        for pod in pods {
            let demand = demand(world, pod);
            let next = known.len();
            let number = *known.entry(demand.clone()).or_insert(next);
            if number == placements.demands.len() {
                placements.demands.push(demand);
            }
            placements.of_pod.push(number);
        }
        placements
    }

    pub(crate) fn count(&self) -> usize {
        self.demands.len()
    }

    /// The demand of a pod.
    pub(crate) fn of(&self, pod: usize) -> usize {
        self.of_pod[pod]
    }

    /// Whether a pod runs on every node.
    pub(crate) fn is_on_every_node(&self, pod: usize) -> bool {
        let demand = &self.demands[self.of(pod)];
        demand.is_daemon && demand.node.is_none() && demand.labels.is_empty()
    }

    /// The node that a pod names.
    pub(crate) fn named_node(&self, pod: usize) -> Option<&str> {
        self.demands[self.of(pod)].node.as_deref()
    }

    pub(crate) fn on_control_plane(&self, pod: usize) -> OnControlPlane {
        self.demands[self.of(pod)].on_control_plane
    }

    /// Whether pods with these demands may run on the same node.
    pub(crate) fn may_meet(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.demands[one], &self.demands[other]);
        let same_node = match (&one.node, &other.node) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        let mut contradict = one
            .labels
            .iter()
            .any(|(key, value)| other.labels.get(key).is_some_and(|known| known != value));
        // Only pods that tolerate its taint run on the control plane.
        let exclusive = |a: &Demand, b: &Demand| {
            a.on_control_plane == OnControlPlane::Always
                && !a.is_daemon
                && b.on_control_plane == OnControlPlane::No
        };
        contradict |= exclusive(one, other) || exclusive(other, one);
        same_node && !contradict
    }
}

fn demand(world: &World, pod: &PodInfo<'_>) -> Demand {
    let spec = pod.pod();
    let labels = spec.node().pairs("nodeSelector");
    let labels: BTreeMap<String, String> = labels
        .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
        .filter(|(key, _)| key != "kubernetes.io/os" && key != "kubernetes.io/arch")
        .collect();
    let is_daemon = pod.object().kind() == "DaemonSet";
    let node = spec.node().string("nodeName").filter(|name| !name.is_empty()).map(str::to_owned);
    let on_control_plane = match &node {
        Some(name) => node_is_control_plane(world, name),
        None if requires_control_plane(spec.node()) => OnControlPlane::Always,
        None if tolerates_control_plane(spec) && labels.is_empty() => {
            match has_control_plane(world) {
                Some(false) => OnControlPlane::No,
                Some(true) if is_daemon => OnControlPlane::Always,
                _ => OnControlPlane::Maybe,
            }
        }
        None => OnControlPlane::No,
    };
    Demand { node, labels, is_daemon, on_control_plane }
}

fn is_control_plane(node: Object<'_>) -> bool {
    let labels = node.metadata().mapping("labels");
    CONTROL_PLANE.iter().any(|label| labels.written(label).is_some())
}

/// Whether nodes of the control plane are among the known nodes; `None` if no node is known.
fn has_control_plane(world: &World) -> Option<bool> {
    let mut nodes = world.of_kind("Node").filter(|node| node.group().is_empty()).peekable();
    nodes.peek()?;
    Some(nodes.any(is_control_plane))
}

/// Whether a node that the input may show is one of the control plane.
fn node_is_control_plane(world: &World, name: &str) -> OnControlPlane {
    let mut nodes = world.of_kind("Node").filter(|node| node.group().is_empty());
    match nodes.find(|node| node.name() == name) {
        Some(node) if is_control_plane(node) => OnControlPlane::Always,
        // Which node this is, is listed as unknown.
        Some(_) | None => OnControlPlane::No,
    }
}

fn requires_control_plane(pod: Node<'_>) -> bool {
    let is_label = |key: &str| CONTROL_PLANE.contains(&key);
    if pod.pairs("nodeSelector").any(|entry| is_label(entry.name())) {
        return true;
    }
    let required = pod
        .mapping("affinity")
        .mapping("nodeAffinity")
        .mapping("requiredDuringSchedulingIgnoredDuringExecution");
    let mut terms = required.list("nodeSelectorTerms").peekable();
    terms.peek().is_some()
        && terms.all(|term| {
            term.list("matchExpressions").any(|expression| {
                expression.string("key").is_some_and(is_label)
                    && matches!(expression.string("operator"), Some("Exists" | "In"))
            })
        })
}

fn tolerates_control_plane(pod: PodSpec<'_>) -> bool {
    pod.node().list("tolerations").any(|toleration| {
        let key = toleration.string("key").unwrap_or_default();
        let exists = toleration.string("operator") == Some("Exists");
        let effect = toleration.string("effect").unwrap_or_default();
        matches!(effect, "" | "NoSchedule")
            && (key.is_empty() && exists || CONTROL_PLANE.contains(&key))
    })
}
