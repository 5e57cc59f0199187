//! NetworkPolicies of Calico. Their rules are in the default tier, where what no rule allows is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::found::{Dns, NODE_LOCAL};
use super::{PolicyText, RulePeer, RuleText, comments, everywhere};
use crate::ports::Protocol;
use crate::selector::Labels;

/// The policies that every namespace gets.
pub(super) fn defaults(out: &mut String, namespace: &str, dns: Dns) {
    let _ = write!(
        out,
        "---\n\
         # Nothing may connect to or from a pod of this namespace unless a policy below allows it.\n\
         apiVersion: projectcalico.org/v3\n\
         kind: NetworkPolicy\n\
         metadata:\n  name: default-deny\n  namespace: {namespace}\n\
         spec:\n  selector: all()\n  types:\n  - Ingress\n  - Egress\n\
         ---\n\
         # Every pod may resolve names.\n\
         apiVersion: projectcalico.org/v3\n\
         kind: NetworkPolicy\n\
         metadata:\n  name: allow-dns\n  namespace: {namespace}\n\
         spec:\n  selector: all()\n  types:\n  - Egress\n  egress:\n"
    );
    for protocol in ["UDP", "TCP"] {
        let _ = write!(
            out,
            "  - action: Allow\n    protocol: {protocol}\n    destination:\n      \
             selector: k8s-app == 'kube-dns'\n      \
             namespaceSelector: projectcalico.org/name == 'kube-system'\n      ports:\n      - 53\n"
        );
        let mut more = |place: String, port: u16| {
            let _ = write!(
                out,
                "  - action: Allow\n    protocol: {protocol}\n    destination:\n      {place}\n      \
                 ports:\n      - {port}\n"
            );
        };
        if dns.openshift {
            more("namespaceSelector: projectcalico.org/name == 'openshift-dns'".to_owned(), 5353);
        }
        if dns.node_local {
            more(format!("nets: [{NODE_LOCAL:?}]"), 53);
        }
    }
}

/// The policy of one workload.
pub(super) fn policy(out: &mut String, policy: &PolicyText<'_>, ipv6: bool) {
    let _ = write!(
        out,
        "---\napiVersion: projectcalico.org/v3\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  \
         namespace: {}\nspec:\n  selector: {}\n  types:\n",
        policy.name,
        policy.namespace,
        selector(policy.selector)
    );
    let directions =
        [("Ingress", "ingress", &policy.ingress), ("Egress", "egress", &policy.egress)];
    for (name, _, rules) in directions {
        if !rules.is_empty() {
            let _ = writeln!(out, "  - {name}");
        }
    }
    for (name, field, rules) in directions {
        if !rules.is_empty() {
            let _ = writeln!(out, "  {field}:");
            rules.iter().for_each(|it| rule(out, it, name == "Ingress", ipv6));
        }
    }
}

/// A rule has one peer and one protocol here.
fn rule(out: &mut String, rule: &RuleText<'_>, is_ingress: bool, ipv6: bool) {
    let mut by_protocol: BTreeMap<Option<Protocol>, Vec<u16>> = BTreeMap::new();
    for (protocol, port) in &rule.ports {
        by_protocol.entry(Some(*protocol)).or_default().push(*port);
    }
    if by_protocol.is_empty() {
        by_protocol.insert(None, Vec::new());
    }
    for peer in &rule.peers {
        for (protocol, ports) in &by_protocol {
            comments(out, rule, 2);
            out.push_str("  - action: Allow\n");
            if let Some(protocol) = protocol {
                let _ = writeln!(out, "    protocol: {protocol}");
            }
            let _ = writeln!(out, "    {}:", if is_ingress { "source" } else { "destination" });
            entity(out, peer, ipv6);
            if ports.is_empty() {
                continue;
            }
            if is_ingress {
                out.push_str("    destination:\n");
            }
            out.push_str("      ports:\n");
            for port in ports {
                let _ = writeln!(out, "      - {port}");
            }
        }
    }
}

fn entity(out: &mut String, peer: &RulePeer<'_>, ipv6: bool) {
    match peer {
        RulePeer::Pods { namespace, labels } => {
            let pods = labels.map_or_else(|| "all()".to_owned(), selector);
            let _ = writeln!(out, "      selector: {pods}");
            if let Some(namespace) = namespace {
                let _ = writeln!(
                    out,
                    "      namespaceSelector: projectcalico.org/name == '{namespace}'"
                );
            }
        }
        RulePeer::Outside | RulePeer::Host(_) | RulePeer::ApiServer(None) => {
            nets(out, everywhere(ipv6));
        }
        RulePeer::Block(block) | RulePeer::ApiServer(Some(block)) => {
            nets(out, std::iter::once(*block));
        }
    }
}

fn nets<'b>(out: &mut String, blocks: impl Iterator<Item = &'b str>) {
    out.push_str("      nets:\n");
    for block in blocks {
        let _ = writeln!(out, "      - {block:?}");
    }
}

/// Labels as an expression: `app == 'web' && tier == 'front'`. Values of labels hold no quotes.
fn selector(labels: &Labels) -> String {
    let parts: Vec<String> =
        labels.iter().map(|(key, value)| format!("{key} == '{value}'")).collect();
    parts.join(" && ")
}
