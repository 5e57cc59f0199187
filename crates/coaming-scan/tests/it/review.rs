//! A review of one object finds what a scan finds in it.

use std::sync::Arc;

use coaming_finding::Finding;
use coaming_kube::{Origin, Source, World};
use coaming_rules::Images;
use coaming_scan::Engine;

use super::{engine, source, world};

const WORKLOADS: &[(&str, &str)] = &[
    (
        "web.yaml",
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
        - name: web
          image: nginx
          securityContext: {privileged: true}
          env: [{name: DB_PASSWORD, value: kei4ohGh3a}]
          ports: [{containerPort: 80}]
",
    ),
    (
        "account.yaml",
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n",
    ),
    (
        "service.yaml",
        "\
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 80}]}
",
    ),
    (
        "policy.yaml",
        "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress: [{from: [{namespaceSelector: {}}]}]
",
    ),
    (
        "role.yaml",
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [''], resources: [secrets], verbs: [get, list]}]
",
    ),
    (
        "binding.yaml",
        "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
    ),
];

/// Rules whose answer about one object is that about the object alone, by name, place and text.
fn shown(world: &World, findings: &[Finding], file: &str, own: bool) -> Vec<String> {
    let is_in = |finding: &&Finding| {
        let source = finding.locations[0].source.unwrap();
        let name = match world.source(source) {
            Some(source) => source.name.clone(),
            None => file.to_owned(),
        };
        own || name == file
    };
    let mut shown: Vec<String> = findings
        .iter()
        .filter(is_in)
        .map(|finding| {
            format!("{} {} {}", finding.rule.id, finding.locations[0].path, finding.message)
        })
        .collect();
    shown.sort();
    shown
}

fn reviewed(engine: &Engine, world: &World, subject: Source) -> Vec<Finding> {
    let subject = Arc::new(subject.with_origin(Origin::Memory));
    engine.review(world, &Images::default(), &subject, None).findings
}

/// Rules that report what is missing elsewhere are not part of a review.
const WHOLE_WORLD: &[&str] = &[
    "policy-selects-nothing",
    "peer-matches-nothing",
    "policy-without-effect",
    "unserved-port",
    "plain-secret-file",
    "shared-secret",
];

#[test]
fn a_review_finds_what_a_scan_finds() {
    let engine = engine(&["ALL"]);
    let world = world(WORKLOADS);
    let scanned = engine.scan(&world, &Images::default(), None).findings;
    for (name, text) in WORKLOADS {
        let mut expected = shown(&world, &scanned, name, false);
        expected.retain(|line| !WHOLE_WORLD.iter().any(|rule| line.starts_with(rule)));
        let found = shown(&world, &reviewed(&engine, &world, source(name, text)), name, true);
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn an_object_that_the_world_does_not_hold_is_judged_within_it() {
    let engine = engine(&["service-account-token"]);
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: new, namespace: shop}\nspec: \
               {serviceAccountName: ACCOUNT, containers: [{name: c, image: nginx:1.27.0}]}\n";
    let world = world(WORKLOADS);
    let bound = reviewed(&engine, &world, source("new", &pod.replace("ACCOUNT", "web")));
    assert!(bound.is_empty(), "{bound:#?}");
    let unbound = reviewed(&engine, &world, source("new", &pod.replace("ACCOUNT", "other")));
    assert_eq!(unbound.len(), 1);
}

#[test]
fn a_review_does_not_repeat_findings_of_its_neighborhood() {
    let engine = engine(&["ALL"]);
    let world = world(WORKLOADS);
    let harmless =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: shop}\ndata: {a: b}\n";
    let found = reviewed(&engine, &world, source("x", harmless));
    assert!(found.is_empty(), "{found:#?}");
}
