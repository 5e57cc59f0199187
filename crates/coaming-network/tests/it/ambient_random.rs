//! Random ambient meshes, with waypoints and network policies, against a slow evaluator that follows
//! one connection from proxy to proxy, as Istio's documentation describes it.

use coaming_network::model::Role;
use coaming_network::{Endpoint, Protocol, exposure, find_endpoint};
use serde_json::{Value, json};

use crate::common;
use crate::exposure::said;
use crate::istio_random::{Side, assert_agreement, lets_in, random_policy, rule_fits};
use crate::random::Random;

const TUNNEL: u16 = 15008;

struct Cluster {
    network: Vec<Value>,
    /// Policies of Istio that select pods.
    mesh: Vec<Value>,
    /// Policies that are attached to the waypoint or to the Service.
    attached: Vec<Value>,
    waypoint: Side,
    /// What the waypoint is for.
    used_for: &'static str,
    /// The `app` of the pods behind the Service of namespace `node` that uses the waypoint.
    service: Option<&'static str>,
    /// Whether pods of namespace `node` use the waypoint.
    pods: bool,
}

/// Whether a selector of pods in a network policy means a pod.
fn selects(selector: &Value, side: &Side) -> bool {
    let labels = selector["matchLabels"].as_object();
    labels.is_none_or(|labels| {
        labels.iter().all(|(key, value)| match key.as_str() {
            "app" => value == side.app,
            _ => side.app.is_empty() && !side.namespace.is_empty() && value == "wp",
        })
    })
}

fn peer_fits(peer: &Value, own: &Side, other: &Side) -> bool {
    let here = peer["namespaceSelector"].is_object() || other.namespace == own.namespace;
    !other.namespace.is_empty() && here && selects(&peer["podSelector"], other)
}

impl Cluster {
    /// What the network policies of one side say about a packet.
    fn lets_through(
        &self,
        own: &Side,
        other: &Side,
        direction: &str,
        wire: (Protocol, u16),
    ) -> bool {
        let (rules, peers) = match direction {
            "Ingress" => ("ingress", "from"),
            _ => ("egress", "to"),
        };
        let governing: Vec<&Value> = self
            .network
            .iter()
            .filter(|policy| policy["metadata"]["namespace"] == own.namespace)
            .filter(|policy| selects(&policy["spec"]["podSelector"], own))
            .filter(|policy| policy["spec"]["policyTypes"][0] == direction)
            .collect();
        let allows = |rule: &Value| {
            let peers = rule[peers].as_array();
            let ports = rule["ports"].as_array();
            let number = |port: &Value| port["port"] == wire.1 && wire.0 == Protocol::Tcp;
            peers.is_none_or(|all| all.iter().any(|it| peer_fits(it, own, other)))
                && ports.is_none_or(|all| all.iter().any(number))
        };
        governing.is_empty()
            || governing
                .iter()
                .flat_map(|policy| policy["spec"][rules].as_array().unwrap())
                .any(allows)
    }

    fn packet(&self, from: &Side, to: &Side, wire: (Protocol, u16)) -> bool {
        self.lets_through(from, to, "Egress", wire) && self.lets_through(to, from, "Ingress", wire)
    }

    /// One connection between two proxies, or without.
    fn hop(&self, from: &Side, to: &Side, (protocol, port): (Protocol, u16)) -> bool {
        let carried = matches!(
            (from.proxy, to.proxy),
            (Some(_), Some("ambient")) | (Some("ambient" | "waypoint"), Some("sidecar"))
        );
        let wire = if carried && protocol == Protocol::Tcp { TUNNEL } else { port };
        self.packet(from, to, (protocol, wire)) && lets_in(&self.mesh, from, to, protocol, port)
    }

    /// What the waypoint decides, about a port of the Service, or of pods.
    fn authorizes(&self, from: &Side, port: u16, by_service: bool) -> bool {
        let meant = |policy: &&Value| match policy["spec"]["targetRefs"][0]["kind"].as_str() {
            Some("Service") => by_service,
            _ => true,
        };
        let of = |action: &'static str| {
            let found = self.attached.iter().filter(meant);
            found.filter(move |it| it["spec"]["action"] == action).collect::<Vec<_>>()
        };
        let any = |found: &[&Value], allows: bool| {
            let rules = found.iter().flat_map(|it| it["spec"]["rules"].as_array().unwrap());
            rules.into_iter().any(|rule| rule_fits(rule, from, port, true, allows))
        };
        let allowing = of("ALLOW");
        !any(&of("DENY"), false) && (allowing.is_empty() || any(&allowing, true))
    }

    /// A connection through the waypoint.
    fn way(&self, from: &Side, to: &Side, port: u16, asked: u16, by_service: bool) -> bool {
        self.packet(from, &self.waypoint, (Protocol::Tcp, TUNNEL))
            && self.authorizes(from, asked, by_service)
            && self.hop(&self.waypoint, to, (Protocol::Tcp, port))
    }

    fn connects(&self, from: &Side, to: &Side, protocol: Protocol, port: u16) -> bool {
        let uses = from.proxy == Some("ambient") && protocol == Protocol::Tcp;
        if !uses || to.namespace != "node" {
            return self.hop(from, to, (protocol, port));
        }
        // Port 80 of the Service leads to port 8080.
        let of_service = ["service", "all"].contains(&self.used_for)
            && self.service == Some(to.app)
            && port == 8080
            && self.way(from, to, 8080, 80, true);
        let of_pod = if self.pods && ["workload", "all"].contains(&self.used_for) {
            self.way(from, to, port, port, false)
        } else {
            self.hop(from, to, (protocol, port))
        };
        of_service || of_pod
    }
}

fn random_network_policy(random: &mut Random, number: usize) -> Value {
    const SELECTORS: [&str; 4] = [
        "{}",
        r#"{"matchLabels": {"app": "a"}}"#,
        r#"{"matchLabels": {"app": "b"}}"#,
        r#"{"matchLabels": {"gateway.networking.k8s.io/gateway-name": "wp"}}"#,
    ];
    let selector = |random: &mut Random| -> Value {
        let text = *random.pick(&SELECTORS);
        serde_json::from_str(text).unwrap()
    };
    let (kind, rules, peers) =
        *random.pick(&[("Ingress", "ingress", "from"), ("Egress", "egress", "to")]);
    let count = random.below(3);
    let mut found = Vec::new();
    for _ in 0..count {
        let mut rule = json!({});
        if random.chance(60) {
            let mut peer = json!({"podSelector": selector(random)});
            if random.chance(50) {
                peer["namespaceSelector"] = json!({});
            }
            rule[peers] = json!([peer]);
        }
        if random.chance(60) {
            let ports: Vec<Value> = [8080, 80, TUNNEL]
                .iter()
                .filter(|_| random.chance(50))
                .map(|port| json!({"port": port}))
                .collect();
            if !ports.is_empty() {
                rule["ports"] = json!(ports);
            }
        }
        found.push(rule);
    }
    let mut spec = json!({"podSelector": selector(random), "policyTypes": [kind]});
    spec[rules] = json!(found);
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": format!("n{number}"), "namespace": random.pick(&["node", "shop", "old"])},
        "spec": spec})
}

fn random_attached(random: &mut Random, number: usize) -> Value {
    let mut policy = loop {
        let policy = random_policy(random, number);
        if policy["kind"] == "AuthorizationPolicy" {
            break policy;
        }
    };
    policy["metadata"] = json!({"name": format!("w{number}"), "namespace": "node"});
    policy["spec"]["selector"].take();
    policy["spec"].as_object_mut().unwrap().remove("selector");
    policy["spec"]["targetRefs"] = random
        .pick(&[
            json!([{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "wp"}]),
            json!([{"group": "", "kind": "Service", "name": "s"}]),
        ])
        .clone();
    policy
}

/// A random cluster: its objects, its pods and an outside address, and what the slow evaluator reads.
fn random_cluster(random: &mut Random) -> (Vec<Value>, Vec<Side>, Cluster) {
    let used_for = *random.pick(&["service", "workload", "all"]);
    let service = random.chance(70).then(|| *random.pick(&["a", "b"]));
    let pods = random.chance(40);
    let mut ambient = json!({"istio.io/dataplane-mode": "ambient"});
    if pods {
        ambient["istio.io/use-waypoint"] = json!("wp");
    }
    let namespaces =
        [("node", ambient), ("shop", json!({"istio-injection": "enabled"})), ("old", json!({}))];
    let mut objects: Vec<Value> = namespaces
        .iter()
        .map(|(name, labels)| {
            json!({"apiVersion": "v1", "kind": "Namespace",
                "metadata": {"name": name, "labels": labels}})
        })
        .collect();
    let mut sides = Vec::new();
    for number in 0..4 {
        let (namespace, proxy) = *random.pick(&[
            ("node", Some("ambient")),
            ("node", Some("ambient")),
            ("shop", Some("sidecar")),
            ("old", None),
        ]);
        let (app, account) = (*random.pick(&["a", "b"]), *random.pick(&["web", "api"]));
        let mut labels = json!({"app": app});
        let out = proxy == Some("ambient") && random.chance(15);
        if out {
            labels["istio.io/dataplane-mode"] = json!("none");
        }
        let name = format!("pod{number}");
        objects.push(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "spec": {"serviceAccountName": account, "containers": [{"name": "c", "image": "x"}]}}));
        let name = format!("{namespace}/{name}");
        sides.push(Side { name, namespace, app, account, proxy: proxy.filter(|_| !out) });
    }
    sides.push(Side {
        name: "8.8.8.8".to_owned(),
        namespace: "",
        app: "",
        account: "",
        proxy: None,
    });
    objects.push(json!({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": "wp", "namespace": "node", "labels": {"istio.io/waypoint-for": used_for}},
        "spec": {"gatewayClassName": "istio-waypoint"}}));
    if let Some(app) = service {
        objects.push(json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "s", "namespace": "node", "labels": {"istio.io/use-waypoint": "wp"}},
            "spec": {"selector": {"app": app}, "ports": [{"port": 80, "targetPort": 8080}]}}));
    }
    let many = |random: &mut Random, one: fn(&mut Random, usize) -> Value| -> Vec<Value> {
        let count = random.below(3);
        (0..count).map(|number| one(random, number)).collect()
    };
    let cluster = Cluster {
        network: many(random, random_network_policy),
        mesh: many(random, random_policy),
        attached: many(random, random_attached),
        waypoint: Side {
            name: "node/wp".to_owned(),
            namespace: "node",
            app: "",
            account: "wp",
            proxy: Some("waypoint"),
        },
        used_for,
        service,
        pods,
    };
    objects.extend([&cluster.network[..], &cluster.mesh, &cluster.attached].concat());
    (objects, sides, cluster)
}

#[test]
fn random_meshes_against_the_slow_evaluator() {
    for seed in 0..1500 {
        let random = &mut Random::new(seed + 77_000);
        let (objects, sides, cluster) = random_cluster(random);
        assert_agreement(seed, &objects, &sides, &[80, 8080, 9090], |source, target, by, port| {
            cluster.connects(source, target, by, port)
        });
    }
}

/// What `exposure` says of a pod to come is what is allowed once that pod is there, through waypoints too.
#[test]
fn pods_to_come_use_waypoints() {
    let mut through = 0;
    for seed in 0..700 {
        let random = &mut Random::new(seed + 99_000);
        let (mut objects, sides, _) = random_cluster(random);
        // What lets the newcomer out is not said of those that it connects to.
        objects.retain(|it| it["spec"]["policyTypes"][0] != "Egress");
        let newcomer = &sides[random.below(4)];
        let text = |wanted: &dyn Fn(&Value) -> bool| {
            let texts = objects.iter().filter(|it| wanted(it)).map(Value::to_string);
            texts.collect::<Vec<String>>().join("\n---\n")
        };
        let name = newcomer.name.split('/').nth(1).unwrap();
        let before = common::model(&text(&|it| it["metadata"]["name"] != name));
        let exposures = exposure(before);
        let after = common::reach(&text(&|_| true));
        let model = after.model();
        let new = find_endpoint(&after, &newcomer.name).unwrap().endpoints[0];
        let Endpoint::Pods(id) = new else { unreachable!() };
        for (own, pods) in model.pods.iter().filter(|(it, _)| *it != id) {
            let workload = &model.workloads[pods.workload];
            if pods.role != Role::Real {
                continue;
            }
            let exposure = exposures.iter().find(|it| it.workload == *workload).unwrap();
            let expected = after.allowed(new, Endpoint::Pods(own));
            let found = said(model, &exposure.ingress.pods, &model.pods[id]);
            assert_eq!(
                found,
                expected,
                "seed {seed}: {} to {workload}\n{}",
                newcomer.name,
                text(&|_| true)
            );
            through += usize::from(!model.waypoints.is_empty() && !expected.is_all());
        }
    }
    assert!(through > 150, "only {through} pairs say something of waypoints");
}
