//! What a service mesh needs by itself.

use super::*;

/// Through a waypoint a flow is two, and both are let through.
#[test]
fn waypoints_are_let_through() {
    let client = "image: i:1, env: [{name: DB, value: 'db:5432'}]";
    let input = [
        "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: wp}}}\n".to_owned(),
        "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop}, spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}}\n".to_owned(),
        pod("shop", "web", "app: web", "").replace("image: i:1", client),
        pod("shop", "other", "app: other", ""),
        pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}"),
        service("shop", "db", "{selector: {app: db}, ports: [{port: 5432, targetPort: sql}]}"),
    ]
    .concat();
    let suggested = suggest(&world(&input), None).unwrap();
    let model = from_world(&world(&input));
    assert_eq!(
        flows(&model, &suggested),
        ["web → db: TCP 5432", "web → wp: TCP 15008", "wp → db: TCP 5432"]
    );
    let applied = crate::common::reach(&format!("{input}---\n{}", suggested.yaml));
    let found = crate::why::explain_tcp(&applied, "web", "db", 5432);
    assert!(found.ways[0].is_allowed(), "{}", suggested.yaml);
    assert!(suggested.yaml.contains("gateway.networking.k8s.io/gateway-name: wp"));
    assert!(!suggested.yaml.contains("canonical-name"), "it depends on the version of Istio");
    assert!(!crate::why::explain_tcp(&applied, "other", "db", 5432).is_allowed());
}

/// Without its mesh's control plane, no proxy starts.
#[test]
fn proxies_reach_their_control_plane() {
    let istio = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}\n".to_owned()
        + &pod("shop", "web", "app: web", "");
    let yaml = suggest(&world(&istio), None).unwrap().yaml;
    let part = yaml.split("its proxy needs istiod").nth(1).unwrap();
    assert!(part.contains("kubernetes.io/metadata.name: istio-system"), "{yaml}");
    assert!(part.contains("port: 15012"), "{yaml}");
    // Where the control plane is here, both sides are opened, on its pods alone.
    let here = istio + &pod("istio-system", "istiod", "app: istiod", "");
    let suggested = suggest(&world(&here), None).unwrap();
    assert_eq!(flows(&from_world(&world(&here)), &suggested), ["web → istiod: TCP 15012"]);
    let linkerd = pod("shop", "web", "app: web", "").replace(
        "labels: {app: web}",
        "labels: {app: web}, annotations: {linkerd.io/inject: enabled}",
    );
    let yaml = suggest(&world(&linkerd), None).unwrap().yaml;
    for port in ["8080", "8086", "8090"] {
        assert!(yaml.contains(&format!("port: {port}")), "{port}: {yaml}");
    }
    let none = suggest(&world(&pod("shop", "web", "app: web", "")), None).unwrap().yaml;
    assert!(!none.contains("its proxy"), "{none}");
}
