//! Overlays of one base are several clusters, not one.

use std::sync::Arc;

use coaming_kube::SourceId;
use coaming_rules::Images;
use coaming_scan::VariantWorld;
use coaming_source::Variant;

use super::{engine, source};

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
";
const DENY: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";

/// A variant's name, and its files.
type Files<'f> = (Option<&'f str>, &'f [(&'f str, &'f str)]);

/// Variants of these files; ids are unique across them, as the reader gives them.
fn variants(all: &[Files<'_>]) -> Vec<VariantWorld> {
    let mut ids = (0..).map(SourceId::new);
    let variant = |(name, files): &Files<'_>| Variant {
        name: name.map(Arc::from),
        sources: files
            .iter()
            .map(|(name, text)| (ids.next().unwrap(), Arc::new(source(name, text))))
            .collect(),
        ..Variant::default()
    };
    all.iter().map(variant).map(VariantWorld::from).collect()
}

#[test]
fn what_guards_one_variant_does_not_guard_another() {
    let variants = variants(&[
        (Some("overlays/default"), &[("base/web.yaml", DEPLOYMENT)]),
        (Some("overlays/guarded"), &[("base/web.yaml", DEPLOYMENT), ("deny.yaml", DENY)]),
    ]);
    let report = engine(&["no-ingress-policy"]).scan_variants(&variants, &Images::default(), None);
    let found: Vec<Vec<&str>> = report
        .findings
        .iter()
        .map(|finding| finding.variants.iter().map(|name| &**name).collect())
        .collect();
    assert_eq!(found, [["overlays/default"]]);
}

#[test]
fn the_same_finding_of_a_shared_base_is_reported_once() {
    let base: &[(&str, &str)] = &[("base/web.yaml", DEPLOYMENT)];
    let three = [Some("overlays/a"), Some("overlays/b"), Some("overlays/c")];
    let variants = variants(&three.map(|name| (name, base)));
    let report = engine(&["image-tag"]).scan_variants(&variants, &Images::default(), None);
    assert_eq!(report.findings.len(), 1);
    let names: Vec<&str> = report.findings[0].variants.iter().map(|name| &**name).collect();
    assert_eq!(names, ["overlays/a", "overlays/b", "overlays/c"]);
}

#[test]
fn objects_of_one_file_are_distinguished() {
    let two = format!("{DEPLOYMENT}---\n{}", DEPLOYMENT.replace("name: web", "name: api"));
    let base: &[(&str, &str)] = &[("base/all.yaml", &two)];
    let both = [Some("overlays/a"), Some("overlays/b")];
    let variants = variants(&both.map(|name| (name, base)));
    let report = engine(&["image-tag"]).scan_variants(&variants, &Images::default(), None);
    assert_eq!(report.findings.len(), 2);
    assert!(report.findings.iter().all(|finding| finding.variants.len() == 2));
}

#[test]
fn the_only_variant_is_not_named() {
    let variants = variants(&[(None, &[("web.yaml", DEPLOYMENT)])]);
    let report = engine(&["image-tag"]).scan_variants(&variants, &Images::default(), None);
    assert_eq!(report.findings.len(), 1);
    assert!(report.findings[0].variants.is_empty());
}

#[test]
fn contradicting_variants_are_found() {
    let loaded = |names: [&str; 2]| {
        let sources = names.map(|name| {
            let text = format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n");
            Arc::new(source("pod.yaml", &text))
        });
        let [one, other] = sources;
        [
            Variant { sources: vec![(SourceId::new(0), one)], ..Variant::default() },
            Variant {
                name: Some("prod".into()),
                sources: vec![(SourceId::new(1), other)],
                ..Variant::default()
            },
        ]
    };
    let found = coaming_scan::contradiction(&loaded(["a", "a"])).unwrap();
    assert_eq!((found.object.name.as_str(), found.variants[1].as_str()), ("a", "prod"));
    assert_eq!(coaming_scan::contradiction(&loaded(["a", "b"])), None);
}
