//! What is known of an image as a `ClusterPolicyReport` (`wgpolicyk8s.io/v1alpha2`), which dashboards
//! for Kubernetes show.

use coaming_advisory::Vulnerability;
use coaming_finding::Severity;
use coaming_image::ImageFacts;
use serde_json::{Value, json};

/// The most results of a report: etcd keeps at most 1.5 MiB of an object.
const MAX_RESULTS: usize = 500;

/// The report on an image with this digest; `names` are all that lead to it. What has the lowest
/// priority is left out beyond 500 results, and counted in an annotation.
#[must_use]
pub fn of_image(
    digest: &str,
    names: &[String],
    facts: &ImageFacts,
    vulnerabilities: Option<&[Vulnerability]>,
) -> Value {
    let found = vulnerabilities.unwrap_or_default();
    let mut results: Vec<Value> = found.iter().map(|each| of_vulnerability(each, names)).collect();
    results.extend(facts.credentials.iter().map(|credential| {
        let message = format!("a credential is in {}", credential.place.path);
        result("image-credential", "secrets", "high", &message, names)
    }));
    if facts.user.is_root() == Some(true) && !facts.sbom {
        results.push(result("run-as-root", "non-root", "medium", "the image runs as root", names));
    }
    let total = results.len();
    results.truncate(MAX_RESULTS);
    let mut annotations = serde_json::Map::new();
    annotations.insert("coaming.dev/digest".to_owned(), json!(digest));
    if results.len() < total {
        annotations
            .insert("coaming.dev/left-out".to_owned(), json!((total - results.len()).to_string()));
    }
    let short = digest.rsplit(':').next().unwrap_or(digest);
    json!({
        "apiVersion": "wgpolicyk8s.io/v1alpha2",
        "kind": "ClusterPolicyReport",
        "metadata": {
            "name": format!("coaming-image-{}", short.get(..20).unwrap_or(short)),
            "labels": {"app.kubernetes.io/managed-by": "coaming"},
            "annotations": annotations,
        },
        "summary": {"pass": 0, "fail": total, "warn": 0, "error": 0, "skip": 0},
        "results": results,
    })
}

fn of_vulnerability(vulnerability: &Vulnerability, names: &[String]) -> Value {
    let package = &vulnerability.package;
    let fix = match &vulnerability.fixed {
        Some(fixed) => format!("fixed in {fixed}"),
        None => "without a fix".to_owned(),
    };
    let message = format!("{} in {} {}, {fix}", vulnerability.id, package.name, package.version);
    let severity = vulnerability.severity.map_or("info", Severity::as_str);
    let mut result = result("image-vulnerabilities", "vulnerabilities", severity, &message, names);
    result["rule"] = json!(vulnerability.id);
    result["properties"]["package"] = json!(package.purl);
    result
}

fn result(policy: &str, category: &str, severity: &str, message: &str, names: &[String]) -> Value {
    json!({
        "source": "coaming",
        "policy": policy,
        "category": category,
        "severity": severity,
        "result": "fail",
        "message": message,
        "properties": {"images": names.join(" ")},
    })
}
