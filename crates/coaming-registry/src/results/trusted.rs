//! Docker Trusted Registry and Mirantis Secure Registry: scan summaries with their layers.

use serde::Deserialize;

use super::{
    Question, ReportedSeverity, ReportedVulnerability, ScanReport, ScanState, below, parse,
};
use crate::error::{MalformedAnswer, RegistryError};
use crate::transport::Target;
use crate::{RegistryClient, auth};

#[derive(Deserialize)]
struct Summary {
    last_scan_status: Option<u8>,
    check_completed_at: Option<String>,
    layer_details: Option<Vec<Layer>>,
}

#[derive(Deserialize)]
struct Layer {
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Component {
    component: String,
    #[serde(default)]
    version: String,
    vulns: Option<Vec<Match>>,
}

#[derive(Deserialize)]
struct Match {
    vuln: Vulnerability,
}

#[derive(Deserialize)]
struct Vulnerability {
    cve: String,
    #[serde(default)]
    cvss: f64,
}

/// Newer registries answer with a list or one summary, older ones with a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Many(Vec<Summary>),
    One(Box<Summary>),
}

pub(super) async fn report(
    client: &RegistryClient,
    target: &Target,
    question: &Question<'_>,
) -> Result<ScanReport, RegistryError> {
    let repository = question.reference.repository();
    let tag = question.reference.tag().unwrap_or("latest");
    let authorization = || auth::basic_authorization(&target.host, &client.transport.options);
    // The first since version 2.6, the second before.
    let paths: [&[&str]; 2] =
        [&["api", "v0", "imagescan", "scansummary"], &["api", "v0", "imagescan"]];
    for path in paths {
        let parts = path.iter().copied().chain(["repositories"]);
        let mut url =
            below(&question.base, parts.chain(repository.split('/')).chain([tag]), target)?;
        url.query_pairs_mut().append_pair("detailed", "true");
        match client.get(target, url, authorization()?, &[]).await {
            Ok(body) => return read(&body).map_err(|error| target.malformed(error)),
            Err(RegistryError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(ScanReport::new(NAME, ScanState::NotScanned))
}

const NAME: &str = "Docker Trusted Registry";

fn read(body: &[u8]) -> Result<ScanReport, MalformedAnswer> {
    let summaries = match parse(body)? {
        Answer::Many(summaries) => summaries,
        Answer::One(summary) => vec![*summary],
    };
    let newest =
        summaries.into_iter().max_by(|a, b| a.check_completed_at.cmp(&b.check_completed_at));
    let Some(summary) = newest else { return Ok(ScanReport::new(NAME, ScanState::NotScanned)) };
    let state = match summary.last_scan_status {
        Some(0) => ScanState::Failed,
        Some(2..=5) => ScanState::Pending,
        Some(6) => ScanState::Complete,
        _ => ScanState::NotScanned,
    };
    let completed = summary.check_completed_at.filter(|time| !time.starts_with("0001-"));
    let layers = summary.layer_details.into_iter().flatten();
    let components = layers.flat_map(|layer| layer.components.into_iter().flatten());
    let found = components.flat_map(|component| {
        let Component { component: package, version, vulns } = component;
        vulns.into_iter().flatten().map(move |Match { vuln }| ReportedVulnerability {
            id: vuln.cve,
            package: package.clone(),
            version: version.clone(),
            fixed_version: None,
            severity: ReportedSeverity::of_score(vuln.cvss),
        })
    });
    Ok(ScanReport { completed, ..ScanReport::new(NAME, state).with(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_recorded_summary() {
        let report = read(include_bytes!("../../tests/recorded/trusted.json")).unwrap();
        assert_eq!(report.state, ScanState::Complete);
        assert_eq!(report.completed.as_deref(), Some("2018-03-15T16:42:45.123Z"));
        let ids: Vec<&str> = report.vulnerabilities.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(ids, ["CVE-2016-6329", "CVE-2017-16548"]);
        assert_eq!(report.vulnerabilities[1].severity, ReportedSeverity::Critical);
        assert_eq!(read(b"[]").unwrap().state, ScanState::NotScanned);
        let pending = br#"{"last_scan_status":3,"check_completed_at":"0001-01-01T00:00:00Z"}"#;
        let pending = read(pending).unwrap();
        assert_eq!((pending.state, pending.completed), (ScanState::Pending, None));
        assert!(read(b"\"x\"").is_err());
    }
}
