//! `find`, `diff` and reachability from outside.

use coaming_network::{
    AssertionResult, Endpoint, check_assertion, diff, explain, find_endpoint, find_port,
    reached_from_outside, read_assertions,
};
use coaming_test::manifests::{pod, policy, service, shop};
use insta::assert_snapshot;

use crate::common::reach;
use crate::random;
use crate::why::why;

#[test]
fn names_that_mean_nothing_or_too_much() {
    let input = shop() + &pod("other", "db", "", "");
    let reach = reach(&input);
    let error = |text: &str| find_endpoint(&reach, text).unwrap_err().to_string();
    assert_snapshot!(error("db"), @r#"`db` may mean any of other/db, shop/db: use namespace/name"#);
    assert_snapshot!(error("nobody"), @r#"no workload is called `nobody`; known workloads: other/db, other/spy, shop/db, shop/web"#);
    assert_eq!(find_endpoint(&reach, "other/db").unwrap().endpoints, [Endpoint::Pods(3)]);
    assert!(find_endpoint(&reach, "2001:db8::1").is_err());
    for bad in ["0", "x/y", "tcp/", "70000", "icmp/1"] {
        assert!(find_port(reach.model(), &[], bad).is_err(), "{bad}");
    }
}

/// Whatever the cluster, nothing differs from itself.
#[test]
fn nothing_differs_from_itself() {
    for seed in 0..300 {
        let model = random::model(seed);
        assert!(diff(model.clone(), model).is_empty(), "seed {seed}");
    }
}

/// A difference is exactly what tells the two lists apart, and turns around with them.
#[test]
fn a_difference_turns_around() {
    for seed in 0..200 {
        let (old, new) = (random::model(seed), random::model(seed + 1));
        let there = diff(old.clone(), new.clone());
        let mut back = diff(new, old);
        for change in &mut back.changes {
            std::mem::swap(&mut change.before, &mut change.after);
        }
        let mut changes = back.changes;
        changes.sort();
        assert_eq!(there.changes, changes, "seed {seed}");
    }
}

#[test]
fn reachability_from_outside_is_reported_only_where_it_is_known() {
    let input = pod("shop", "web", "app: web", "{containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{containerPort: 5432}")
        + &pod("other", "job", "app: job", "")
        + &service(
            "shop",
            "web",
            "{type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}",
        )
        + &policy("shop", "db", "{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}");
    let known = |input: &str| -> Vec<String> {
        let known = reached_from_outside(&reach(input));
        known.iter().map(|(workload, reached)| format!("{workload} {reached}")).collect()
    };
    assert_eq!(known(&input), ["shop/db (Pod) false", "shop/web (Pod) true"]);
    // A policy closes the ingress point.
    let shut = input + &policy("shop", "deny", "{podSelector: {}, policyTypes: [Ingress]}");
    assert_eq!(known(&shut), ["shop/db (Pod) false", "shop/web (Pod) false"]);
}

/// Pods do not see the addresses of clients behind a Service that hides them.
#[test]
fn an_open_service_hides_addresses() {
    let input = |policy: &str| {
        pod("shop", "web", "app: web", "{containerPort: 8080}")
            + &service(
                "shop",
                "web",
                &format!(
                    "{{type: NodePort, {policy}selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}"
                ),
            )
            + &coaming_test::manifests::policy(
                "shop",
                "web",
                "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 203.0.113.0/24}}]}]}",
            )
    };
    let hidden = reach(&input(""));
    assert_eq!(why(&hidden, "203.0.113.5", "web", 8080), "allowed?");
    assert_eq!(why(&hidden, "203.0.114.5", "web", 8080), "denied");
    assert_eq!(why(&hidden, "203.0.113.5", "web", 8081), "allowed");
    let local = reach(&input("externalTrafficPolicy: Local, "));
    assert_eq!(why(&local, "203.0.113.5", "web", 8080), "allowed");
}

/// The API server is behind a Service that most inputs do not have.
#[test]
fn the_api_server_is_not_a_workload() {
    let shop = reach(&shop());
    for name in ["kubernetes", "kubernetes.default", "kubernetes.default.svc.cluster.local"] {
        let error = find_endpoint(&shop, name).unwrap_err().to_string();
        assert!(error.contains("leads to the API server"), "{error}");
    }
}

/// A Service without a selector leads where its EndpointSlices say.
#[test]
fn services_without_a_selector() {
    let at = |address: &str| {
        pod("shop", "web", "app: web", "{containerPort: 8080}")
            + &format!("status: {{podIP: {address}}}\n")
    };
    let service = service("shop", "ext", "{ports: [{port: 80, targetPort: 8080}]}");
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: i, namespace: shop}\nspec: {defaultBackend: {service: {name: ext, port: {number: 80}}}}\n";
    let slice = "---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ext-1, namespace: shop, labels: {kubernetes.io/service-name: ext}}\naddressType: IPv4\nports: [{port: 8080}]\nendpoints: [{addresses: [10.0.0.7]}]\n";
    let old = "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: ext, namespace: shop}\nsubsets: [{addresses: [{ip: 10.0.0.7}], ports: [{port: 8080}]}]\n";
    for endpoints in [slice, old] {
        for (address, open) in [("10.0.0.7", 1), ("10.0.0.8", 0)] {
            let reach = reach(&[&at(address), &service, ingress, endpoints].concat());
            let entering = coaming_network::connections(&reach)
                .filter(|it| it.source == coaming_network::Peer::Ingress);
            assert_eq!(entering.count(), open, "{address} {endpoints}");
            assert_eq!(find_endpoint(&reach, "shop/ext").is_ok(), open == 1);
        }
    }
}

/// Assertions about blocks of addresses, ranges of ports, and ports that nothing has.
#[test]
fn assertions_about_blocks_and_ranges() {
    let input = pod("shop", "web", "app: web", "{containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{containerPort: 5432, name: sql}")
        + &policy(
            "shop",
            "web",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.1.0.0/16}}], ports: [{port: 8000, endPort: 8099}]}, {to: [{podSelector: {}}]}]}",
        );
    let reach = reach(&input);
    let result = |text: &str| {
        let assertion = &read_assertions(text).unwrap()[0];
        match check_assertion(&reach, assertion) {
            AssertionResult::Holds => "holds".to_owned(),
            AssertionResult::Fails(why) => format!("{:?} {:?}", why.target, why.port),
            other => format!("{other:?}"),
        }
    };
    let must = |to: &str, ports: &str| {
        result(&format!("must-reach: [{{from: web, to: {to}, ports: [{ports}]}}]"))
    };
    let must_not = |to: &str, ports: &str| {
        result(&format!("must-not-reach: [{{from: web, to: {to}, ports: [{ports}]}}]"))
    };
    assert_eq!(must("10.1.2.0/24", "8000-8099"), "holds");
    assert!(must("10.1.2.0/24", "8000-8100").contains("number: 8100"));
    assert!(must("10.0.0.0/8", "8001").contains("Ip("), "only a part of the block is open");
    assert_eq!(must_not("10.2.0.0/16", ""), "holds");
    assert!(must_not("10.0.0.0/8", "1-9000").contains("number: 8000"));
    assert_eq!(must_not("10.0.0.0/8", "udp/1-9000, 9000-9999"), "holds");
    assert_eq!(must("db", "5000-6000, sql"), "holds");
    let unknown = must("db", "pg");
    assert!(unknown.contains("NoSuchPort") && unknown.contains("TCP 5432 (`sql`)"), "{unknown}");
}

/// A route needs a Gateway that takes it, and leave to name a Service of another namespace.
#[test]
fn routes_that_nothing_takes_lead_nowhere() {
    let documents = |from: &str, namespace: &str| {
        format!(
            "---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: public, namespace: infra}}, spec: {{gatewayClassName: nginx, listeners: [{{name: http, port: 80, protocol: HTTP, allowedRoutes: {{namespaces: {{from: {from}}}}}}}]}}}}\n\
             ---\n{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: r, namespace: {namespace}}}, spec: {{parentRefs: [{{name: public, namespace: infra}}], rules: [{{backendRefs: [{{name: web, namespace: shop, port: 80}}]}}]}}}}\n"
        )
    };
    let grant = "---\n{apiVersion: gateway.networking.k8s.io/v1beta1, kind: ReferenceGrant, metadata: {name: g, namespace: shop}, spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: edge}], to: [{group: '', kind: Service}]}}\n";
    let labeled =
        "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {public: 'yes'}}}\n";
    let web = pod("shop", "web", "app: web", "{containerPort: 8080}")
        + &service("shop", "web", "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}");
    let says = |documents: String| {
        let reach = reach(&(web.clone() + &documents));
        let (from, to) = (find_endpoint(&reach, "ingress"), find_endpoint(&reach, "web"));
        let found = explain(&reach, &from.unwrap(), &to.unwrap(), None).unwrap();
        format!("{} {}", found.is_allowed(), found.refused.join("; "))
    };
    let not_taken = "false HTTPRoute shop/r is for Gateway infra/public, whose listeners take no routes of namespace shop (`allowedRoutes`)";
    let not_granted = "false HTTPRoute edge/r names Service shop/web, and no ReferenceGrant in namespace shop allows it";
    assert_eq!(says(documents("Same", "shop")), not_taken);
    assert_eq!(says(documents("All", "shop")), "true ");
    assert_eq!(says(documents("All", "edge")), not_granted);
    assert_eq!(says(documents("All", "edge") + grant), "true ");
    let selected = documents("Selector, selector: {matchLabels: {public: 'yes'}}", "shop");
    assert_eq!(says(selected.clone() + labeled), "true ");
    assert_eq!(says(selected.clone() + &labeled.replace("'yes'", "'no'")), not_taken);
    assert_eq!(says(selected), "true ", "the namespace's labels are not known");
    let elsewhere =
        documents("Same", "shop").replace("parentRefs: [{name: public", "parentRefs: [{name: x");
    assert_eq!(says(elsewhere), "true ", "its Gateway is not here");
}
