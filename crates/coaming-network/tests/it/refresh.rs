//! A reach that follows a world is the same as one made of the world as it is now.

use std::sync::Arc;

use coaming_kube::{Delta, Object, Source, World};
use coaming_network::Reach;

use crate::random::Random;
use crate::updates::answers;

/// A random object. Names are few, so that objects refer to each other and change often.
fn object(random: &mut Random, step: usize) -> String {
    let namespace = format!("ns{}", random.below(2));
    let labels = |random: &mut Random| {
        let app = *random.pick(&["a", "b", "c"]);
        let tier = if random.chance(50) { ", tier: front" } else { "" };
        format!("app: {app}{tier}, unique: u{step}")
    };
    let number = random.below(3);
    let meta = |kind: &str, more: &str| {
        format!("kind: {kind}\nmetadata: {{name: x{number}, namespace: {namespace}{more}}}\n")
    };
    let owner = match random.below(4) {
        0 => format!(
            ", ownerReferences: [{{kind: ReplicaSet, name: x{}, controller: true}}]",
            random.below(3)
        ),
        1 => format!(
            ", ownerReferences: [{{kind: Deployment, name: x{}, controller: true}}]",
            random.below(3)
        ),
        _ => String::new(),
    };
    let port = *random.pick(&["{name: http, containerPort: 8080}", "{containerPort: 80}", ""]);
    let account = *random.pick(&["default", "default", "ci"]);
    let containers = format!(
        "serviceAccountName: {account}, containers: [{{name: c, image: i, ports: [{port}]}}]"
    );
    let app = *random.pick(&["a", "b", "c"]);
    match random.below(20) {
        0..=2 => {
            let meta = meta("Pod", &format!(", labels: {{{}}}{owner}", labels(random)));
            let address = if random.chance(10) { "2001:db8::7" } else { "10.1.2.3" };
            let host = random.chance(10);
            format!(
                "apiVersion: v1\n{meta}spec: {{hostNetwork: {host}, {containers}}}\nstatus: {{podIP: \"{address}\"}}\n"
            )
        }
        3 | 4 => {
            let kind = *random.pick(&["Deployment", "ReplicaSet"]);
            let owner = if kind == "ReplicaSet" { owner.as_str() } else { "" };
            let labels = labels(random);
            let replicas = random.below(2);
            let meta = meta(kind, owner);
            format!(
                "apiVersion: apps/v1\n{meta}spec: {{replicas: {replicas}, template: {{metadata: {{labels: {{{labels}}}}}, spec: {{{containers}}}}}}}\n"
            )
        }
        5 => {
            let name = random.below(2);
            let team = *random.pick(&[
                "red",
                "blue",
                "red, istio-injection: enabled",
                "red, istio.io/dataplane-mode: ambient",
                "red, istio.io/dataplane-mode: ambient, istio.io/use-waypoint: x0",
                "blue, k8s.ovn.org/primary-user-defined-network: ''",
            ]);
            let annotations = *random.pick(&[
                "",
                "linkerd.io/inject: enabled",
                "linkerd.io/inject: enabled, config.linkerd.io/default-inbound-policy: deny",
            ]);
            format!(
                "apiVersion: v1\nkind: Namespace\nmetadata: {{name: ns{name}, labels: {{team: {team}}}, annotations: {{{annotations}}}}}\n"
            )
        }
        18 => {
            let meta = meta("Service", "");
            format!("apiVersion: v1\n{meta}spec: {{ports: [{{port: 80}}]}}\n")
        }
        19 => {
            let meta = meta("Endpoints", "");
            let last = random.below(2) + 3;
            format!("apiVersion: v1\n{meta}subsets: [{{addresses: [{{ip: 10.1.2.{last}}}]}}]\n")
        }
        16 => {
            let meta = meta("Server", "");
            format!(
                "apiVersion: policy.linkerd.io/v1beta3\n{meta}spec: {{podSelector: {{matchLabels: {{app: {app}}}}}, port: 80}}\n"
            )
        }
        17 if random.chance(50) => {
            let meta = meta("AuthorizationPolicy", "");
            let (server, other) = (random.below(3), random.below(3));
            format!(
                "apiVersion: policy.linkerd.io/v1alpha1\n{meta}spec: {{targetRef: {{kind: Server, name: x{server}}}, requiredAuthenticationRefs: [{{kind: MeshTLSAuthentication, name: x{other}}}]}}\n"
            )
        }
        17 => {
            let meta = meta("MeshTLSAuthentication", "");
            let other = random.below(2);
            format!(
                "apiVersion: policy.linkerd.io/v1alpha1\n{meta}spec: {{identities: ['*.ns{other}.serviceaccount.identity.linkerd.cluster.local']}}\n"
            )
        }
        6 | 7 => {
            let kind = *random.pick(&["ClusterIP", "NodePort", "LoadBalancer"]);
            let target = *random.pick(&["http", "80"]);
            let ranges = if random.chance(30) {
                ", externalTrafficPolicy: Local, loadBalancerSourceRanges: [10.2.0.0/16]"
            } else {
                ""
            };
            let uses = *random.pick(&["", "", ", labels: {istio.io/use-waypoint: x0}"]);
            let meta = meta("Service", uses);
            format!(
                "apiVersion: v1\n{meta}spec: {{type: {kind}, selector: {{app: {app}}}, ports: [{{port: 80, targetPort: {target}}}]{ranges}}}\n"
            )
        }
        8 => {
            let meta = meta("Ingress", "");
            let service = random.below(3);
            format!(
                "apiVersion: networking.k8s.io/v1\n{meta}spec: {{defaultBackend: {{service: {{name: x{service}, port: {{number: 80}}}}}}}}\n"
            )
        }
        9 => {
            let meta = meta("HTTPRoute", "");
            let (service, other) = (random.below(3), random.below(2));
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\n{meta}spec: {{rules: [{{backendRefs: [{{name: x{service}, namespace: ns{other}}}]}}]}}\n"
            )
        }
        10 => {
            let meta = meta("ReferenceGrant", "");
            let from = random.below(2);
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\n{meta}spec: {{from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ns{from}}}], to: [{{kind: Service}}]}}\n"
            )
        }
        11 if random.chance(50) => {
            let meta = meta("PeerAuthentication", "");
            let mode = *random.pick(&["STRICT", "PERMISSIVE"]);
            format!("apiVersion: security.istio.io/v1\n{meta}spec: {{mtls: {{mode: {mode}}}}}\n")
        }
        15 if random.chance(50) => {
            let used_for = *random.pick(&["service", "workload", "all"]);
            let labels = format!(", labels: {{istio.io/waypoint-for: {used_for}}}");
            let meta = meta("Gateway", &labels);
            let class = *random.pick(&["istio-waypoint", "x1"]);
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\n{meta}spec: {{gatewayClassName: {class}}}\n"
            )
        }
        15 if random.chance(20) => {
            let meta = meta("GatewayClass", "")
                .replace(", namespace: ns0", "")
                .replace(", namespace: ns1", "");
            format!(
                "apiVersion: gateway.networking.k8s.io/v1\n{meta}spec: {{controllerName: istio.io/mesh-controller}}\n"
            )
        }
        12 if random.chance(30) => {
            let meta = meta("AuthorizationPolicy", "");
            let target = *random.pick(&[
                "group: gateway.networking.k8s.io, kind: Gateway",
                "group: '', kind: Service",
            ]);
            format!(
                "apiVersion: security.istio.io/v1\n{meta}spec: {{targetRefs: [{{{target}, name: x0}}], rules: [{{from: [{{source: {{namespaces: [ns0]}}}}]}}]}}\n"
            )
        }
        12 if random.chance(50) => {
            let meta = meta("AuthorizationPolicy", "");
            format!(
                "apiVersion: security.istio.io/v1\n{meta}spec: {{selector: {{matchLabels: {{app: {app}}}}}, rules: [{{from: [{{source: {{namespaces: [ns0]}}}}]}}]}}\n"
            )
        }
        13 if random.chance(20) => {
            let inbound = *random.pick(&["deny", "all-authenticated", "cluster-unauthenticated"]);
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: linkerd-config, namespace: linkerd}}\ndata: {{values: 'proxy: {{defaultInboundPolicy: {inbound}}}'}}\n"
            )
        }
        13 if random.chance(20) => {
            let root = random.below(2);
            format!(
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: istio, namespace: ns{root}}}\ndata: {{mesh: 'rootNamespace: ns{root}'}}\n"
            )
        }
        14 if random.chance(30) => {
            let meta = meta("ServiceAccount", ", labels: {team: red}");
            format!("apiVersion: v1\n{meta}").replace("x0", "default").replace("x1", "ci")
        }
        14 if random.chance(50) => {
            let meta = meta("NetworkPolicy", "");
            let peer = *random.pick(&[
                "serviceAccounts: {selector: 'team == \"red\"'}",
                "services: {name: x1}",
                "services: {name: x2}",
            ]);
            let subject = *random.pick(&["selector: all()", "serviceAccountSelector: 'has(team)'"]);
            format!(
                "apiVersion: projectcalico.org/v3\n{meta}spec: {{{subject}, types: [Egress], egress: [{{action: Allow, destination: {{{peer}}}}}]}}\n"
            )
        }
        13 if random.chance(50) => {
            let meta = meta("UserDefinedNetwork", "");
            format!(
                "apiVersion: k8s.ovn.org/v1\n{meta}spec: {{topology: Layer2, layer2: {{role: Primary}}}}\n"
            )
        }
        _ => {
            let meta = meta("NetworkPolicy", "");
            let peer = *random.pick(&[
                "podSelector: {matchLabels: {app: b}}",
                "namespaceSelector: {matchLabels: {team: red}}",
                "namespaceSelector: {}",
                "ipBlock: {cidr: 10.0.0.0/8}",
                "ipBlock: {cidr: not-a-block}",
                "podSelector: {matchLabels: {unique: u7}}",
            ]);
            let port = *random.pick(&["80", "http"]);
            let direction = *random.pick(&["ingress: [{from", "egress: [{to"]);
            format!(
                "apiVersion: networking.k8s.io/v1\n{meta}spec: {{podSelector: {{matchLabels: {{app: {app}}}}}, {direction}: [{{{peer}}}], ports: [{{port: {port}}}]}}]}}\n"
            )
        }
    }
}

/// Everything that can be asked, and what the model holds.
fn everything(reach: &Reach) -> Vec<String> {
    let model = reach.model();
    let mut all = answers(reach);
    all.push(format!("{:?}", model.namespaces));
    all.push(format!("{:?}", model.problems));
    let unevaluated = coaming_network::unevaluated(model, None);
    all.push(format!("{unevaluated:?}"));
    let mut rest: Vec<String> = model
        .all_ingress_points()
        .map(|point| {
            let pods = &model.pods[point.pods];
            format!(
                "{} {:?}",
                model.workloads[pods.workload],
                (point.port, &point.source, &point.via)
            )
        })
        .chain(model.services.iter().map(|(_, service)| format!("{service:?}")))
        .chain(model.workloads.iter().map(|(_, workload)| workload.to_string()))
        .collect();
    rest.sort();
    all.extend(rest);
    all
}

#[test]
fn following_a_world_is_reading_it_from_scratch() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        let mut world = World::default();
        let mut reach = Reach::from_world(&world);
        for step in 0..60 {
            let keys = if random.chance(25) {
                let keys: Vec<_> = world.objects().map(Object::key).collect();
                if keys.is_empty() {
                    continue;
                }
                world.apply(Delta::Remove(random.pick(&keys).clone()))
            } else {
                let objects: Vec<String> =
                    (0..1 + random.below(2)).map(|_| object(random, step)).collect();
                let stream = coaming_yaml::parse(Arc::from(objects.join("---\n")));
                assert_eq!(stream.errors, []);
                let name = format!("file{}.yaml", random.below(12));
                let source = Source::new(&name, stream.source, stream.documents);
                world.apply(Delta::Put(Box::new(source)))
            };
            for key in &keys {
                reach.refresh(&world, key);
            }
            let scratch = Reach::from_world(&world);
            assert_eq!(everything(&reach), everything(&scratch), "seed {seed}, step {step}");
        }
    }
}
