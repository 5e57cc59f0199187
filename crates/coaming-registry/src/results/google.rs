//! Google's registries: occurrences of vulnerabilities from Container Analysis.

use serde::Deserialize;

use super::{
    MAX_PAGES, MAX_VULNERABILITIES, Question, ReportedSeverity, ReportedVulnerability, ScanReport,
    ScanState, below, parse,
};
use crate::error::RegistryError;
use crate::transport::Target;
use crate::{RegistryClient, auth};

const NAME: &str = "Google Container Analysis";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    occurrences: Vec<Occurrence>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Occurrence {
    #[serde(default)]
    note_name: String,
    vulnerability: Option<Vulnerability>,
    discovery: Option<Discovery>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discovery {
    analysis_status: Option<String>,
    last_scan_time: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    severity: Option<String>,
    effective_severity: Option<String>,
    short_description: Option<String>,
    #[serde(default)]
    package_issue: Vec<Issue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Issue {
    #[serde(default)]
    affected_package: String,
    affected_version: Option<Version>,
    fixed_version: Option<Version>,
    effective_severity: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    kind: Option<String>,
    full_name: Option<String>,
    epoch: Option<u32>,
    name: Option<String>,
    revision: Option<String>,
}

impl Version {
    /// Its text; `None` if it means "never".
    fn text(self) -> Option<String> {
        if self.kind.as_deref() == Some("MAXIMUM") {
            return None;
        }
        self.full_name.filter(|text| !text.is_empty()).or_else(|| {
            let epoch = self.epoch.filter(|&epoch| epoch > 0);
            let epoch = epoch.map_or_else(String::new, |epoch| format!("{epoch}:"));
            let revision = self.revision.filter(|revision| !revision.is_empty());
            let revision = revision.map_or_else(String::new, |revision| format!("-{revision}"));
            self.name.map(|name| format!("{epoch}{name}{revision}"))
        })
    }
}

pub(super) async fn report(
    client: &RegistryClient,
    target: &Target,
    question: &Question<'_>,
) -> Result<ScanReport, RegistryError> {
    let repository = question.reference.repository();
    let project = repository.split('/').next().unwrap_or_default();
    let resource =
        format!("https://{}/{repository}@{}", target.host, question.image.manifest_digest);
    let filter =
        format!("resourceUrl=\"{resource}\" AND (kind=\"VULNERABILITY\" OR kind=\"DISCOVERY\")");
    let options = &client.transport.options;
    let mut occurrences = Vec::new();
    let mut token = String::new();
    for _ in 0..MAX_PAGES {
        let mut url = below(&question.base, ["v1", "projects", project, "occurrences"], target)?;
        url.query_pairs_mut().append_pair("filter", &filter).append_pair("pageSize", "1000");
        if !token.is_empty() {
            url.query_pairs_mut().append_pair("pageToken", &token);
        }
        // The users that `gcloud auth configure-docker` and `docker login` write.
        let authorization = auth::token_authorization(&target.host, options, "oauth2accesstoken")?
            .or(auth::token_authorization(&target.host, options, "_dcgcloud_token")?);
        let body = client.get(target, url, authorization, &[]).await?;
        let page: Page = parse(&body).map_err(|error| target.malformed(error))?;
        occurrences.extend(page.occurrences);
        token = page.next_page_token.unwrap_or_default();
        if token.is_empty() || occurrences.len() > MAX_VULNERABILITIES {
            return Ok(read(occurrences));
        }
    }
    Err(target.malformed("the list of occurrences has no end"))
}

fn read(occurrences: Vec<Occurrence>) -> ScanReport {
    let discovery = occurrences.iter().find_map(|occurrence| occurrence.discovery.as_ref());
    let has_findings = occurrences.iter().any(|occurrence| occurrence.vulnerability.is_some());
    let state = match discovery.and_then(|discovery| discovery.analysis_status.as_deref()) {
        Some("FINISHED_SUCCESS" | "COMPLETE") => ScanState::Complete,
        Some("PENDING" | "SCANNING") => ScanState::Pending,
        Some("FINISHED_UNSUPPORTED") => ScanState::Unsupported,
        Some("FINISHED_FAILED") => ScanState::Failed,
        _ if has_findings => ScanState::Complete,
        _ => ScanState::NotScanned,
    };
    let completed = discovery.and_then(|discovery| discovery.last_scan_time.clone());
    let found = occurrences.into_iter().flat_map(|occurrence| {
        let note = occurrence.note_name.rsplit('/').next().unwrap_or_default().to_owned();
        occurrence.vulnerability.into_iter().flat_map(move |vulnerability| {
            let id = vulnerability.short_description.filter(|text| text.starts_with("CVE-"));
            let id = id.unwrap_or_else(|| note.clone());
            let whole = vulnerability.effective_severity.or(vulnerability.severity);
            vulnerability.package_issue.into_iter().map(move |issue| ReportedVulnerability {
                id: id.clone(),
                severity: ReportedSeverity::of(
                    issue.effective_severity.as_deref().or(whole.as_deref()).unwrap_or_default(),
                ),
                package: issue.affected_package,
                version: issue.affected_version.and_then(Version::text).unwrap_or_default(),
                fixed_version: issue.fixed_version.and_then(Version::text),
            })
        })
    });
    ScanReport { completed, ..ScanReport::new(NAME, state).with(found) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_recorded_occurrences() {
        let page: Page = parse(include_bytes!("../../tests/recorded/google.json")).unwrap();
        let report = read(page.occurrences);
        assert_eq!(report.state, ScanState::Complete);
        assert_eq!(report.completed.as_deref(), Some("2024-02-01T10:00:00Z"));
        assert_eq!(report.vulnerabilities.len(), 2);
        let first = &report.vulnerabilities[1];
        assert_eq!(
            (first.id.as_str(), first.version.as_str()),
            ("CVE-2023-0286", "1:1.1.1n-0+deb11u3")
        );
        assert_eq!(first.fixed_version.as_deref(), Some("1.1.1n-0+deb11u4"));
        assert_eq!(report.vulnerabilities[0].fixed_version, None, "MAXIMUM is not a version");
        assert_eq!(read(Vec::new()).state, ScanState::NotScanned);
    }
}
