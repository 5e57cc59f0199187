//! `CiliumNetworkPolicy` and `CiliumClusterwideNetworkPolicy`, as Cilium reads and validates them.
//!
//! An object holds one rule set in `spec` and any number in `specs`; each becomes a policy of the
//! model. What Cilium itself refuses is a problem, and then nothing of the object counts. A field that
//! is not known here, or whose meaning no input can tell, is reported as not evaluated.

mod peers;
mod ports;

use coaming_kube::{Fields, Object};
use coaming_yaml::Node;

use super::{Checks, Reader, labels_of, listed_addresses, unknown_fields};
use crate::facts::{PolicyFacts, Statement};
use crate::model::{
    Action, Direction, Influence, Limit, NetworkSet, Order, PeerKind, PodSelector, Policy,
    PolicyKind, PolicyPeer, Rule, Scope, SourceRef, Tier, Unevaluated,
};

/// A CiliumCIDRGroup.
pub(super) fn cidr_group(reader: &Reader<'_>, object: Object<'_>) -> Statement {
    match listed_addresses(reader, object, "externalCIDRs") {
        Ok(addresses) => Statement::NetworkSet(NetworkSet {
            cidr_group: Some(object.name().to_owned()),
            namespace: None,
            labels: labels_of(object.metadata()),
            addresses,
        }),
        Err(unevaluated) => Statement::Unevaluated(unevaluated),
    }
}

/// Reads the policies under examination; what is wrong with them is in `checks` afterwards.
pub(super) fn read(checks: &mut Checks<'_, '_>, kind: PolicyKind) -> PolicyFacts {
    let root = checks.object.node();
    let spec = checks.mapping(root, "spec").map(|node| (node, None));
    let specs = checks.items(root, "specs");
    let specs = specs.into_iter().enumerate();
    let specs =
        specs.map(|(position, node)| (node, Some(u32::try_from(position).unwrap_or(u32::MAX))));
    let parts: Vec<_> = spec.into_iter().chain(specs).collect();
    if parts.is_empty() {
        checks.refuse(root, "the policy needs a `spec` or `specs`");
    }
    let mut facts = PolicyFacts::default();
    for (node, part) in parts {
        if !node.is_mapping() {
            checks.refuse(node, "an item of `specs` must be a mapping");
            continue;
        }
        let reader = SpecReader { checks, kind, gaps: Vec::new() };
        reader.read(node, part, &mut facts);
    }
    facts
}

/// One `spec` under examination.
struct SpecReader<'c, 'r, 'i> {
    checks: &'c mut Checks<'r, 'i>,
    kind: PolicyKind,
    /// The fields that are not evaluated.
    gaps: Vec<String>,
}

/// The pods that a policy is about.
enum Subject {
    Pods(PodSelector),
    /// Something other than pods on the pod network, and the field that says so.
    Other(Scope, &'static str),
    /// Cilium's own endpoints, which no answer is about.
    Nobody,
}

impl<'i> SpecReader<'_, '_, 'i> {
    fn read(mut self, spec: Node<'i>, part: Option<u32>, facts: &mut PolicyFacts) {
        const FIELDS: [&str; 10] = [
            "endpointSelector",
            "nodeSelector",
            "ingress",
            "ingressDeny",
            "egress",
            "egressDeny",
            "enableDefaultDeny",
            "labels",
            "description",
            "log",
        ];
        self.note_unknown(spec, &FIELDS);
        let Some(subject) = self.subject(spec) else { return };
        let [(ingress, isolates_ingress), (egress, isolates_egress)] =
            Direction::BOTH.map(|direction| self.direction(spec, direction));
        let scope = match subject {
            Subject::Pods(subject) => {
                facts.policies.push(Policy {
                    kind: self.kind,
                    namespace: self.namespace().unwrap_or_default().to_owned(),
                    name: self.checks.object.name().to_owned(),
                    part,
                    tier: Tier::Network,
                    priority: 0,
                    order: Order::of_kubernetes(),
                    subject: subject.clone(),
                    ingress,
                    egress,
                    isolates: [isolates_ingress, isolates_egress],
                    dead_rules: Vec::new(),
                    location: self.checks.location(spec),
                });
                Scope::Pods(subject)
            }
            Subject::Other(scope, field) => {
                self.gaps.push(field.to_owned());
                scope
            }
            Subject::Nobody => return,
        };
        self.gaps.sort_unstable();
        self.gaps.dedup();
        let location = self.checks.location(spec);
        facts.unevaluated.extend(self.gaps.into_iter().map(|field| Unevaluated {
            group: "cilium.io".to_owned(),
            kind: self.kind.name().to_owned(),
            field: Some(field),
            influence: Influence::Policy,
            scope: scope.clone(),
            location: location.clone(),
        }));
    }

    /// The namespace to which selectors without one are limited.
    fn namespace(&self) -> Option<&'i str> {
        let limited = self.kind == PolicyKind::CiliumNetworkPolicy;
        limited.then(|| self.checks.object.namespace_or_default())
    }

    /// Notes the fields of a mapping that are not known.
    fn note_unknown(&mut self, node: Node<'_>, known: &[&str]) {
        self.gaps.extend(unknown_fields(node, known).map(str::to_owned));
    }

    fn subject(&mut self, spec: Node<'i>) -> Option<Subject> {
        let pods = self.checks.mapping(spec, "endpointSelector");
        let nodes = self.checks.mapping(spec, "nodeSelector");
        match (pods, nodes) {
            (Some(pods), None) => self.subject_pods(pods),
            (None, Some(_)) if self.kind == PolicyKind::CiliumNetworkPolicy => {
                self.checks.refuse(spec, "`nodeSelector` is for a CiliumClusterwideNetworkPolicy");
                None
            }
            (None, Some(_)) => Some(Subject::Other(Scope::Hosts, "nodeSelector")),
            _ => {
                let message = "exactly one of `endpointSelector` and `nodeSelector` must be given";
                self.checks.refuse(spec, message);
                None
            }
        }
    }

    /// The rules for a direction, and whether they isolate.
    fn direction(&mut self, spec: Node<'i>, direction: Direction) -> (Option<Vec<Rule>>, bool) {
        let (allow, deny) = match direction {
            Direction::Ingress => ("ingress", "ingressDeny"),
            Direction::Egress => ("egress", "egressDeny"),
        };
        let mut rules = Vec::new();
        let mut written = false;
        for (field, action) in [(deny, Action::Deny), (allow, Action::Allow)] {
            for (position, node) in self.checks.items(spec, field).into_iter().enumerate() {
                written = true;
                if node.is_null() {
                    continue;
                }
                if !node.is_mapping() {
                    self.checks.refuse(node, format!("a rule of `{field}` must be a mapping"));
                    continue;
                }
                let path = format!("{field}[{position}]");
                rules.extend(self.rules(node, direction, action, &path));
            }
        }
        let given = spec.mapping("enableDefaultDeny").boolean(direction.name());
        let isolates = given.unwrap_or(written);
        ((written || isolates).then_some(rules), isolates)
    }

    /// What one rule says: a rule of the model for each of its `toPorts` that has limits of its own.
    fn rules(
        &mut self,
        node: Node<'i>,
        direction: Direction,
        action: Action,
        path: &str,
    ) -> Vec<Rule> {
        let Some((peers, names)) = self.peers(node, direction, action) else { return Vec::new() };
        let authenticated = action == Action::Allow
            && node.mapping("authentication").string("mode").is_some_and(|it| it != "disabled");
        let icmp = !self.checks.items(node, "icmps").is_empty();
        let items = self.checks.items(node, "toPorts");
        if icmp && !items.is_empty() {
            self.checks.refuse(node, "`icmps` and `toPorts` must not be in one rule: make it two");
        }
        let location = self.checks.location(node);
        let rule = |path: String, ports, limits| Rule {
            path: Some(path),
            name: None,
            action,
            peers: peers.clone(),
            ports,
            limits,
            location: location.clone(),
        };
        if icmp {
            // Of TCP, UDP and SCTP it is about nothing.
            return vec![rule(format!("{path} (ICMP)"), Some(Vec::new()), Vec::new())];
        }
        if items.is_empty() {
            // An empty rule isolates, and allows nothing.
            if peers.is_none() {
                return Vec::new();
            }
            return vec![rule(path.to_owned(), None, limits(names, Vec::new(), authenticated))];
        }
        let mut whole = Vec::new();
        let mut found = Vec::new();
        for (position, item) in items.into_iter().enumerate() {
            let (ports, requests) = self.ports(item, direction, action);
            if requests.is_empty() {
                whole.extend(ports);
            } else {
                let limits = limits(names.clone(), requests, authenticated);
                found.push(rule(format!("{path}.toPorts[{position}]"), Some(ports), limits));
            }
        }
        if found.is_empty() || !whole.is_empty() {
            let limits = limits(names, Vec::new(), authenticated);
            found.insert(0, rule(path.to_owned(), Some(whole), limits));
        }
        found
    }
}

/// The limits of a rule: any of the names with any of the requests.
fn limits(names: Vec<Limit>, requests: Vec<Limit>, authenticated: bool) -> Vec<Limit> {
    let mut found = match (names.is_empty(), requests.is_empty()) {
        (_, true) => names,
        (true, false) => requests,
        (false, false) => {
            let pairs = names.iter().flat_map(|name| requests.iter().map(move |it| (name, it)));
            pairs.map(|(name, it)| Limit::Requests(format!("{it} at {name}"))).collect()
        }
    };
    if authenticated {
        if found.is_empty() {
            return vec![Limit::Authenticated];
        }
        for limit in &mut found {
            *limit = Limit::Requests(format!("{limit} between {}", Limit::Authenticated));
        }
    }
    found
}

/// An item of a rule's peers.
fn peer(kind: PeerKind, location: Option<SourceRef>) -> PolicyPeer {
    PolicyPeer { kind, location }
}
