//! Policies of every kind, in one form: whom they select, what their rules match, in which order they
//! are evaluated.

use std::fmt;
use std::sync::Arc;

use super::SourceRef;
use crate::ip::IpSet;
use crate::ports::Protocol;
use crate::selector::Selector;

/// Which namespaces are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Namespaces {
    /// This one: a policy's own.
    Named(String),
    /// Those with matching labels.
    Selected(Selector),
}

/// Which pods are meant: both selectors must match.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodSelector {
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The pods in them.
    pub pods: Selector,
}

impl fmt::Display for PodSelector {
    /// `pods with app=web in namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.pods.is_everything() {
            f.write_str("any pod")?;
        } else {
            write!(f, "pods with {}", self.pods)?;
        }
        match &self.namespaces {
            Namespaces::Named(name) => write!(f, " in namespace {name}"),
            Namespaces::Selected(selector) if selector.is_everything() => {
                f.write_str(" in any namespace")
            }
            Namespaces::Selected(selector) => write!(f, " in namespaces with {selector}"),
        }
    }
}

/// What the peer of a connection must be.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PeerKind {
    /// Pods.
    Pods(PodSelector),
    /// Addresses outside of the cluster: an `ipBlock` without its `except`.
    Block(IpSet),
    /// Addresses anywhere: `networks` of the cluster-wide policies, which mean pods too.
    Networks(IpSet),
    /// The addresses of nodes with matching labels.
    Nodes(Selector),
    /// Addresses outside of the cluster, which never mean its pods or nodes: Cilium's CIDRs and its
    /// entity `world`.
    Outside(IpSet),
    /// All nodes, and the pods on their networks: Cilium's entities `host` and `remote-node`.
    Hosts,
    /// The ingress controllers that the input may not contain: Cilium's entity `ingress`.
    Controllers,
    /// The pods that Services lead to.
    Services(ServicePeer),
    /// The addresses of Calico's network sets, pods at them included.
    NetworkSets(NetworkSetPeer),
    /// The addresses of Cilium's CIDR groups, which never mean pods or nodes.
    CidrGroups(CidrGroupPeer),
    /// The API server, whose address is not known: matches nothing.
    ApiServer,
    /// Something that cannot be known offline (`domainNames`): matches nothing.
    Unknown,
}

/// Which Services are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServicePeer {
    /// Their namespace; `None` for any.
    pub namespace: Option<String>,
    /// The name; `None` for any.
    pub name: Option<String>,
    /// The labels of the Services themselves.
    pub labels: Selector,
}

/// Which of Calico's network sets are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkSetPeer {
    /// The namespaces of NetworkSets; `None` for none of them.
    pub namespaces: Option<Namespaces>,
    /// Whether GlobalNetworkSets are meant.
    pub global: bool,
    /// Their labels.
    pub labels: Selector,
}

/// Which of Cilium's CIDR groups are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CidrGroupPeer {
    /// The name of one; `None` for all.
    pub name: Option<String>,
    /// Their labels.
    pub labels: Selector,
    /// The addresses that are left out.
    pub except: IpSet,
}

/// One item of a rule's `from` or `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyPeer {
    /// What it matches.
    pub kind: PeerKind,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// Which port numbers of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortNumbers {
    /// All.
    All,
    /// From one to another, both included.
    Range(u16, u16),
    /// The port with this name in the receiving pod's containers.
    Named(String),
}

/// One item of a rule's `ports`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortMatch {
    /// The protocol; `None` for a named port that may have any.
    pub protocol: Option<Protocol>,
    /// The ports.
    pub numbers: PortNumbers,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// What a rule does with what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The connection is allowed in this direction.
    Allow,
    /// The connection is refused.
    Deny,
    /// The rest of this tier is skipped.
    Pass,
}

/// What else must hold for what a rule allows: what the engine does not decide, but says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// The requests on the connection: `HTTP GET /public`.
    Requests(String),
    /// The address must be one of those that this domain name, or pattern, stands for.
    Name(String),
    /// Both peers must authenticate themselves.
    Authenticated,
    /// The requests that are refused on a connection that is open.
    Except(String),
    /// Somebody else is asked about the requests on a connection that is open.
    Approved {
        /// Who is asked.
        provider: String,
        /// About which requests; `None` for all.
        requests: Option<String>,
    },
}

impl fmt::Display for Limit {
    /// `HTTP GET /public` or `the addresses of api.example.com`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(requests) => f.write_str(requests),
            Self::Name(name) => write!(f, "the addresses of {name}"),
            Self::Authenticated => f.write_str("mutually authenticated peers"),
            Self::Except(requests) => write!(f, "anything but {requests}"),
            Self::Approved { provider, requests: None } => {
                write!(f, "what the external authorizer {provider} approves")
            }
            Self::Approved { provider, requests: Some(requests) } => {
                write!(f, "what the external authorizer {provider} approves of {requests}")
            }
        }
    }
}

/// One rule of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where the policy has it, if not by its position among all rules of the direction:
    /// `egressDeny[0]`.
    pub path: Option<String>,
    /// Its name, where the API has one.
    pub name: Option<String>,
    /// What it does.
    pub action: Action,
    /// The peers; `None` means any.
    pub peers: Option<Vec<PolicyPeer>>,
    /// On which ports; `None` means all.
    pub ports: Option<Vec<PortMatch>>,
    /// Further limits of what it allows, of which any must hold; none in most rules.
    pub limits: Vec<Limit>,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

/// A policy's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyKind {
    /// `networking.k8s.io/v1`.
    NetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`.
    AdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha1`.
    BaselineAdminNetworkPolicy,
    /// `policy.networking.k8s.io/v1alpha2`.
    ClusterNetworkPolicy,
    /// `cilium.io/v2`.
    CiliumNetworkPolicy,
    /// `cilium.io/v2`.
    CiliumClusterwideNetworkPolicy,
    /// `projectcalico.org/v3`.
    CalicoNetworkPolicy,
    /// `projectcalico.org/v3`.
    CalicoGlobalNetworkPolicy,
    /// `security.istio.io/v1`.
    AuthorizationPolicy,
    /// `security.istio.io/v1`.
    PeerAuthentication,
    /// What Istio's ambient mesh does by itself: it carries connections between its pods through one
    /// port.
    AmbientMesh,
    /// `policy.linkerd.io/v1beta3`, with those who are authorized on it.
    Server,
    /// Linkerd's policy for ports without a Server: an annotation.
    InboundPolicy,
    /// `k8s.ovn.org/v1`.
    UserDefinedNetwork,
    /// `k8s.ovn.org/v1`.
    ClusterUserDefinedNetwork,
}

impl PolicyKind {
    /// The API's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NetworkPolicy => "NetworkPolicy",
            Self::AdminNetworkPolicy => "AdminNetworkPolicy",
            Self::BaselineAdminNetworkPolicy => "BaselineAdminNetworkPolicy",
            Self::ClusterNetworkPolicy => "ClusterNetworkPolicy",
            Self::CiliumNetworkPolicy => "CiliumNetworkPolicy",
            Self::CiliumClusterwideNetworkPolicy => "CiliumClusterwideNetworkPolicy",
            // Kubernetes has a kind of this name, too.
            Self::CalicoNetworkPolicy => "NetworkPolicy.projectcalico.org",
            Self::CalicoGlobalNetworkPolicy => "GlobalNetworkPolicy",
            Self::AuthorizationPolicy => "AuthorizationPolicy",
            Self::PeerAuthentication => "PeerAuthentication",
            Self::AmbientMesh => "AmbientMesh",
            Self::Server => "Server",
            Self::InboundPolicy => "default-inbound-policy",
            Self::UserDefinedNetwork => "UserDefinedNetwork",
            Self::ClusterUserDefinedNetwork => "ClusterUserDefinedNetwork",
        }
    }

    /// Whether it is a network policy: something that guards pods, and not a service mesh's or a
    /// network of their own.
    #[must_use]
    pub fn is_network_policy(self) -> bool {
        !self.is_mesh() && !self.is_network()
    }

    /// Whether it is a kind of a network plugin, not of Kubernetes.
    #[must_use]
    pub fn is_of_plugin(self) -> bool {
        self.is_calico() || self.is_cilium()
    }

    /// Whether a service mesh makes it effective, in the proxies of the receiving pods.
    #[must_use]
    pub fn is_mesh(self) -> bool {
        self.is_istio() || self.is_linkerd()
    }

    /// Whether the mesh is Istio.
    #[must_use]
    pub fn is_istio(self) -> bool {
        matches!(self, Self::AuthorizationPolicy | Self::PeerAuthentication | Self::AmbientMesh)
    }

    /// Whether the mesh is Linkerd.
    #[must_use]
    pub fn is_linkerd(self) -> bool {
        matches!(self, Self::Server | Self::InboundPolicy)
    }

    /// Whether it is a network that replaces the cluster's for some namespaces.
    #[must_use]
    pub fn is_network(self) -> bool {
        matches!(self, Self::UserDefinedNetwork | Self::ClusterUserDefinedNetwork)
    }

    /// Whether only Calico makes it effective.
    #[must_use]
    pub fn is_calico(self) -> bool {
        matches!(self, Self::CalicoNetworkPolicy | Self::CalicoGlobalNetworkPolicy)
    }

    /// Whether only Cilium makes it effective.
    #[must_use]
    pub fn is_cilium(self) -> bool {
        matches!(self, Self::CiliumNetworkPolicy | Self::CiliumClusterwideNetworkPolicy)
    }

    /// Whether its rules with this action come before all other rules of their tier, whatever their
    /// policies: Deny rules of Cilium and of Istio's AuthorizationPolicies.
    pub(crate) fn comes_first(self, action: Action) -> bool {
        (self.is_cilium() || self == Self::AuthorizationPolicy) && action == Action::Deny
    }
}

/// When a policy is evaluated: the tiers, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Before all policies: which networks there are. It refuses what crosses their borders.
    Networks,
    /// First of the policies; its decisions are final.
    Admin,
    /// Second: what its Deny rules match is refused, and it decides everything else for the pods that
    /// one of its policies isolates.
    Network,
    /// A tier of Calico's other than `default`, by its name; its order decides whether it comes before
    /// or after the second.
    Named(Arc<str>),
    /// Last, for pods that no policy of the second tier selects.
    Baseline,
    /// After all network policies, which see only the port that Istio's ambient mesh carries connections
    /// through: what they allow on that one is allowed on all.
    Tunnel,
    /// After all network policies, in the proxies of a service mesh: from whom they take connections
    /// that are not encrypted.
    MeshPeers,
    /// As `MeshPeers`, of Linkerd: who is authorized on a port.
    Servers,
    /// As `MeshPeers`, and after it: what the proxies authorize.
    Mesh,
}

impl Tier {
    /// Whether it is evaluated by the proxies of a service mesh, for what the network policies allow.
    pub(crate) fn is_mesh(&self) -> bool {
        matches!(self, Self::Tunnel | Self::MeshPeers | Self::Servers | Self::Mesh)
    }

    /// Whether the first rule that matches decides in it, if it has policies of these kinds. Else they
    /// add up.
    pub(crate) fn is_in_order(&self, kinds: impl IntoIterator<Item = PolicyKind>) -> bool {
        match self {
            Self::Network => kinds.into_iter().any(PolicyKind::is_calico),
            Self::Mesh => false,
            _ => true,
        }
    }
}

/// The order of a policy of Calico in its tier, or of a tier: lower first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Order(u64);

impl Order {
    /// After all numbers: that of a policy without one.
    pub const LAST: Self = Self(u64::MAX);

    /// The order of a number.
    #[must_use]
    pub fn of(number: f64) -> Self {
        let bits = (number + 0.0).to_bits();
        // The bits of numbers are ordered as the numbers are, but for the sign.
        Self(if bits >> 63 == 0 { bits | 1 << 63 } else { !bits })
    }

    /// That of a NetworkPolicy in Calico's tier `default`.
    #[must_use]
    pub fn of_kubernetes() -> Self {
        Self::of(1000.0)
    }
}

/// What is known of a tier of Calico.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TierSettings {
    /// When it is evaluated.
    pub order: Order,
    /// Whether what none of its rules decides goes on to the next tier; else it is refused.
    pub passes: bool,
}

/// The direction of a connection, seen from the policy's pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Towards them.
    Ingress,
    /// Away from them.
    Egress,
}

impl Direction {
    /// Both, ingress first.
    pub const BOTH: [Self; 2] = [Self::Ingress, Self::Egress];

    /// `ingress` or `egress`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

/// A policy, of whatever kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its kind.
    pub kind: PolicyKind,
    /// Its namespace; empty for cluster-wide kinds.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which of the object's policies it is, if that holds several: their position in `specs`.
    pub part: Option<u32>,
    /// When it is evaluated.
    pub tier: Tier,
    /// In which order within its tier: lower first. Always 0 in the second tier.
    pub priority: u32,
    /// As `priority`, on Calico.
    pub order: Order,
    /// The pods that it governs.
    pub subject: PodSelector,
    /// Its rules for connections to its pods; `None` if it does not govern them.
    pub ingress: Option<Vec<Rule>>,
    /// Its rules for connections from its pods; `None` if it does not govern them.
    pub egress: Option<Vec<Rule>>,
    /// Whether it isolates its pods for ingress and for egress: what no rule allows is refused.
    pub isolates: [bool; 2],
    /// Where it has rules for a direction that it does not govern.
    pub dead_rules: Vec<(Direction, Option<SourceRef>)>,
    /// Where it is written.
    pub location: Option<SourceRef>,
}

impl Policy {
    /// Whether it isolates its pods for a direction.
    #[must_use]
    pub fn isolates(&self, direction: Direction) -> bool {
        self.isolates[direction as usize]
    }

    /// Its rules for a direction; `None` if it does not govern it.
    #[must_use]
    pub fn rules(&self, direction: Direction) -> Option<&[Rule]> {
        match direction {
            Direction::Ingress => self.ingress.as_deref(),
            Direction::Egress => self.egress.as_deref(),
        }
    }
}

impl fmt::Display for Policy {
    /// `NetworkPolicy shop/default-deny`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        f.write_str(" ")?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)?;
        match self.part {
            Some(part) if self.kind.is_cilium() => write!(f, " specs[{part}]"),
            _ => Ok(()),
        }
    }
}

impl Policy {
    /// Its rules of both directions.
    pub fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.ingress.iter().chain(&self.egress).flatten()
    }

    /// Every peer in its rules.
    pub(crate) fn peers(&self) -> impl Iterator<Item = &PolicyPeer> {
        self.all_rules().flat_map(|rule| rule.peers.iter().flatten())
    }

    /// Every port that its rules mention.
    pub(crate) fn port_matches(&self) -> impl Iterator<Item = &PortMatch> {
        self.all_rules().flat_map(|rule| rule.ports.iter().flatten())
    }

    /// Every selector of pods in it: its subject first, then those of its rules.
    pub fn pod_selectors(&self) -> impl Iterator<Item = &PodSelector> {
        std::iter::once(&self.subject).chain(self.peers().filter_map(|peer| match &peer.kind {
            PeerKind::Pods(selector) => Some(selector),
            _ => None,
        }))
    }
}
