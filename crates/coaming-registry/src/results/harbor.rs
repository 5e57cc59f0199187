//! Harbor: the report of the scanner that it is connected to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Question, ReportedSeverity, ReportedVulnerability, ScanReport, ScanState, below, parse,
};
use crate::error::{MalformedAnswer, RegistryError};
use crate::transport::Target;
use crate::{RegistryClient, auth};

/// The supported kinds of reports, the newer first.
const REPORTS: &str = "application/vnd.security.vulnerability.report; version=1.1, \
                       application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0";

#[derive(Deserialize)]
struct Report {
    generated_at: Option<String>,
    scanner: Option<By>,
    vulnerabilities: Option<Vec<Item>>,
}

#[derive(Deserialize)]
struct By {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    version: String,
    fix_version: Option<String>,
    #[serde(default)]
    severity: String,
}

pub(super) async fn report(
    client: &RegistryClient,
    target: &Target,
    question: &Question<'_>,
) -> Result<ScanReport, RegistryError> {
    let repository = question.reference.repository();
    let Some((project, name)) = repository.split_once('/') else {
        return Err(target.malformed("a repository of Harbor is in a project"));
    };
    // Harbor expects slashes in a repository's name to be escaped twice: `below` escapes once more.
    let name = name.replace('/', "%2F");
    let digest = question.image.manifest_digest.to_string();
    let parts = ["api", "v2.0", "projects", project, "repositories", &name, "artifacts", &digest];
    let url =
        below(&question.base, parts.into_iter().chain(["additions", "vulnerabilities"]), target)?;
    let authorization = auth::basic_authorization(&target.host, &client.transport.options)?;
    match client.get(target, url, authorization, &[("x-accept-vulnerabilities", REPORTS)]).await {
        Ok(body) => read(&body).map_err(|error| target.malformed(error)),
        Err(RegistryError::NotFound { .. }) => Ok(ScanReport::new("Harbor", ScanState::NotScanned)),
        Err(error) => Err(error),
    }
}

fn read(body: &[u8]) -> Result<ScanReport, MalformedAnswer> {
    let reports: BTreeMap<String, Report> = parse(body)?;
    // "application/vnd.security.…" comes after "application/vnd.scanner.…" and is the newer.
    let Some(report) = reports.into_values().next_back() else {
        return Ok(ScanReport::new("Harbor", ScanState::NotScanned));
    };
    let by = report.scanner.map_or_else(
        || "Harbor".to_owned(),
        |by| format!("{} {}", by.name, by.version).trim().to_owned(),
    );
    let state = if report.vulnerabilities.is_some() || report.generated_at.is_some() {
        ScanState::Complete
    } else {
        ScanState::Pending
    };
    let completed = report.generated_at;
    let found = report.vulnerabilities.into_iter().flatten().map(|item| ReportedVulnerability {
        severity: ReportedSeverity::of(&item.severity),
        id: item.id,
        package: item.package,
        version: item.version,
        fixed_version: item.fix_version,
    });
    Ok(ScanReport { completed, ..ScanReport::new(&by, state).with(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_recorded_report() {
        let report = read(include_bytes!("../../tests/recorded/harbor.json")).unwrap();
        assert_eq!(report.scanner, "Trivy v0.37.2");
        assert_eq!(report.state, ScanState::Complete);
        assert_eq!(report.vulnerabilities.len(), 2);
        let first = &report.vulnerabilities[0];
        assert_eq!((first.id.as_str(), first.package.as_str()), ("CVE-2022-37434", "zlib"));
        assert_eq!(first.fixed_version.as_deref(), Some("1.2.12-r2"));
        assert_eq!(report.vulnerabilities[1].fixed_version, None);
        assert_eq!(read(b"{}").unwrap().state, ScanState::NotScanned);
        assert!(read(b"[]").is_err());
    }
}
