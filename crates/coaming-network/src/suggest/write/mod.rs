//! The policies as YAML, each rule with the evidence for it.
//!
//! What a policy says is the same in every format, and is put together here; a format only writes it.

mod calico;
mod cilium;
mod kubernetes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::Format;
use super::found::{Found, Outer, Port, Source};
use crate::identity::Identities;
use crate::model::{Direction, Model, Pods, Role, TUNNEL_PORT, Workload, carries, is_carried};
use crate::ports::Protocol;
use crate::selector::Labels;

/// The namespace that an ingress controller is assumed to be in.
const CONTROLLER_NAMESPACE: &str = "ingress-nginx";

/// The namespaces that ingress controllers are assumed to be in, by the kinds of their routes.
const CONTROLLER_NAMESPACES: [(&str, &str); 5] = [
    ("VirtualService ", "istio-system"),
    ("IngressRoute", "traefik"),
    ("HTTPProxy ", "projectcontour"),
    ("Route ", "openshift-ingress"),
    ("", CONTROLLER_NAMESPACE),
];

/// How the name of a route starts, such as `Ingress shop/web`, as far as its controller depends on it.
pub(super) fn controller_kind(via: &str) -> &'static str {
    let known = CONTROLLER_NAMESPACES.iter().find(|(kind, _)| via.starts_with(kind));
    known.map_or("", |(kind, _)| kind)
}

/// The namespace where the controllers behind such a route usually are.
pub(super) fn controller_namespace(via: &str) -> &'static str {
    let known = CONTROLLER_NAMESPACES.iter().find(|(kind, _)| via.starts_with(kind));
    known.map_or(CONTROLLER_NAMESPACE, |(_, namespace)| namespace)
}

/// A peer of a rule.
enum RulePeer<'w> {
    /// Pods, by the namespace if it is another one and by labels if not all are meant.
    Pods { namespace: Option<&'w str>, labels: Option<&'w Labels> },
    /// Any address outside.
    Outside,
    /// A block of addresses.
    Block(&'w str),
    /// The name of a host.
    Host(&'w str),
    /// The API server.
    ApiServer(Option<&'w str>),
}

/// A rule: one line of evidence each, the peers, and the ports (any if there are none).
struct RuleText<'w> {
    evidence: Vec<String>,
    peers: Vec<RulePeer<'w>>,
    ports: Vec<Port>,
}

/// A policy for the pods of one workload.
struct PolicyText<'w> {
    namespace: &'w str,
    name: String,
    selector: &'w Labels,
    ingress: Vec<RuleText<'w>>,
    egress: Vec<RuleText<'w>>,
}

/// The labels of each workload that can be selected. Those that cannot become a question.
pub(super) fn selectors(model: &Model, found: &mut Found) -> BTreeMap<usize, Labels> {
    let mut selectors = BTreeMap::new();
    let identities = Identities::new(model);
    let workloads: BTreeSet<usize> = real(model).map(|pods| pods.workload).collect();
    for id in workloads {
        match identities.of(id) {
            Some(labels) => {
                selectors.insert(id, labels);
            }
            None => {
                if let Some(workload) = model.workloads.get(id) {
                    let text = format!(
                        "the labels of {workload} do not distinguish its pods from others of the \
                         namespace: which label should? Until it has one, no policy below allows it \
                         anything"
                    );
                    found.remark(
                        format!("labels of {}/{}", workload.namespace, workload.name),
                        text,
                    );
                }
            }
        }
    }
    // What cannot be selected cannot be allowed.
    found.flows.retain(|flow, _| {
        let source = match flow.source {
            Source::Workload(id) => selectors.contains_key(&id),
            _ => true,
        };
        source && selectors.contains_key(&flow.target)
    });
    found.grants.retain(|grant, _| selectors.contains_key(&grant.workload));
    selectors
}

/// Writes the policies of the workloads that are `shown`, and what their namespaces need.
pub(super) fn policies(
    model: &Model,
    found: &Found,
    selectors: &BTreeMap<usize, Labels>,
    shown: &dyn Fn(&Workload) -> bool,
    format: Format,
) -> String {
    let mut out =
        String::from("# Least-privilege network policies, written by `coaming net suggest`.\n");
    if !found.questions.is_empty() {
        out.push_str("#\n# What the evidence does not show:\n");
        for question in found.questions.values() {
            let _ = writeln!(out, "# - {}", one_line(&question.text));
        }
    }
    let is_shown = |pods: &&Pods| model.workloads.get(pods.workload).is_some_and(shown);
    let namespaces = real(model).filter(is_shown).map(|pods| &*pods.namespace);
    let namespaces: BTreeSet<&str> = namespaces.filter(|name| !super::is_system(name)).collect();
    let mut workloads: BTreeMap<&str, BTreeMap<&Workload, usize>> = BTreeMap::new();
    for &id in selectors.keys() {
        if let Some(workload) = model.workloads.get(id).filter(|workload| shown(workload)) {
            workloads.entry(&workload.namespace).or_default().insert(workload, id);
        }
    }
    let writer = Writer::new(model, selectors, found);
    let names_hosts = |id: &usize| {
        found.grants.keys().any(|it| it.workload == *id && matches!(it.peer, Outer::Host(_)))
    };
    for namespace in namespaces {
        let own = || workloads.get(namespace).into_iter().flat_map(BTreeMap::values);
        match format {
            Format::Kubernetes => kubernetes::defaults(&mut out, namespace, found.dns),
            Format::Calico => calico::defaults(&mut out, namespace, found.dns),
            Format::Cilium => {
                let sees_names = own().any(names_hosts);
                cilium::defaults(&mut out, namespace, found.dns, sees_names);
            }
        }
        for &id in own() {
            let Some(policy) = writer.policy(id) else { continue };
            match format {
                Format::Kubernetes => kubernetes::policy(&mut out, &policy, model.ipv6),
                Format::Calico => calico::policy(&mut out, &policy, model.ipv6),
                Format::Cilium => cilium::policy(&mut out, &policy),
            }
        }
    }
    out
}

fn real(model: &Model) -> impl Iterator<Item = &Pods> {
    let pods = model.pods.iter().map(|(_, pods)| pods);
    pods.filter(|pods| pods.role == Role::Real && !pods.host_network)
}

pub(super) fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// Text, quoted so that YAML reads it as text whatever it contains.
fn quoted(text: &str) -> String {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.len() > 1
        && !["true", "false", "yes", "no", "on", "off", "null"]
            .contains(&text.to_ascii_lowercase().as_str())
        && text.starts_with(|c: char| c.is_ascii_alphabetic());
    if plain { text.to_owned() } else { format!("{text:?}") }
}

/// The evidence of each port.
type Ports = BTreeMap<Option<Port>, BTreeSet<String>>;

/// A peer of a workload, in the order in which rules are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum PeerKey<'w> {
    Flow(&'w Source),
    Target(usize),
    Outer(&'w Outer),
}

struct Writer<'w> {
    model: &'w Model,
    selectors: &'w BTreeMap<usize, Labels>,
    found: &'w Found,
    /// What each workload needs in each direction.
    needs: BTreeMap<(usize, Direction), BTreeMap<PeerKey<'w>, Ports>>,
    /// How many workloads have this namespace and name.
    namesakes: HashMap<[&'w str; 2], usize>,
    /// The labels of some pods of each workload.
    labels: HashMap<usize, &'w Labels>,
}

impl<'w> Writer<'w> {
    fn new(model: &'w Model, selectors: &'w BTreeMap<usize, Labels>, found: &'w Found) -> Self {
        let mut needs: BTreeMap<_, BTreeMap<PeerKey<'_>, Ports>> = BTreeMap::new();
        let mut add = |workload, direction, peer, port, evidence: &BTreeSet<String>| {
            let peers = needs.entry((workload, direction)).or_default();
            let known = peers.entry(peer).or_default().entry(port).or_default();
            known.extend(evidence.iter().cloned());
        };
        for (flow, evidence) in &found.flows {
            let port = Some((flow.protocol, flow.port));
            add(flow.target, Direction::Ingress, PeerKey::Flow(&flow.source), port, evidence);
            let sources = match flow.source {
                Source::Workload(source) => BTreeSet::from([source]),
                Source::Controller => found
                    .controller_namespaces(evidence)
                    .into_iter()
                    .flat_map(|namespace| found.controllers_in(model, namespace))
                    .collect(),
                Source::Outside => BTreeSet::new(),
            };
            for source in sources {
                add(source, Direction::Egress, PeerKey::Target(flow.target), port, evidence);
            }
        }
        for (grant, evidence) in &found.grants {
            add(grant.workload, grant.direction, PeerKey::Outer(&grant.peer), grant.port, evidence);
        }
        let mut namesakes = HashMap::new();
        for (_, workload) in &model.workloads {
            let name = [workload.namespace.as_str(), workload.name.as_str()];
            *namesakes.entry(name).or_default() += 1;
        }
        let labels = real(model).map(|pods| (pods.workload, &*pods.labels)).collect();
        Self { model, selectors, found, needs, namesakes, labels }
    }

    /// The policy of a workload; `None` if it needs nothing.
    fn policy(&self, id: usize) -> Option<PolicyText<'_>> {
        let workload = self.model.workloads.get(id)?;
        let rules = |direction| {
            let peers = self.needs.get(&(id, direction)).into_iter().flatten();
            peers
                .map(|(peer, ports)| {
                    let mut rule = self.rule(*peer, ports, direction, &workload.namespace);
                    if self.is_carried(id, *peer, ports) {
                        rule.ports.push((Protocol::Tcp, TUNNEL_PORT));
                        let text = format!("port {TUNNEL_PORT} carries it in Istio's ambient mesh");
                        rule.evidence.push(text);
                    }
                    rule
                })
                .collect::<Vec<_>>()
        };
        let (ingress, egress) = (rules(Direction::Ingress), rules(Direction::Egress));
        (!ingress.is_empty() || !egress.is_empty()).then(|| PolicyText {
            namespace: &workload.namespace,
            name: self.policy_name(workload),
            selector: self.selectors.get(&id).unwrap_or(const { &Labels::new() }),
            ingress,
            egress,
        })
    }

    /// Whether Istio's ambient mesh carries TCP between a workload and a peer of it.
    fn is_carried(&self, own: usize, peer: PeerKey<'_>, ports: &Ports) -> bool {
        let carries = |source: usize, target: usize| match (
            self.labels.get(&source),
            self.labels.get(&target),
        ) {
            (Some(source), Some(target)) => carries(source, target),
            _ => false,
        };
        let is_tcp = |port: &Option<Port>| port.is_some_and(|(it, _)| it == Protocol::Tcp);
        !ports.contains_key(&None)
            && ports.keys().any(is_tcp)
            && match peer {
                PeerKey::Flow(&Source::Workload(source)) => carries(source, own),
                PeerKey::Target(target) => carries(own, target),
                // The gateways of the mesh use it.
                PeerKey::Flow(Source::Controller) => {
                    let mut routes = ports.values().flatten();
                    routes.any(|it| controller_kind(it) == "VirtualService ")
                        && self.labels.get(&own).is_some_and(|it| is_carried(it))
                }
                PeerKey::Flow(Source::Outside) | PeerKey::Outer(_) => false,
            }
    }

    /// A distinct name for each workload's policy.
    fn policy_name(&self, workload: &Workload) -> String {
        let name = [workload.namespace.as_str(), workload.name.as_str()];
        if self.namesakes.get(&name).is_some_and(|&count| count > 1) {
            format!("{}-{}", workload.name, workload.kind.to_ascii_lowercase())
        } else {
            workload.name.clone()
        }
    }

    fn rule(
        &self,
        peer: PeerKey<'w>,
        ports: &Ports,
        direction: Direction,
        own: &str,
    ) -> RuleText<'_> {
        let evidence: BTreeSet<&String> = ports.values().flatten().collect();
        let field = if direction == Direction::Ingress { "from" } else { "to" };
        let (who, peers) = match peer {
            PeerKey::Flow(&Source::Workload(id)) | PeerKey::Target(id) => {
                (self.name(id), self.pods(id, own).into_iter().collect())
            }
            PeerKey::Flow(Source::Controller) => {
                ("the ingress controller".to_owned(), self.controllers(&evidence))
            }
            PeerKey::Flow(Source::Outside) => ("the outside".to_owned(), vec![RulePeer::Outside]),
            PeerKey::Outer(outer) => match outer {
                Outer::Any => ("any address".to_owned(), vec![RulePeer::Outside]),
                Outer::Block(block) => (block.clone(), vec![RulePeer::Block(block)]),
                Outer::Host(host) => (host.clone(), vec![RulePeer::Host(host)]),
                Outer::ApiServer(block) => {
                    ("the API server".to_owned(), vec![RulePeer::ApiServer(block.as_deref())])
                }
                Outer::Namespace(name) => {
                    let namespace = (name != own).then_some(name.as_str());
                    (format!("namespace {name}"), vec![RulePeer::Pods { namespace, labels: None }])
                }
            },
        };
        let ports = match ports.contains_key(&None) {
            true => Vec::new(),
            false => ports.keys().flatten().copied().collect(),
        };
        let line = |text: &&String| format!("{field} {who}: {}", one_line(text));
        RuleText { evidence: evidence.iter().map(line).collect(), peers, ports }
    }

    fn name(&self, id: usize) -> String {
        self.model.workloads.get(id).map_or_else(String::new, ToString::to_string)
    }

    fn pods(&self, id: usize, own: &str) -> Option<RulePeer<'_>> {
        let namespace = self.model.workloads.get(id)?.namespace.as_str();
        let namespace = (namespace != own).then_some(namespace);
        Some(RulePeer::Pods { namespace, labels: Some(self.selectors.get(&id)?) })
    }

    /// Where the controllers behind these routes are.
    fn controllers(&self, routes: &BTreeSet<&String>) -> Vec<RulePeer<'w>> {
        let found = self.found;
        let namespaces = found.controller_namespaces(routes.iter().copied());
        let peer = |namespace| RulePeer::Pods { namespace: Some(namespace), labels: None };
        namespaces.into_iter().map(peer).collect()
    }
}

/// The comments of a rule.
fn comments(out: &mut String, rule: &RuleText<'_>, indent: usize) {
    for line in &rule.evidence {
        let _ = writeln!(out, "{:indent$}# {line}", "");
    }
}

fn labels(out: &mut String, labels: &Labels, indent: usize) {
    for (key, value) in labels {
        let _ = writeln!(out, "{:indent$}{}: {}", "", quoted(key), quoted(value));
    }
}

/// The blocks of all addresses.
fn everywhere(ipv6: bool) -> impl Iterator<Item = &'static str> {
    std::iter::once("0.0.0.0/0").chain(ipv6.then_some("::/0"))
}
