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
