//! What `why` says, in one line.

use coaming_network::model::Limit;
use coaming_network::{
    AskedPort, Explanation, Protocol, Reach, Uncertainty, explain, find_endpoint,
};

pub(crate) fn explain_tcp(reach: &Reach, from: &str, to: &str, port: u16) -> Explanation {
    let (from, to) = (find_endpoint(reach, from).unwrap(), find_endpoint(reach, to).unwrap());
    let asked = AskedPort::from((Protocol::Tcp, port));
    explain(reach, &from, &to, Some(&asked)).unwrap()
}

/// `allowed`, `denied`, with `?` where it is not certain, and with what else must hold.
pub(crate) fn why(reach: &Reach, from: &str, to: &str, port: u16) -> String {
    let found = explain_tcp(reach, from, to, port);
    let limits: Vec<&Limit> = found.limits.iter().flatten().collect();
    let shown: Vec<String> = limits.iter().map(ToString::to_string).collect();
    let verdict = if found.is_allowed() { "allowed" } else { "denied" };
    let certain = if found.is_certain() { "" } else { "?" };
    format!("{verdict}{certain} {}", shown.join("|")).trim().to_owned()
}

/// An egress firewall is about what leaves the pod network: it withholds no answer about two pods on
/// it, and of a connection that leaves it, it is named for the source.
#[test]
fn egress_firewalls_touch_what_leaves_the_pod_network() {
    let pod = |name: &str, more: &str| {
        format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{{more}containers: [{{name: c, image: x}}]}}\n"
        )
    };
    let pods = pod("web", "") + &pod("db", "") + &pod("agent", "hostNetwork: true, ");
    for (api, kind) in
        [("k8s.ovn.org/v1", "EgressFirewall"), ("network.openshift.io/v1", "EgressNetworkPolicy")]
    {
        let firewall = format!(
            "---\napiVersion: {api}\nkind: {kind}\nmetadata: {{name: default, namespace: shop}}\n\
             spec: {{egress: [{{type: Deny, to: {{cidrSelector: 0.0.0.0/0}}}}]}}\n"
        );
        let reach = crate::common::reach(&format!("{pods}{firewall}"));
        let named = |source: &str, target: &str| {
            let [from, to] = [source, target].map(|name| find_endpoint(&reach, name).unwrap());
            let found = explain(&reach, &from, &to, None).unwrap().uncertain;
            let kinds = found.into_iter().filter_map(|it| match it {
                Uncertainty::NotEvaluated(it) if it.kind == kind => Some(it.workloads.len()),
                _ => None,
            });
            kinds.collect::<Vec<_>>()
        };
        assert_eq!(named("shop/web", "shop/db"), [0; 0], "{kind}");
        assert_eq!(named("shop/web", "8.8.8.8"), [1], "{kind}");
        assert_eq!(named("shop/web", "shop/agent"), [1], "{kind}");
        assert_eq!(named("8.8.8.8", "shop/db"), [0; 0], "{kind}");
    }
}
