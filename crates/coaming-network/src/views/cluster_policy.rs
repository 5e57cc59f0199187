//! The cluster-wide policies: `AdminNetworkPolicy`, `BaselineAdminNetworkPolicy` (v1alpha1) and
//! `ClusterNetworkPolicy` (v1alpha2), read as their definitions validate them.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{Checks, port_number};
use crate::ip::IpSet;
use crate::model::{
    Action, Namespaces, Order, PeerKind, PodSelector, Policy, PolicyKind, PolicyPeer, PortMatch,
    PortNumbers, Rule, Tier,
};
use crate::ports::Protocol;
use crate::selector::Selector;

/// The highest priority number: evaluated last.
const LAST_PRIORITY: i64 = 1000;

/// Reads the policy under examination; what is wrong with it is in `checks` afterwards.
pub(crate) fn read(checks: &mut Checks<'_, '_>, kind: &str) -> Option<Policy> {
    let object = checks.object;
    let root = object.node();
    let Some(spec) = checks.mapping(root, "spec") else {
        checks.refuse(root, "the policy needs a `spec`");
        return None;
    };
    let (kind, tier) = match kind {
        "AdminNetworkPolicy" => (PolicyKind::AdminNetworkPolicy, Tier::Admin),
        "BaselineAdminNetworkPolicy" => {
            if object.name() != "default" {
                let node = object.metadata().unwrap_or(root);
                checks.refuse(node, "a BaselineAdminNetworkPolicy must be named `default`");
            }
            (PolicyKind::BaselineAdminNetworkPolicy, Tier::Baseline)
        }
        _ => (PolicyKind::ClusterNetworkPolicy, cluster_tier(checks, spec)?),
    };
    let priority =
        if kind == PolicyKind::BaselineAdminNetworkPolicy { 0 } else { priority(checks, spec)? };
    let subject = match spec.field("subject") {
        Some(node) => peer_selector(checks, node),
        None => {
            checks.refuse(spec, "the policy needs a `subject`");
            None
        }
    };
    let ingress = rules(checks, spec, kind, "ingress", "from");
    let egress = rules(checks, spec, kind, "egress", "to");
    Some(Policy {
        kind,
        namespace: String::new(),
        name: object.name().to_owned(),
        part: None,
        tier,
        priority,
        order: Order::LAST,
        subject: subject?,
        isolates: [false; 2],
        ingress: (!ingress.is_empty()).then_some(ingress),
        egress: (!egress.is_empty()).then_some(egress),
        dead_rules: Vec::new(),
        location: checks.location(root),
    })
}

fn cluster_tier<'i>(checks: &mut Checks<'_, 'i>, spec: Node<'i>) -> Option<Tier> {
    match spec.string("tier") {
        Some("Admin") => Some(Tier::Admin),
        Some("Baseline") => Some(Tier::Baseline),
        _ => {
            let node = spec.field("tier").unwrap_or(spec);
            checks.refuse(node, "`tier` must be `Admin` or `Baseline`");
            None
        }
    }
}

fn priority<'i>(checks: &mut Checks<'_, 'i>, spec: Node<'i>) -> Option<u32> {
    let number = spec.integer("priority").filter(|number| (0..=LAST_PRIORITY).contains(number));
    let priority = number.and_then(|number| u32::try_from(number).ok());
    if priority.is_none() {
        let node = spec.field("priority").unwrap_or(spec);
        checks.refuse(node, "`priority` must be a number from 0 to 1000");
    }
    priority
}

/// A subject, or a peer that means pods: either `namespaces` or `pods`.
fn peer_selector<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> Option<PodSelector> {
    let namespaces = checks.mapping(node, "namespaces");
    let pods = checks.mapping(node, "pods");
    match (namespaces, pods) {
        (Some(namespaces), None) => Some(PodSelector {
            namespaces: Namespaces::Selected(checks.selector(namespaces)),
            pods: Selector::everything(),
        }),
        (None, Some(pods)) => {
            let mut part = |field: &str| {
                let node = checks.mapping(pods, field);
                node.map_or_else(Selector::everything, |node| checks.selector(node))
            };
            let namespaces = Namespaces::Selected(part("namespaceSelector"));
            Some(PodSelector { namespaces, pods: part("podSelector") })
        }
        _ => {
            checks.refuse(node, "exactly one of `namespaces` and `pods` must be given");
            None
        }
    }
}

fn rules<'i>(
    checks: &mut Checks<'_, 'i>,
    spec: Node<'i>,
    kind: PolicyKind,
    field: &str,
    peers_field: &str,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for node in checks.items(spec, field) {
        let action = action(checks, node, kind);
        let items = checks.items(node, peers_field);
        if items.is_empty() {
            checks.refuse(node, format!("the rule needs at least one item in `{peers_field}`"));
        }
        let mut peers = Vec::new();
        for item in items {
            peers.extend(peer(checks, item, peers_field == "to"));
        }
        let ports_field =
            if kind == PolicyKind::ClusterNetworkPolicy { "protocols" } else { "ports" };
        let mut ports = Vec::new();
        for item in checks.items(node, ports_field) {
            ports.extend(port(checks, item, kind));
        }
        let Some(action) = action else { continue };
        validate(checks, node, kind, action, &peers, &ports);
        rules.push(Rule {
            path: None,
            name: node.string("name").map(str::to_owned),
            action,
            peers: Some(peers),
            ports: node.sequence(ports_field).is_some().then_some(ports),
            limits: Vec::new(),
            location: checks.location(node),
        });
    }
    rules
}

/// What the API's definitions demand of a rule as a whole.
fn validate(
    checks: &mut Checks<'_, '_>,
    node: Node<'_>,
    kind: PolicyKind,
    action: Action,
    peers: &[PolicyPeer],
    ports: &[PortMatch],
) {
    let most = if kind == PolicyKind::ClusterNetworkPolicy { 25 } else { 100 };
    if peers.len() > most || ports.len() > most {
        checks.refuse(node, format!("a rule must not have more than {most} peers or ports"));
    }
    let by_name = peers.iter().any(|peer| peer.kind == PeerKind::Unknown);
    if by_name && action != Action::Allow {
        checks.refuse(node, "`domainNames` can only be allowed, not denied or passed on");
    }
    let is_address = |peer: &PolicyPeer| {
        matches!(peer.kind, PeerKind::Networks(_) | PeerKind::Nodes(_) | PeerKind::Unknown)
    };
    let named = ports.iter().any(|port| matches!(port.numbers, PortNumbers::Named(_)));
    if named && peers.iter().any(is_address) {
        checks.refuse(
            node,
            "a named port cannot be used with `networks`, `nodes` or `domainNames`: only pods give \
             names to ports",
        );
    }
}

fn action<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>, kind: PolicyKind) -> Option<Action> {
    let (allow, names) = match kind {
        PolicyKind::ClusterNetworkPolicy => ("Accept", "`Accept`, `Deny` or `Pass`"),
        PolicyKind::BaselineAdminNetworkPolicy => ("Allow", "`Allow` or `Deny`"),
        _ => ("Allow", "`Allow`, `Deny` or `Pass`"),
    };
    match node.string("action") {
        Some(name) if name == allow => Some(Action::Allow),
        Some("Deny") => Some(Action::Deny),
        Some("Pass") if kind != PolicyKind::BaselineAdminNetworkPolicy => Some(Action::Pass),
        _ => {
            let written = node.field("action").unwrap_or(node);
            checks.refuse(written, format!("`action` must be {names}"));
            None
        }
    }
}

fn peer<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>, egress: bool) -> Option<PolicyPeer> {
    let fields: &[&str] = if egress {
        &["namespaces", "pods", "nodes", "networks", "domainNames"]
    } else {
        &["namespaces", "pods"]
    };
    let given = fields.iter().copied().filter(|field| node.field(field).is_some());
    let given: Vec<&str> = given.collect();
    let kind = match given.as_slice() {
        ["namespaces" | "pods"] => PeerKind::Pods(peer_selector(checks, node)?),
        ["nodes"] => {
            let nodes = checks.mapping(node, "nodes")?;
            PeerKind::Nodes(checks.selector(nodes))
        }
        ["networks"] => PeerKind::Networks(networks(checks, node)),
        [_] => PeerKind::Unknown,
        _ => {
            let names = fields.join(", ");
            checks.refuse(node, format!("exactly one of {names} must be given"));
            return None;
        }
    };
    Some(PolicyPeer { kind, location: checks.location(node) })
}

fn networks<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> IpSet {
    let mut found = IpSet::none();
    for item in checks.items(node, "networks") {
        match item.as_str().map(IpSet::cidr) {
            Some(Ok(set)) => found = found.union(&set),
            Some(Err(error)) => checks.refuse(item, error.to_string()),
            None => checks.refuse(item, "a network must be a CIDR block"),
        }
    }
    found
}

fn port<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>, kind: PolicyKind) -> Option<PortMatch> {
    let found = if kind == PolicyKind::ClusterNetworkPolicy {
        cluster_port(checks, node)
    } else {
        admin_port(checks, node)
    };
    if found.is_none() {
        checks.refuse(
            node,
            if kind == PolicyKind::ClusterNetworkPolicy {
                "exactly one of tcp, udp, sctp and destinationNamedPort must be given, with ports \
                 between 1 and 65535"
            } else {
                "exactly one of portNumber, portRange and namedPort must be given, with ports \
                 between 1 and 65535"
            },
        );
    }
    let (protocol, numbers) = found?;
    Some(PortMatch { protocol, numbers, location: checks.location(node) })
}

type Ports = (Option<Protocol>, PortNumbers);

/// `portNumber`, `portRange` or `namedPort`.
fn admin_port<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> Option<Ports> {
    let number = checks.mapping(node, "portNumber");
    let range = checks.mapping(node, "portRange");
    let name = node.string("namedPort");
    let protocol = |node: Node<'i>| match node.field("protocol") {
        None => Some(Protocol::Tcp),
        Some(value) => value.as_str().and_then(Protocol::from_name),
    };
    match (number, range, name) {
        (Some(number), None, None) => {
            let port = port_number(number.integer("port")?)?;
            Some((Some(protocol(number)?), PortNumbers::Range(port, port)))
        }
        (None, Some(range), None) => {
            let first = port_number(range.integer("start")?)?;
            let last = port_number(range.integer("end")?)?;
            Some((Some(protocol(range)?), PortNumbers::Range(first, last)))
        }
        (None, None, Some(name)) => Some((None, PortNumbers::Named(name.to_owned()))),
        _ => None,
    }
}

/// `tcp`, `udp` or `sctp` with an optional `destinationPort`, or `destinationNamedPort`.
fn cluster_port<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> Option<Ports> {
    let protocols = [("tcp", Protocol::Tcp), ("udp", Protocol::Udp), ("sctp", Protocol::Sctp)];
    let mut given = protocols.into_iter().filter(|(field, _)| node.get(field).is_some());
    let name = node.string("destinationNamedPort");
    match (given.next(), given.next(), name) {
        (None, None, Some(name)) => Some((None, PortNumbers::Named(name.to_owned()))),
        (Some((field, protocol)), None, None) => {
            let inner = checks.mapping(node, field);
            let port = inner.and_then(|inner| checks.mapping(inner, "destinationPort"));
            let Some(port) = port else { return Some((Some(protocol), PortNumbers::All)) };
            let range = checks.mapping(port, "range");
            let numbers = match (port.integer("number"), range) {
                (Some(number), None) => {
                    let number = port_number(number)?;
                    PortNumbers::Range(number, number)
                }
                (None, Some(range)) => {
                    let first = port_number(range.integer("start")?)?;
                    let last = port_number(range.integer("end")?)?;
                    if first >= last {
                        checks.refuse(range, "`start` of a range must be below its `end`");
                    }
                    PortNumbers::Range(first, last)
                }
                _ => return None,
            };
            Some((Some(protocol), numbers))
        }
        _ => None,
    }
}
