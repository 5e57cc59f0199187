//! Rules that change nothing: without all of them, every answer is the same.

use coaming_network::model::{Direction, Model};
use coaming_network::{Connections, Endpoint, Reach, idle_rules};

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

#[test]
fn without_them_every_answer_is_the_same() {
    let mut removed = 0;
    for seed in 0..300 {
        let model = random::model(seed);
        let reach = Reach::new(model.clone());
        let idle = idle_rules(&reach);
        let mut changed: Model = model;
        for (id, policy) in &mut changed.policies {
            for direction in Direction::BOTH {
                let rules = match direction {
                    Direction::Ingress => &mut policy.ingress,
                    Direction::Egress => &mut policy.egress,
                };
                let mut position = 0;
                rules.iter_mut().for_each(|rules| {
                    rules.retain(|_| {
                        let own = (id, direction, position);
                        position += 1;
                        !idle.iter().any(|it| (it.policy_id, it.direction, it.position) == own)
                    });
                });
            }
        }
        removed += idle.len();
        let single = reach.externals().iter().filter_map(coaming_network::IpSet::first);
        let probes: Vec<String> = single.map(|address| address.to_string()).collect();
        let v4 = probes.into_iter().filter(|it| it.contains('.')).collect::<Vec<_>>();
        let after = Reach::new(changed);
        assert_eq!(table(&reach, &v4), table(&after, &v4), "seed {seed}: {idle:?}");
    }
    assert!(removed > 100, "only {removed} rules");
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
