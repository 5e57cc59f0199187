//! NetworkPolicies of Kubernetes.

use std::fmt::Write as _;

use super::super::found::{Dns, NODE_LOCAL};
use super::{PolicyText, RulePeer, RuleText, comments, everywhere, labels, quoted};
use crate::model::NAMESPACE_NAME_LABEL;

/// The policies that every namespace gets.
pub(super) fn defaults(out: &mut String, namespace: &str, dns: Dns) {
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
    if dns.openshift {
        out.push_str("  - to:\n");
        pods(out, Some("openshift-dns"), None);
        out.push_str(
            "    ports:\n    - protocol: UDP\n      port: 5353\n    - protocol: TCP\n      port: 5353\n",
        );
    }
    if dns.node_local {
        out.push_str("  - to:\n");
        block(out, NODE_LOCAL);
        out.push_str(
            "    ports:\n    - protocol: UDP\n      port: 53\n    - protocol: TCP\n      port: 53\n",
        );
    }
}

/// The policy of one workload.
pub(super) fn policy(out: &mut String, policy: &PolicyText<'_>, ipv6: bool) {
    let _ = write!(
        out,
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  \
         namespace: {}\nspec:\n  podSelector:\n    matchLabels:\n",
        policy.name, policy.namespace
    );
    labels(out, policy.selector, 6);
    out.push_str("  policyTypes:\n");
    let directions = [
        ("Ingress", "ingress", "from", &policy.ingress),
        ("Egress", "egress", "to", &policy.egress),
    ];
    for (name, _, _, rules) in directions {
        if !rules.is_empty() {
            let _ = writeln!(out, "  - {name}");
        }
    }
    for (_, field, peers, rules) in directions {
        if !rules.is_empty() {
            let _ = writeln!(out, "  {field}:");
            rules.iter().for_each(|it| rule(out, it, peers, ipv6));
        }
    }
}

fn rule(out: &mut String, rule: &RuleText<'_>, field: &str, ipv6: bool) {
    comments(out, rule, 2);
    let _ = writeln!(out, "  - {field}:");
    for peer in &rule.peers {
        match peer {
            RulePeer::Pods { namespace, labels: wanted } => pods(out, *namespace, *wanted),
            RulePeer::Outside | RulePeer::Host(_) | RulePeer::ApiServer(None) => {
                everywhere(ipv6).for_each(|it| block(out, it));
            }
            RulePeer::Block(text) | RulePeer::ApiServer(Some(text)) => block(out, text),
        }
    }
    if rule.ports.is_empty() {
        return;
    }
    out.push_str("    ports:\n");
    for (protocol, port) in &rule.ports {
        let _ = write!(out, "    - protocol: {protocol}\n      port: {port}\n");
    }
}

fn pods(out: &mut String, namespace: Option<&str>, wanted: Option<&crate::selector::Labels>) {
    let mut start = "    - ";
    if let Some(namespace) = namespace {
        let namespace = quoted(namespace);
        let _ = write!(
            out,
            "{start}namespaceSelector:\n        matchLabels:\n          {NAMESPACE_NAME_LABEL}: {namespace}\n"
        );
        start = "      ";
    }
    match wanted {
        Some(wanted) => {
            let _ = write!(out, "{start}podSelector:\n        matchLabels:\n");
            labels(out, wanted, 10);
        }
        None if namespace.is_none() => {
            let _ = writeln!(out, "{start}podSelector: {{}}");
        }
        None => {}
    }
}

fn block(out: &mut String, block: &str) {
    let _ = write!(out, "    - ipBlock:\n        cidr: {}\n", cidr(block));
}

/// A block as YAML: one of IPv6 may start with a colon.
fn cidr(block: &str) -> String {
    if block.starts_with(':') { format!("{block:?}") } else { block.to_owned() }
}
