//! What is wrong with policies: each check on the least input that shows it, and on one that
//! must not.

use coaming_network::{Check, policy_findings};
use coaming_test::manifests::{pod, policy, service};
use insta::assert_snapshot;

use crate::common::{corpus, reach};

fn of(input: &str, check: Check) -> String {
    let found = policy_findings(&reach(input)).into_iter().filter(|problem| problem.check == check);
    let lines = found.map(|problem| {
        let place = problem.location.map(|place| place.to_string()).unwrap_or_default();
        format!("{place} {:?} {}: {}", problem.certainty, problem.subject, problem.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn web_and_db() -> String {
    pod("shop", "web", "app: web", "{name: http, containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}")
}

#[test]
fn unguarded_pods_are_one_thing_to_do() {
    assert_snapshot!(of(&web_and_db(), Check::NoIngressPolicy), @r#"input.yaml:2 Proven namespace shop: no network policy guards the ingress or egress of db, web in namespace shop"#);
    let guarded = web_and_db() + &policy("shop", "p", "{podSelector: {}}");
    assert_snapshot!(of(&guarded, Check::NoIngressPolicy), @"");
    assert_snapshot!(of(&guarded, Check::NoEgressPolicy), @r#"input.yaml:2 Proven namespace shop: no network policy guards the egress of db, web in namespace shop"#);
    let both =
        web_and_db() + &policy("shop", "p", "{podSelector: {}, policyTypes: [Ingress, Egress]}");
    assert_snapshot!(of(&both, Check::NoEgressPolicy), @"");
}

#[test]
fn selects_nothing() {
    let input = web_and_db() + &policy("shop", "p", "{podSelector: {matchLabels: {app: wbe}}}");
    assert_snapshot!(of(&input, Check::SelectsNothing), @r#"input.yaml:16 Likely NetworkPolicy shop/p: NetworkPolicy shop/p selects no pod: none here has the labels app=wbe"#);
    let elsewhere = web_and_db() + &policy("other", "p", "{podSelector: {matchLabels: {app: x}}}");
    assert_snapshot!(of(&elsewhere, Check::SelectsNothing), @"");
}

#[test]
fn peer_matches_nothing() {
    let input = web_and_db()
        + &policy(
            "shop",
            "p",
            "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: wbe}}}]}]}",
        );
    assert_snapshot!(of(&input, Check::PeerMatchesNothing), @r#"input.yaml:19 Likely NetworkPolicy shop/p: pods with app=wbe in namespace shop matches no pod, so this item of NetworkPolicy shop/p allows nothing"#);
    let unknown = web_and_db()
        + &policy(
            "shop",
            "p",
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: x}}}]}]}",
        );
    assert_snapshot!(of(&unknown, Check::PeerMatchesNothing), @"");
}

#[test]
fn two_items_where_one_was_meant() {
    let trap = |peers: &str| {
        web_and_db()
            + &pod("monitoring", "prom", "app: prom", "")
            + &policy("shop", "p", &format!("{{podSelector: {{}}, ingress: [{{from: {peers}}}]}}"))
    };
    let split = "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}, {podSelector: {matchLabels: {app: prom}}}]";
    assert_snapshot!(of(&trap(split), Check::SplitPeer), @r#"input.yaml:26 Proven NetworkPolicy shop/p: the namespaceSelector and the podSelector are two items, so NetworkPolicy shop/p allows every pod of the selected namespaces, and pods with app=prom of its own namespace, where there are none"#);
    let joined = "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}, podSelector: {matchLabels: {app: prom}}}]";
    assert_snapshot!(of(&trap(joined), Check::SplitPeer), @"");
    let meant = "[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}, {podSelector: {matchLabels: {app: web}}}]";
    assert_snapshot!(of(&trap(meant), Check::SplitPeer), @"");
}

#[test]
fn internet_and_metadata() {
    let with = |spec: &str| web_and_db() + &policy("shop", "p", spec);
    let ingress = with(
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]}",
    );
    assert_snapshot!(of(&ingress, Check::AllowsInternet), @r#"input.yaml:19 Proven NetworkPolicy shop/p: ingress[0] of NetworkPolicy shop/p lets the whole internet connect to the pods it selects"#);
    let egress = with(
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}, {port: 443}]}]}",
    );
    assert_snapshot!(of(&egress, Check::AllowsInternet), @"");
    assert_snapshot!(of(&egress, Check::MetadataReachable), @r#"input.yaml:19 Proven NetworkPolicy shop/p: NetworkPolicy shop/p lets its pods connect to 169.254.169.254, where clouds hand out the node's credentials"#);
    let careful = with(
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.0.0/16]}}], ports: [{port: 80}]}]}",
    );
    assert_snapshot!(of(&careful, Check::MetadataReachable), @"");
    let open = with("{podSelector: {}, policyTypes: [Egress], egress: [{}]}");
    assert_snapshot!(of(&open, Check::AllowsInternet), @r#"input.yaml:19 Proven namespace shop: the policies p of namespace shop allow all egress"#);
}

#[test]
fn no_effect() {
    let wide = policy("shop", "wide", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}");
    let narrow = policy(
        "shop",
        "narrow",
        "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}",
    );
    assert_snapshot!(of(&(web_and_db() + &wide + &narrow), Check::NoEffect), @r#"input.yaml:21 Proven NetworkPolicy shop/narrow: NetworkPolicy shop/narrow changes nothing: all that it allows, wide allows too for the same pods, and policies only add up"#);
    let deny = policy("shop", "deny", "{podSelector: {}}");
    assert_snapshot!(of(&(web_and_db() + &deny + &narrow), Check::NoEffect), @"");
}

#[test]
fn unserved_port() {
    let input = web_and_db()
        + &service("shop", "web", "{selector: {app: web}, ports: [{port: 80, targetPort: http}]}")
        + &policy(
            "shop",
            "p",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}, {port: http}, {port: metrics}]}]}",
        );
    assert_snapshot!(of(&input, Check::UnservedPort), @r#"
    input.yaml:24 Likely NetworkPolicy shop/p: NetworkPolicy shop/p allows port TCP 80, on which no container of the receiving pods listens: they name TCP 8080 (`http`)
    input.yaml:24 Likely NetworkPolicy shop/p: NetworkPolicy shop/p allows port TCP `metrics`, on which no container of the receiving pods listens: they name TCP 8080 (`http`)
    "#);
}

/// A well-kept project: what is reported about it must be true.
#[test]
fn of_kube_prometheus() {
    let Some(world) = corpus(&["kube-prometheus/manifests"]) else { return };
    let reach = coaming_network::Reach::new(coaming_network::from_world(&world));
    let found = policy_findings(&reach);
    let reported: Vec<_> = found.iter().map(|p| format!("{:?} {}", p.check, p.subject)).collect();
    // The node exporter runs with hostNetwork.
    assert_eq!(
        reported,
        [
            "SelectsNothing NetworkPolicy monitoring/node-exporter",
            "AllowsInternet namespace monitoring"
        ]
    );
}
