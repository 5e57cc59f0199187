//! Who the other side is: endpoints by their labels, entities, CIDRs, Services, nodes and names.
//!
//! Cilium decides by identities: a pod has the labels of its manifest and of its namespace, and anything
//! else has a reserved label. So a selector that asks only for what is *absent* also means nodes
//! and the outside, unless it is limited to a namespace.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::{SpecReader, Subject, peer};
use crate::ip::IpSet;
use crate::model::{
    Action, CidrGroupPeer, Direction, Limit, NAMESPACE_NAME_LABEL, Namespaces, PeerKind,
    PodSelector, PolicyPeer, Scope, ServicePeer,
};
use crate::selector::{Operator, SERVICE_ACCOUNT, Selector, SelectorError};
use crate::views::address_or_block;

/// The label of an identity that names its namespace.
const NAMESPACE: &str = "io.kubernetes.pod.namespace";
/// The prefix of an identity's labels that are its namespace's.
const NAMESPACE_LABELS: &str = "io.cilium.k8s.namespace.labels.";

/// The peers of a rule, `None` for any, and the names to which they are limited.
type Peers = (Option<Vec<PolicyPeer>>, Vec<Limit>);

/// A selector of identities, sorted by what its requirements are about.
#[derive(Default)]
struct Identity {
    pods: Selector,
    namespace_name: Vec<Operator>,
    namespace_labels: Selector,
    /// The reserved labels that must be there.
    reserved: Vec<String>,
    /// The reserved labels that must not be there.
    not_reserved: Vec<String>,
    /// Whether it asks for a label of a pod.
    asks_for_pods: bool,
    /// Whether something in it is met by no identity that is known.
    matches_nothing: bool,
}

impl Identity {
    /// Adds a requirement on one label; what of it is not evaluated is added to `gaps`.
    fn require(
        &mut self,
        key: &str,
        operator: &str,
        values: Vec<String>,
        gaps: &mut Vec<String>,
    ) -> Result<(), SelectorError> {
        let (source, name) = key.split_once(':').unwrap_or(("any", key));
        let mut checked = Selector::everything();
        checked.match_expression(name, operator, values)?;
        let Some(requirement) = checked.requirements().first() else { return Ok(()) };
        let operator = requirement.operator.clone();
        let absence = matches!(operator, Operator::NotIn(_) | Operator::DoesNotExist);
        match (source, name) {
            ("reserved", name) if absence => self.not_reserved.push(name.to_owned()),
            ("reserved", name) => self.reserved.push(name.to_owned()),
            ("k8s" | "any", NAMESPACE) => self.namespace_name.push(operator),
            ("k8s" | "any", "io.cilium.k8s.policy.cluster") => gaps.push(name.to_owned()),
            ("k8s" | "any", "io.cilium.k8s.policy.serviceaccount") => {
                self.pods.require(SERVICE_ACCOUNT, operator);
            }
            ("k8s" | "any", name) => match name.strip_prefix(NAMESPACE_LABELS) {
                Some(label) => self.namespace_labels.require(label, operator),
                None => self.pods.require(name, operator),
            },
            _ => {
                // No pod has labels of another source.
                gaps.push(key.to_owned());
                self.matches_nothing |= !absence;
            }
        }
        self.asks_for_pods |= !absence && source != "reserved";
        Ok(())
    }
}

impl<'i> SpecReader<'_, '_, 'i> {
    /// The pods of an `endpointSelector`.
    pub(super) fn subject_pods(&mut self, node: Node<'i>) -> Option<Subject> {
        let found = self.identity(node)?;
        let other = Subject::Other(Scope::Cluster, "endpointSelector");
        // Health checks between nodes, and pods before their labels are known.
        if found.reserved.iter().any(|name| ["health", "init", "unmanaged"].contains(&&**name)) {
            return Some(Subject::Nobody);
        }
        if !found.reserved.is_empty() || found.matches_nothing {
            return Some(other);
        }
        let own = self.namespace();
        let namespaces = match own {
            Some(own) if found.namespace_labels.is_everything() => {
                Namespaces::Named(own.to_owned())
            }
            Some(own) => {
                let mut selector = found.namespace_labels;
                selector.require(NAMESPACE_NAME_LABEL, Operator::In(vec![own.to_owned()]));
                Namespaces::Selected(selector)
            }
            None => match namespaces(found.namespace_name, found.namespace_labels) {
                Some(namespaces) => namespaces,
                None => return Some(other),
            },
        };
        Some(Subject::Pods(PodSelector { namespaces, pods: found.pods }))
    }

    /// The peers of a rule; `None` if it selects nothing.
    pub(super) fn peers(
        &mut self,
        node: Node<'i>,
        direction: Direction,
        action: Action,
    ) -> Option<Peers> {
        let (prefix, fields): (&str, &[&str]) = match direction {
            Direction::Ingress => {
                ("from", &["Endpoints", "Entities", "CIDR", "CIDRSet", "Nodes", "Groups"])
            }
            Direction::Egress => (
                "to",
                &[
                    "Endpoints",
                    "Entities",
                    "CIDR",
                    "CIDRSet",
                    "Nodes",
                    "Groups",
                    "Services",
                    "FQDNs",
                ],
            ),
        };
        let fields: Vec<String> = fields.iter().map(|field| format!("{prefix}{field}")).collect();
        let mut known: Vec<&str> = fields.iter().map(String::as_str).collect();
        let given: Vec<&str> =
            known.iter().copied().filter(|field| node.field(field).is_some()).collect();
        known.extend(["toPorts", "icmps", "authentication"]);
        self.note_unknown(node, &known);
        let mut peers = Vec::new();
        let mut names = Vec::new();
        let mut nonempty = 0;
        for &field in &given {
            let items = self.checks.items(node, field);
            nonempty += usize::from(!items.is_empty());
            self.peers_of_field(field, &items, action, &mut peers, &mut names);
        }
        if nonempty > 1 {
            let message = format!("{} must not be combined in one rule", given.join(" and "));
            self.checks.refuse(node, message);
        }
        match (given.is_empty(), peers.is_empty()) {
            (true, _) => Some((None, names)),
            (false, true) => None,
            (false, false) => Some((Some(peers), names)),
        }
    }

    fn peers_of_field(
        &mut self,
        field: &str,
        items: &[Node<'i>],
        action: Action,
        peers: &mut Vec<PolicyPeer>,
        names: &mut Vec<Limit>,
    ) {
        match field {
            "fromEntities" | "toEntities" => peers.extend(self.entities(field, items, action)),
            "toFQDNs" => {
                for item in items {
                    let name = item.string("matchName").or_else(|| item.string("matchPattern"));
                    let Some(name) = name else {
                        let message = "an item of `toFQDNs` needs a `matchName` or `matchPattern`";
                        self.checks.refuse(*item, message);
                        continue;
                    };
                    names.push(Limit::Name(name.to_owned()));
                    peers.push(peer(PeerKind::Outside(IpSet::all()), self.checks.location(*item)));
                }
            }
            "fromGroups" | "toGroups" => {
                if !items.is_empty() {
                    self.gaps.push(field.to_owned());
                }
            }
            _ => {
                for &item in items {
                    let kinds = match field {
                        "fromEndpoints" | "toEndpoints" => self.endpoints(item, action),
                        "fromCIDR" | "toCIDR" => self.cidr(item).into_iter().collect(),
                        "fromCIDRSet" | "toCIDRSet" => self.cidr_set(item).into_iter().collect(),
                        "toServices" => self.service(item).into_iter().collect(),
                        _ => vec![PeerKind::Nodes(self.node_selector(item))],
                    };
                    let location = self.checks.location(item);
                    peers.extend(kinds.into_iter().map(|kind| peer(kind, location.clone())));
                }
            }
        }
    }

    /// What an item of `fromEndpoints` or `toEndpoints` means.
    fn endpoints(&mut self, node: Node<'i>, action: Action) -> Vec<PeerKind> {
        let Some(found) = self.identity(node) else { return Vec::new() };
        if found.matches_nothing {
            return Vec::new();
        }
        if let Some(name) = found.reserved.first() {
            // Hardly anything has two reserved labels, and no pod has one.
            let contradicts = found.reserved.iter().any(|it| it != name)
                || found.not_reserved.contains(name)
                || found.asks_for_pods;
            return match contradicts {
                true => Vec::new(),
                false => self.entity(name, action).unwrap_or_default(),
            };
        }
        let own = self.namespace();
        // A selector that mentions a reserved label is taken as it is written.
        let is_limited = found.namespace_name.is_empty()
            && found.not_reserved.is_empty()
            && (own.is_none() || found.namespace_labels.is_everything());
        let mut kinds = Vec::new();
        if !found.asks_for_pods && !is_limited {
            let refused = |name: &str| found.not_reserved.iter().any(|it| it == name);
            if !refused("world") {
                kinds.push(PeerKind::Outside(IpSet::all()));
            }
            if !refused("host") && !refused("remote-node") {
                kinds.push(PeerKind::Hosts);
            }
        }
        let namespaces = match own {
            Some(own) if is_limited => Some(Namespaces::Named(own.to_owned())),
            _ => namespaces(found.namespace_name, found.namespace_labels),
        };
        let pods = found.pods;
        kinds.extend(namespaces.map(|namespaces| PeerKind::Pods(PodSelector { namespaces, pods })));
        kinds
    }

    /// Reads a selector of identities; `None` if it is not valid.
    fn identity(&mut self, node: Node<'i>) -> Option<Identity> {
        let before = self.checks.problems.len();
        if !node.is_mapping() {
            self.checks.refuse(node, "a selector must be a mapping");
        }
        let mut found = Identity::default();
        let gaps = &mut self.gaps;
        self.checks.requirements(node, |checks, node, key, operator, values| {
            if let Err(error) = found.require(key, operator, values, gaps) {
                checks.refuse(node, error.to_string());
            }
        });
        (self.checks.problems.len() == before).then_some(found)
    }

    fn entities(&mut self, field: &str, items: &[Node<'i>], action: Action) -> Vec<PolicyPeer> {
        let names: Vec<&str> = items.iter().filter_map(|item| item.as_str()).collect();
        let both_hosts = names.contains(&"host") && names.contains(&"remote-node");
        let mut found = Vec::new();
        for &item in items {
            let Some(name) = item.as_str() else {
                self.checks.refuse(item, format!("an item of `{field}` must be text"));
                continue;
            };
            // Denied are the pods of one node: which node, and which pods are there, is not known.
            let action = if both_hosts { Action::Allow } else { action };
            let Some(kinds) = self.entity(name, action) else {
                self.checks.refuse(item, format!("`{name}` is not an entity that Cilium knows"));
                continue;
            };
            let location = self.checks.location(item);
            found.extend(kinds.into_iter().map(|kind| peer(kind, location.clone())));
        }
        found
    }

    /// What an entity means; `None` if there is no such entity.
    fn entity(&mut self, name: &str, action: Action) -> Option<Vec<PeerKind>> {
        let any_pod = || {
            let namespaces = Namespaces::Selected(Selector::everything());
            PeerKind::Pods(PodSelector { namespaces, pods: Selector::everything() })
        };
        let world = PeerKind::Outside;
        Some(match name {
            "all" => vec![any_pod(), PeerKind::Hosts, world(IpSet::all())],
            "cluster" => vec![any_pod(), PeerKind::Hosts],
            "world" => vec![world(IpSet::all())],
            "world-ipv4" => vec![world(IpSet::all_v4())],
            "world-ipv6" => vec![world(IpSet::all().difference(&IpSet::all_v4()))],
            "host" | "remote-node" if action == Action::Deny => {
                self.gaps.push(format!("entity {name}"));
                Vec::new()
            }
            "host" | "remote-node" => vec![PeerKind::Hosts],
            "ingress" => vec![PeerKind::Controllers],
            "kube-apiserver" => vec![PeerKind::ApiServer],
            "init" | "health" | "unmanaged" | "none" => Vec::new(),
            _ => return None,
        })
    }

    fn cidr(&mut self, node: Node<'i>) -> Option<PeerKind> {
        let text = node.as_str().unwrap_or_default();
        match address_or_block(text) {
            Ok(set) => Some(PeerKind::Outside(set)),
            Err(error) => {
                self.checks.refuse(node, error.to_string());
                None
            }
        }
    }

    fn cidr_set(&mut self, node: Node<'i>) -> Option<PeerKind> {
        self.note_unknown(node, &["cidr", "cidrGroupRef", "cidrGroupSelector", "except"]);
        let ways = ["cidr", "cidrGroupRef", "cidrGroupSelector"];
        if ways.iter().filter(|field| node.field(field).is_some()).count() != 1 {
            let message = "an item of CIDRs needs a `cidr` such as 10.0.0.0/8, or one of \
                           `cidrGroupRef` and `cidrGroupSelector`";
            self.checks.refuse(node, message);
            return None;
        }
        if node.field("cidr").is_none() {
            return self.cidr_groups(node);
        }
        let text = self.checks.text(node, "cidr")?;
        let whole = match IpSet::cidr(text) {
            Ok(set) => set,
            Err(error) => {
                self.checks.refuse(node, error.to_string());
                return None;
            }
        };
        let mut rest = whole.clone();
        for item in self.checks.items(node, "except") {
            match item.as_str().map(IpSet::cidr) {
                Some(Ok(set)) if !set.intersection(&whole).is_empty() => {
                    rest = rest.difference(&set);
                }
                Some(Ok(_)) => {
                    self.checks.refuse(item, format!("`{}` must be within {text}", item.text()));
                }
                _ => self.checks.refuse(item, "an item of `except` must be a CIDR block"),
            }
        }
        (!rest.is_empty()).then_some(PeerKind::Outside(rest))
    }

    /// The CIDR groups that an item of `fromCIDRSet` or `toCIDRSet` means.
    fn cidr_groups(&mut self, node: Node<'i>) -> Option<PeerKind> {
        let name = self.checks.text(node, "cidrGroupRef").map(str::to_owned);
        let labels = match self.checks.mapping(node, "cidrGroupSelector") {
            Some(selector) => self.checks.selector(selector),
            None => Selector::everything(),
        };
        let mut except = IpSet::none();
        for item in self.checks.items(node, "except") {
            match item.as_str().map(IpSet::cidr) {
                Some(Ok(set)) => except = except.union(&set),
                _ => self.checks.refuse(item, "an item of `except` must be a CIDR block"),
            }
        }
        Some(PeerKind::CidrGroups(CidrGroupPeer { name, labels, except }))
    }

    fn service(&mut self, node: Node<'i>) -> Option<PeerKind> {
        let named = self.checks.mapping(node, "k8sService");
        let selected = self.checks.mapping(node, "k8sServiceSelector");
        let namespace = |node: Node<'i>| {
            let name = node.string("namespace").filter(|name| !name.is_empty());
            name.map(str::to_owned)
        };
        if let Some(selected) = selected {
            let labels = self.checks.mapping(selected, "selector")?;
            let labels = self.checks.selector(labels);
            let namespace = namespace(selected);
            return Some(PeerKind::Services(ServicePeer { namespace, name: None, labels }));
        }
        let Some(named) = named else {
            let message = "an item of `toServices` needs a `k8sService` or `k8sServiceSelector`";
            self.checks.refuse(node, message);
            return None;
        };
        let name = self.checks.text(named, "serviceName")?.to_owned();
        let labels = Selector::everything();
        let namespace = namespace(named);
        Some(PeerKind::Services(ServicePeer { namespace, name: Some(name), labels }))
    }

    /// A selector of nodes, by their labels in Kubernetes.
    fn node_selector(&mut self, node: Node<'i>) -> Selector {
        match self.identity(node) {
            Some(found) if found.reserved.is_empty() => found.pods,
            _ => {
                self.gaps.push("reserved labels of nodes".to_owned());
                Selector::everything()
            }
        }
    }
}

/// The namespaces in which pods meet these requirements; `None` if there are none.
fn namespaces(names: Vec<Operator>, labels: Selector) -> Option<Namespaces> {
    if let ([Operator::In(values)], true) = (names.as_slice(), labels.is_everything())
        && let [name] = values.as_slice()
    {
        return Some(Namespaces::Named(name.clone()));
    }
    let mut selector = labels;
    for operator in names {
        match operator {
            // Every pod has a namespace.
            Operator::Exists => {}
            Operator::DoesNotExist => return None,
            operator => selector.require(NAMESPACE_NAME_LABEL, operator),
        }
    }
    Some(Namespaces::Selected(selector))
}
