//! Cuts: verified, smallest, and honest about what they close.

use crate::common::{ask, ask_with_cuts, query, world};

const SHOP: &str = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  hostPID: true
  volumes: [{name: docker, hostPath: {path: /var/run/docker.sock}}]
  containers:
  - name: web
    image: registry.example.com/web:1.4.2
    ports: [{containerPort: 8080}]
    securityContext: {privileged: true, runAsUser: 0}
    volumeMounts: [{name: docker, mountPath: /docker.sock}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
";

#[test]
fn a_cut_closes_every_way_to_the_node() {
    let world = world(&[("shop.yaml", SHOP)]);
    let (answer, findings) = ask_with_cuts(&world, &query("shop/web", "node"));
    let cut = answer.cuts.first().expect("a cut");
    let mut rules: Vec<&str> =
        cut.findings.iter().map(|&finding| findings[finding].rule.id.as_str()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["host-path", "privileged"]);
    assert_eq!((cut.closed, cut.of, cut.gap), (1, 1, 0));
    assert_eq!(cut.cost, 3 + 8);
}

#[test]
fn rights_are_cut_at_their_binding() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  serviceAccountName: web
  containers: [{name: web, image: 'registry.example.com/web:1.4.2', securityContext: {runAsUser: 1000}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
";
    let world = world(&[("shop.yaml", text)]);
    let (answer, findings) = ask_with_cuts(&world, &query("shop/web", "admin"));
    let cut = answer.cuts.first().expect("a cut");
    let rules: Vec<&str> =
        cut.findings.iter().map(|&finding| findings[finding].rule.id.as_str()).collect();
    assert_eq!(rules, ["role-gives-rights"]);
    assert_eq!((cut.closed, cut.of, cut.gap), (1, 1, 0));
}

#[test]
fn without_a_way_there_is_no_cut() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec: {containers: [{name: web, image: 'registry.example.com/web:1.4.2'}]}
";
    let world = world(&[("shop.yaml", text)]);
    assert!(ask(&world, &query("shop/web", "node")).entries[0].ends().next().is_none());
    assert!(ask_with_cuts(&world, &query("shop/web", "node")).0.cuts.is_empty());
}

#[test]
fn a_missing_wall_is_cut_by_the_suggested_policies() {
    let text = "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  automountServiceAccountToken: false
  containers: [{name: web, image: 'registry.example.com/web:1.4.2'}]
---
apiVersion: v1
kind: Pod
metadata: {name: cache, namespace: data, labels: {app: cache}}
spec: {containers: [{name: cache, image: 'redis:7.4', ports: [{containerPort: 6379}]}]}
";
    let world = world(&[("shop.yaml", text)]);
    let (answer, findings) = ask_with_cuts(&world, &query("shop/web", "data-store/data/cache"));
    let cut = answer.cuts.first().expect("a cut");
    let rules: Vec<&str> =
        cut.findings.iter().map(|&finding| findings[finding].rule.id.as_str()).collect();
    assert_eq!(rules, ["no-ingress-policy"]);
    assert_eq!((cut.closed, cut.of, cut.gap), (1, 1, 0));
}

/// The suggested policies keep the flow of `api`, and end that of `web`.
#[test]
fn a_cut_counts_what_it_closes_and_not_what_is_needed() {
    let text = include_str!("../../../coaming/tests/it/breach_lab/port.yaml");
    let (answer, findings) =
        ask_with_cuts(&world(&[("port.yaml", text)]), &query("", "data-store"));
    let [cut] = answer.cuts.as_slice() else { panic!("{:?}", answer.cuts) };
    assert_eq!((cut.closed, cut.of, cut.gap), (1, 3, 0));
    let rules: Vec<&str> = cut.findings.iter().map(|&it| findings[it].rule.id.as_str()).collect();
    assert_eq!(rules, ["no-ingress-policy"]);
}
