//! AuthorizationPolicy: what the proxies authorize.
//!
//! What a Deny rule matches is refused; if any Allow policy selects the pod, what no Allow rule matches
//! is refused too. Peers and ports decide about connections. Methods, paths, hosts and conditions decide
//! about requests: a rule with any of them is a limit of what is open. The proxy of a node does not see
//! requests: there, an Allow rule that asks for them never matches, and a Deny rule matches without them.

use coaming_kube::Fields;
use coaming_yaml::Node;

use super::SpecReader;
use super::sources::Source;
use super::waypoints::AttachedPolicy;
use crate::model::{
    Action, Limit, Mesh, PodSelector, Policy, PolicyPeer, PortMatch, PortNumbers, Rule, SourceRef,
    Tier,
};
use crate::ports::{PortSet, Protocol};
use crate::views::port_number;

/// How many combinations of sources and operations one rule may have.
const MOST_COMBINATIONS: usize = 512;

/// Conditions that any proxy can tell.
const OF_CONNECTIONS: [&str; 6] = [
    "source.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
    "destination.ip",
    "destination.port",
];

/// What a policy does with what it matches.
#[derive(PartialEq, Eq)]
enum Does {
    Allow,
    Deny,
    /// It asks this provider.
    Ask(String),
}

/// An item of `to`.
#[derive(Default)]
struct Operation {
    /// The ports; `None` means all.
    ports: Option<Vec<PortMatch>>,
    /// The requests; empty for all.
    requests: String,
}

/// One combination of sources, operations and conditions.
struct Case {
    path: String,
    peers: Option<Vec<PolicyPeer>>,
    ports: Option<Vec<PortMatch>>,
    /// The requests; empty for all.
    requests: String,
    /// Conditions that only a proxy for HTTP can tell.
    of_requests: Vec<String>,
    /// Conditions that any proxy can tell.
    of_connections: Vec<String>,
    location: Option<SourceRef>,
}

pub(super) fn read<'i>(
    reader: &mut SpecReader<'_, '_, 'i>,
    spec: Option<Node<'i>>,
    subject: &PodSelector,
) -> Vec<Policy> {
    const FIELDS: [&str; 6] =
        ["selector", "rules", "action", "provider", "targetRef", "targetRefs"];
    if let Some(spec) = spec {
        reader.note_unknown(spec, &FIELDS);
    }
    let action = match spec.string("action") {
        None | Some("ALLOW") => Does::Allow,
        Some("DENY") => Does::Deny,
        Some("AUDIT") => return Vec::new(),
        Some("CUSTOM") => {
            Does::Ask(spec.mapping("provider").string("name").unwrap_or("its provider").to_owned())
        }
        Some(other) => {
            let message = format!("`{other}` is not a valid action");
            reader.checks.refuse(spec.unwrap_or(reader.checks.object.node()), message);
            return Vec::new();
        }
    };
    let targets = spec.map(|spec| reader.target_refs(spec)).unwrap_or_default();
    let mut cases = Vec::new();
    if let Some(spec) = spec {
        for (position, rule) in reader.checks.items(spec, "rules").into_iter().enumerate() {
            if rule.is_mapping() {
                reader.cases(position, rule, &mut cases);
            } else {
                reader.checks.refuse(rule, "an item of `rules` must be a mapping");
            }
        }
    }
    if !targets.is_empty() {
        let rules = cases.iter().filter_map(|case| case.rule(&action, true)).collect();
        let policy = reader.policy(subject, &[Mesh::Waypoint], Tier::Mesh, rules);
        let policy = Policy { isolates: [action == Does::Allow, false], ..policy };
        reader.attached = Some(AttachedPolicy { targets, policy });
        return Vec::new();
    }
    let by_request =
        cases.iter().any(|case| !case.requests.is_empty() || !case.of_requests.is_empty());
    let parts: &[&[Mesh]] = if matches!(action, Does::Ask(_)) {
        // The proxies of nodes ask nobody.
        &[&[Mesh::Sidecar, Mesh::Gateway]]
    } else if by_request {
        &[&[Mesh::Sidecar, Mesh::Gateway], &[Mesh::Ambient]]
    } else {
        &[&[Mesh::Sidecar, Mesh::Gateway, Mesh::Ambient]]
    };
    let policies = parts.iter().enumerate().map(|(part, mesh)| {
        let sees_requests = !mesh.contains(&Mesh::Ambient);
        let rules = cases.iter().filter_map(|case| case.rule(&action, sees_requests));
        let policy = reader.policy(subject, mesh, Tier::Mesh, rules.collect());
        Policy {
            isolates: [action == Does::Allow, false],
            part: u32::try_from(part).ok(),
            ..policy
        }
    });
    policies.collect()
}

impl Case {
    /// The rule that this is, for a proxy that sees requests or does not.
    fn rule(&self, action: &Does, sees_requests: bool) -> Option<Rule> {
        let asks = !self.requests.is_empty() || !self.of_requests.is_empty();
        if asks && !sees_requests && *action == Does::Allow {
            return None;
        }
        let (requests, mut conditions) = if sees_requests {
            (self.requests.as_str(), self.of_requests.clone())
        } else {
            ("", Vec::new())
        };
        conditions.extend(self.of_connections.iter().cloned());
        let limit = match (requests, conditions.is_empty()) {
            ("", true) => None,
            ("", false) => Some(format!("connections where {}", conditions.join(" and "))),
            (requests, true) => Some(requests.to_owned()),
            (requests, false) => Some(format!("{requests} where {}", conditions.join(" and "))),
        };
        // What only some requests are refused by, refuses no connection.
        let (action, limit) = match (action, limit) {
            (Does::Deny, Some(limit)) => (Action::Pass, Some(Limit::Except(limit))),
            (Does::Deny, None) => (Action::Deny, None),
            (Does::Allow, limit) => (Action::Allow, limit.map(Limit::Requests)),
            (Does::Ask(provider), requests) => {
                let provider = provider.clone();
                (Action::Pass, Some(Limit::Approved { provider, requests }))
            }
        };
        Some(Rule {
            path: Some(self.path.clone()),
            name: None,
            action,
            peers: self.peers.clone(),
            ports: self.ports.clone(),
            limits: limit.into_iter().collect(),
            location: self.location.clone(),
        })
    }
}

/// A list of items in one, as far as they ask for nothing that only a request can tell.
fn merged<T>(lists: impl Iterator<Item = Option<Vec<T>>>) -> Option<Vec<T>> {
    lists.collect::<Option<Vec<Vec<T>>>>().map(|lists| lists.into_iter().flatten().collect())
}

impl<'i> SpecReader<'_, '_, 'i> {
    /// What a rule says: a case for all sources and operations that ask for nothing but peers and
    /// ports, and one for each of the others.
    fn cases(&mut self, position: usize, rule: Node<'i>, found: &mut Vec<Case>) {
        self.note_unknown(rule, &["from", "to", "when"]);
        let sources = self.sources(rule);
        let operations = self.operations(rule);
        let (of_requests, of_connections) = self.conditions(rule);
        let path = format!("rules[{position}]");
        if sources.len().saturating_mul(operations.len()) > MOST_COMBINATIONS {
            self.gaps.push(format!("{path}, which has too many combinations"));
            return;
        }
        let location = self.checks.location(rule);
        for (from, source) in &sources {
            for (to, operation) in &operations {
                let all = |more: &[String], own: &[String]| [more, own].concat();
                found.push(Case {
                    path: format!("{path}{from}{to}"),
                    peers: source.peers.clone(),
                    ports: operation.ports.clone(),
                    requests: operation.requests.clone(),
                    of_requests: all(&source.requests, &of_requests),
                    of_connections: all(&source.conditions, &of_connections),
                    location: location.clone(),
                });
            }
        }
    }

    /// The sources of a rule, those that only name peers as one, each with its place in the rule.
    fn sources(&mut self, rule: Node<'i>) -> Vec<(String, Source)> {
        let mut plain = Vec::new();
        let mut found = Vec::new();
        for (position, item) in self.checks.items(rule, "from").into_iter().enumerate() {
            let source = self.checks.mapping(item, "source").map(|node| self.source(node));
            let source = source.unwrap_or_default();
            if source.conditions.is_empty() && source.requests.is_empty() {
                plain.push(source.peers);
            } else {
                found.push((format!(".from[{position}]"), source));
            }
        }
        if found.is_empty() && plain.is_empty() {
            plain.push(None);
        }
        if !plain.is_empty() {
            let peers = merged(plain.into_iter());
            found.insert(0, (String::new(), Source { peers, ..Source::default() }));
        }
        found
    }

    /// As [`Self::sources`], for the operations.
    fn operations(&mut self, rule: Node<'i>) -> Vec<(String, Operation)> {
        let mut plain = Vec::new();
        let mut found = Vec::new();
        for (position, item) in self.checks.items(rule, "to").into_iter().enumerate() {
            let operation = self.checks.mapping(item, "operation").map(|node| self.operation(node));
            let operation = operation.unwrap_or_default();
            if operation.requests.is_empty() {
                plain.push(operation.ports);
            } else {
                found.push((format!(".to[{position}]"), operation));
            }
        }
        if found.is_empty() && plain.is_empty() {
            plain.push(None);
        }
        if !plain.is_empty() {
            let ports = merged(plain.into_iter());
            found.insert(0, (String::new(), Operation { ports, ..Operation::default() }));
        }
        found
    }

    fn operation(&mut self, node: Node<'i>) -> Operation {
        const FIELDS: [&str; 8] = [
            "ports",
            "notPorts",
            "methods",
            "notMethods",
            "paths",
            "notPaths",
            "hosts",
            "notHosts",
        ];
        self.note_unknown(node, &FIELDS);
        let given = |field: &str| node.list(field).next().is_some();
        let mut ports = None;
        if given("ports") || given("notPorts") {
            let within = if given("ports") { self.ports(node, "ports") } else { PortSet::all() };
            let set = within.difference(&self.ports(node, "notPorts"));
            let location = self.checks.location(node);
            let ranges = set.ranges().iter().map(|&(first, last)| PortMatch {
                protocol: Some(Protocol::Tcp),
                numbers: PortNumbers::Range(first, last),
                location: location.clone(),
            });
            ports = Some(ranges.collect());
        }
        Operation { ports, requests: requests(node) }
    }

    fn ports(&mut self, node: Node<'i>, field: &str) -> PortSet {
        let mut found = PortSet::none();
        for item in self.checks.items(node, field) {
            match item.text().parse().ok().and_then(port_number) {
                Some(port) => found = found.union(&PortSet::range(port, port)),
                None => self.checks.refuse(item, format!("`{}` is not a valid port", item.text())),
            }
        }
        found
    }

    /// What `when` asks of requests, and of connections.
    fn conditions(&mut self, rule: Node<'i>) -> (Vec<String>, Vec<String>) {
        let (mut of_requests, mut of_connections) = (Vec::new(), Vec::new());
        for item in self.checks.items(rule, "when") {
            self.note_unknown(item, &["key", "values", "notValues"]);
            let key = self.checks.text(item, "key").unwrap_or_default();
            let found =
                if OF_CONNECTIONS.contains(&key) { &mut of_connections } else { &mut of_requests };
            for (field, verb) in [("values", "is"), ("notValues", "is not")] {
                let values: Vec<&str> = item.strings(field).collect();
                if !values.is_empty() {
                    found.push(format!("{key} {verb} {}", values.join(" or ")));
                }
            }
        }
        (of_requests, of_connections)
    }
}

/// The requests that an operation means: `HTTP GET or POST /public at shop.example.com`.
fn requests(node: Node<'_>) -> String {
    let mut text = String::new();
    for (field, before, but) in
        [("methods", " ", "notMethods"), ("paths", " ", "notPaths"), ("hosts", " at ", "notHosts")]
    {
        let list = |field: &str| node.strings(field).collect::<Vec<_>>().join(" or ");
        let (wanted, refused) = (list(field), list(but));
        if !wanted.is_empty() {
            text.push_str(before);
            text.push_str(&wanted);
        }
        if !refused.is_empty() {
            text.push_str(before);
            text.push_str("not ");
            text.push_str(&refused);
        }
    }
    if text.is_empty() { text } else { format!("HTTP{text}") }
}
