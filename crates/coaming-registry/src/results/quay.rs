//! Quay: what Clair found, package by package.

use serde::Deserialize;

use super::{
    Question, ReportedSeverity, ReportedVulnerability, ScanReport, ScanState, below, parse,
};
use crate::error::{MalformedAnswer, RegistryError};
use crate::transport::Target;
use crate::{RegistryClient, auth};

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Data {
    layer: Option<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    features: Option<Vec<Feature>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Feature {
    name: String,
    #[serde(default)]
    version: String,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Vulnerability {
    name: String,
    #[serde(default)]
    severity: String,
    fixed_by: Option<String>,
}

pub(super) async fn report(
    client: &RegistryClient,
    target: &Target,
    question: &Question<'_>,
) -> Result<ScanReport, RegistryError> {
    let path = ["api", "v1", "repository"];
    let repository = question.reference.repository().split('/');
    let digest = question.image.manifest_digest.to_string();
    let rest = ["manifest", &digest, "security"];
    let mut url = below(&question.base, path.into_iter().chain(repository).chain(rest), target)?;
    url.query_pairs_mut().append_pair("vulnerabilities", "true");
    let authorization =
        auth::token_authorization(&target.host, &client.transport.options, "$oauthtoken")?;
    let body = client.get(target, url, authorization, &[]).await?;
    read(&body).map_err(|error| target.malformed(error))
}

fn read(body: &[u8]) -> Result<ScanReport, MalformedAnswer> {
    let answer: Answer = parse(body)?;
    let state = match answer.status.as_str() {
        "scanned" => ScanState::Complete,
        "queued" => ScanState::Pending,
        "unsupported" => ScanState::Unsupported,
        "failed" => ScanState::Failed,
        _ => ScanState::NotScanned,
    };
    let features = answer.data.and_then(|data| data.layer?.features).into_iter().flatten();
    let found = features.flat_map(|feature| {
        let Feature { name: package, version, vulnerabilities } = feature;
        vulnerabilities.into_iter().flatten().map(move |vulnerability| ReportedVulnerability {
            severity: ReportedSeverity::of(&vulnerability.severity),
            // For an advisory with a title, only the first word is its name.
            id: first_word(&vulnerability.name).to_owned(),
            package: package.clone(),
            version: version.clone(),
            fixed_version: vulnerability.fixed_by,
        })
    });
    Ok(ScanReport::new("Quay (Clair)", state).with(found))
}

/// `RHSA-2022:1065: openssl security update` is `RHSA-2022:1065`.
fn first_word(name: &str) -> &str {
    name.split_whitespace().next().unwrap_or_default().trim_end_matches(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_recorded_answer() {
        let report = read(include_bytes!("../../tests/recorded/quay.json")).unwrap();
        assert_eq!(report.state, ScanState::Complete);
        assert_eq!(report.vulnerabilities.len(), 2);
        let first = &report.vulnerabilities[0];
        assert_eq!((first.id.as_str(), first.package.as_str()), ("CVE-2019-12900", "bzip2-libs"));
        assert_eq!(first.severity, ReportedSeverity::Medium);
        assert_eq!(first.fixed_version, None, "an empty text is not a version");
        assert_eq!(read(br#"{"status":"queued","data":null}"#).unwrap().state, ScanState::Pending);
        assert!(read(br#"{"data":null}"#).is_err());
    }
}
