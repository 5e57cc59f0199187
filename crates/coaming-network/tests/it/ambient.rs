//! Istio's ambient mesh: what network policies see of its connections.

use coaming_network::{Advice, Reach, exposure};

use crate::common;
use crate::why::{explain_tcp, why};

/// Namespace `node` is in the ambient mesh, `shop` has sidecars, `legacy` neither.
const CLUSTER: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: node, labels: {istio.io/dataplane-mode: ambient}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: legacy}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: node, labels: {app: api}}, spec: {serviceAccountName: api, containers: [{name: c, image: x, ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: node, labels: {app: db}}, spec: {serviceAccountName: db, containers: [{name: c, image: x, ports: [{containerPort: 5432}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: out, namespace: node, labels: {app: out, istio.io/dataplane-mode: none}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: old, namespace: legacy, labels: {app: old}}, spec: {containers: [{name: c, image: x}]}}
---
";

fn reach(documents: &[&str]) -> Reach {
    let reach = common::reach(&format!("{CLUSTER}{}", documents.join("\n---\n")));
    assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
    reach
}

fn policy(namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p, namespace: {namespace}}}, spec: {spec}}}"
    )
}

#[test]
fn the_application_port_alone_closes_a_pod_to_the_mesh() {
    let closed = policy(
        "node",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}]}]}",
    );
    let closed = reach(&[&closed]);
    assert_eq!(why(&closed, "api", "db", 5432), "denied", "it arrives on port 15008");
    assert_eq!(why(&closed, "shop/web", "db", 5432), "denied", "a sidecar uses the tunnel, too");
    for from in ["node/out", "legacy/old"] {
        assert_eq!(why(&closed, from, "db", 5432), "allowed", "{from} is not in the mesh");
        assert_eq!(why(&closed, from, "db", 15008), "denied", "{from}");
    }
    assert_eq!(why(&closed, "8.8.8.8", "db", 5432), "allowed");
    let open = policy(
        "node",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 5432}, {port: 15008}]}]}",
    );
    let open = reach(&[&open]);
    assert_eq!(why(&open, "api", "db", 5432), "allowed");
    assert_eq!(why(&open, "api", "db", 9999), "allowed", "the tunnel carries any port");
    assert_eq!(why(&open, "legacy/old", "db", 9999), "denied");
}

#[test]
fn leaving_goes_through_the_tunnel_too() {
    let egress = policy(
        "node",
        "{podSelector: {matchLabels: {app: api}}, policyTypes: [Egress], egress: [{ports: [{port: 5432}]}]}",
    );
    let egress = reach(&[&egress]);
    assert_eq!(why(&egress, "api", "db", 5432), "denied");
    assert_eq!(why(&egress, "api", "shop/web", 5432), "denied", "a sidecar takes the tunnel");
    assert_eq!(why(&egress, "api", "legacy/old", 5432), "allowed", "it is not in the mesh");
    assert_eq!(why(&egress, "api", "8.8.8.8", 5432), "allowed");
    let sidecar = policy(
        "shop",
        "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 5432}]}]}",
    );
    assert_eq!(why(&reach(&[&sidecar]), "shop/web", "db", 5432), "denied");
}

#[test]
fn other_protocols_are_not_carried() {
    let udp = policy(
        "node",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{protocol: UDP, port: 53}]}]}",
    );
    let reach = reach(&[&udp]);
    let (from, to) = (
        coaming_network::find_endpoint(&reach, "api").unwrap().endpoints[0],
        coaming_network::find_endpoint(&reach, "db").unwrap().endpoints[0],
    );
    assert_eq!(reach.allowed(from, to).to_string(), "UDP 53");
}

#[test]
fn the_rules_of_the_mesh_are_about_the_real_port() {
    let open = policy(
        "node",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 15008}]}]}",
    );
    let allow = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: a, namespace: node}, spec: {selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals: [cluster.local/ns/node/sa/api]}}], to: [{operation: {ports: ['5432']}}]}]}}";
    let reach = reach(&[&open, allow]);
    assert_eq!(why(&reach, "api", "db", 5432), "allowed");
    assert_eq!(why(&reach, "api", "db", 5433), "denied");
    assert_eq!(why(&reach, "shop/web", "db", 5432), "denied");
}

#[test]
fn advice_is_about_the_tunnel_and_works() {
    let deny = policy("node", "{podSelector: {}, ingress: [{ports: [{port: 5432}]}]}");
    let before = reach(&[&deny]);
    let found = explain_tcp(&before, "api", "db", 5432);
    assert_eq!(found.tunnel, Some(15008));
    let advice: Vec<_> = found
        .advice
        .iter()
        .map(|advice| match advice {
            Advice::Add(policy) => policy.port.map(|(_, number)| number),
            _ => None,
        })
        .collect();
    assert_eq!(advice, [Some(15008)]);
}

#[test]
fn pods_to_come_in_the_mesh_use_the_tunnel() {
    let closed = policy(
        "node",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 5432}]}]}",
    );
    let exposures = exposure(common::model(&format!("{CLUSTER}{closed}")));
    let db = exposures.iter().find(|it| it.workload.name == "db").unwrap();
    let open: Vec<String> = db
        .ingress
        .pods
        .iter()
        .map(|it| format!("{} but {:?}: {}", it.pods, it.except.len(), it.allowed))
        .collect();
    assert_eq!(open, ["any pod in namespace node but 1: TCP 5432"]);
}
