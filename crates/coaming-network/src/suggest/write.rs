//! The policies as YAML, each rule with the evidence for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Flow, Found, Source};
use crate::model::{Model, NAMESPACE_NAME_LABEL, Pods, Role};
use crate::ports::Protocol;

/// Labels that change with every roll-out or differ from pod to pod.
const VOLATILE: [&str; 5] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
];

/// Where an ingress controller is looked for.
pub(crate) const CONTROLLER_NAMESPACE: &str = "ingress-nginx";

/// Writes all policies. Workloads that labels cannot tell apart are asked about.
pub(crate) fn policies(model: &Model, found: &mut Found) -> String {
    let selectors = selectors(model, &mut found.questions);
    // What cannot be selected cannot be allowed.
    found.flows.retain(|flow, _| {
        let source = match flow.source {
            Source::Workload(place) => selectors.contains_key(&place),
            _ => true,
        };
        source && selectors.contains_key(&flow.target)
    });
    let mut out =
        String::from("# Least-privilege network policies, written by `coaming net suggest`.\n");
    if !found.questions.is_empty() {
        out.push_str("#\n# What the evidence does not tell:\n");
        for question in &found.questions {
            let _ = writeln!(out, "# - {}", one_line(question));
        }
    }
    let namespaces = real(model).map(|pods| &*pods.namespace);
    let namespaces: BTreeSet<&str> = namespaces.filter(|name| !super::is_system(name)).collect();
    for namespace in namespaces {
        defaults(&mut out, namespace);
        for (place, workload) in model.workloads.iter().enumerate() {
            if workload.namespace == namespace
                && let Some(selector) = selectors.get(&place)
            {
                let writer = Writer { model, selectors: &selectors, found };
                writer.workload(&mut out, place, selector);
            }
        }
    }
    out
}

fn real(model: &Model) -> impl Iterator<Item = &Pods> {
    model.pods.iter().filter(|pods| pods.role == Role::Real && !pods.host_network)
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

type Labels = Vec<(String, String)>;

/// The labels that select each workload's pods, and nobody else's in its namespace.
fn selectors(model: &Model, questions: &mut BTreeSet<String>) -> BTreeMap<usize, Labels> {
    let mut selectors: BTreeMap<usize, Labels> = BTreeMap::new();
    for pods in real(model) {
        let stable = pods.labels.iter().filter(|(key, _)| !VOLATILE.contains(&key.as_str()));
        let stable: Labels = stable.map(|(key, value)| (key.clone(), value.clone())).collect();
        selectors
            .entry(pods.workload)
            .and_modify(|known| known.retain(|label| stable.contains(label)))
            .or_insert(stable);
    }
    let clear = |place: usize, labels: &Labels| {
        let namespace = model.workloads.get(place).map(|workload| workload.namespace.as_str());
        !labels.is_empty()
            && real(model).filter(|pods| Some(&*pods.namespace) == namespace).all(|pods| {
                let selected =
                    labels.iter().all(|(key, value)| pods.labels.get(key) == Some(value));
                selected == (pods.workload == place)
            })
    };
    let unclear: Vec<usize> = selectors
        .iter()
        .filter(|(place, labels)| !clear(**place, labels))
        .map(|(place, _)| *place)
        .collect();
    for place in unclear {
        selectors.remove(&place);
        if let Some(workload) = model.workloads.get(place) {
            questions.insert(format!(
                "the labels of {workload} do not tell its pods from others of the namespace: \
                 which label shall?"
            ));
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

/// Text, quoted as YAML takes it whatever it holds.
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
    found: &'w Found,
}

/// The ports to one other end, with the evidence.
type Ports = BTreeMap<(Protocol, u16), BTreeSet<String>>;

impl Writer<'_> {
    fn workload(&self, out: &mut String, place: usize, selector: &Labels) {
        let Some(workload) = self.model.workloads.get(place) else { return };
        let mut incoming: BTreeMap<Source, Ports> = BTreeMap::new();
        let mut outgoing: BTreeMap<usize, Ports> = BTreeMap::new();
        for (flow, evidence) in &self.found.flows {
            let Flow { source, target, protocol, port } = flow;
            if *target == place {
                let ports = incoming.entry(source.clone()).or_default();
                ports.entry((*protocol, *port)).or_default().extend(evidence.iter().cloned());
            }
            if *source == Source::Workload(place) {
                let ports = outgoing.entry(*target).or_default();
                ports.entry((*protocol, *port)).or_default().extend(evidence.iter().cloned());
            }
        }
        if incoming.is_empty() && outgoing.is_empty() {
            return;
        }
        let _ = write!(
            out,
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  \
             namespace: {}\nspec:\n  podSelector:\n    matchLabels:\n",
            policy_name(self.model, place),
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
            for (source, ports) in &incoming {
                self.rule(out, "from", source, &workload.namespace, ports);
            }
        }
        if !outgoing.is_empty() {
            out.push_str("  egress:\n");
            for (target, ports) in &outgoing {
                self.rule(out, "to", &Source::Workload(*target), &workload.namespace, ports);
            }
        }
    }

    fn rule(&self, out: &mut String, field: &str, peer: &Source, own: &str, ports: &Ports) {
        let evidence: BTreeSet<&String> = ports.values().flatten().collect();
        let who = match peer {
            Source::Workload(place) => {
                self.model.workloads.get(*place).map_or_else(String::new, ToString::to_string)
            }
            Source::Controller => "the ingress controller".to_owned(),
            Source::Outside => "the outside".to_owned(),
        };
        for line in evidence {
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
            Source::Controller => namespace_selector(out, CONTROLLER_NAMESPACE, "    - "),
            Source::Workload(place) => {
                let namespace = self.model.workloads.get(*place).map(|w| w.namespace.as_str());
                let selector = self.selectors.get(place);
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

/// A name of its own for each workload's policy.
fn policy_name(model: &Model, place: usize) -> String {
    let Some(workload) = model.workloads.get(place) else { return String::new() };
    let twins = model
        .workloads
        .iter()
        .filter(|other| other.namespace == workload.namespace && other.name == workload.name);
    if twins.count() > 1 {
        format!("{}-{}", workload.name, workload.kind.to_ascii_lowercase())
    } else {
        workload.name.clone()
    }
}
