//! Random overlays, compared with Kustomize in batches: one overlay consists of many small ones, so
//! that one process compares all of them.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::oracle::{compare, expected, kubectl, unpack};

/// How many overlays one process builds, and how many times.
const BATCH: usize = 30;
const ROUNDS: usize = 2;

/// A scalar with doubtful types.
fn scalar() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "b",
        "1",
        "\"1\"",
        "true",
        "yes",
        "0644",
        "1e3",
        "1.50",
        "null",
        "\"\"",
        "2020-01-01",
        "'x: y'",
        "\"a\\nb\\n\"",
        "{}",
        "[]",
        "{p: q}",
        "[1, 2]",
    ])
    .prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

/// A container, as flow YAML.
fn container(directive: bool) -> impl Strategy<Value = String> {
    let env = prop::collection::vec((name(), scalar_text(), any::<bool>()), 0..4);
    let ports = prop::collection::vec((80..83_u32, any::<bool>()), 0..3);
    let extra = prop::option::of(scalar());
    let deletes = prop::bool::weighted(if directive { 0.15 } else { 0.0 });
    (name(), env, ports, extra, deletes).prop_map(move |(name, env, ports, extra, deletes)| {
        let mut text = format!("{{name: {name}");
        if deletes {
            text.push_str(", $patch: delete}");
            return text;
        }
        text.push_str(", env: [");
        for (index, (name, value, deletes)) in env.iter().enumerate() {
            let deleted = if directive && *deletes && index == 0 { ", $patch: delete" } else { "" };
            let _ = write!(text, "{{name: {name}{index}, value: {value}{deleted}}}, ");
        }
        text.push_str("], ports: [");
        for (index, (port, has_protocol)) in ports.iter().enumerate() {
            // Distinct within a list: Kustomize's order of others depends on its history.
            let port = port + 10 * u32::try_from(index).unwrap();
            let protocol = if *has_protocol { "UDP" } else { "TCP" };
            let _ = write!(text, "{{containerPort: {port}, protocol: {protocol}}}, ");
        }
        text.push(']');
        if let Some(extra) = extra {
            let _ = write!(text, ", image: \"i{}\", args: [x]", extra.len());
        }
        text.push('}');
        text
    })
}

fn scalar_text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["x", "\"1\"", "\"yes\"", "'$(A)'"]).prop_map(str::to_owned)
}

/// Labels or annotations. Kustomize puts one node in all places of a label, and a patch of one of
/// them changes all.
fn pairs() -> impl Strategy<Value = String> {
    prop::collection::btree_map(name(), scalar_text(), 0..3).prop_map(move |pairs| {
        let pairs: Vec<String> =
            pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", pairs.join(", "))
    })
}

/// A Deployment, or a patch of one.
fn deployment(is_patch: bool) -> impl Strategy<Value = String> {
    let containers = prop::collection::vec(container(is_patch), 1..4);
    let free = prop::collection::btree_map(name(), scalar(), 0..3);
    (containers, pairs(), free, prop::bool::weighted(0.1)).prop_map(
        move |(containers, labels, free, replaces)| {
            let mut seen = std::collections::BTreeSet::new();
            let containers: Vec<String> = containers
                .into_iter()
                .filter(|text| seen.insert(text.chars().nth(7)))
                .collect();
            let free: Vec<String> =
                free.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            let directive = if is_patch && replaces { "$patch: replace, " } else { "" };
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, labels: {labels}}}\nspec:\n  free: {{{}}}\n  template: {{spec: {{{directive}containers: [{}], volumes: [{{name: v, configMap: {{name: cm}}}}]}}}}\n",
                free.join(", "),
                containers.join(", ")
            )
        },
    )
}

/// The fields of a kustomization.
fn transformers() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        name().prop_map(|name| format!("namePrefix: {name}-\n")),
        name().prop_map(|name| format!("nameSuffix: -{name}\n")),
        name().prop_map(|name| format!("namespace: ns-{name}\n")),
        pairs().prop_map(|pairs| format!("commonAnnotations: {pairs}\n")),
        pairs().prop_map(|pairs| format!("commonLabels: {pairs}\n")),
        (pairs(), any::<bool>(), any::<bool>()).prop_map(|(pairs, selectors, templates)| {
            format!(
                "labels: [{{pairs: {pairs}, includeSelectors: {selectors}, includeTemplates: \
                 {templates}}}]\n"
            )
        }),
        name().prop_map(|name| format!("images: [{{name: i3, newName: {name}, newTag: v1}}]\n")),
        (1..9_u32).prop_map(|count| format!("replicas: [{{name: web, count: {count}}}]\n")),
    ];
    prop::collection::vec(field, 0..5).prop_map(|fields| {
        let mut seen = std::collections::BTreeSet::new();
        fields
            .into_iter()
            .filter(|field| seen.insert(field.split(':').next().unwrap().to_owned()))
            .collect()
    })
}

/// The files of one overlay, in a directory of its own.
fn overlay() -> impl Strategy<Value = String> {
    let literals = prop::collection::btree_map(name(), "[ -~]{0,12}", 0..3);
    (deployment(false), deployment(true), transformers(), transformers(), literals).prop_map(
        |(base, patch, lower, upper, literals)| {
            let literals: Vec<String> = literals
                .iter()
                .map(|(key, value)| {
                    format!("'{key}={}'", value.replace('\'', "''"))
                })
                .collect();
            format!(
                "== D/base/kustomization.yaml\nresources: [web.yaml]\nconfigMapGenerator: [{{name: cm, literals: [{}]}}]\n{lower}== D/base/web.yaml\n{base}== D/kustomization.yaml\nresources: [base]\npatches:\n- path: patch.yaml\n  target: {{kind: Deployment}}\n{upper}== D/patch.yaml\n{patch}",
                literals.join(", ")
            )
        },
    )
}

#[test]
fn generated_overlays_build_to_the_same_bytes() {
    let Some(kubectl) = kubectl() else { return };
    let mut runner = TestRunner::deterministic();
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir().unwrap();
        let mut all = String::new();
        let (mut names, mut texts) = (Vec::new(), Vec::new());
        for index in 0..BATCH {
            let text = overlay().new_tree(&mut runner).unwrap().current();
            all.push_str(&text.replace("== D/", &format!("== d{index}/")));
            // Names differ, so that all are in one result.
            let _ = write!(
                all,
                "== n{index}/kustomization.yaml\nresources: [../d{index}]\nnamePrefix: n{index}-\n"
            );
            names.push(format!("../n{index}"));
            texts.push(text);
        }
        let _ = write!(all, "== all/kustomization.yaml\nresources: [{}]\n", names.join(", "));
        unpack(&all, directory.path());
        assert_batch(&kubectl, directory.path(), &texts);
    }
}

/// Compares a batch; if an overlay of it cannot be built or differs, each by itself.
fn assert_batch(kubectl: &Path, directory: &Path, texts: &[String]) {
    let all = directory.join("all");
    if expected(kubectl, &all).is_ok() && compare(kubectl, &all) == Ok(true) {
        return;
    }
    let mut differences = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if let Err(difference) = compare(kubectl, &directory.join(format!("d{index}"))) {
            differences.push(format!("{difference}\n{text}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n=====\n"));
}
