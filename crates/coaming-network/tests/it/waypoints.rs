//! Waypoints of Istio's ambient mesh: expectations written by hand.

use coaming_network::{Advice, Protocol, Reach, list, unevaluated};

use crate::common;
use crate::why::{explain_tcp, why};

/// Namespace `shop` is in the mesh with Service `db` behind a waypoint; `ops` is in the mesh too, `old`
/// is not.
const CLUSTER: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, team: a}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ops, labels: {istio.io/dataplane-mode: ambient}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: old}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: pg, namespace: shop, labels: {app: db}}, spec: {serviceAccountName: db, containers: [{name: c, image: x, ports: [{name: sql, containerPort: 5432}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: scrape, namespace: ops, labels: {app: scrape}}, spec: {serviceAccountName: scrape, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: plain, namespace: old, labels: {app: plain}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop, labels: {istio.io/use-waypoint: wp}}, spec: {selector: {app: db}, ports: [{port: 80, targetPort: sql}]}}
---
";

const GATEWAY: &str = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop}, spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}}";

/// Only the waypoint may connect to the database.
const LOCK: &str = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: lock, namespace: shop}, spec: {selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/wp]}}]}]}}";

fn reach(documents: &[&str]) -> Reach {
    let reach = common::reach(&format!("{CLUSTER}{}", documents.join("\n---\n")));
    assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
    reach
}

fn attached(name: &str, target: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: {name}, namespace: shop}}, spec: {{targetRefs: [{target}], {rest}}}}}"
    )
}

const SERVICE: &str = "{kind: Service, group: '', name: db}";

fn policy(spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p, namespace: shop}}, spec: {spec}}}"
    )
}

#[test]
fn a_service_leads_through_its_waypoint() {
    let locked = reach(&[GATEWAY, LOCK]);
    assert_eq!(why(&locked, "web", "pg", 5432), "allowed", "the waypoint's identity is let in");
    assert_eq!(why(&locked, "ops/scrape", "pg", 5432), "allowed");
    assert_eq!(why(&locked, "web", "pg", 5433), "denied", "no port of the Service leads there");
    assert_eq!(why(&locked, "old/plain", "pg", 5432), "denied", "it does not use waypoints");
    let found = explain_tcp(&locked, "web", "pg", 5432);
    assert!(!found.is_allowed_directly());
    assert_eq!(found.ways.len(), 1);
    assert_eq!(found.ways[0].waypoint, "shop/wp");
    assert_eq!(found.ways[0].service.as_deref(), Some("shop/db"));
    let alone = reach(&[LOCK]);
    assert_eq!(why(&alone, "web", "pg", 5432), "denied?", "its waypoint is not here");
}

#[test]
fn the_waypoint_authorizes_by_the_source_and_the_port_of_the_service() {
    let web = "rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}], to: [{operation: {ports: ['80']}}]}]";
    let allow = reach(&[GATEWAY, LOCK, &attached("a", SERVICE, web)]);
    assert_eq!(why(&allow, "web", "pg", 5432), "allowed");
    assert_eq!(why(&allow, "ops/scrape", "pg", 5432), "denied");
    let target = "rules: [{to: [{operation: {ports: ['5432']}}]}]";
    let target = reach(&[GATEWAY, LOCK, &attached("a", SERVICE, target)]);
    assert_eq!(why(&target, "web", "pg", 5432), "denied", "it is the port of the pods");
    let deny = "action: DENY, rules: [{from: [{source: {namespaces: [ops]}}]}]";
    for attached_to in [SERVICE, "{kind: Gateway, group: gateway.networking.k8s.io, name: wp}"] {
        let deny = reach(&[GATEWAY, LOCK, &attached("d", attached_to, deny)]);
        assert_eq!(why(&deny, "web", "pg", 5432), "allowed");
        assert_eq!(why(&deny, "ops/scrape", "pg", 5432), "denied");
    }
    let get = "rules: [{to: [{operation: {methods: [GET]}}]}]";
    let get = reach(&[GATEWAY, LOCK, &attached("g", SERVICE, get)]);
    assert_eq!(why(&get, "web", "pg", 5432), "allowed HTTP GET");
    let other = "{kind: Service, group: '', name: other}";
    let other = reach(&[GATEWAY, LOCK, &attached("o", other, "{}").replace("{}", "rules: []")]);
    assert_eq!(why(&other, "web", "pg", 5432), "allowed?", "it may be another Service");
}

#[test]
fn policies_of_the_root_namespace_can_mean_all_waypoints() {
    let class = "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: c, namespace: istio-system}, spec: {action: DENY, targetRefs: [{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}], rules: [{from: [{source: {namespaces: [ops]}}]}]}}";
    let all = reach(&[GATEWAY, LOCK, class]);
    assert_eq!(why(&all, "ops/scrape", "pg", 5432), "denied");
    assert_eq!(why(&all, "web", "pg", 5432), "allowed");
    let elsewhere = class.replace("istio-system", "shop");
    assert_eq!(why(&reach(&[GATEWAY, LOCK, &elsewhere]), "ops/scrape", "pg", 5432), "allowed");
}

#[test]
fn network_policies_apply_to_both_connections() {
    let deny_waypoint = policy(
        "{podSelector: {matchLabels: {gateway.networking.k8s.io/gateway-name: wp}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 15008}]}]}",
    );
    let guarded = reach(&[GATEWAY, LOCK, &deny_waypoint]);
    assert_eq!(why(&guarded, "web", "pg", 5432), "allowed");
    assert_eq!(why(&guarded, "ops/scrape", "pg", 5432), "denied");
    let only_web = policy(
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}",
    );
    let only_web = reach(&[GATEWAY, &only_web]);
    assert_eq!(why(&only_web, "web", "pg", 5432), "allowed", "by its own address");
    let found = explain_tcp(&only_web, "web", "pg", 5432);
    assert!(found.is_allowed_directly() && !found.ways[0].is_allowed());
    let only_waypoint = policy(
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {gateway.networking.k8s.io/gateway-name: wp}}}], ports: [{port: 15008}]}]}",
    );
    let only_waypoint = reach(&[GATEWAY, &only_waypoint]);
    assert_eq!(why(&only_waypoint, "web", "pg", 5432), "allowed");
    assert_eq!(why(&only_waypoint, "web", "pg", 5433), "denied");
}

#[test]
fn a_waypoint_for_workloads_takes_the_pods_own_addresses() {
    let gateway = GATEWAY
        .replace("namespace: shop}", "namespace: shop, labels: {istio.io/waypoint-for: workload}}");
    let pods = "{apiVersion: v1, kind: Pod, metadata: {name: pay, namespace: shop, labels: {app: pay, istio.io/use-waypoint: wp}}, spec: {containers: [{name: c, image: x}]}}";
    let deny = attached(
        "d",
        "{kind: Gateway, group: gateway.networking.k8s.io, name: wp}",
        "action: DENY, rules: [{from: [{source: {namespaces: [ops]}}]}]",
    );
    let reach = reach(&[&gateway, pods, &deny]);
    assert_eq!(why(&reach, "web", "pay", 80), "allowed");
    assert_eq!(why(&reach, "ops/scrape", "pay", 80), "denied", "there is no other way");
    assert_eq!(
        why(&reach, "ops/scrape", "pg", 5432),
        "allowed",
        "the waypoint is not for Services"
    );
    assert_eq!(why(&reach, "old/plain", "pay", 80), "allowed", "it does not use waypoints");
}

#[test]
fn other_namespaces_need_to_be_allowed() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: scrape, namespace: ops, labels: {istio.io/use-waypoint: wp, istio.io/use-waypoint-namespace: shop}}, spec: {selector: {app: scrape}, ports: [{port: 9090}]}}";
    let lock =
        LOCK.replace("namespace: shop}", "namespace: ops}").replace("app: db", "app: scrape");
    let same = reach(&[GATEWAY, service, &lock]);
    assert_eq!(why(&same, "web", "ops/scrape", 9090), "denied");
    let all = GATEWAY
        .replace("protocol: HBONE", "protocol: HBONE, allowedRoutes: {namespaces: {from: All}}");
    assert_eq!(why(&reach(&[&all, service, &lock]), "web", "ops/scrape", 9090), "allowed");
}

#[test]
fn own_classes_are_waypoints_by_their_controller() {
    let gateway = GATEWAY.replace("istio-waypoint", "mine");
    let class = "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: mine}, spec: {controllerName: istio.io/mesh-controller}}";
    assert_eq!(why(&reach(&[&gateway, class, LOCK]), "web", "pg", 5432), "allowed");
    assert_eq!(why(&reach(&[&gateway, LOCK]), "web", "pg", 5432), "denied?");
}

#[test]
fn lists_and_notes_agree() {
    let locked = reach(&[GATEWAY, LOCK]);
    let listed = list(&locked);
    let line = listed.iter().find(|it| {
        format!("{:?}", it.source).contains("\"web\"")
            && format!("{:?}", it.target).contains("\"pg\"")
    });
    let allowed = line.map(|it| it.allowed.clone()).unwrap();
    assert!(allowed.contains(Protocol::Tcp, 5432) && !allowed.contains(Protocol::Tcp, 5433));
    assert_eq!(unevaluated(locked.model(), None), []);
    let gone = reach(&[
        GATEWAY,
        LOCK,
        &attached("e", "{kind: ServiceEntry, group: networking.istio.io, name: out}", "rules: []"),
    ]);
    assert_eq!(unevaluated(gone.model(), None).len(), 1);
}

#[test]
fn advice_is_about_the_waypoint() {
    let nobody = reach(&[GATEWAY, LOCK, &attached("n", SERVICE, "rules: []")]);
    let found = explain_tcp(&nobody, "web", "pg", 5432);
    assert_eq!(found.advice, [Advice::Authorize("AuthorizationPolicy shop/n".to_owned())]);
}
