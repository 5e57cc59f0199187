//! Documents that are attached to an image as OCI referrers: SBOM, VEX, SARIF.

use coaming_http::clean;
use coaming_kube::ImageReference;
use serde::Deserialize;

use super::{ReportedSeverity, ReportedVulnerability, parse, tidy};
use crate::RegistryClient;
use crate::error::{MalformedAnswer, RegistryError};
use crate::manifest::Descriptor;

/// The largest document that is read.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// The most attachments that are read of one image.
const MAX_ATTACHMENTS: usize = 32;

/// What is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// A list of packages, as SPDX.
    Spdx,
    /// A list of packages, as CycloneDX.
    CycloneDx {
        /// The vulnerabilities that it names.
        found: Vec<ReportedVulnerability>,
        /// What it says of vulnerabilities that somebody has looked at.
        statements: Vec<VexStatement>,
    },
    /// Statements on which vulnerabilities affect the image.
    Vex(Vec<VexStatement>),
    /// Findings of a scanner.
    Sarif(Vec<ReportedVulnerability>),
}

/// A document that is attached to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// What it is.
    pub kind: AttachmentKind,
    /// The digest of its manifest.
    pub digest: String,
    /// The document.
    pub document: Vec<u8>,
}

/// A statement of a VEX document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VexStatement {
    /// The vulnerability.
    pub vulnerability: String,
    /// `not_affected`, `affected`, `fixed` or `under_investigation`.
    pub status: String,
    /// Why, in the words of the standard.
    pub justification: Option<String>,
    /// The products it is about, by their identifiers.
    pub products: Vec<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Spdx,
    CycloneDx,
    OpenVex,
    Sarif,
}

impl RegistryClient {
    /// The documents that are attached to the manifest of the reference's digest, those that are
    /// understood; by digest. Unreadable ones are left out, with the reason.
    ///
    /// # Errors
    ///
    /// See [`RegistryError`], if the list itself fails.
    pub async fn attachments(
        &self,
        reference: &ImageReference,
    ) -> Result<(Vec<Attachment>, Vec<RegistryError>), RegistryError> {
        let mut referrers = self.referrers(reference, None).await?;
        referrers.sort_by(|a, b| a.digest.cmp(&b.digest));
        referrers.dedup_by(|a, b| a.digest == b.digest);
        let mut found = Vec::new();
        let mut problems = Vec::new();
        let known = referrers.iter().filter_map(|referrer| Some((referrer, format_of(referrer)?)));
        for (referrer, format) in known.take(MAX_ATTACHMENTS) {
            match self.attachment(reference, referrer, format).await {
                Ok(attachment) => found.push(attachment),
                Err(error) => problems.push(error),
            }
        }
        Ok((found, problems))
    }

    async fn attachment(
        &self,
        reference: &ImageReference,
        referrer: &Descriptor,
        format: Format,
    ) -> Result<Attachment, RegistryError> {
        let host = reference.registry().to_owned();
        let what = format!("{}@{}", reference.repository(), referrer.digest);
        let malformed = |source: MalformedAnswer| RegistryError::Malformed {
            host: host.clone(),
            what: what.clone(),
            source,
        };
        let name = format!("{host}/{what}");
        let artifact =
            ImageReference::parse(&name).map_err(|error| malformed(error.to_string().into()))?;
        let (_, layers) = self.artifact(&artifact).await?;
        let layer =
            layers.first().ok_or_else(|| malformed("the artifact has no contents".into()))?;
        let document = self.small_blob(&artifact, layer, MAX_DOCUMENT_BYTES).await?;
        let kind = match format {
            Format::Spdx => parse::<serde::de::IgnoredAny>(&document).map(|_| AttachmentKind::Spdx),
            Format::CycloneDx => cyclone_dx(&document),
            Format::OpenVex => open_vex(&document).map(AttachmentKind::Vex),
            Format::Sarif => sarif(&document).map(AttachmentKind::Sarif),
        }
        .map_err(malformed)?;
        Ok(Attachment { kind, digest: referrer.digest.clone(), document })
    }
}

/// What a referrer holds, by its type.
fn format_of(referrer: &Descriptor) -> Option<Format> {
    let name = referrer.artifact_type.as_deref()?.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    match () {
        () if has("openvex") => Some(Format::OpenVex),
        () if has("sarif") => Some(Format::Sarif),
        () if has("cyclonedx") => Some(Format::CycloneDx),
        () if has("spdx") => Some(Format::Spdx),
        () => None,
    }
}

fn open_vex(document: &[u8]) -> Result<Vec<VexStatement>, MalformedAnswer> {
    #[derive(Deserialize)]
    struct Document {
        statements: Vec<Statement>,
    }
    #[derive(Deserialize)]
    struct Statement {
        vulnerability: Named,
        status: String,
        justification: Option<String>,
        #[serde(default)]
        products: Vec<Named>,
    }
    /// A name alone before version 0.2, an object since.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Named {
        Text(String),
        Object {
            name: Option<String>,
            #[serde(rename = "@id")]
            id: Option<String>,
        },
    }
    impl Named {
        fn text(self) -> String {
            match self {
                Self::Text(text) => clean(&text),
                Self::Object { name, id } => clean(&name.or(id).unwrap_or_default()),
            }
        }
    }
    let document: Document = parse(document)?;
    let mut statements: Vec<VexStatement> = document
        .statements
        .into_iter()
        .map(|statement| VexStatement {
            vulnerability: statement.vulnerability.text(),
            status: clean(&statement.status),
            justification: statement.justification.map(|text| clean(&text)),
            products: statement.products.into_iter().map(Named::text).collect(),
        })
        .collect();
    statements.sort();
    statements.dedup();
    Ok(statements)
}

fn cyclone_dx(document: &[u8]) -> Result<AttachmentKind, MalformedAnswer> {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        components: Vec<Component>,
        #[serde(default)]
        vulnerabilities: Vec<Vulnerability>,
    }
    #[derive(Deserialize)]
    struct Component {
        #[serde(rename = "bom-ref")]
        reference: Option<String>,
        name: String,
        #[serde(default)]
        version: String,
    }
    #[derive(Deserialize)]
    struct Vulnerability {
        id: String,
        #[serde(default)]
        ratings: Vec<Rating>,
        #[serde(default)]
        affects: Vec<Affected>,
        analysis: Option<Analysis>,
    }
    #[derive(Deserialize)]
    struct Analysis {
        state: Option<String>,
        justification: Option<String>,
    }
    #[derive(Deserialize)]
    struct Rating {
        severity: Option<String>,
    }
    #[derive(Deserialize)]
    struct Affected {
        #[serde(rename = "ref")]
        reference: String,
    }
    let document: Document = parse(document)?;
    let components: std::collections::HashMap<&str, &Component> = document
        .components
        .iter()
        .filter_map(|component| Some((component.reference.as_deref()?, component)))
        .collect();
    let mut statements = Vec::new();
    for vulnerability in &document.vulnerabilities {
        let Some(analysis) = &vulnerability.analysis else { continue };
        statements.push(VexStatement {
            vulnerability: clean(&vulnerability.id),
            status: vex_status(analysis.state.as_deref().unwrap_or_default()),
            justification: analysis.justification.as_deref().map(clean),
            products: vulnerability.affects.iter().map(|each| clean(&each.reference)).collect(),
        });
    }
    statements.sort();
    statements.dedup();
    let named = document
        .vulnerabilities
        .iter()
        .filter(|each| !is_excused(each.analysis.as_ref().and_then(|it| it.state.as_deref())));
    let found = named.flat_map(|vulnerability| {
        let words = vulnerability.ratings.iter().filter_map(|rating| rating.severity.as_deref());
        let severity = words.map(ReportedSeverity::of).max().unwrap_or_default();
        let components = &components;
        vulnerability.affects.iter().map(move |affected| {
            let component = components.get(affected.reference.as_str());
            ReportedVulnerability {
                id: vulnerability.id.clone(),
                package: component.map_or(&affected.reference, |component| &component.name).clone(),
                version: component.map(|component| component.version.clone()).unwrap_or_default(),
                fixed_version: None,
                severity,
            }
        })
    });
    Ok(AttachmentKind::CycloneDx { found: tidy(found), statements })
}

/// CycloneDX's word for a state as OpenVEX has it; another one as it is.
fn vex_status(state: &str) -> String {
    match state {
        "not_affected" | "false_positive" => "not_affected".to_owned(),
        "resolved" | "resolved_with_pedigree" => "fixed".to_owned(),
        "exploitable" => "affected".to_owned(),
        "in_triage" => "under_investigation".to_owned(),
        other => clean(other),
    }
}

/// Whether a document names a vulnerability only to say that it does not matter.
fn is_excused(state: Option<&str>) -> bool {
    state.is_some_and(|state| matches!(vex_status(state).as_str(), "not_affected" | "fixed"))
}

/// SARIF has no field for a package: what scanners of images write is in the rules' properties, and
/// the package is left empty where it is not there.
fn sarif(document: &[u8]) -> Result<Vec<ReportedVulnerability>, MalformedAnswer> {
    let document: serde_json::Value = parse(document)?;
    let runs = document.get("runs").and_then(|runs| runs.as_array()).ok_or("it has no `runs`")?;
    let mut found = Vec::new();
    for run in runs {
        let rules: std::collections::HashMap<&str, &serde_json::Value> = run
            .pointer("/tool/driver/rules")
            .and_then(|rules| rules.as_array())
            .into_iter()
            .flatten()
            .filter_map(|rule| Some((rule.get("id")?.as_str()?, rule)))
            .collect();
        for result in
            run.get("results").and_then(|results| results.as_array()).into_iter().flatten()
        {
            let Some(id) = result.get("ruleId").and_then(|id| id.as_str()) else { continue };
            let score = rules
                .get(id)
                .and_then(|rule| rule.pointer("/properties/security-severity"))
                .and_then(|score| {
                    score.as_str().map_or_else(|| score.as_f64(), |text| text.parse().ok())
                });
            let message = result.pointer("/message/text").and_then(|text| text.as_str());
            let field = |name: &str| {
                let line =
                    message.unwrap_or_default().lines().find_map(|line| line.strip_prefix(name));
                line.map(|line| line.trim().to_owned()).unwrap_or_default()
            };
            found.push(ReportedVulnerability {
                id: id.to_owned(),
                package: field("Package: "),
                version: field("Installed Version: "),
                fixed_version: Some(field("Fixed Version: ")),
                severity: score.map_or(ReportedSeverity::Unknown, ReportedSeverity::of_score),
            });
        }
    }
    Ok(tidy(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_open_vex_of_both_versions() {
        let old = br#"{"statements":[{"vulnerability":"CVE-1","status":"not_affected","products":["pkg:oci/a"]}]}"#;
        let new = br#"{"statements":[{"vulnerability":{"name":"CVE-1"},"status":"not_affected","products":[{"@id":"pkg:oci/a"}]}]}"#;
        let statements = open_vex(old).unwrap();
        assert_eq!(statements, open_vex(new).unwrap());
        assert_eq!(statements[0].products, ["pkg:oci/a"]);
        assert!(open_vex(b"{}").is_err());
    }

    #[test]
    fn reads_cyclone_dx() {
        let text = br#"{"components":[{"bom-ref":"a","name":"openssl","version":"1.1"}],
            "vulnerabilities":[{"id":"CVE-1","ratings":[{"severity":"low"},{"severity":"high"}],"affects":[{"ref":"a"}]}]}"#;
        let AttachmentKind::CycloneDx { found, statements } = cyclone_dx(text).unwrap() else {
            panic!("it is CycloneDX");
        };
        assert_eq!(
            (found[0].package.as_str(), found[0].severity),
            ("openssl", ReportedSeverity::High)
        );
        assert_eq!(statements, []);
    }

    #[test]
    fn reads_what_cyclone_dx_says_of_vulnerabilities() {
        let text = br#"{"vulnerabilities":[
            {"id":"CVE-1","affects":[{"ref":"a"}],"analysis":{"state":"false_positive"}},
            {"id":"CVE-2","affects":[{"ref":"a"}],"analysis":{"state":"exploitable"}}]}"#;
        let AttachmentKind::CycloneDx { found, statements } = cyclone_dx(text).unwrap() else {
            panic!("it is CycloneDX");
        };
        let names: Vec<&str> = found.iter().map(|each| each.id.as_str()).collect();
        assert_eq!(names, ["CVE-2"], "what does not matter is no finding");
        let said: Vec<_> = statements
            .iter()
            .map(|each| (each.vulnerability.as_str(), each.status.as_str()))
            .collect();
        assert_eq!(said, [("CVE-1", "not_affected"), ("CVE-2", "affected")]);
    }

    #[test]
    fn reads_sarif() {
        let text = br#"{"runs":[{"tool":{"driver":{"rules":[{"id":"CVE-1","properties":{"security-severity":"9.8"}}]}},
            "results":[{"ruleId":"CVE-1","message":{"text":"Package: zlib\nInstalled Version: 1.2\nFixed Version: 1.3"}},{"x":1}]}]}"#;
        let found = sarif(text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].package.as_str(), found[0].fixed_version.as_deref()),
            ("zlib", Some("1.3"))
        );
        assert_eq!(found[0].severity, ReportedSeverity::Critical);
        assert!(sarif(b"{}").is_err());
    }
}
