//! Random policies of Istio against a slow evaluator that reads the same values, as its documentation
//! describes what the proxies do: one connection at a time, by the identity of the source.

use coaming_network::{Endpoint, Protocol, find_endpoint};
use serde_json::{Value, json};

use crate::common;
use crate::random::Random;

/// Who is at one side.
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) namespace: &'static str,
    pub(crate) app: &'static str,
    pub(crate) account: &'static str,
    /// `sidecar`, `ambient` or nothing.
    pub(crate) proxy: Option<&'static str>,
}

const NAMESPACES: [(&str, &str, &str); 4] = [
    ("shop", "istio-injection", "enabled"),
    ("node", "istio.io/dataplane-mode", "ambient"),
    ("late", "istio.io/rev", "canary"),
    ("old", "team", "a"),
];

impl Side {
    fn principal(&self) -> Option<String> {
        self.proxy?;
        Some(format!("cluster.local/ns/{}/sa/{}", self.namespace, self.account))
    }
}

fn like(pattern: &str, value: &str) -> bool {
    match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(start), _) => value.starts_with(start),
        (_, Some(end)) => value.ends_with(end),
        _ => pattern == value,
    }
}

fn list<'v>(node: &'v Value, field: &str) -> Option<Vec<&'v str>> {
    Some(node[field].as_array()?.iter().map(|it| it.as_str().unwrap()).collect())
}

/// Whether a list of patterns allows a value that may not be known, and its opposite refuses it.
fn fits(node: &Value, field: &str, not: &str, value: Option<&str>) -> bool {
    let any = |patterns: Vec<&str>| value.is_some_and(|it| patterns.iter().any(|p| like(p, it)));
    list(node, field).is_none_or(any) && !list(node, not).is_some_and(any)
}

fn source_fits(source: &Value, from: &Side) -> bool {
    let principal = from.principal();
    let namespace = principal.as_ref().map(|_| from.namespace);
    fits(source, "principals", "notPrincipals", principal.as_deref())
        && fits(source, "namespaces", "notNamespaces", namespace)
}

fn operation_fits(operation: &Value, port: u16) -> bool {
    let port = port.to_string();
    fits(operation, "ports", "notPorts", Some(&port))
}

/// Whether a rule matches the connection, for some request on it (`some`) or for all.
pub(crate) fn rule_fits(rule: &Value, from: &Side, port: u16, sees: bool, allows: bool) -> bool {
    let asks = |operation: &Value| operation["methods"].is_array();
    let sources = rule["from"].as_array();
    let operations = rule["to"].as_array();
    let source = sources.is_none_or(|all| all.iter().any(|it| source_fits(&it["source"], from)));
    let operation = operations.is_none_or(|all| {
        all.iter().map(|it| &it["operation"]).any(|it| {
            let by_request = asks(it);
            // A proxy that sees requests opens the connection for those it allows, and refuses
            // requests, not the connection. One that does not ignores what it cannot allow.
            let counts = !by_request || sees == allows;
            counts && operation_fits(it, port)
        })
    });
    source && operation
}

fn selects(policy: &Value, target: &Side) -> bool {
    let namespace = policy["metadata"]["namespace"].as_str().unwrap();
    let app = policy["spec"]["selector"]["matchLabels"]["app"].as_str();
    (namespace == "istio-system" || namespace == target.namespace)
        && app.is_none_or(|app| app == target.app)
}

/// The mode of a port: of the policy with a selector first, then of the namespace, then of the mesh.
fn is_strict(policies: &[Value], target: &Side, port: u16) -> bool {
    let of_kind = policies.iter().filter(|it| it["kind"] == "PeerAuthentication");
    let mut found: Vec<(u8, &Value)> = of_kind
        .filter(|policy| selects(policy, target))
        .map(|policy| {
            let narrow = policy["spec"]["selector"].is_object();
            let root = policy["metadata"]["namespace"] == "istio-system";
            (if narrow { 0 } else { 1 + u8::from(root) }, policy)
        })
        .collect();
    found.sort_by_key(|(rank, policy)| (*rank, policy["metadata"]["name"].to_string()));
    for (rank, policy) in found {
        let spec = &policy["spec"];
        let of_port =
            if rank == 0 { &spec["portLevelMtls"][port.to_string()] } else { &Value::Null };
        let modes = [of_port["mode"].as_str(), spec["mtls"]["mode"].as_str()];
        if let Some(mode) = modes.into_iter().flatten().find(|mode| *mode != "UNSET") {
            return mode == "STRICT";
        }
    }
    false
}

pub(crate) fn lets_in(
    policies: &[Value],
    from: &Side,
    target: &Side,
    protocol: Protocol,
    port: u16,
) -> bool {
    let Some(proxy) = target.proxy.filter(|_| protocol == Protocol::Tcp) else { return true };
    if is_strict(policies, target, port) && from.proxy.is_none() {
        return false;
    }
    let sees = proxy == "sidecar";
    let of = |action: &'static str| {
        let of_kind = policies.iter().filter(|it| it["kind"] == "AuthorizationPolicy");
        let of_action = of_kind.filter(move |it| it["spec"]["action"] == action);
        of_action.filter(|policy| selects(policy, target)).collect::<Vec<_>>()
    };
    let any = |found: &[&Value], allows: bool| {
        let rules = found.iter().flat_map(|it| it["spec"]["rules"].as_array().unwrap());
        rules.into_iter().any(|rule| rule_fits(rule, from, port, sees, allows))
    };
    let allowing = of("ALLOW");
    !any(&of("DENY"), false) && (allowing.is_empty() || any(&allowing, true))
}

fn some(random: &mut Random, values: &[&str]) -> Vec<String> {
    let count = 1 + random.below(2);
    (0..count).map(|_| (*random.pick(values)).to_owned()).collect()
}

pub(crate) fn random_source(random: &mut Random) -> Value {
    const PRINCIPALS: [&str; 5] = [
        "cluster.local/ns/shop/sa/web",
        "cluster.local/ns/node/*",
        "*/sa/web",
        "*",
        "cluster.local/ns/old/sa/api",
    ];
    const NAMES: [&str; 4] = ["shop", "n*", "*e", "old"];
    let mut source = json!({});
    for (field, values, chance) in [
        ("principals", &PRINCIPALS[..], 40),
        ("notPrincipals", &PRINCIPALS[..], 20),
        ("namespaces", &NAMES[..], 30),
        ("notNamespaces", &NAMES[..], 20),
    ] {
        if random.chance(chance) {
            source[field] = json!(some(random, values));
        }
    }
    json!({"source": source})
}

pub(crate) fn random_operation(random: &mut Random) -> Value {
    let mut operation = json!({});
    for (field, values, chance) in [
        ("ports", &["80", "8080"][..], 40),
        ("notPorts", &["80", "9090"][..], 20),
        ("methods", &["GET"][..], 25),
    ] {
        if random.chance(chance) {
            operation[field] = json!(some(random, values));
        }
    }
    json!({"operation": operation})
}

pub(crate) fn random_policy(random: &mut Random, number: usize) -> Value {
    let namespace = *random.pick(&["shop", "node", "late", "old", "istio-system"]);
    let mut spec = json!({});
    if random.chance(40) {
        spec["selector"] = json!({"matchLabels": {"app": random.pick(&["a", "b"])}});
    }
    let kind = if random.chance(35) { "PeerAuthentication" } else { "AuthorizationPolicy" };
    if kind == "PeerAuthentication" {
        let modes = ["STRICT", "PERMISSIVE", "UNSET"];
        if random.chance(80) {
            spec["mtls"] = json!({"mode": random.pick(&modes)});
        }
        if random.chance(40) {
            spec["portLevelMtls"] = json!({"8080": {"mode": random.pick(&modes)}});
        }
    } else {
        spec["action"] = json!(random.pick(&["ALLOW", "ALLOW", "DENY"]));
        let count = random.below(3);
        let mut rules = Vec::new();
        for _ in 0..count {
            let mut rule = json!({});
            for (field, chance) in [("from", 60), ("to", 60)] {
                if random.chance(chance) {
                    let items = 1 + random.below(2);
                    let items: Vec<Value> = (0..items)
                        .map(|_| match field {
                            "from" => random_source(random),
                            _ => random_operation(random),
                        })
                        .collect();
                    rule[field] = json!(items);
                }
            }
            rules.push(rule);
        }
        spec["rules"] = json!(rules);
    }
    json!({"apiVersion": "security.istio.io/v1", "kind": kind,
        "metadata": {"name": format!("p{number}"), "namespace": namespace}, "spec": spec})
}

#[test]
fn random_policies_against_the_slow_evaluator() {
    for seed in 0..800 {
        let random = &mut Random::new(seed + 4242);
        let mut objects: Vec<Value> = NAMESPACES
            .iter()
            .map(|(name, key, value)| {
                json!({"apiVersion": "v1", "kind": "Namespace",
                    "metadata": {"name": name, "labels": {*key: value}}})
            })
            .collect();
        let mut sides = Vec::new();
        for number in 0..4 {
            let (namespace, key, _) = *random.pick(&NAMESPACES);
            let (app, account) = (*random.pick(&["a", "b"]), *random.pick(&["web", "api"]));
            let mut labels = json!({"app": app});
            let injects = matches!(key, "istio-injection" | "istio.io/rev");
            let ambient = key == "istio.io/dataplane-mode";
            let mut proxy = match (injects, ambient) {
                (true, _) => Some("sidecar"),
                (_, true) => Some("ambient"),
                _ => None,
            };
            match random.below(6) {
                0 => {
                    labels["sidecar.istio.io/inject"] = json!("false");
                    proxy = proxy.filter(|it| *it == "ambient");
                }
                1 => {
                    labels["sidecar.istio.io/inject"] = json!("true");
                    proxy = Some("sidecar");
                }
                2 if ambient => {
                    labels["istio.io/dataplane-mode"] = json!("none");
                    proxy = None;
                }
                _ => {}
            }
            let name = format!("pod{number}");
            objects.push(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": labels},
                "spec": {"serviceAccountName": account, "containers": [{"name": "c", "image": "x"}]}}));
            let name = format!("{namespace}/{name}");
            sides.push(Side { name, namespace, app, account, proxy });
        }
        let outside =
            Side { name: "8.8.8.8".to_owned(), namespace: "", app: "", account: "", proxy: None };
        sides.push(outside);
        let count = 1 + random.below(4);
        let policies: Vec<Value> = (0..count).map(|number| random_policy(random, number)).collect();
        objects.extend(policies.iter().cloned());
        assert_agreement(
            seed,
            &objects,
            &sides,
            &[79, 80, 8080, 9090],
            |source, target, by, port| lets_in(&policies, source, target, by, port),
        );
    }
}

/// Holds the engine to a slow evaluator, for each connection between these sides.
pub(crate) fn assert_agreement(
    seed: u64,
    objects: &[Value],
    sides: &[Side],
    ports: &[u16],
    connects: impl Fn(&Side, &Side, Protocol, u16) -> bool,
) {
    let text: Vec<String> = objects.iter().map(Value::to_string).collect();
    let text = text.join("\n---\n");
    let reach = common::reach(&text);
    assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
    let endpoint = |name: &str| -> Endpoint {
        find_endpoint(&reach, name).unwrap().endpoints.first().copied().unwrap()
    };
    for source in sides {
        for target in sides.iter().filter(|it| it.name != source.name && !it.app.is_empty()) {
            let fast = reach.allowed(endpoint(&source.name), endpoint(&target.name));
            for protocol in [Protocol::Tcp, Protocol::Udp] {
                for &port in ports {
                    assert_eq!(
                        fast.contains(protocol, port),
                        connects(source, target, protocol, port),
                        "seed {seed}: {} to {} on {protocol} {port}\n{text}",
                        source.name,
                        target.name
                    );
                }
            }
        }
    }
}
