//! Policies of Cilium, from their text: expectations written by hand, and random objects against a
//! slow evaluator that reads the same text and decides by identities, as Cilium's documentation does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use coaming_network::{Endpoint, Protocol, Reach, find_endpoint, unevaluated};
use serde_json::{Value, json};

use crate::common;
use crate::random::Random;
use crate::why::why;

const OBJECTS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: node-agent, namespace: ops, labels: {app: agent}}
spec: {hostNetwork: true, containers: [{name: c, image: x}]}
---
apiVersion: v1
kind: Service
metadata: {name: sql, namespace: shop, labels: {tier: data}}
spec: {selector: {app: db}, ports: [{port: 1, targetPort: 5432}]}
";

fn reach(policy: &str) -> Reach {
    common::reach_in_shop(&[OBJECTS, policy])
}

fn policy(spec: &str) -> String {
    format!(
        "\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: shop}}\n{spec}\n"
    )
}

#[test]
fn a_policy_isolates_and_allows() {
    let rule = "spec: {endpointSelector: {matchLabels: {app: db}}, ingress: [{fromEndpoints: [{matchLabels: {'k8s:app': web}}], toPorts: [{ports: [{port: '5432', protocol: TCP}]}]}]}";
    let reach = reach(&policy(rule));
    assert_eq!(why(&reach, "web", "db", 5432), "allowed");
    assert_eq!(why(&reach, "web", "db", 5433), "denied");
    assert_eq!(why(&reach, "ops/scrape", "db", 5432), "denied");
    assert_eq!(why(&reach, "db", "web", 8080), "allowed");
    assert!(unevaluated(reach.model(), None).is_empty());
}

#[test]
fn deny_wins_and_default_deny_is_a_choice() {
    let rule = "spec: {endpointSelector: {}, ingressDeny: [{fromEndpoints: [{matchLabels: {'any:io.kubernetes.pod.namespace': ops}}]}], enableDefaultDeny: {ingress: false}}";
    let open = reach(&policy(rule));
    assert_eq!(why(&open, "web", "db", 1), "allowed");
    assert_eq!(why(&open, "ops/scrape", "db", 1), "denied");
    let both = "specs: [{endpointSelector: {}, ingress: [{fromEntities: [all]}]}, {endpointSelector: {matchLabels: {app: db}}, ingressDeny: [{toPorts: [{ports: [{port: '5432'}]}]}]}]";
    let both = reach(&policy(both));
    assert_eq!(why(&both, "web", "db", 5432), "denied");
    assert_eq!(why(&both, "web", "db", 5433), "allowed");
    assert_eq!(why(&both, "8.8.8.8", "web", 8080), "allowed");
}

#[test]
fn an_empty_rule_isolates_an_empty_list_does_not() {
    let isolated = reach(&policy("spec: {endpointSelector: {}, ingress: [{}]}"));
    assert_eq!(why(&isolated, "web", "db", 1), "denied");
    let open = reach(&policy("spec: {endpointSelector: {}, ingress: []}"));
    assert_eq!(why(&open, "web", "db", 1), "allowed");
    let nobody = reach(&policy("spec: {endpointSelector: {}, ingress: [{fromEndpoints: []}]}"));
    assert_eq!(why(&nobody, "web", "db", 1), "denied");
}

#[test]
fn ranges_and_services_that_cannot_be_read_are_named() {
    let ports = |end: &str| {
        reach(&policy(&format!(
            "spec: {{endpointSelector: {{}}, ingress: [{{toPorts: [{{ports: [{{port: '90', endPort: {end}}}]}}]}}]}}"
        )))
    };
    assert_eq!(why(&ports("92"), "web", "db", 92), "allowed");
    assert_eq!(why(&ports("80"), "web", "db", 90), "allowed?");
    for end in ["70000", "'92'"] {
        assert_eq!(ports(end).model().problems.len(), 1, "{end}");
    }
    let service = |spec: &str| {
        let object = format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: away, namespace: shop}}, spec: {spec}}}"
        );
        let rule = "spec: {endpointSelector: {}, egress: [{toServices: [{k8sService: {serviceName: away}}]}]}";
        common::reach_in_shop(&[&object, &policy(rule)])
    };
    let known = service("{selector: {app: db}, ports: [{port: 1}]}");
    assert_eq!(why(&known, "web", "db", 1), "allowed");
    assert_eq!(why(&service("{ports: [{port: 1}]}"), "web", "db", 1), "denied?");
}

#[test]
fn addresses_never_mean_pods() {
    let rule = "spec: {endpointSelector: {}, egress: [{toCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]}, {toCIDR: [10.1.1.1]}]}";
    let reach = reach(&policy(rule));
    assert_eq!(why(&reach, "web", "8.8.8.8", 443), "allowed");
    assert_eq!(why(&reach, "web", "10.1.1.2", 443), "denied");
    assert_eq!(why(&reach, "web", "10.1.1.1", 443), "allowed");
    assert_eq!(why(&reach, "web", "db", 5432), "denied");
    assert_eq!(why(&reach, "web", "ops/node-agent", 5432), "denied");
}

#[test]
fn entities_namespaces_services_and_accounts() {
    let to =
        |rule: &str| reach(&policy(&format!("spec: {{endpointSelector: {{}}, egress: [{rule}]}}")));
    let cluster = to("{toEntities: [cluster]}");
    assert_eq!(why(&cluster, "web", "ops/scrape", 1), "allowed");
    assert_eq!(why(&cluster, "web", "ops/node-agent", 1), "allowed");
    assert_eq!(why(&cluster, "web", "8.8.8.8", 1), "denied");
    let world = to("{toEntities: [world], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}");
    assert_eq!(why(&world, "web", "8.8.8.8", 443), "allowed");
    assert_eq!(why(&world, "web", "db", 443), "denied");
    let server = to("{toEntities: [kube-apiserver]}");
    assert_eq!(why(&server, "web", "8.8.8.8", 443), "denied?");
    assert_eq!(why(&server, "web", "db", 443), "denied");
    let labels =
        to("{toEndpoints: [{matchLabels: {'k8s:io.cilium.k8s.namespace.labels.team': b}}]}");
    assert_eq!(why(&labels, "web", "ops/scrape", 1), "allowed");
    assert_eq!(why(&labels, "web", "db", 1), "denied");
    let service = to("{toServices: [{k8sService: {serviceName: sql, namespace: shop}}]}");
    assert_eq!(why(&service, "web", "db", 5432), "allowed");
    assert_eq!(why(&service, "web", "ops/scrape", 1), "denied");
    let selected =
        to("{toServices: [{k8sServiceSelector: {selector: {matchLabels: {tier: data}}}}]}");
    assert_eq!(why(&selected, "web", "db", 5432), "allowed");
    let named = to("{toEndpoints: [{}], toPorts: [{ports: [{port: sql, protocol: TCP}]}]}");
    assert_eq!(why(&named, "web", "db", 5432), "allowed");
    assert_eq!(why(&named, "web", "db", 5433), "denied");
    let account = reach(&policy(
        "spec: {endpointSelector: {matchLabels: {app: db}}, ingress: [{fromEndpoints: [{matchLabels: {io.cilium.k8s.policy.serviceaccount: web}}]}]}",
    ));
    assert_eq!(why(&account, "web", "db", 1), "allowed");
    assert_eq!(why(&account, "ops/scrape", "db", 1), "denied");
}

#[test]
fn requests_and_names_are_limits() {
    let rule = "spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{fromEntities: [all], toPorts: [{ports: [{port: '8080', protocol: TCP}], rules: {http: [{method: GET, path: /public}]}}, {ports: [{port: '9000', protocol: TCP}]}]}], egress: [{toFQDNs: [{matchName: api.example.com}], toPorts: [{ports: [{port: '443', protocol: TCP}]}]}]}";
    let limited = reach(&policy(rule));
    assert_eq!(why(&limited, "db", "web", 8080), "allowed HTTP GET /public");
    assert_eq!(why(&limited, "db", "web", 9000), "allowed");
    assert_eq!(why(&limited, "web", "8.8.8.8", 443), "allowed the addresses of api.example.com");
    assert_eq!(why(&limited, "web", "8.8.8.8", 80), "denied");
    assert_eq!(why(&limited, "web", "db", 443), "denied");
}

#[test]
fn what_is_not_evaluated_is_named() {
    let rule = "spec: {endpointSelector: {}, egress: [{toGroups: [{aws: {}}]}, {toEntities: [cluster], somethingNew: 1}]}";
    let reach = reach(&policy(rule));
    let fields: Vec<_> = unevaluated(reach.model(), None).into_iter().map(|it| it.field).collect();
    assert_eq!(fields, [Some("somethingNew".to_owned()), Some("toGroups".to_owned())]);
    assert_eq!(why(&reach, "web", "db", 1), "allowed?");
    let nodes = "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {name: p}\nspec: {endpointSelector: {matchExpressions: [{key: io.kubernetes.pod.namespace, operator: DoesNotExist}]}, ingress: []}\n";
    let found = unevaluated(common::reach_in_shop(&[nodes]).model(), None);
    let fields: Vec<_> = found.into_iter().map(|it| it.field).collect();
    assert_eq!(fields, [Some("endpointSelector".to_owned())], "it is about what has no namespace");
}

#[test]
fn what_cilium_refuses_does_not_count() {
    let refused = [
        "spec: {ingress: [{}]}",
        "spec: {endpointSelector: {}, ingress: [{fromEndpoints: [{}], fromEntities: [all]}]}",
        "spec: {endpointSelector: {}, ingress: [{fromEntities: [everybody]}]}",
        "spec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: 80}]}]}]}",
        "spec: {endpointSelector: {}, ingress: [{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: '80'}]}]}]}",
        "spec: {endpointSelector: {}, egress: [{toCIDR: [10.0.0.0/40]}]}",
        "spec: {endpointSelector: {}, egress: [{toCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/16]}]}]}",
        "spec: null",
    ];
    for text in refused {
        let reach = reach(&policy(text));
        assert_eq!(reach.model().policies.len(), 0, "{text}");
        assert!(!reach.model().problems.is_empty(), "{text}");
    }
}

// --- The slow evaluator ---

/// An identity: its labels with their sources, and for what is outside its address.
struct Identity {
    labels: BTreeMap<String, String>,
    address: Option<IpAddr>,
    ports: Vec<(String, u16)>,
}

const KEYS: [&str; 2] = ["app", "tier"];
const VALUES: [&str; 2] = ["a", "b"];
const NAMESPACES: [&str; 2] = ["n1", "n2"];

fn namespace_labels(name: &str) -> BTreeMap<String, String> {
    let team = if name == "n1" { "x" } else { "y" };
    BTreeMap::from([
        ("team".to_owned(), team.to_owned()),
        ("kubernetes.io/metadata.name".to_owned(), name.to_owned()),
    ])
}

fn selector(random: &mut Random, peer: bool) -> Value {
    let mut labels = serde_json::Map::new();
    let mut expressions = Vec::new();
    for _ in 0..random.below(3) {
        let prefix = *random.pick(&["", "k8s:", "any:"]);
        let (key, values): (String, Vec<&str>) = match random.below(if peer { 6 } else { 3 }) {
            3 => (format!("{prefix}io.kubernetes.pod.namespace"), NAMESPACES.to_vec()),
            4 => (format!("{prefix}io.cilium.k8s.namespace.labels.team"), vec!["x", "y"]),
            5 if random.chance(30) => ("reserved:host".to_owned(), vec![""]),
            _ => (format!("{prefix}{}", random.pick(&KEYS)), VALUES.to_vec()),
        };
        let value = *random.pick(&values);
        match random.below(5) {
            0 | 1 => drop(labels.insert(key, json!(value))),
            2 => expressions.push(json!({"key": key, "operator": "In", "values": [value]})),
            3 => expressions.push(json!({"key": key, "operator": "NotIn", "values": [value]})),
            _ => {
                let operator = *random.pick(&["Exists", "DoesNotExist"]);
                expressions.push(json!({"key": key, "operator": operator}));
            }
        }
    }
    json!({"matchLabels": labels, "matchExpressions": expressions})
}

fn rule(random: &mut Random, egress: bool) -> Value {
    let prefix = if egress { "to" } else { "from" };
    let mut rule = serde_json::Map::new();
    match random.below(6) {
        0 | 1 => {
            let count = random.below(3);
            let peers: Vec<_> = (0..count).map(|_| selector(random, true)).collect();
            rule.insert(format!("{prefix}Endpoints"), json!(peers));
        }
        2 => {
            let entity = *random.pick(&["all", "world", "cluster", "world-ipv4", "none"]);
            rule.insert(format!("{prefix}Entities"), json!([entity]));
        }
        3 => {
            let block = *random.pick(&["0.0.0.0/0", "10.0.0.0/8", "8.8.8.8"]);
            rule.insert(format!("{prefix}CIDR"), json!([block]));
        }
        4 => {
            let set = json!([{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]);
            rule.insert(format!("{prefix}CIDRSet"), set);
        }
        _ => {}
    }
    if random.chance(60) {
        let ports: Vec<_> = (0..1 + random.below(2))
            .map(|_| {
                let protocol = *random.pick(&["TCP", "UDP", "ANY", "tcp"]);
                match random.below(4) {
                    0 => json!({"port": "http", "protocol": protocol}),
                    1 => json!({"port": "80", "endPort": 90, "protocol": protocol}),
                    2 => json!({"port": "0", "protocol": protocol}),
                    _ => json!({"port": "80"}),
                }
            })
            .collect();
        rule.insert("toPorts".to_owned(), json!([{"ports": ports}]));
    }
    Value::Object(rule)
}

fn random_policy(random: &mut Random, number: usize) -> Value {
    let clusterwide = random.chance(25);
    let mut spec = json!({"endpointSelector": selector(random, false)});
    for field in ["ingress", "ingressDeny", "egress", "egressDeny"] {
        if random.chance(if field.ends_with("Deny") { 25 } else { 60 }) {
            let count = random.below(3);
            let rules: Vec<_> = (0..count).map(|_| rule(random, field.starts_with('e'))).collect();
            spec[field] = json!(rules);
        }
    }
    if random.chance(25) {
        spec["enableDefaultDeny"] =
            json!({"ingress": random.chance(50), "egress": random.chance(50)});
    }
    let kind = if clusterwide { "CiliumClusterwideNetworkPolicy" } else { "CiliumNetworkPolicy" };
    let mut metadata = json!({"name": format!("p{number}")});
    if !clusterwide {
        metadata["namespace"] = json!(*random.pick(&NAMESPACES));
    }
    json!({"apiVersion": "cilium.io/v2", "kind": kind, "metadata": metadata, "spec": spec})
}

fn requirement(identity: &Identity, key: &str, operator: &str, values: &[&str]) -> bool {
    let (source, name) = key.split_once(':').unwrap_or(("any", key));
    let value = match source {
        "any" => ["k8s", "reserved"]
            .iter()
            .find_map(|source| identity.labels.get(&format!("{source}:{name}"))),
        _ => identity.labels.get(key),
    };
    match operator {
        "In" => value.is_some_and(|value| values.contains(&value.as_str())),
        "NotIn" => value.is_none_or(|value| !values.contains(&value.as_str())),
        "Exists" => value.is_some(),
        _ => value.is_none(),
    }
}

fn requirements(selector: &Value) -> Vec<(String, String, Vec<&str>)> {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels =
        labels.map(|(key, value)| (key.clone(), "In".to_owned(), vec![value.as_str().unwrap()]));
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten().map(|it| {
        let values = it["values"].as_array().into_iter().flatten();
        (
            it["key"].as_str().unwrap().to_owned(),
            it["operator"].as_str().unwrap().to_owned(),
            values.map(|value| value.as_str().unwrap()).collect(),
        )
    });
    labels.chain(expressions).collect()
}

fn selects(selector: &Value, identity: &Identity) -> bool {
    requirements(selector)
        .iter()
        .all(|(key, operator, values)| requirement(identity, key, operator, values))
}

/// Whether a selector of peers means an identity: limited to a namespace unless it names one.
fn selects_peer(selector: &Value, identity: &Identity, namespace: Option<&str>) -> bool {
    let keys: Vec<String> = requirements(selector).into_iter().map(|(key, ..)| key).collect();
    let has = |text: &str| keys.iter().any(|key| key.contains(text));
    if !has("reserved:") && !has("io.kubernetes.pod.namespace") {
        let own = identity.labels.get("k8s:io.kubernetes.pod.namespace");
        let limited = match namespace {
            None => own.is_some(),
            Some(_) if has("io.cilium.k8s.namespace.labels.") => true,
            Some(name) => own.is_some_and(|own| own == name),
        };
        if !limited {
            return false;
        }
    }
    selects(selector, identity)
}

fn in_block(block: &str, address: IpAddr) -> bool {
    let (network, length) = block.split_once('/').unwrap_or((block, "32"));
    let (IpAddr::V4(network), IpAddr::V4(address)) = (network.parse().unwrap(), address) else {
        return false;
    };
    let shift = 32 - length.parse::<u32>().unwrap();
    u64::from(u32::from(network)) >> shift == u64::from(u32::from(address)) >> shift
}

fn peer_fits(
    rule: &Value,
    egress: bool,
    other: &Identity,
    namespace: Option<&str>,
) -> Option<bool> {
    let prefix = if egress { "to" } else { "from" };
    let list = |field: &str| rule[format!("{prefix}{field}")].as_array();
    if let Some(peers) = list("Endpoints") {
        return Some(peers.iter().any(|peer| selects_peer(peer, other, namespace)));
    }
    if let Some(entities) = list("Entities") {
        let world = other.address.is_some();
        return Some(entities.iter().any(|entity| match entity.as_str().unwrap() {
            "all" => true,
            "world" | "world-ipv4" => world,
            "cluster" => !world,
            _ => false,
        }));
    }
    if let Some(blocks) = list("CIDR") {
        let address = other.address;
        return Some(blocks.iter().any(|block| {
            address.is_some_and(|address| in_block(block.as_str().unwrap(), address))
        }));
    }
    if list("CIDRSet").is_some() {
        let address = other.address;
        return Some(address.is_some_and(|address| !in_block("10.0.0.0/8", address)));
    }
    None
}

fn port_fits(rule: &Value, receiver: &Identity, protocol: &str, number: u16) -> Option<bool> {
    let item = rule["toPorts"].as_array()?.first()?;
    Some(item["ports"].as_array().into_iter().flatten().any(|port| {
        let wanted = port["protocol"].as_str().unwrap_or("ANY").to_uppercase();
        let text = port["port"].as_str().unwrap();
        let fits = match text {
            "0" => true,
            "http" => {
                let name = (format!("http/{protocol}"), number);
                receiver.ports.contains(&name)
            }
            _ if port["endPort"].is_number() => (80..=90).contains(&number),
            _ => number == 80,
        };
        fits && (wanted == "ANY" || wanted == protocol)
    }))
}

/// Whether one side lets a connection through.
fn side(
    policies: &[Value],
    own: &Identity,
    other: &Identity,
    egress: bool,
    protocol: &str,
    number: u16,
) -> bool {
    if !own.labels.contains_key("k8s:io.kubernetes.pod.namespace") {
        return true;
    }
    let (allow, deny, name) = if egress {
        ("egress", "egressDeny", "egress")
    } else {
        ("ingress", "ingressDeny", "ingress")
    };
    let receiver = if egress { other } else { own };
    let mut isolated = false;
    let mut allowed = false;
    for policy in policies {
        let namespace = policy["metadata"]["namespace"].as_str();
        let spec = &policy["spec"];
        let here =
            namespace.is_none_or(|name| own.labels["k8s:io.kubernetes.pod.namespace"] == name);
        if !here || !selects(&spec["endpointSelector"], own) {
            continue;
        }
        let rules = |field: &str| spec[field].as_array().cloned().unwrap_or_default();
        let written = !rules(allow).is_empty() || !rules(deny).is_empty();
        isolated |= spec["enableDefaultDeny"][name].as_bool().unwrap_or(written);
        let fits = |rule: &Value| {
            let peer = peer_fits(rule, egress, other, namespace);
            let port = port_fits(rule, receiver, protocol, number);
            !(peer.is_none() && port.is_none()) && peer.unwrap_or(true) && port.unwrap_or(true)
        };
        if rules(deny).iter().any(&fits) {
            return false;
        }
        allowed |= rules(allow).iter().any(&fits);
    }
    allowed || !isolated
}

#[test]
fn random_policies_against_the_slow_evaluator() {
    for seed in 0..600 {
        let random = &mut Random::new(seed + 77);
        let mut objects: Vec<Value> = NAMESPACES
            .iter()
            .map(|name| {
                let labels = namespace_labels(name);
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
            })
            .collect();
        let mut identities = Vec::new();
        for number in 0..4 {
            let namespace = *random.pick(&NAMESPACES);
            let mut labels = BTreeMap::new();
            for key in KEYS {
                if random.chance(70) {
                    labels.insert(key.to_owned(), (*random.pick(&VALUES)).to_owned());
                }
            }
            let host = number == 3;
            let named = random.chance(50);
            let port = *random.pick(&[80_u16, 8080]);
            let ports = if named {
                json!([{"name": "http", "containerPort": port}])
            } else {
                json!([{"containerPort": 80}])
            };
            objects.push(json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": format!("pod{number}"), "namespace": namespace, "labels": labels},
                "spec": {"hostNetwork": host, "containers": [{"name": "c", "image": "x", "ports": ports}]}}));
            let labels = if host {
                BTreeMap::from([("reserved:host".to_owned(), String::new())])
            } else {
                let own = labels.into_iter().map(|(key, value)| (format!("k8s:{key}"), value));
                let inherited = namespace_labels(namespace).into_iter().map(|(key, value)| {
                    (format!("k8s:io.cilium.k8s.namespace.labels.{key}"), value)
                });
                let name = ("k8s:io.kubernetes.pod.namespace".to_owned(), namespace.to_owned());
                own.chain(inherited).chain([name]).collect()
            };
            let ports = if named { vec![("http/TCP".to_owned(), port)] } else { Vec::new() };
            identities.push((
                format!("{namespace}/pod{number}"),
                Identity { labels, address: None, ports },
            ));
        }
        for address in ["8.8.8.8", "10.1.2.3", "192.0.2.1"] {
            let labels = BTreeMap::from([("reserved:world".to_owned(), String::new())]);
            let address: IpAddr = address.parse().unwrap();
            let identity = Identity { labels, address: Some(address), ports: Vec::new() };
            identities.push((address.to_string(), identity));
        }
        let count = 1 + random.below(4);
        let policies: Vec<Value> = (0..count).map(|number| random_policy(random, number)).collect();
        objects.extend(policies.iter().cloned());
        let text: Vec<String> = objects.iter().map(Value::to_string).collect();
        let reach = common::reach(&text.join("\n---\n"));
        assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
        // A selector of subjects that only reserved identities meet is not about pods.
        let endpoint = |name: &str| -> Endpoint {
            find_endpoint(&reach, name).unwrap().endpoints.first().copied().unwrap()
        };
        for (from, source) in &identities {
            for (to, target) in &identities {
                if from == to || source.address.is_some() && target.address.is_some() {
                    continue;
                }
                let fast = reach.allowed(endpoint(from), endpoint(to));
                for (protocol, name) in [(Protocol::Tcp, "TCP"), (Protocol::Udp, "UDP")] {
                    for number in [79, 80, 90, 91, 8080] {
                        let slow = side(&policies, source, target, true, name, number)
                            && side(&policies, target, source, false, name, number);
                        assert_eq!(
                            fast.contains(protocol, number),
                            slow,
                            "seed {seed}: {from} to {to} on {name} {number}\n{}",
                            text.join("\n---\n")
                        );
                    }
                }
            }
        }
    }
}

const GROUPS: &str = "
{apiVersion: cilium.io/v2, kind: CiliumCIDRGroup, metadata: {name: vpn, labels: {role: vpn}}, spec: {externalCIDRs: [10.48.0.0/24, 10.48.7.1/32]}}
---
{apiVersion: cilium.io/v2alpha1, kind: CiliumCIDRGroup, metadata: {name: office}, spec: {externalCIDRs: [10.50.0.0/16]}}
";

#[test]
fn cidr_groups_mean_their_addresses() {
    let from = |item: &str| {
        policy(&format!(
            "spec: {{endpointSelector: {{matchLabels: {{app: db}}}}, ingress: [{{fromCIDRSet: [{item}]}}]}}"
        ))
    };
    for item in [
        "{cidrGroupRef: vpn, except: [10.48.0.9/32]}",
        "{cidrGroupSelector: {matchLabels: {role: vpn}}}",
    ] {
        let reach = common::reach_in_shop(&[GROUPS, &from(item)]);
        let open = |from: &str| why(&reach, from, "db", 5432);
        assert_eq!(open("10.48.0.8"), "allowed", "{item}");
        assert_eq!(open("10.48.7.1"), "allowed", "{item}");
        assert_eq!(open("10.50.0.1"), "denied", "{item}");
        assert_eq!(open("web"), "denied", "CIDRs never mean pods: {item}");
        let excepted = if item.contains("except") { "denied" } else { "allowed" };
        assert_eq!(open("10.48.0.9"), excepted, "{item}");
        assert!(unevaluated(reach.model(), None).is_empty(), "{item}");
    }
    let unknown = common::reach_in_shop(&[&from("{cidrGroupRef: vpn}")]);
    assert_eq!(why(&unknown, "10.48.0.8", "db", 5432), "denied?", "the group is not here");
    let both = common::reach_in_shop(&[GROUPS, &from("{cidr: 10.0.0.0/8, cidrGroupRef: vpn}")]);
    assert_eq!(both.model().problems.len(), 1, "Cilium takes one of them");
}

/// Policies of Calico select its own sets alone.
#[test]
fn cidr_groups_are_no_network_sets() {
    let calico = "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: p}, spec: {selector: \"app == 'db'\", ingress: [{action: Allow, source: {selector: \"role == 'vpn'\", namespaceSelector: global()}}]}}";
    let reach = common::reach_in_shop(&[GROUPS, calico]);
    assert_eq!(why(&reach, "10.48.0.8", "db", 5432), "denied");
}

#[test]
fn policies_for_health_checks_are_about_no_pods() {
    let health = "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: health}, spec: {endpointSelector: {matchLabels: {'reserved:health': ''}}, ingress: [{fromEntities: [remote-node]}]}}";
    assert_eq!(why(&reach(health), "web", "db", 5432), "allowed");
}
