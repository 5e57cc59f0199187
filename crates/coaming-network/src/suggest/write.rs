//! The policies as YAML, each rule with the evidence for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::{Flow, Found, Source};
use crate::identity::Identities;
use crate::model::{Model, NAMESPACE_NAME_LABEL, Pods, Role, Workload};
use crate::ports::Protocol;
use crate::selector::Labels;

/// The namespace that an ingress controller is assumed to be in.
pub(crate) const CONTROLLER_NAMESPACE: &str = "ingress-nginx";

/// The namespaces that ingress controllers are assumed to be in, by the kinds of their routes.
pub(crate) const CONTROLLER_NAMESPACES: [(&str, &str); 4] = [
    ("VirtualService ", "istio-system"),
    ("IngressRoute", "traefik"),
    ("HTTPProxy ", "projectcontour"),
    ("", CONTROLLER_NAMESPACE),
];

/// The namespace of the controller behind a route, such as `Ingress shop/web`.
pub(crate) fn controller_namespace(via: &str) -> &'static str {
    let known = CONTROLLER_NAMESPACES.iter().find(|(kind, _)| via.starts_with(kind));
    known.map_or(CONTROLLER_NAMESPACE, |(_, namespace)| namespace)
}

/// Writes all policies. Workloads that labels cannot tell apart become a question.
pub(crate) fn policies(model: &Model, found: &mut Found) -> String {
    let selectors = selectors(model, &mut found.questions);
    // What cannot be selected cannot be allowed.
    found.flows.retain(|flow, _| {
        let source = match flow.source {
            Source::Workload(id) => selectors.contains_key(&id),
            _ => true,
        };
        source && selectors.contains_key(&flow.target)
    });
    let mut out =
        String::from("# Least-privilege network policies, written by `coaming net suggest`.\n");
    if !found.questions.is_empty() {
        out.push_str("#\n# What the evidence does not show:\n");
        for question in &found.questions {
            let _ = writeln!(out, "# - {}", one_line(question));
        }
    }
    let namespaces = real(model).map(|pods| &*pods.namespace);
    let namespaces: BTreeSet<&str> = namespaces.filter(|name| !super::is_system(name)).collect();
    let mut workloads: BTreeMap<&str, BTreeMap<&Workload, usize>> = BTreeMap::new();
    for &id in selectors.keys() {
        if let Some(workload) = model.workloads.get(id) {
            workloads.entry(&workload.namespace).or_default().insert(workload, id);
        }
    }
    let writer = Writer::new(model, &selectors, found);
    for namespace in namespaces {
        defaults(&mut out, namespace);
        for &id in workloads.get(namespace).into_iter().flat_map(BTreeMap::values) {
            if let Some(selector) = selectors.get(&id) {
                writer.workload(&mut out, id, selector);
            }
        }
    }
    out
}

fn real(model: &Model) -> impl Iterator<Item = &Pods> {
    let pods = model.pods.iter().map(|(_, pods)| pods);
    pods.filter(|pods| pods.role == Role::Real && !pods.host_network)
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The labels that select each workload's pods, and no others in its namespace.
fn selectors(model: &Model, questions: &mut BTreeSet<String>) -> BTreeMap<usize, Labels> {
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
                    questions.insert(format!(
                        "the labels of {workload} do not distinguish its pods from others of the \
                         namespace: which label should?"
                    ));
                }
            }
        }
    }
    selectors
}

/// The policies that every namespace gets.
fn defaults(out: &mut String, namespace: &str) {
    let _ = write!(
        out,
        "---\n\
         # Nothing may connect to or from a pod of this namespace unless a policy below allows it.\n\
         apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata:\n  name: default-deny\n  namespace: {namespace}\n\
         spec:\n  podSelector: {{}}\n  policyTypes:\n  - Ingress\n  - Egress\n\
         ---\n\
         # Every pod may resolve names.\n\
         apiVersion: networking.k8s.io/v1\n\
         kind: NetworkPolicy\n\
         metadata:\n  name: allow-dns\n  namespace: {namespace}\n\
         spec:\n  podSelector: {{}}\n  policyTypes:\n  - Egress\n  egress:\n  - to:\n    \
         - namespaceSelector:\n        matchLabels:\n          {NAMESPACE_NAME_LABEL}: kube-system\n      \
         podSelector:\n        matchLabels:\n          k8s-app: kube-dns\n    \
         ports:\n    - protocol: UDP\n      port: 53\n    - protocol: TCP\n      port: 53\n"
    );
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

struct Writer<'w> {
    model: &'w Model,
    selectors: &'w BTreeMap<usize, Labels>,
    /// The flows to and from each workload.
    incoming: BTreeMap<usize, BTreeMap<&'w Source, Ports>>,
    outgoing: BTreeMap<usize, BTreeMap<usize, Ports>>,
    /// How many workloads have this namespace and name.
    namesakes: HashMap<[&'w str; 2], usize>,
}

/// The ports to one peer, with the evidence.
type Ports = BTreeMap<(Protocol, u16), BTreeSet<String>>;

impl<'w> Writer<'w> {
    fn new(model: &'w Model, selectors: &'w BTreeMap<usize, Labels>, found: &'w Found) -> Self {
        let mut incoming: BTreeMap<usize, BTreeMap<&Source, Ports>> = BTreeMap::new();
        let mut outgoing: BTreeMap<usize, BTreeMap<usize, Ports>> = BTreeMap::new();
        for (flow, evidence) in &found.flows {
            let Flow { source, target, protocol, port } = flow;
            let add = |ports: &mut Ports| {
                let known = ports.entry((*protocol, *port)).or_default();
                known.extend(evidence.iter().cloned());
            };
            add(incoming.entry(*target).or_default().entry(source).or_default());
            if let Source::Workload(source) = source {
                add(outgoing.entry(*source).or_default().entry(*target).or_default());
            }
        }
        let mut namesakes = HashMap::new();
        for (_, workload) in &model.workloads {
            let name = [workload.namespace.as_str(), workload.name.as_str()];
            *namesakes.entry(name).or_default() += 1;
        }
        Self { model, selectors, incoming, outgoing, namesakes }
    }

    fn workload(&self, out: &mut String, id: usize, selector: &Labels) {
        let Some(workload) = self.model.workloads.get(id) else { return };
        let (no_source, no_target) = (BTreeMap::new(), BTreeMap::new());
        let incoming = self.incoming.get(&id).unwrap_or(&no_source);
        let outgoing = self.outgoing.get(&id).unwrap_or(&no_target);
        if incoming.is_empty() && outgoing.is_empty() {
            return;
        }
        let _ = write!(
            out,
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  \
             namespace: {}\nspec:\n  podSelector:\n    matchLabels:\n",
            self.policy_name(workload),
            workload.namespace
        );
        labels(out, selector, 6);
        out.push_str("  policyTypes:\n");
        if !incoming.is_empty() {
            out.push_str("  - Ingress\n");
        }
        if !outgoing.is_empty() {
            out.push_str("  - Egress\n");
        }
        if !incoming.is_empty() {
            out.push_str("  ingress:\n");
            for (source, ports) in incoming {
                self.rule(out, "from", source, &workload.namespace, ports);
            }
        }
        if !outgoing.is_empty() {
            out.push_str("  egress:\n");
            for (target, ports) in outgoing {
                self.rule(out, "to", &Source::Workload(*target), &workload.namespace, ports);
            }
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

    fn rule(&self, out: &mut String, field: &str, peer: &Source, own: &str, ports: &Ports) {
        let evidence: BTreeSet<&String> = ports.values().flatten().collect();
        let who = match peer {
            Source::Workload(id) => {
                self.model.workloads.get(*id).map_or_else(String::new, ToString::to_string)
            }
            Source::Controller => "the ingress controller".to_owned(),
            Source::Outside => "the outside".to_owned(),
        };
        for line in &evidence {
            let _ = writeln!(out, "  # {field} {who}: {}", one_line(line));
        }
        let _ = writeln!(out, "  - {field}:");
        match peer {
            Source::Outside => {
                out.push_str("    - ipBlock:\n        cidr: 0.0.0.0/0\n");
                if self.model.ipv6 {
                    out.push_str("    - ipBlock:\n        cidr: ::/0\n");
                }
            }
            Source::Controller => {
                let namespaces: BTreeSet<&str> =
                    evidence.iter().map(|via| controller_namespace(via)).collect();
                for namespace in namespaces {
                    namespace_selector(out, namespace, "    - ");
                }
            }
            Source::Workload(id) => {
                let namespace = self.model.workloads.get(*id).map(|w| w.namespace.as_str());
                let selector = self.selectors.get(id);
                let (Some(namespace), Some(selector)) = (namespace, selector) else { return };
                if namespace == own {
                    out.push_str("    - podSelector:\n");
                } else {
                    namespace_selector(out, namespace, "    - ");
                    out.push_str("      podSelector:\n");
                }
                out.push_str("        matchLabels:\n");
                labels(out, selector, 10);
            }
        }
        out.push_str("    ports:\n");
        for (protocol, port) in ports.keys() {
            let _ = write!(out, "    - protocol: {protocol}\n      port: {port}\n");
        }
    }
}

fn namespace_selector(out: &mut String, namespace: &str, start: &str) {
    let _ = write!(
        out,
        "{start}namespaceSelector:\n        matchLabels:\n          {NAMESPACE_NAME_LABEL}: {}\n",
        quoted(namespace)
    );
}

fn labels(out: &mut String, labels: &Labels, indent: usize) {
    for (key, value) in labels {
        let _ = writeln!(out, "{:indent$}{}: {}", "", quoted(key), quoted(value));
    }
}
