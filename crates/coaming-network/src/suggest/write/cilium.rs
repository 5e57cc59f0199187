//! CiliumNetworkPolicies.

use std::fmt::Write as _;

use super::super::found::Dns;
use super::{PolicyText, RulePeer, RuleText, comments, labels, quoted};

/// The label of a pod's namespace.
const NAMESPACE: &str = "k8s:io.kubernetes.pod.namespace";

/// The policies that every namespace gets. Where rules name hosts, Cilium must see which addresses
/// their names have.
pub(super) fn defaults(out: &mut String, namespace: &str, dns: Dns, sees_names: bool) {
    let _ = write!(
        out,
        "---\n\
         # Nothing may connect to or from a pod of this namespace unless a policy below allows it.\n\
         apiVersion: cilium.io/v2\n\
         kind: CiliumNetworkPolicy\n\
         metadata:\n  name: default-deny\n  namespace: {namespace}\n\
         spec:\n  endpointSelector: {{}}\n  ingress:\n  - {{}}\n  egress:\n  - {{}}\n\
         ---\n\
         # Every pod may resolve names.\n\
         apiVersion: cilium.io/v2\n\
         kind: CiliumNetworkPolicy\n\
         metadata:\n  name: allow-dns\n  namespace: {namespace}\n\
         spec:\n  endpointSelector: {{}}\n  egress:\n"
    );
    let mut servers = vec![(
        format!(
            "toEndpoints:\n    - matchLabels:\n        {NAMESPACE:?}: kube-system\n        \
             \"k8s:k8s-app\": kube-dns"
        ),
        53,
    )];
    if dns.openshift {
        let pods =
            format!("toEndpoints:\n    - matchLabels:\n        {NAMESPACE:?}: openshift-dns");
        servers.push((pods, 5353));
    }
    if dns.node_local {
        servers.push(("toEntities:\n    - host".to_owned(), 53));
    }
    for (server, port) in servers {
        let _ = write!(
            out,
            "  - {server}\n    toPorts:\n    - ports:\n      - port: \"{port}\"\n        protocol: UDP\n      \
             - port: \"{port}\"\n        protocol: TCP\n"
        );
        if sees_names {
            out.push_str("      rules:\n        dns:\n        - matchPattern: \"*\"\n");
        }
    }
}

/// The policy of one workload.
pub(super) fn policy(out: &mut String, policy: &PolicyText<'_>) {
    let _ = write!(
        out,
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: {}\n  \
         namespace: {}\nspec:\n  endpointSelector:\n    matchLabels:\n",
        policy.name, policy.namespace
    );
    labels(out, policy.selector, 6);
    for (field, word, rules) in
        [("ingress", "from", &policy.ingress), ("egress", "to", &policy.egress)]
    {
        if !rules.is_empty() {
            let _ = writeln!(out, "  {field}:");
            rules.iter().for_each(|it| rule(out, it, word));
        }
    }
}

fn rule(out: &mut String, rule: &RuleText<'_>, word: &str) {
    for (position, peer) in rule.peers.iter().enumerate() {
        if position == 0 {
            comments(out, rule, 2);
        }
        out.push_str("  - ");
        match peer {
            RulePeer::Pods { namespace, labels: wanted } => {
                let _ = writeln!(out, "{word}Endpoints:");
                if namespace.is_none() && wanted.is_none() {
                    out.push_str("    - {}\n");
                } else {
                    out.push_str("    - matchLabels:\n");
                }
                if let Some(namespace) = namespace {
                    let _ = writeln!(out, "        {NAMESPACE:?}: {}", quoted(namespace));
                }
                for (key, value) in wanted.iter().flat_map(|labels| labels.iter()) {
                    let _ = writeln!(out, "        {:?}: {}", format!("k8s:{key}"), quoted(value));
                }
            }
            // Traffic that a node forwards may come from its address.
            RulePeer::Outside if word == "from" => {
                out.push_str("fromEntities:\n    - world\n    - remote-node\n");
            }
            RulePeer::Outside => out.push_str("toEntities:\n    - world\n"),
            RulePeer::Block(block) => {
                let _ = write!(out, "{word}CIDR:\n    - {block:?}\n");
            }
            RulePeer::Host(host) => {
                let _ = write!(out, "toFQDNs:\n    - matchName: {}\n", quoted(host));
            }
            // Cilium knows where it is, and a block would not mean it.
            RulePeer::ApiServer(_) => {
                let _ = write!(out, "{word}Entities:\n    - kube-apiserver\n");
            }
        }
        if rule.ports.is_empty() {
            continue;
        }
        out.push_str("    toPorts:\n    - ports:\n");
        for (protocol, port) in &rule.ports {
            let _ = write!(out, "      - port: \"{port}\"\n        protocol: {protocol}\n");
        }
    }
}
