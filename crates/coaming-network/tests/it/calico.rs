//! Policies of Calico, from their text.

use coaming_network::model::{Model, Order};
use coaming_network::{Reach, Selector, unevaluated};

use crate::common;
use crate::random::Random;
use crate::why::why;

const KNOWN: &str = "
apiVersion: v1
kind: Pod
metadata: {name: known, namespace: ops, labels: {app: known}}
spec: {containers: [{name: c, image: x}]}
status: {podIP: 10.5.0.9}
";

fn reach(policies: &[&str]) -> Reach {
    common::reach_in_shop(&[&[KNOWN], policies].concat())
}

fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: projectcalico.org/v3, kind: NetworkPolicy, metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}"
    )
}

fn global(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: crd.projectcalico.org/v1, kind: GlobalNetworkPolicy, metadata: {{name: {name}}}, spec: {spec}}}"
    )
}

#[test]
fn a_policy_isolates_and_allows() {
    let one = policy(
        "db",
        "{selector: \"app == 'db'\", types: [Ingress], ingress: [{action: Allow, protocol: TCP, source: {selector: \"app == 'web'\"}, destination: {ports: [5432]}}]}",
    );
    let reach = reach(&[&one]);
    assert_eq!(why(&reach, "web", "db", 5432), "allowed");
    assert_eq!(why(&reach, "web", "db", 5433), "denied");
    assert_eq!(why(&reach, "ops/scrape", "db", 5432), "denied");
    assert_eq!(why(&reach, "db", "web", 1), "allowed");
    assert!(unevaluated(reach.model(), None).is_empty());
}

#[test]
fn labels_of_service_accounts() {
    let account = |name: &str, role: &str| {
        format!(
            "{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: {name}, namespace: ops, labels: {{role: {role}}}}}}}"
        )
    };
    let pod = |name: &str, account: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}, namespace: ops, labels: {{app: {name}}}}}, spec: {{serviceAccountName: {account}, containers: [{{name: c, image: x}}]}}}}"
        )
    };
    let (front, back) = (account("front", "front"), account("back", "back"));
    let pods = [pod("a", "front"), pod("b", "back"), pod("c", "elsewhere"), pod("d", "default")];
    let all = |policy: &str| {
        let more = [front.as_str(), back.as_str(), policy];
        let all: Vec<&str> = pods.iter().map(String::as_str).chain(more).collect();
        reach(&all)
    };
    let subject = all(&global(
        "x",
        "{serviceAccountSelector: \"role == 'front'\", types: [Ingress], ingress: []}",
    ));
    let into = |to: &str| why(&subject, "ops/d", to, 80);
    assert_eq!(
        ["ops/a", "ops/b", "ops/known", "db"].map(into),
        ["denied", "allowed", "allowed", "allowed"]
    );
    assert_eq!(into("ops/c"), "allowed?", "its account is not here");
    let peer = all(&policy(
        "x",
        "{selector: \"app == 'db'\", ingress: [{action: Allow, source: {namespaceSelector: all(), serviceAccounts: {selector: \"role == 'back' || projectcalico.org/name == 'front'\"}}}]}",
    ));
    let from = |from: &str| why(&peer, from, "db", 80);
    assert_eq!(
        ["ops/a", "ops/b", "ops/d", "web"].map(from),
        ["allowed", "allowed", "denied", "denied?"]
    );
    assert_eq!(from("ops/c"), "denied?");
}

#[test]
fn services_with_their_ports() {
    let rule = |services: &str| {
        policy(
            "x",
            &format!(
                "{{selector: \"app == 'web'\", types: [Egress], egress: [{{action: Allow, destination: {{services: {services}}}}}]}}"
            ),
        )
    };
    let service = "{apiVersion: v1, kind: Service, metadata: {name: sql, namespace: shop}, spec: {selector: {app: db}, ports: [{port: 80, targetPort: 5432}]}}";
    let here = rule("{name: sql}");
    let known = reach(&[service, &here]);
    assert_eq!(why(&known, "web", "db", 5432), "allowed");
    assert_eq!(why(&known, "web", "db", 80), "denied", "this is the port of the Service");
    assert_eq!(why(&known, "web", "ops/scrape", 5432), "denied");
    assert_eq!(why(&reach(&[&here]), "web", "db", 5432), "denied?", "the Service is not here");
    let source = policy(
        "x",
        "{selector: \"app == 'web'\", ingress: [{action: Allow, source: {services: {name: sql, namespace: shop}}}]}",
    );
    let known = reach(&[service, &source]);
    assert_eq!(why(&known, "db", "web", 1), "allowed");
    assert_eq!(why(&known, "ops/scrape", "web", 1), "denied");
    let api = reach(&[&rule("{name: kubernetes, namespace: default}")]);
    assert_eq!(why(&api, "web", "db", 5432), "denied");
    let model: Model = common::model(&rule("{name: sql, namespace: shop}, nets: [10.0.0.0/8]"));
    assert_eq!((model.policies.len(), model.problems.len()), (0, 1));
}

#[test]
fn order_decides_and_kubernetes_is_at_1000() {
    let deny = |order: &str| {
        global(
            "deny",
            &format!(
                "{{selector: all(), order: {order}, types: [Ingress], ingress: [{{action: Deny, source: {{namespaceSelector: \"team == 'b'\"}}}}, {{action: Pass}}]}}"
            ),
        )
    };
    let allow = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: all, namespace: shop}, spec: {podSelector: {}, ingress: [{}]}}";
    let before = reach(&[&deny("999.5"), allow]);
    assert_eq!(why(&before, "ops/scrape", "db", 1), "denied");
    assert_eq!(why(&before, "web", "db", 1), "allowed", "passed on to the profile");
    let after = reach(&[&deny("1000.5"), allow]);
    assert_eq!(why(&after, "ops/scrape", "db", 1), "allowed");
    assert!(Order::of(-1.0) < Order::of(0.0) && Order::of(0.0) < Order::of(0.5));
    assert!(Order::of(0.5) < Order::of(1e9) && Order::of(1e9) < Order::LAST);
}

#[test]
fn tiers_come_one_after_the_other() {
    let tier = |action: &str| {
        format!(
            "{{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {{name: security}}, spec: {{order: 10{action}}}}}"
        )
    };
    let first = global(
        "security.first",
        "{tier: security, selector: all(), types: [Ingress], ingress: [{action: Pass, source: {selector: \"app == 'web'\"}}, {action: Allow, source: {selector: \"app contains 'crap'\"}}]}",
    );
    let closed = policy("none", "{selector: all(), types: [Ingress]}");
    let ends = reach(&[&tier(""), &first]);
    assert_eq!(why(&ends, "web", "db", 1), "allowed");
    assert_eq!(why(&ends, "ops/scrape", "db", 1), "allowed");
    assert_eq!(why(&ends, "ops/known", "db", 1), "denied");
    let both = reach(&[&tier(""), &first, &closed]);
    assert_eq!(why(&both, "web", "db", 1), "denied");
    assert_eq!(why(&both, "ops/scrape", "db", 1), "allowed");
    let passes = reach(&[&tier(", defaultAction: Pass"), &first]);
    assert_eq!(why(&passes, "ops/known", "db", 1), "allowed");
    let unknown = reach(&[&first]);
    assert_eq!(why(&unknown, "web", "db", 1), "allowed?", "the tier's order is not known");
}

#[test]
fn who_the_other_side_is() {
    let to = |destination: &str| {
        reach(&[
            &policy(
                "p",
                &format!(
                    "{{selector: \"app == 'web'\", types: [Egress], egress: [{{action: Allow, destination: {destination}}}]}}"
                ),
            ),
            "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkSet, metadata: {name: g, labels: {role: api}}, spec: {nets: [203.0.113.0/24]}}",
            "{apiVersion: projectcalico.org/v3, kind: NetworkSet, metadata: {name: n, namespace: shop, labels: {role: api}}, spec: {nets: [198.51.100.7]}}",
        ])
    };
    let nets = to("{nets: [10.0.0.0/8], notNets: [10.6.0.0/16]}");
    assert_eq!(why(&nets, "web", "10.1.1.1", 1), "allowed");
    assert_eq!(why(&nets, "web", "10.6.1.1", 1), "denied");
    assert_eq!(why(&nets, "web", "ops/known", 1), "allowed", "nets mean pods, too");
    assert_eq!(why(&nets, "web", "db", 1), "denied");
    let but = to("{notNets: [10.0.0.0/8]}");
    assert_eq!(why(&but, "web", "8.8.8.8", 1), "allowed");
    assert_eq!(why(&but, "web", "10.1.1.1", 1), "denied");
    let here = to("{selector: \"has(app)\"}");
    assert_eq!(why(&here, "web", "db", 1), "allowed");
    assert_eq!(why(&here, "web", "ops/scrape", 1), "denied", "its own namespace");
    let sets = to("{selector: \"role == 'api'\"}");
    assert_eq!(why(&sets, "web", "198.51.100.7", 1), "allowed");
    assert_eq!(why(&sets, "web", "203.0.113.9", 1), "denied");
    let global = to("{namespaceSelector: global(), selector: \"role == 'api'\"}");
    assert_eq!(why(&global, "web", "203.0.113.9", 1), "allowed");
    assert_eq!(why(&global, "web", "198.51.100.7", 1), "denied");
    let named = to("{namespaceSelector: \"projectcalico.org/name == 'ops'\"}");
    assert_eq!(why(&named, "web", "ops/scrape", 1), "allowed");
    assert_eq!(why(&named, "web", "db", 1), "denied");
    let not = to("{notSelector: \"app == 'db' || app starts with 'sc'\"}");
    assert_eq!(why(&not, "web", "ops/known", 1), "allowed");
    assert_eq!(why(&not, "web", "db", 1), "denied");
    assert_eq!(why(&not, "web", "8.8.8.8", 1), "allowed");
    let account = reach(&[&policy(
        "p",
        "{selector: \"app == 'db'\", types: [Ingress], ingress: [{action: Allow, source: {serviceAccounts: {names: [web]}}}]}",
    )]);
    assert_eq!(why(&account, "web", "db", 1), "allowed");
    assert_eq!(why(&account, "ops/scrape", "db", 1), "denied");
}

#[test]
fn protocols_and_ports() {
    let on = |rule: &str| {
        reach(&[&policy(
            "p",
            &format!(
                "{{selector: \"app == 'db'\", types: [Ingress], ingress: [{{action: Allow, {rule}}}]}}"
            ),
        )])
    };
    let range = on("protocol: TCP, destination: {ports: ['8000:8999', sql]}");
    assert_eq!(why(&range, "web", "db", 8500), "allowed");
    assert_eq!(why(&range, "web", "db", 5432), "allowed");
    assert_eq!(why(&range, "web", "db", 9000), "denied");
    let not = on("protocol: 6, destination: {notPorts: [5432]}");
    assert_eq!(why(&not, "web", "db", 5431), "allowed");
    assert_eq!(why(&not, "web", "db", 5432), "denied");
    let other = on("notProtocol: UDP");
    assert_eq!(why(&other, "web", "db", 1), "allowed");
    let icmp = on("protocol: ICMP");
    assert_eq!(why(&icmp, "web", "db", 1), "denied");
    let http = on("protocol: TCP, http: {methods: [GET], paths: [{prefix: /a}]}");
    assert_eq!(why(&http, "web", "db", 80), "allowed HTTP GET on /a*");
}

#[test]
fn what_is_not_evaluated_is_named_and_what_is_refused_does_not_count() {
    let gap = policy(
        "p",
        "{selector: all(), types: [Ingress], ingress: [{action: Allow, destination: {selector: \"app == 'db'\"}}]}",
    );
    let reach_of_gap = reach(&[&gap]);
    assert_eq!(why(&reach_of_gap, "web", "db", 1), "allowed?");
    let nowhere = global("n", "{namespaceSelector: global(), types: [Ingress]}");
    assert_eq!(why(&reach(&[&nowhere]), "web", "db", 1), "denied?");
    for version in [4, 6] {
        let one = policy(
            "p",
            &format!(
                "{{selector: all(), types: [Ingress], ingress: [{{action: Allow, ipVersion: {version}}}]}}"
            ),
        );
        assert_eq!(why(&reach(&[&one]), "web", "db", 1), "allowed?");
    }
    let set = "{apiVersion: projectcalico.org/v3, kind: NetworkSet, metadata: {name: s, namespace: shop, labels: {a: b}}, spec: {nets: [10.0.0.0/8, 10.0.0.0/40]}}";
    let reach_of_set = reach(&[set]);
    assert!(reach_of_set.model().network_sets.is_empty());
    assert_eq!(why(&reach_of_set, "web", "db", 1), "allowed?");
    let hosts = global(
        "h",
        "{selector: all(), applyOnForward: true, preDNAT: true, ingress: [{action: Deny}]}",
    );
    let reach_of_hosts = reach(&[&hosts]);
    assert_eq!(why(&reach_of_hosts, "web", "db", 1), "allowed", "it is for nodes");
    assert_eq!(reach_of_hosts.model().unevaluated.len(), 1);
    for spec in [
        "{selector: \"app = 'db'\"}",
        "{selector: all(), ingress: [{action: Accept}]}",
        "{selector: all(), ingress: [{action: Allow, destination: {ports: [80]}}]}",
        "{selector: all(), ingress: [{action: Allow, source: {nets: [10.0.0.0/40]}}]}",
        "{selector: all(), types: [Both]}",
        "{selector: all(), ingress: [{action: Allow, ipVersion: 5}]}",
        "{selector: all(), order: first}",
        "{selector: all(), ingress: [{action: Allow, protocol: TCP, destination: {ports: ['0:0']}}]}",
        "{selector: all(), ingress: [{action: Allow, source: {notSelector: 'has(a)) || (has(b)'}}]}",
    ] {
        let reach = reach(&[&policy("p", spec)]);
        assert_eq!(reach.model().policies.len(), 0, "{spec}");
        assert_eq!(reach.model().problems.len(), 1, "{spec}");
    }
}

/// A random expression as text, and whether labels meet it.
fn expression(random: &mut Random, depth: usize, labels: &[(&str, &str)]) -> (String, bool) {
    let key = *random.pick(&["app", "tier"]);
    let value = labels.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
    let text = *random.pick(&["a", "ab", "b"]);
    match random.below(if depth == 0 { 9 } else { 12 }) {
        0 => (format!("{key} == '{text}'"), value == Some(text)),
        1 => (format!("{key} != \"{text}\""), value != Some(text)),
        2 => (format!("{key} in {{'{text}', 'x'}}"), value == Some(text)),
        3 => (format!("{key} not in {{'{text}'}}"), value != Some(text)),
        4 => (format!("{key} contains '{text}'"), value.is_some_and(|it| it.contains(text))),
        5 => (format!("{key} starts with '{text}'"), value.is_some_and(|it| it.starts_with(text))),
        6 => (format!("{key} ends with '{text}'"), value.is_some_and(|it| it.ends_with(text))),
        7 => (format!("has({key})"), value.is_some()),
        8 => ("all()".to_owned(), true),
        9 => {
            let (inner, holds) = expression(random, depth - 1, labels);
            (format!("!({inner})"), !holds)
        }
        n => {
            let (left, a) = expression(random, depth - 1, labels);
            let (right, b) = expression(random, depth - 1, labels);
            match n {
                10 => (format!("({left}) && ({right})"), a && b),
                _ => (format!("({left} || {right})"), a || b),
            }
        }
    }
}

#[test]
fn random_selectors_mean_what_they_say() {
    for seed in 0..2000 {
        let random = &mut Random::new(seed);
        let all: [(&str, &str); 2] =
            [("app", *random.pick(&["a", "ab", "bab"])), ("tier", *random.pick(&["b", "abab"]))];
        let labels = &all[..random.below(3)];
        let (text, holds) = expression(random, 4, labels);
        let spec = format!("{{selector: {text:?}}}");
        let model: Model = common::model(&policy("p", &spec));
        assert!(model.problems.is_empty(), "{text}: {:?}", model.problems);
        let selector: &Selector = &model.policies.iter().next().unwrap().1.subject.pods;
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        assert_eq!(selector.matches(&labels.collect()), holds, "{text}");
    }
}

#[test]
fn domains_are_a_limit_of_what_is_open() {
    let named = global(
        "names",
        "{selector: \"app == 'web'\", types: [Egress], egress: [{action: Allow, protocol: TCP, destination: {domains: [\"*.example.com\"], ports: [443]}}]}",
    );
    let open = reach(&[&named]);
    assert_eq!(why(&open, "web", "8.8.8.8", 443), "allowed the addresses of *.example.com");
    assert_eq!(why(&open, "web", "8.8.8.8", 80), "denied");
    assert_eq!(why(&open, "web", "db", 443), "denied");
    // Which addresses are refused, no input tells.
    let refused = named.replace("Allow", "Deny");
    assert!(why(&reach(&[&refused]), "web", "8.8.8.8", 443).ends_with('?'));
}

#[test]
fn an_ip_version_of_icmp_says_nothing_about_ports() {
    let icmp = global(
        "icmp",
        "{selector: all(), types: [Ingress], ingress: [{action: Deny, protocol: ICMP, ipVersion: 4}, {action: Allow}]}",
    );
    assert_eq!(why(&reach(&[&icmp]), "web", "db", 5432), "allowed");
}
