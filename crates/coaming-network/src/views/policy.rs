//! `NetworkPolicy`, as the API server reads and validates it.

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

/// Reads the policy under examination; what is wrong with it is in `checks` afterwards.
pub(crate) fn read(checks: &mut Checks<'_, '_>) -> Option<Policy> {
    let object = checks.object;
    let namespace = object.namespace_or_default().to_owned();
    let root = object.node();
    let spec = checks.mapping(root, "spec");
    let pods = spec.and_then(|spec| checks.mapping(spec, "podSelector"));
    let pods = pods.map_or_else(Selector::everything, |node| checks.selector(node));
    let ingress = spec.map(|spec| rules(checks, spec, "ingress", "from")).unwrap_or_default();
    let egress = spec.map(|spec| rules(checks, spec, "egress", "to")).unwrap_or_default();
    let (has_ingress, has_egress) = match spec {
        Some(spec) => directions(checks, spec, !egress.is_empty()),
        None => (true, false),
    };
    let governs = [has_ingress, has_egress];
    let dead_rules = spec.map(|spec| checks.dead_rules(spec, governs)).unwrap_or_default();
    Some(Policy {
        kind: PolicyKind::NetworkPolicy,
        name: object.name().to_owned(),
        part: None,
        tier: Tier::Network,
        priority: 0,
        order: Order::of_kubernetes(),
        subject: PodSelector { namespaces: Namespaces::Named(namespace.clone()), pods },
        isolates: governs,
        ingress: has_ingress.then_some(ingress),
        egress: has_egress.then_some(egress),
        dead_rules,
        namespace,
        location: checks.location(root),
    })
}

/// Whether the policy governs ingress and egress. Without `policyTypes` it always governs ingress,
/// and egress if it has egress rules.
fn directions<'i>(checks: &mut Checks<'_, 'i>, spec: Node<'i>, egress_rules: bool) -> (bool, bool) {
    let types = checks.items(spec, "policyTypes");
    if types.is_empty() {
        return (true, egress_rules);
    }
    let mut found = (false, false);
    for node in types {
        match node.as_str() {
            Some("Ingress") => found.0 = true,
            Some("Egress") => found.1 = true,
            _ => checks.refuse(node, "a policy type must be `Ingress` or `Egress`"),
        }
    }
    found
}

fn rules<'i>(
    checks: &mut Checks<'_, 'i>,
    spec: Node<'i>,
    field: &str,
    peers_field: &str,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for node in checks.items(spec, field) {
        if !node.is_mapping() && !node.is_null() {
            checks.refuse(node, format!("a rule of `{field}` must be a mapping"));
            continue;
        }
        let mut peers = Vec::new();
        for item in checks.items(node, peers_field) {
            peers.extend(peer(checks, item, peers_field));
        }
        let mut ports = Vec::new();
        for item in checks.items(node, "ports") {
            ports.extend(port(checks, item));
        }
        let present = |field: &str| node.list(field).next().is_some();
        rules.push(Rule {
            path: None,
            name: None,
            action: Action::Allow,
            peers: present(peers_field).then_some(peers),
            ports: present("ports").then_some(ports),
            limits: Vec::new(),
            location: checks.location(node),
        });
    }
    rules
}

fn peer<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>, field: &str) -> Option<PolicyPeer> {
    if !node.is_mapping() {
        checks.refuse(node, format!("an item of `{field}` must be a mapping"));
        return None;
    }
    let block = checks.mapping(node, "ipBlock");
    let namespaces = checks.mapping(node, "namespaceSelector");
    let pods = checks.mapping(node, "podSelector");
    let kind = match (block, namespaces, pods) {
        (None, None, None) => {
            checks.refuse(
                node,
                format!(
                    "this item of `{field}` names no peer: give it a podSelector, a \
                     namespaceSelector or an ipBlock (`{{}}` selects all)"
                ),
            );
            return None;
        }
        (Some(block), None, None) => PeerKind::Block(ip_block(checks, block)?),
        (Some(block), _, _) => {
            checks.refuse(
                block,
                "an ipBlock must not be combined with a podSelector or namespaceSelector: make it \
                 a separate item",
            );
            return None;
        }
        (None, namespaces, pods) => {
            let own = || Namespaces::Named(checks.object.namespace_or_default().to_owned());
            let namespaces = match namespaces {
                None => own(),
                Some(node) => Namespaces::Selected(checks.selector(node)),
            };
            let pods = pods.map_or_else(Selector::everything, |node| checks.selector(node));
            PeerKind::Pods(PodSelector { namespaces, pods })
        }
    };
    Some(PolicyPeer { kind, location: checks.location(node) })
}

fn ip_block<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> Option<IpSet> {
    let Some(text) = checks.text(node, "cidr") else {
        checks.refuse(node, "an ipBlock needs a `cidr` such as 10.0.0.0/8");
        return None;
    };
    let whole = match IpSet::cidr(text) {
        Ok(set) => set,
        Err(error) => {
            checks.refuse(node.field("cidr").unwrap_or(node), error.to_string());
            return None;
        }
    };
    let mut rest = whole.clone();
    for item in checks.items(node, "except") {
        match item.as_str().map(IpSet::cidr) {
            Some(Ok(set)) if set.is_subset(&whole) && set != whole => rest = rest.difference(&set),
            Some(Ok(_)) => checks.refuse(
                item,
                format!("`{}` must be within the block {text} and be smaller", item.text()),
            ),
            Some(Err(error)) => checks.refuse(item, error.to_string()),
            None => checks.refuse(item, "an item of `except` must be a CIDR block"),
        }
    }
    Some(rest)
}

fn port<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>) -> Option<PortMatch> {
    if !node.is_mapping() && !node.is_null() {
        checks.refuse(node, "an item of `ports` must be a mapping: write `- port: 80`");
        return None;
    }
    let protocol = match node.field("protocol") {
        None => Protocol::Tcp,
        Some(value) => match value.as_str().and_then(Protocol::from_name) {
            Some(protocol) => protocol,
            None => {
                checks.refuse(value, "a protocol must be `TCP`, `UDP` or `SCTP`");
                return None;
            }
        },
    };
    let numbers = match node.field("port") {
        None => {
            if let Some(end) = node.field("endPort") {
                checks.refuse(end, "`endPort` needs a `port`");
            }
            PortNumbers::All
        }
        Some(value) => match (value.as_int(), value.as_str()) {
            (Some(number), _) => PortNumbers::Range(
                valid_port(checks, value, number)?,
                end_port(checks, node, number)?,
            ),
            (None, Some(name)) if is_port_name(name) => {
                if let Some(end) = node.field("endPort") {
                    checks.refuse(end, "`endPort` needs a number in `port`, not a name");
                }
                PortNumbers::Named(name.to_owned())
            }
            (None, Some(name)) if name.parse::<u16>().is_ok() => {
                checks.refuse(value, "a port number must not be in quotes");
                return None;
            }
            _ => {
                checks.refuse(value, "a port must be a number or the name of a port");
                return None;
            }
        },
    };
    Some(PortMatch { protocol: Some(protocol), numbers, location: checks.location(node) })
}

fn end_port<'i>(checks: &mut Checks<'_, 'i>, node: Node<'i>, first: i64) -> Option<u16> {
    let Some(value) = node.field("endPort") else { return port_number(first) };
    match value.as_int() {
        Some(last) if last >= first => valid_port(checks, value, last),
        Some(_) => {
            checks.refuse(value, "`endPort` must not be below `port`");
            None
        }
        None => {
            checks.refuse(value, "`endPort` must be a number");
            None
        }
    }
}

fn valid_port(checks: &mut Checks<'_, '_>, node: Node<'_>, number: i64) -> Option<u16> {
    let port = port_number(number);
    if port.is_none() {
        checks.refuse(node, "a port must be between 1 and 65535");
    }
    port
}

/// An IANA service name: up to 15 of `a-z`, `0-9` and `-`, with a letter, no `-` at the ends or
/// next to another.
pub(crate) fn is_port_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 15
        && name.bytes().all(allowed)
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}
