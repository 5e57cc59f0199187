//! A policy report: what it says, in the form of the API that is installed.

use coaming_finding::Finding;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::reviews::{Judged, Owner};

/// The most results of a report; what is less severe is left out, and counted.
pub const MAX_RESULTS: usize = 500;
/// The largest report, in bytes of JSON: etcd keeps at most 1.5 MiB of an object.
pub const MAX_BYTES: usize = 512 << 10;

/// The label of all reports of this program.
pub(crate) const LABEL: (&str, &str) = ("app.kubernetes.io/managed-by", "coaming");
/// The annotation with the checksum of what a report says.
pub(crate) const CHECKSUM: &str = "coaming.dev/checksum";
/// The annotation with the number of results that are left out.
const LEFT_OUT: &str = "coaming.dev/left-out";

/// An API for policy reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `reports.openreports.io`.
    OpenReports,
    /// `policyreports.wgpolicyk8s.io`.
    PolicyReport,
}

impl Api {
    /// The API group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::OpenReports => "openreports.io",
            Self::PolicyReport => "wgpolicyk8s.io",
        }
    }

    /// The version of the group.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::OpenReports => "v1alpha1",
            Self::PolicyReport => "v1alpha2",
        }
    }

    /// The kind of a report in a namespace.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::OpenReports => "Report",
            Self::PolicyReport => "PolicyReport",
        }
    }

    /// The name of the resource.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::OpenReports => "reports",
            Self::PolicyReport => "policyreports",
        }
    }

    /// Where the reports of a namespace are; `None` for those of all.
    pub(crate) fn path(self, namespace: Option<&str>) -> String {
        let (group, version, plural) = (self.group(), self.version(), self.plural());
        match namespace {
            Some(namespace) => format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("/apis/{group}/{version}/{plural}"),
        }
    }
}

/// A report that is to be written.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) body: Vec<u8>,
    pub(crate) checksum: String,
}

/// The name of the report about a workload: the same for as long as the workload has its name, and
/// valid however long that is.
pub(crate) fn name(owner: &Owner) -> String {
    let key = &owner.key;
    let text = format!("{}/{}/{}/{}", key.group, key.kind, key.namespace, key.name);
    format!("coaming-{}", hex(&Sha256::digest(text.as_bytes()), 10))
}

/// The report about a workload with findings.
pub(crate) fn report(api: Api, judged: &Judged) -> Report {
    let total = judged.findings.len();
    let mut results: Vec<Value> =
        judged.findings.iter().take(MAX_RESULTS).map(|finding| result(api, finding)).collect();
    let mut body = body(api, &judged.owner, &results, total);
    while body.len() > MAX_BYTES && !results.is_empty() {
        // What is least severe is last.
        results.truncate(results.len() * 9 / 10);
        body = self::body(api, &judged.owner, &results, total);
    }
    let checksum = hex(&Sha256::digest(&body), 16);
    Report { body: with_checksum(&body, &checksum), checksum }
}

fn body(api: Api, owner: &Owner, results: &[Value], total: usize) -> Vec<u8> {
    let key = &owner.key;
    let mut annotations = serde_json::Map::new();
    if results.len() < total {
        annotations.insert(LEFT_OUT.to_owned(), json!((total - results.len()).to_string()));
    }
    let mut report = json!({
        "apiVersion": format!("{}/{}", api.group(), api.version()),
        "kind": api.kind(),
        "metadata": {
            "name": name(owner),
            "namespace": key.namespace,
            "labels": {LABEL.0: LABEL.1},
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": owner.api_version,
                "kind": key.kind,
                "name": key.name,
                "uid": owner.uid,
            }],
        },
        "scope": {
            "apiVersion": owner.api_version,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": owner.uid,
        },
        "summary": {"pass": 0, "fail": total, "warn": 0, "error": 0, "skip": 0},
        "results": results,
    });
    if api == Api::OpenReports {
        report["source"] = json!("coaming");
    }
    report.to_string().into_bytes()
}

/// Adds the checksum, which is that of everything else.
fn with_checksum(body: &[u8], checksum: &str) -> Vec<u8> {
    let Ok(mut report) = serde_json::from_slice::<Value>(body) else { return body.to_vec() };
    report["metadata"]["annotations"][CHECKSUM] = json!(checksum);
    report.to_string().into_bytes()
}

fn result(api: Api, finding: &Finding) -> Value {
    let mut properties = serde_json::Map::new();
    if let Some(container) = &finding.container {
        properties.insert("container".to_owned(), json!(container));
    }
    if let Some(path) = finding.locations.first().map(|location| location.path.to_string()) {
        properties.insert("path".to_owned(), json!(path));
    }
    properties.insert("help".to_owned(), json!(finding.help));
    let mut result = json!({
        "policy": finding.rule.id.as_str(),
        "category": finding.rule.category.as_str(),
        "severity": finding.severity.as_str(),
        "result": "fail",
        "scored": true,
        "message": format!("{}. {}", finding.message, finding.why),
        "properties": properties,
    });
    if api == Api::PolicyReport {
        result["source"] = json!("coaming");
    }
    result
}

fn hex(bytes: &[u8], count: usize) -> String {
    bytes.iter().take(count).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::borrow::Cow;

    use coaming_finding::{Category, Confidence, Lifecycle, RuleId, RuleMeta, Severity};
    use coaming_kube::ObjectKey;

    static RULE: RuleMeta = RuleMeta {
        id: RuleId::new("privileged"),
        summary: Cow::Borrowed("Container is privileged"),
        category: Category::SecurityContext,
        severity: Severity::Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Lifecycle::Stable,
        standards: &[],
        docs: Cow::Borrowed(""),
    };

    fn judged(count: usize, message: &str) -> Judged {
        let finding = |number: usize| Finding {
            rule: (&RULE).into(),
            severity: Severity::Critical,
            confidence: Confidence::High,
            message: format!("{number} {message}"),
            why: Cow::Borrowed("An attacker is root on the node."),
            help: Cow::Borrowed("Remove it."),
            object: None,
            container: Some("web".to_owned()),
            locations: Vec::new(),
            fix: None,
            suppressed: None,
            variants: Vec::new(),
            commit: None,
            verification: None,
            way: None,
        };
        let key = ObjectKey {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: "web".to_owned(),
        };
        let owner = Owner { key, api_version: "apps/v1".to_owned(), uid: "u".to_owned() };
        Judged { owner, findings: (0..count).map(finding).collect() }
    }

    fn read(report: &Report) -> Value {
        serde_json::from_slice(&report.body).unwrap()
    }

    #[test]
    fn reports_are_bounded_and_say_what_is_left_out() {
        for (count, message, most) in [
            (3, "a".to_owned(), 3),
            (2000, "a".to_owned(), MAX_RESULTS),
            (400, "a".repeat(4 << 10), 399),
            (1, "a".repeat(1 << 20), 0),
        ] {
            for api in [Api::OpenReports, Api::PolicyReport] {
                let written = report(api, &judged(count, &message));
                assert!(written.body.len() < MAX_BYTES + 1024, "{}", written.body.len());
                let report = read(&written);
                let results = report["results"].as_array().unwrap().len();
                assert!(results <= most, "{results}");
                assert_eq!(report["summary"]["fail"], count);
                let left_out = &report["metadata"]["annotations"][LEFT_OUT];
                if results < count {
                    assert_eq!(*left_out, (count - results).to_string());
                } else {
                    assert!(left_out.is_null());
                }
            }
        }
    }

    #[test]
    fn a_checksum_is_that_of_what_is_said() {
        let one = report(Api::OpenReports, &judged(1, "a"));
        assert_eq!(one.checksum, report(Api::OpenReports, &judged(1, "a")).checksum);
        assert_ne!(one.checksum, report(Api::OpenReports, &judged(1, "b")).checksum);
        assert_eq!(read(&one)["metadata"]["annotations"][CHECKSUM], one.checksum);
        assert_eq!(read(&one)["source"], "coaming");
        let name = read(&one)["metadata"]["name"].as_str().unwrap().to_owned();
        assert!(name.len() < 64 && name.starts_with("coaming-"), "{name}");
    }
}
