//! `coaming scan --cluster` finds in a cluster what `coaming scan` finds in the files that were applied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::corpus::corpus;
use super::lab::lab;
use super::{coaming, json};

/// A finding, without where it is: rule, kind, namespace, name, container.
type Found = (String, String, String, String, String);

/// The findings about objects, with how often each occurs.
fn found(report: &Value) -> BTreeMap<Found, usize> {
    let mut counts = BTreeMap::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let object = &finding["object"];
        let namespace = match text(&object["namespace"]) {
            empty if empty.is_empty() => "default".to_owned(),
            namespace => namespace,
        };
        let key = (
            same_rule(&text(&finding["rule"]), &text(&object["kind"])),
            text(&object["kind"]),
            namespace,
            text(&object["name"]),
            text(&finding["container"]),
        );
        // One finding for all workloads of an account names the first, and their order differs.
        let key = match key.0.as_str() {
            "service-account-token" => (key.0, String::new(), key.2, String::new(), String::new()),
            _ => key,
        };
        *counts.entry(key).or_default() += 1;
    }
    counts
}

/// The values of Secrets are not read, but the copy that `kubectl apply` leaves beside them is seen.
fn same_rule(rule: &str, kind: &str) -> String {
    let is_copy = kind == "Secret" && rule == "plain-secret-annotation";
    if is_copy { "plain-secret-manifest".to_owned() } else { rule.to_owned() }
}

/// What is in one of both only, by intention: the namespace itself is an object of a cluster, and
/// rarely one of the files, and what the API server sets is not what somebody wrote.
fn differs_by_intention(found: &Found) -> bool {
    matches!(found.0.as_str(), "no-ingress-policy" | "no-egress-policy")
}

/// Applies files in namespaces of their own, and compares.
fn compare(paths: &[PathBuf], namespaces: &[&str]) {
    let Some(lab) = lab() else { return };
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let arguments =
        ["scan", "--format", "json", "--images", "never", "--kubernetes-version", "1.20"];
    let files = json(&coaming(&[&arguments[..], &paths].concat()).output().unwrap());
    for namespace in namespaces {
        let object = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n");
        lab.kubectl(&["apply", "-f", "-"], &object);
    }
    for path in &paths {
        lab.kubectl(&["apply", "--validate=false", "-R", "-f", path], "");
    }
    let made = || lab.kubectl(&["get", "pods", "-A", "-o", "name"], "").lines().count();
    // The controllers are done when the number of pods no longer changes.
    let mut before = 0;
    for _ in 0..20 {
        std::thread::sleep(std::time::Duration::from_secs(2));
        let now = made();
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    let output = lab
        .exec(env!("CARGO_BIN_EXE_coaming"))
        .args(["scan", "--cluster", "--format", "json", "--images", "never"])
        .output()
        .unwrap();
    let live = json(&output);
    for path in &paths {
        lab.kubectl(&["delete", "--wait=false", "--ignore-not-found", "-R", "-f", path], "");
    }
    let (files, live) = (found(&files), found(&live));
    assert!(files.len() > 10, "{files:?}");
    let only_files: Vec<_> = files
        .iter()
        .filter(|(key, count)| live.get(key) != Some(count) && !differs_by_intention(key))
        .collect();
    assert!(only_files.is_empty(), "only in files: {only_files:#?}");
    // The lab may hold what other tests left.
    let is_ours = |key: &Found| {
        let of_object = |other: &Found| (&other.1, &other.2, &other.3) == (&key.1, &key.2, &key.3);
        files.keys().any(of_object)
            || (namespaces.contains(&key.2.as_str()) && !key.0.starts_with("long-lived"))
    };
    let only_live: Vec<_> = live
        .iter()
        .filter(|(key, count)| {
            is_ours(key) && files.get(key) != Some(count) && !differs_by_intention(key)
        })
        .collect();
    assert!(only_live.is_empty(), "only in the cluster: {only_live:#?}");
}

#[test]
fn the_example_is_found_in_the_cluster_as_in_its_files() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
    compare(&[example], &["shop"]);
}

#[test]
fn applications_are_found_in_the_cluster_as_in_their_files() {
    let Some(corpus) = corpus() else { return };
    let socks = corpus.join("sock-shop/deploy/kubernetes/manifests");
    let goat = |name: &str| corpus.join("kubernetes-goat/scenarios").join(name);
    let paths = [
        socks,
        goat("batch-check"),
        goat("build-code"),
        goat("cache-store"),
        goat("docker-bench-security"),
        goat("health-check"),
        goat("hidden-in-layers"),
        goat("hunger-check"),
        goat("internal-proxy"),
        goat("kube-bench-security"),
        goat("system-monitor"),
    ];
    compare(&paths, &["sock-shop", "big-monolith", "secure-middleware"]);
}
