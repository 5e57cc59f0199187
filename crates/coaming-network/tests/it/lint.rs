//! Rules that change nothing: without all of them, every answer is the same.

use coaming_network::model::{Direction, Model};
use coaming_network::{Connections, Endpoint, Reach, RulePlace, idle_rules};

use crate::common;
use crate::random;

/// Everything that pods and outside addresses may connect to; the atoms are those of the first model.
fn table(reach: &Reach, probes: &[String]) -> Vec<Connections> {
    let model = reach.model();
    let pods: Vec<Endpoint> = model.pods.iter().map(|(id, _)| Endpoint::Pods(id)).collect();
    let outside = probes.iter().map(|probe| {
        let found = coaming_network::find_endpoint(reach, probe).unwrap();
        found.endpoints.first().copied().unwrap()
    });
    let ends: Vec<Endpoint> = pods.into_iter().chain(outside).collect();
    let pairs = ends.iter().flat_map(|&from| ends.iter().map(move |&to| (from, to)));
    pairs.map(|(from, to)| reach.allowed(from, to)).collect()
}

/// Takes all idle rules out of a model, and checks that every answer is the same; gives how many.
fn takes_out(model: Model, name: &str) -> usize {
    let reach = Reach::new(model.clone());
    let idle = idle_rules(&reach);
    let mut changed = model;
    for (policy, written) in &mut changed.policies {
        for direction in Direction::BOTH {
            let rules = match direction {
                Direction::Ingress => &mut written.ingress,
                Direction::Egress => &mut written.egress,
            };
            let mut position = 0;
            rules.iter_mut().for_each(|rules| {
                rules.retain(|_| {
                    let own = RulePlace { policy, direction, position };
                    position += 1;
                    !idle.iter().any(|it| it.places.contains(&own))
                });
            });
        }
    }
    let single = reach.externals().iter().filter_map(coaming_network::IpSet::first);
    let probes: Vec<String> = single.map(|address| address.to_string()).collect();
    let v4 = probes.into_iter().filter(|it| it.contains('.')).collect::<Vec<_>>();
    let after = Reach::new(changed);
    assert_eq!(table(&reach, &v4), table(&after, &v4), "{name}: {idle:?}");
    idle.len()
}

#[test]
fn without_them_every_answer_is_the_same() {
    let removed: usize =
        (0..300).map(|seed| takes_out(random::model(seed), &format!("seed {seed}"))).sum();
    assert!(removed > 100, "only {removed} rules");
}

/// The same with objects of meshes.
#[test]
fn without_those_of_a_mesh_every_answer_is_the_same() {
    const PODS: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: mesh, labels: {istio-injection: enabled}, annotations: {linkerd.io/inject: enabled}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: mesh, labels: {app: a}}, spec: {serviceAccountName: a, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: mesh, labels: {app: b}}, spec: {serviceAccountName: b, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: plain}}
---
{apiVersion: v1, kind: Pod, metadata: {name: c, namespace: plain, labels: {app: c}}, spec: {serviceAccountName: c, containers: [{name: c, image: x}]}}
";
    let mut kinds = std::collections::BTreeMap::new();
    for seed in 0..300 {
        let random = &mut random::Random::new(seed);
        let mut documents = PODS.to_owned();
        for number in 0..6 {
            let app = *random.pick(&["a", "b"]);
            let other = *random.pick(&["a", "b", "c"]);
            let selector = if random.chance(50) {
                format!("selector: {{matchLabels: {{app: {app}}}}}, ")
            } else {
                String::new()
            };
            let mode = *random.pick(&["STRICT", "PERMISSIVE", "UNSET"]);
            let action = *random.pick(&["ALLOW", "ALLOW", "DENY"]);
            let (api, kind, spec) = match random.below(4) {
                0 => (
                    "security.istio.io/v1",
                    "PeerAuthentication",
                    format!(
                        "{selector}mtls: {{mode: {mode}}}, portLevelMtls: {{80: {{mode: PERMISSIVE}}}}"
                    ),
                ),
                1 => (
                    "security.istio.io/v1",
                    "AuthorizationPolicy",
                    format!(
                        "{selector}action: {action}, rules: [{{from: [{{source: {{principals: ['*/sa/{other}']}}}}]}}]"
                    ),
                ),
                2 => (
                    "policy.linkerd.io/v1beta3",
                    "Server",
                    format!("podSelector: {{matchLabels: {{app: {app}}}}}, port: 80"),
                ),
                _ => (
                    "policy.linkerd.io/v1alpha1",
                    "AuthorizationPolicy",
                    format!(
                        "targetRef: {{kind: Namespace, name: mesh}}, requiredAuthenticationRefs: [{{kind: ServiceAccount, name: {other}}}]"
                    ),
                ),
            };
            documents.push_str(&format!(
                "---\n{{apiVersion: {api}, kind: {kind}, metadata: {{name: x{number}, namespace: mesh}}, spec: {{{spec}}}}}\n"
            ));
        }
        let model: Model = common::model(&documents);
        for idle in idle_rules(&Reach::new(model.clone())) {
            let kind = if idle.rule.starts_with("AuthorizationPolicy") {
                &idle.rule
            } else {
                &idle.policy
            };
            let kind = kind.split(' ').next().unwrap_or_default().to_owned();
            *kinds.entry((kind, idle.policy.starts_with("Server"))).or_insert(0) += 1;
        }
        takes_out(model, &documents);
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert!(kinds.values().all(|count| *count > 20), "{kinds:?}");
}

/// A mode of a PeerAuthentication and an authorization of Linkerd are each judged as a whole.
#[test]
fn modes_and_authorizations() {
    let model = |documents: &str| {
        let text = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: mesh, labels: {{istio-injection: enabled}}, annotations: {{linkerd.io/inject: enabled}}}}}}
---
{{apiVersion: v1, kind: Pod, metadata: {{name: db, namespace: mesh, labels: {{app: db}}}}, spec: {{serviceAccountName: db, containers: [{{name: c, image: x}}]}}}}
---
{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: mesh, labels: {{app: web}}}}, spec: {{serviceAccountName: web, containers: [{{name: c, image: x}}]}}}}
---
{documents}"
        );
        let found = idle_rules(&common::reach(&text)).into_iter();
        found.map(|it| format!("{} of {}", it.rule, it.policy)).collect::<Vec<_>>()
    };
    let strict = |name: &str, more: &str| {
        format!(
            "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: {name}, namespace: mesh}}, spec: {{{more}mtls: {{mode: STRICT}}}}}}"
        )
    };
    let both = [strict("default", ""), strict("db", "selector: {matchLabels: {app: db}}, ")];
    assert_eq!(model(&both.join("\n---\n")), ["mtls STRICT of PeerAuthentication mesh/db"]);
    assert_eq!(model(&both[0]), [""; 0]);
    let server = |name: &str, port: u16| {
        format!(
            "{{apiVersion: policy.linkerd.io/v1beta3, kind: Server, metadata: {{name: {name}, namespace: mesh}}, spec: {{podSelector: {{matchLabels: {{app: db}}}}, port: {port}}}}}"
        )
    };
    let authorization = |name: &str, target: &str| {
        format!(
            "{{apiVersion: policy.linkerd.io/v1alpha1, kind: AuthorizationPolicy, metadata: {{name: {name}, namespace: mesh}}, spec: {{targetRef: {{{target}}}, requiredAuthenticationRefs: [{{kind: ServiceAccount, name: web}}]}}}}"
        )
    };
    let servers = [server("one", 80), server("two", 81)];
    let (all, one) = (
        authorization("all", "kind: Namespace, name: mesh"),
        authorization("one", "kind: Server, name: one"),
    );
    let wide = [&servers[0], &servers[1], &all, &one].map(String::as_str).join("\n---\n");
    assert_eq!(model(&wide), ["AuthorizationPolicy one of Server mesh/one"]);
    let narrow = [&servers[0], &all, &one].map(String::as_str).join("\n---\n");
    assert_eq!(model(&narrow).len(), 1, "either, and not both");
    let alone = [&servers[0], &servers[1], &all].map(String::as_str).join("\n---\n");
    assert_eq!(model(&alone), [""; 0]);
}

#[test]
fn the_later_of_two_is_named_with_the_other() {
    let reach = common::reach(
        "
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: a, labels: {app: web}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: a, labels: {app: db}}, spec: {containers: [{name: c, image: x}]}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: a}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: 80}]
  - from: [{podSelector: {matchLabels: {app: nobody}}}]
",
    );
    let found = idle_rules(&reach);
    let shown: Vec<_> = found.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(shown, ["ingress[1]"]);
    assert_eq!(found[0].because[0].rule, "ingress[0]");
}

/// A rule that allows only some requests does not stand for one that allows all.
#[test]
fn rules_with_limits() {
    let policy = |name: &str, rules: &str| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{endpointSelector: {{matchLabels: {{app: db}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: web}}}}], toPorts: [{{ports: [{{port: '80', protocol: TCP}}]{rules}}}]}}]}}"
        )
    };
    let idle = |documents: &[&str]| {
        let found = idle_rules(&crate::common::reach_in_shop(documents));
        found.into_iter().map(|it| it.policy).collect::<Vec<_>>()
    };
    let (get, put) = (", rules: {http: [{method: GET}]}", ", rules: {http: [{method: PUT}]}");
    assert_eq!(idle(&[&policy("a", get), &policy("b", put)]), [""; 0]);
    let both = ["CiliumNetworkPolicy shop/a"];
    assert_eq!(idle(&[&policy("a", get), &policy("b", "")]), both);
    assert_eq!(idle(&[&policy("b", ""), &policy("a", get)]), both);
}

/// AuthorizationPolicies add up, and a Deny rule may refuse what is refused already.
#[test]
fn rules_of_a_mesh() {
    let policy = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}"
        )
    };
    let sidecars = "{apiVersion: v1, kind: Namespace, metadata: {name: mesh, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: mesh, labels: {app: a}}, spec: {serviceAccountName: a, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b, namespace: mesh, labels: {app: b}}, spec: {serviceAccountName: b, containers: [{name: c, image: x}]}}";
    let idle = |documents: &[String]| {
        let documents = documents.join("\n---\n").replace("namespace: shop", "namespace: mesh");
        let reach = crate::common::reach(&format!("{sidecars}\n---\n{documents}"));
        idle_rules(&reach).into_iter().map(|it| it.policy).collect::<Vec<_>>()
    };
    let all = policy("all", "{rules: [{from: [{source: {namespaces: [mesh]}}]}]}");
    let one = policy("one", "{rules: [{from: [{source: {principals: ['*/sa/a']}}]}]}");
    let by_request = policy("get", "{rules: [{to: [{operation: {methods: [GET]}}]}]}");
    assert_eq!(idle(&[all.clone(), one.clone()]), ["AuthorizationPolicy mesh/one"]);
    assert_eq!(idle(&[one.clone(), by_request.clone()]), [""; 0]);
    assert_eq!(idle(&[all, by_request]), [""; 0], "it is not judged");
    let deny =
        policy("refuse", "{action: DENY, rules: [{from: [{source: {principals: ['*/sa/b']}}]}]}");
    let only_a = policy("only", "{rules: [{from: [{source: {principals: ['*/sa/a']}}]}]}");
    assert_eq!(idle(&[deny, only_a]), ["AuthorizationPolicy mesh/refuse"]);
}
