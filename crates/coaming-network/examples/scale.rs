//! Generates clusters of any size and measures the engine on them.
//!
//! `scale measure PODS POLICIES NAMESPACES` prints one line of JSON: times in milliseconds and
//! peak memory in megabytes. `scale generate PODS POLICIES NAMESPACES` prints the same cluster as
//! YAML, for other tools; `scale generate-bare …` prints one whose pods have no owner, so that each
//! is a workload.
//!
//! A cluster is made of applications of five pods, with labels as Helm charts set them (two of
//! them different for each application, one for each pod of a stateful one). A namespace has a
//! default deny, and policies that allow another application of the namespace, all pods of a
//! namespace chosen by label, or addresses outside.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for developers")]

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use coaming_kube::{Source, World};
use coaming_network::{Reach, from_world, summary};

/// Pods of one application.
const REPLICAS: usize = 5;

struct Size {
    pods: usize,
    policies: usize,
    namespaces: usize,
    /// Whether pods are without owners.
    bare: bool,
}

fn generate(size: &Size) -> String {
    let mut out = String::new();
    for namespace in 0..size.namespaces {
        let _ = write!(
            out,
            "---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ns{namespace}\n  labels:\n    \
             team: team{}\n    stage: {}\n",
            namespace % 20,
            ["dev", "test", "prod"][namespace % 3]
        );
    }
    for pod in 0..size.pods {
        let app = pod / REPLICAS;
        let stateful = if app.is_multiple_of(10) {
            format!("    statefulset.kubernetes.io/pod-name: pod{pod}\n")
        } else {
            String::new()
        };
        let owner = if size.bare {
            String::new()
        } else {
            format!(
                "  ownerReferences:\n  - {{apiVersion: apps/v1, kind: ReplicaSet, name: app{app}, uid: u, \
                 controller: true}}\n"
            )
        };
        let _ = write!(
            out,
            "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: pod{pod}\n  namespace: ns{}\n  \
             labels:\n    app: app{app}\n    tier: {}\n    version: v{}\n{stateful}{owner}\
             spec:\n  containers:\n  - name: main\n    image: app:1\n    ports:\n    - {{name: http, containerPort: 8080}}\n",
            app % size.namespaces,
            ["front", "back", "data"][app % 3],
            app % 4,
        );
    }
    let apps = (size.pods / REPLICAS).max(1);
    for number in 0..size.policies {
        let namespace = number % size.namespaces;
        // An application of this namespace, and another.
        let app = namespace + size.namespaces * (number / size.namespaces);
        let (app, other) = (app % apps, (app + size.namespaces) % apps);
        let round = number / size.namespaces;
        // A fifth is of the network plugins, in every other namespace of one of them.
        let plugin = (round == 4).then_some(namespace % 2);
        let api = match plugin {
            None => "networking.k8s.io/v1\nkind: NetworkPolicy",
            Some(0) => "cilium.io/v2\nkind: CiliumNetworkPolicy",
            Some(_) => "projectcalico.org/v3\nkind: NetworkPolicy",
        };
        let spec = match round {
            4 if plugin == Some(0) => format!(
                "  endpointSelector: {{matchLabels: {{app: app{app}}}}}\n  ingress:\n  - fromEndpoints:\n    \
                 - matchLabels: {{'k8s:app': app{other}}}\n    toPorts: [{{ports: [{{port: http, protocol: TCP}}]}}]\n  \
                 egressDeny:\n  - toCIDR: [169.254.169.254/32]\n  egress:\n  - toEntities: [cluster]\n"
            ),
            4 => format!(
                "  selector: app == 'app{app}' || app ends with '{app}x'\n  order: {number}\n  types: [Ingress]\n  \
                 ingress:\n  - {{action: Deny, source: {{selector: tier == 'data'}}}}\n  \
                 - {{action: Allow, protocol: TCP, source: {{selector: app == 'app{other}'}}, destination: {{ports: [http]}}}}\n"
            ),
            0 => "  podSelector: {}\n  policyTypes: [Ingress, Egress]\n".to_owned(),
            1 => format!(
                "  podSelector: {{matchLabels: {{app: app{app}}}}}\n  ingress:\n  - from:\n    \
                 - ipBlock: {{cidr: 0.0.0.0/0, except: [10.{}.0.0/16]}}\n    ports: [{{port: 8080}}]\n",
                namespace % 250
            ),
            2 => format!(
                "  podSelector: {{matchLabels: {{tier: back}}}}\n  policyTypes: [Ingress, Egress]\n  \
                 ingress:\n  - from:\n    - namespaceSelector: {{matchLabels: {{team: team{}}}}}\n      \
                 podSelector: {{matchLabels: {{tier: front}}}}\n    ports: [{{port: http}}]\n  \
                 egress:\n  - to:\n    - namespaceSelector: {{}}\n    ports: [{{port: 53, protocol: UDP}}]\n",
                namespace % 20
            ),
            _ => format!(
                "  podSelector: {{matchLabels: {{app: app{app}}}}}\n  policyTypes: [Ingress, Egress]\n  \
                 ingress:\n  - from:\n    - podSelector: {{matchLabels: {{app: app{other}}}}}\n    \
                 ports: [{{port: http}}, {{port: 9000, endPort: 9010}}]\n  egress:\n  - to:\n    \
                 - podSelector: {{matchExpressions: [{{key: tier, operator: In, values: [back, data]}}]}}\n"
            ),
        };
        let _ = write!(
            out,
            "---\napiVersion: {api}\nmetadata:\n  \
             name: policy{number}\n  namespace: ns{namespace}\nspec:\n{spec}"
        );
    }
    out
}

/// The most memory this process ever held, in megabytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1024
}

fn milliseconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 10_000.0).round() / 10.0
}

fn measure(size: &Size) {
    let text: Arc<str> = Arc::from(generate(size));
    let start = Instant::now();
    let stream = coaming_yaml::parse(text);
    let world = World::new(vec![Source::new("cluster.yaml", stream.source, stream.documents)]);
    let reading = milliseconds(start);
    let start = Instant::now();
    let model = from_world(&world);
    drop(world);
    let modelling = milliseconds(start);
    let before = peak_memory();
    let start = Instant::now();
    let mut reach = Reach::new(model);
    let compiling = milliseconds(start);
    let found = summary(&reach);
    let reachability = milliseconds(start);
    let policies = reach.model().policies.len();
    // One policy changed: another one's rules in its place.
    let ids: Vec<usize> = reach.model().policies.iter().map(|(id, _)| id).collect();
    let (last, middle) = (ids[policies - 1], ids[policies / 2]);
    let mut policy = reach.model().policies[last].clone();
    policy.ingress.clone_from(&reach.model().policies[middle].ingress);
    let start = Instant::now();
    reach.put_policy(Some(last), policy);
    let policy_change = milliseconds(start);
    // One pod changed: it moves to another application.
    let last = reach.model().pods.iter().map(|(id, _)| id).max().unwrap();
    let mut pods = reach.model().pods[last].clone();
    pods.labels = Arc::clone(&reach.model().pods.iter().next().unwrap().1.labels);
    let start = Instant::now();
    reach.put_pods(Some(last), pods);
    let pod_change = milliseconds(start);
    println!(
        "{{\"pods\": {}, \"policies\": {}, \"namespaces\": {}, \"classes\": {}, \"pairs\": {}, \
         \"connected\": {}, \"read_ms\": {reading}, \"model_ms\": {modelling}, \
         \"compile_ms\": {compiling}, \"reachability_ms\": {reachability}, \
         \"policy_change_ms\": {policy_change}, \"pod_change_ms\": {pod_change}, \
         \"input_mb\": {before}, \"peak_mb\": {}}}",
        size.pods,
        size.policies,
        size.namespaces,
        reach.class_count(),
        found.pairs,
        found.connected,
        peak_memory()
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize| arguments.get(place).and_then(|text| text.parse().ok());
    let (Some(mode), Some(pods), Some(policies), Some(namespaces)) =
        (arguments.first(), number(1), number(2), number(3))
    else {
        println!("usage: scale measure|generate|generate-bare PODS POLICIES NAMESPACES");
        return;
    };
    let bare = mode == "generate-bare";
    let size = Size { pods, policies, namespaces, bare };
    match mode.as_str() {
        "generate" | "generate-bare" => print!("{}", generate(&size)),
        _ => measure(&size),
    }
}
