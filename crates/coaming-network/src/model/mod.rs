//! What the engine reasons about: namespaces, pods, policies, and ingress points.
//!
//! A [`Model`] is plain data, complete in itself, made by [`crate::from_world`] or by hand.
//! Invariants: everything in it is valid (what the API server would refuse is a [`Problem`]
//! instead), every namespace of pods or policies is in `namespaces`, and every
//! namespace has its automatic `kubernetes.io/metadata.name` label.

mod ambient;
mod linkerd;
mod mesh;
mod policy;
mod waypoint;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use coaming_kube::ObjectId;
use coaming_yaml::NodeId;
use slab::Slab;

use crate::ip::IpSet;
use crate::ports::Protocol;
use crate::selector::{Labels, Selector};
pub use ambient::TUNNEL_PORT;
pub(crate) use ambient::{ambient_policies, carries, in_mesh, is_carried};
pub use linkerd::InboundPolicy;
pub(crate) use linkerd::{Linkerd, LinkerdWish, enter_linkerd, with_proxy};
pub use mesh::Mesh;
pub(crate) use mesh::{MeshWish, asks_for_ambient, enter_mesh, is_ambient};
pub use policy::{
    Action, CidrGroupPeer, Direction, Limit, Namespaces, NetworkSetPeer, Order, PeerKind,
    PodSelector, Policy, PolicyKind, PolicyPeer, PortMatch, PortNumbers, Rule, ServicePeer, Tier,
    TierSettings,
};
pub use waypoint::Waypoint;

/// The order of Calico's tier `default`, where NetworkPolicies are.
const DEFAULT_TIER_ORDER: f64 = 1_000_000.0;

/// What the order of evaluation goes by.
pub(crate) type Turn<'m> =
    ((u8, Order, &'m str), u32, Order, (&'m str, PolicyKind, &'m str, Option<u32>));

/// The label that every namespace has automatically.
pub const NAMESPACE_NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Where something is written: enough to show the line, and to find the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceRef {
    /// The object, in the world that the model was made from.
    pub object: ObjectId,
    /// The field, in the object's document.
    pub node: NodeId,
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// The line, from 1; `None` where the object came without text.
    pub line: Option<u32>,
}

impl fmt::Display for SourceRef {
    /// `web.yaml:12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its labels, the automatic one included.
    pub labels: Labels,
    /// Where it is written; `None` for one that is only mentioned.
    pub location: Option<SourceRef>,
    /// Whether it may contain pods that the input does not show: it has custom resources, whose
    /// controllers may make some.
    pub opaque: bool,
}

/// What users call a workload: the topmost owner of pods that the input names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Deployment`, `Pod` …
    pub kind: String,
}

impl fmt::Display for Workload {
    /// `shop/web (Deployment)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ({})", self.namespace, self.name, self.kind)
    }
}

/// A port that a container declares.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its number.
    pub number: u16,
}

/// What a group of pods represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Pods in the input.
    Real,
    /// A stand-in for an ingress controller, which the input may not contain.
    Controller,
}

/// Pods that are alike because they come from one template or one manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// Their workload, by its id in [`Model::workloads`].
    pub workload: usize,
    /// Their namespace.
    pub namespace: Arc<str>,
    /// Their labels.
    pub labels: Arc<Labels>,
    /// The ports that their containers name.
    pub ports: Vec<ContainerPort>,
    /// Whether they share their node's network: no policy selects them then, and to others they
    /// are the node's addresses, not pods.
    pub host_network: bool,
    /// Their addresses (or their node's, with `host_network`), as far as the input knows them.
    pub addresses: IpSet,
    /// What they represent.
    pub role: Role,
    /// Where the pods' template is written.
    pub location: Option<SourceRef>,
}

impl ExternalSource {
    /// Whether it is in the cluster, so that a pod stands for it.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        !matches!(self, Self::Address(_))
    }
}

/// The source of traffic that enters through an ingress point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternalSource {
    /// An ingress controller: a pod in some namespace.
    Controller,
    /// A gateway of Istio.
    Gateway,
    /// Either of them.
    ControllerOrGateway,
    /// An address in this set.
    Address(IpSet),
}

/// A port of some pods that is open to traffic from outside of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressPoint {
    /// The pods, by their id in [`Model::pods`].
    pub pods: usize,
    /// The protocol.
    pub protocol: Protocol,
    /// The port of the pods.
    pub port: u16,
    /// Where the traffic comes from.
    pub source: ExternalSource,
    /// The object that opens it: `Ingress shop/web`.
    pub via: String,
}

/// A Service, as far as it matters to policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its own labels.
    pub labels: Labels,
    /// Its selector; `None` if it selects no pods by itself.
    pub selector: Option<Selector>,
    /// For one without a selector, the addresses that its EndpointSlices list.
    pub endpoints: IpSet,
    /// Its ports.
    pub ports: Vec<ServicePort>,
    /// Whether the API server connects to it, as a webhook or an aggregated API.
    pub serves_api: bool,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name; empty where it has none.
    pub name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// The port that clients use.
    pub port: u16,
    /// Where it leads: a number, or a name of a container's port.
    pub target: PortNumbers,
}

/// A node, as far as it matters to policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its labels.
    pub labels: Labels,
    /// Its addresses.
    pub addresses: IpSet,
}

/// A set of addresses that policies of Calico or Cilium select.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSet {
    /// The name, if it is a CiliumCIDRGroup; policies of Calico do not know those.
    pub cidr_group: Option<String>,
    /// Its namespace; `None` for a GlobalNetworkSet and a CiliumCIDRGroup.
    pub namespace: Option<String>,
    /// Its labels.
    pub labels: Labels,
    /// Its addresses.
    pub addresses: IpSet,
}

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProblemKind {
    /// The API server refuses it.
    Refused,
    /// Several objects define one namespace, with different labels.
    AmbiguousNamespace,
}

/// Something in the input that does not count, because the API server would refuse it or another
/// object replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong with it.
    pub kind: ProblemKind,
    /// The object: `NetworkPolicy shop/web`.
    pub object: String,
    /// What is wrong, and what to do.
    pub message: String,
    /// Where.
    pub location: Option<SourceRef>,
}

/// Which pods an object that is not evaluated can touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every pod of the cluster, those on their node's network included.
    Cluster,
    /// At most these pods.
    Pods(PodSelector),
    /// Pods that share their node's network.
    Hosts,
}

/// What an object that is not evaluated may change about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Influence {
    /// It allows or denies connections, beside the policies that are evaluated.
    Policy,
    /// A service mesh refuses requests by it, after the connection is there.
    Mesh,
    /// As `Mesh`; it is evaluated, but not for pods of which it is not known whether they have a proxy
    /// of the mesh.
    Proxy,
    /// It has the proxies of the mesh refuse what their own pods connect to.
    Outbound,
    /// It lets traffic enter the cluster.
    Entrance,
    /// It attaches pods to other networks, to which other policies may apply.
    Network,
}

/// An object that decides about connections and that the engine does not evaluate, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unevaluated {
    /// Its API group.
    pub group: String,
    /// Its kind.
    pub kind: String,
    /// The field that is not evaluated, where the rest is: `toGroups`.
    pub field: Option<String>,
    /// What it may change.
    pub influence: Influence,
    /// The pods that it can touch.
    pub scope: Scope,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// What makes the network policies effective. Plugins differ in what an `ipBlock` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetworkPlugin {
    /// Not known: an `ipBlock` means no pods but those on their node's network.
    #[default]
    Unknown,
    /// As in the tests of Kubernetes: an `ipBlock` means pods by their addresses too.
    Kubernetes,
    /// Calico: as Kubernetes.
    Calico,
    /// Cilium: an `ipBlock` never means pods or nodes.
    Cilium,
}

impl NetworkPlugin {
    /// Whether an `ipBlock` means pods on the pod network by their addresses.
    #[must_use]
    pub fn blocks_mean_pods(self) -> bool {
        matches!(self, Self::Kubernetes | Self::Calico)
    }

    /// Whether an `ipBlock` means pods on their node's network by its addresses.
    #[must_use]
    pub fn blocks_mean_hosts(self) -> bool {
        self != Self::Cilium
    }

    /// Whether it makes policies of this kind effective; what is not known is taken to.
    #[must_use]
    pub fn enforces(self, kind: PolicyKind) -> bool {
        match self {
            Self::Unknown => true,
            Self::Cilium => !kind.is_calico() && !kind.is_network(),
            Self::Calico => !kind.is_cilium() && !kind.is_network(),
            Self::Kubernetes => !kind.is_cilium() && !kind.is_calico(),
        }
    }
}

/// Everything the engine reasons about.
///
/// Workloads, pods, policies, Services and nodes are under ids that stay valid: what is removed
/// leaves a gap, and nothing else moves.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The namespaces, by name.
    pub namespaces: BTreeMap<String, Namespace>,
    /// The workloads.
    pub workloads: Slab<Workload>,
    /// The pods.
    pub pods: Slab<Pods>,
    /// The policies.
    pub policies: Slab<Policy>,
    /// The Services.
    pub services: Slab<Service>,
    /// The nodes.
    pub nodes: Slab<Node>,
    /// Calico's network sets.
    pub network_sets: Vec<NetworkSet>,
    /// Calico's tiers, by name; `default` is [`Tier::Network`].
    pub tiers: BTreeMap<Arc<str>, TierSettings>,
    /// The ways through waypoints of Istio's ambient mesh.
    pub waypoints: Vec<Waypoint>,
    /// The ingress points of each group of pods, by its id; each list is sorted.
    pub ingress_points: BTreeMap<usize, Vec<IngressPoint>>,
    /// Why routes that name the Services of pods do not lead there, by the pods.
    pub refused_routes: BTreeMap<usize, BTreeSet<String>>,
    /// What does not count.
    pub problems: Vec<Problem>,
    /// What decides about connections and is not evaluated.
    pub unevaluated: Vec<Unevaluated>,
    /// The network plugin, as far as it is known.
    pub plugin: NetworkPlugin,
    /// Whether the cluster has IPv6 addresses, as far as the input says. Policies that name any
    /// count too.
    pub ipv6: bool,
}

impl Model {
    /// Adds a namespace that is only mentioned, unless it exists.
    pub fn mention_namespace(&mut self, name: &str) {
        if !self.namespaces.contains_key(name) {
            self.add_namespace(name, Labels::new(), None);
        }
    }

    /// Adds a namespace with its labels and the automatic one.
    pub fn add_namespace(&mut self, name: &str, mut labels: Labels, location: Option<SourceRef>) {
        labels.insert(NAMESPACE_NAME_LABEL.to_owned(), name.to_owned());
        self.namespaces.insert(name.to_owned(), Namespace { labels, location, opaque: false });
    }

    /// What the order of evaluation goes by: tiers first, then priorities; the rest makes the order
    /// of equals definite.
    pub(crate) fn turn<'m>(&'m self, policy: &'m Policy) -> Turn<'m> {
        let tier = match &policy.tier {
            Tier::Networks => (0, Order::of(0.0), ""),
            Tier::Admin => (1, Order::of(0.0), ""),
            Tier::Network => (2, Order::of(DEFAULT_TIER_ORDER), "default"),
            Tier::Named(name) => {
                let settings = self.tiers.get(name);
                (2, settings.map_or(Order::LAST, |settings| settings.order), &**name)
            }
            Tier::Baseline => (3, Order::of(0.0), ""),
            Tier::Tunnel => (4, Order::of(0.0), ""),
            Tier::MeshPeers => (5, Order::of(0.0), ""),
            Tier::Servers => (6, Order::of(0.0), ""),
            Tier::Mesh => (7, Order::of(0.0), ""),
        };
        let name = (policy.name.as_str(), policy.kind, policy.namespace.as_str(), policy.part);
        (tier, policy.priority, policy.order, name)
    }

    /// Whether what a tier does not decide for the pods that its policies isolate goes on.
    pub(crate) fn passes(&self, tier: &Tier) -> bool {
        match tier {
            Tier::Networks
            | Tier::Admin
            | Tier::Baseline
            | Tier::Tunnel
            | Tier::MeshPeers
            | Tier::Servers => true,
            Tier::Network | Tier::Mesh => false,
            Tier::Named(name) => self.tiers.get(name).is_some_and(|settings| settings.passes),
        }
    }

    /// The ingress points of all pods.
    pub fn all_ingress_points(&self) -> impl Iterator<Item = &IngressPoint> {
        self.ingress_points.values().flatten()
    }

    /// The ports of a protocol that these pods name, or all numbers of that name.
    pub fn named_ports<'m>(
        pods: &'m Pods,
        protocol: Option<Protocol>,
        name: &'m str,
    ) -> impl Iterator<Item = &'m ContainerPort> {
        pods.ports.iter().filter(move |port| {
            port.name.as_deref() == Some(name)
                && protocol.is_none_or(|protocol| protocol == port.protocol)
        })
    }

    /// The policies, and those of waypoints.
    pub fn all_policies(&self) -> impl Iterator<Item = &Policy> {
        let policies = self.policies.iter().map(|(_, policy)| policy);
        policies.chain(self.waypoints.iter().flat_map(|waypoint| &waypoint.policies))
    }

    /// Every selector of pods in the policies.
    pub fn pod_selectors(&self) -> impl Iterator<Item = &PodSelector> {
        self.policies.iter().flat_map(|(_, policy)| policy.pod_selectors())
    }

    /// Every address set in the policies that names addresses of a family.
    pub fn address_sets(&self) -> impl Iterator<Item = &IpSet> {
        let peers = self.all_policies().flat_map(Policy::peers);
        peers.filter_map(|peer| match &peer.kind {
            PeerKind::Block(set) | PeerKind::Networks(set) => Some(set),
            // All of IPv6 is meant even where nobody has it.
            PeerKind::Outside(set) => (!set.covers_v6()).then_some(set),
            _ => None,
        })
    }
}
