//! Documents that are attached to an image: SBOM, VEX, SARIF, as OCI referrers or, as cosign attaches
//! attestations, by a tag. They may be in an envelope (in-toto, DSSE, a Sigstore bundle), which is kept
//! for `coaming-signature` to verify.

use coaming_http::clean;
use coaming_oci::{Descriptor, Digest, Reference};
use coaming_sbom::{Document, Format as DocumentFormat, ListedVulnerability, ReadError};
use coaming_signature::{Annotations, Signed};

use super::{ReportedSeverity, ReportedVulnerability, parse, tidy};
use crate::RegistryClient;
use crate::client::referrers_tag;
use crate::error::{MalformedAnswer, RegistryError};

/// The largest document that is read.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;
/// The most attachments that are read of one image.
const MAX_ATTACHMENTS: usize = 32;

/// The format of an attached document, with the vulnerabilities and statements in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachmentKind {
    /// An SBOM in SPDX.
    Spdx,
    /// An SBOM or a VEX document in CycloneDX.
    CycloneDx {
        /// The vulnerabilities that it lists.
        found: Vec<ReportedVulnerability>,
        /// Its statements on vulnerabilities that its author analyzed.
        statements: Vec<VexStatement>,
    },
    /// Statements on which vulnerabilities affect the image, in OpenVEX.
    Vex(Vec<VexStatement>),
    /// The findings of a scanner.
    Sarif(Vec<ReportedVulnerability>),
}

/// A document that is attached to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its format and what is in it.
    pub kind: AttachmentKind,
    /// The digest of its manifest; of its contents if a tag names it among others.
    pub digest: Digest,
    /// The parsed document; `None` for SARIF.
    pub document: Option<Document>,
    /// The envelope that it is in, with its signatures.
    pub signed: Option<Signed>,
}

/// What is attached to an image.
#[derive(Debug, Default)]
pub struct Attachments {
    /// The documents, sorted by digest.
    pub documents: Vec<Attachment>,
    /// The signatures of the image itself.
    pub signatures: Vec<Signed>,
    /// Why others cannot be read.
    pub problems: Vec<RegistryError>,
}

/// The largest payload of an image's signature: it names the image.
const MAX_SIGNATURE_BYTES: u64 = 1 << 20;

/// A statement of a VEX document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VexStatement {
    /// The vulnerability.
    pub vulnerability: String,
    /// `not_affected`, `affected`, `fixed` or `under_investigation`.
    pub status: String,
    /// Why, in the words of the standard.
    pub justification: Option<String>,
    /// The products it is about, as the document identifies them.
    pub products: Vec<String>,
}

#[derive(Clone, Copy)]
enum Format {
    Spdx,
    CycloneDx,
    OpenVex,
    Sarif,
    /// What is in the envelope decides.
    Attestation,
}

impl RegistryClient {
    /// The documents in known formats, and the signatures, that are attached to the manifest of the
    /// reference's digest.
    ///
    /// # Errors
    ///
    /// If the list of attached documents cannot be read; see [`RegistryError`].
    pub async fn attachments(&self, reference: &Reference) -> Result<Attachments, RegistryError> {
        let mut referrers = self.referrers(reference, None).await?;
        referrers.sort_by_key(|referrer| referrer.digest);
        referrers.dedup_by_key(|referrer| referrer.digest);
        let mut found = Attachments::default();
        let known = referrers.iter().filter_map(|referrer| Some((referrer, format_of(referrer)?)));
        for (referrer, format) in known.take(MAX_ATTACHMENTS) {
            match self.attachment(reference, referrer, format).await {
                Ok((document, signature)) => {
                    found.documents.extend(document);
                    found.signatures.extend(signature);
                }
                Err(error) => found.problems.push(error),
            }
        }
        let most = MAX_ATTACHMENTS.saturating_sub(found.documents.len());
        match self.attestations(reference, most).await {
            Ok(attested) => found.documents.extend(attested),
            Err(RegistryError::NotFound { .. }) => {}
            Err(error) => found.problems.push(error),
        }
        match self.signatures(reference).await {
            Ok(signatures) => found.signatures.extend(signatures),
            Err(RegistryError::NotFound { .. }) => {}
            Err(error) => found.problems.push(error),
        }
        Ok(found)
    }

    /// The signatures of the image that cosign attaches by a tag: `sha256-….sig`.
    async fn signatures(&self, reference: &Reference) -> Result<Vec<Signed>, RegistryError> {
        let Some((artifact, layers)) = self.beside(reference, "sig").await? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for layer in layers.iter().take(MAX_ATTACHMENTS) {
            let payload = self.small_blob(&artifact, layer, MAX_SIGNATURE_BYTES).await?;
            found.push(Signed::of_image(&payload, &Annotations::of(&layer.annotations)));
        }
        Ok(found)
    }

    /// What cosign keeps next to an image, under a tag with this suffix.
    async fn beside(
        &self,
        reference: &Reference,
        suffix: &str,
    ) -> Result<Option<(Reference, Vec<Descriptor>)>, RegistryError> {
        let Some(digest) = reference.digest() else { return Ok(None) };
        let tag = format!("{}.{suffix}", referrers_tag(digest));
        let artifact = reference
            .with_tag(&tag)
            .map_err(|error| malformed(reference, &format!(":{tag}"), error.to_string().into()))?;
        let (_, layers) = self.artifact(&artifact).await?;
        Ok(Some((artifact, layers)))
    }

    /// The documents in the attestations that cosign attaches by a tag: `sha256-….att`.
    async fn attestations(
        &self,
        reference: &Reference,
        most: usize,
    ) -> Result<Vec<Attachment>, RegistryError> {
        let Some((artifact, layers)) = self.beside(reference, "att").await? else {
            return Ok(Vec::new());
        };
        let tag = format!(":{}", artifact.tag().unwrap_or_default());
        let malformed = |source: MalformedAnswer| malformed(&artifact, &tag, source);
        let mut found = Vec::new();
        for layer in layers.iter().take(most) {
            let bytes = self.small_blob(&artifact, layer, MAX_DOCUMENT_BYTES).await?;
            if let Some((kind, document)) = read(Format::Attestation, &bytes).map_err(malformed)? {
                let signed = signed(&bytes, layer);
                found.push(Attachment { kind, digest: layer.digest, document, signed });
            }
        }
        Ok(found)
    }

    async fn attachment(
        &self,
        reference: &Reference,
        referrer: &Descriptor,
        format: Format,
    ) -> Result<(Option<Attachment>, Option<Signed>), RegistryError> {
        let artifact = reference.without_tag().with_digest(referrer.digest);
        let name = format!("@{}", referrer.digest);
        let malformed = |source: MalformedAnswer| malformed(reference, &name, source);
        let (_, layers) = self.artifact(&artifact).await?;
        let layer =
            layers.first().ok_or_else(|| malformed("the artifact has no contents".into()))?;
        let bytes = self.small_blob(&artifact, layer, MAX_DOCUMENT_BYTES).await?;
        let signed = signed(&bytes, layer);
        let digest = referrer.digest;
        Ok(match read(format, &bytes).map_err(malformed)? {
            Some((kind, document)) => (Some(Attachment { kind, digest, document, signed }), None),
            None => (None, signed.filter(Signed::is_of_image_alone)),
        })
    }
}

/// An answer about an artifact of the reference's repository, by its `:tag` or `@digest`.
fn malformed(reference: &Reference, name: &str, source: MalformedAnswer) -> RegistryError {
    RegistryError::Malformed {
        host: reference.registry().to_owned(),
        what: format!("{}{name}", reference.repository()),
        source,
    }
}

/// The envelope that a document is in.
fn signed(bytes: &[u8], layer: &Descriptor) -> Option<Signed> {
    let annotations = Annotations::of(&layer.annotations);
    Signed::read(bytes).map(|signed| signed.with_annotations(&annotations))
}

/// The format of a referrer, by its type.
fn format_of(referrer: &Descriptor) -> Option<Format> {
    let name = referrer.artifact_type.as_deref()?.to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    match () {
        () if has("openvex") => Some(Format::OpenVex),
        () if has("sarif") => Some(Format::Sarif),
        () if has("cyclonedx") => Some(Format::CycloneDx),
        () if has("spdx") => Some(Format::Spdx),
        () if has("in-toto") || has("dsse") || has("sigstore.bundle") => Some(Format::Attestation),
        () => None,
    }
}

/// Reads a document of a format; `None` if an attestation is about something else, such as how the
/// image was built.
fn read(
    format: Format,
    bytes: &[u8],
) -> Result<Option<(AttachmentKind, Option<Document>)>, MalformedAnswer> {
    let clean_error = |error: coaming_sbom::ReadError| {
        MalformedAnswer::from(clean(&format!("the document {error}")))
    };
    if let Format::Sarif = format {
        return Ok(Some((AttachmentKind::Sarif(sarif(bytes)?), None)));
    }
    let document = match Document::read(bytes) {
        Err(ReadError::UnknownFormat) if matches!(format, Format::Attestation) => return Ok(None),
        document => document.map_err(clean_error)?,
    };
    let format = match (format, document.format()) {
        (Format::Attestation, DocumentFormat::OpenVex | DocumentFormat::Csaf) => Format::OpenVex,
        (Format::Attestation, DocumentFormat::CycloneDx) => Format::CycloneDx,
        (Format::Attestation, DocumentFormat::Spdx | DocumentFormat::Syft) => Format::Spdx,
        (format, _) => format,
    };
    let kind = match format {
        Format::Spdx | Format::Sarif | Format::Attestation => AttachmentKind::Spdx,
        Format::CycloneDx => AttachmentKind::CycloneDx {
            found: listed(&document),
            statements: statements(&document).map_err(clean_error)?,
        },
        Format::OpenVex => AttachmentKind::Vex(statements(&document).map_err(clean_error)?),
    };
    Ok(Some((kind, Some(document))))
}

/// The statements of a document, sorted. Those that cannot be understood are left out: they have no
/// effect.
fn statements(document: &Document) -> Result<Vec<VexStatement>, coaming_sbom::ReadError> {
    let vex = document.to_vex()?;
    let mut statements: Vec<VexStatement> = vex
        .statements
        .iter()
        .map(|statement| {
            let justification = clean(&statement.justification);
            let mut products: Vec<String> =
                statement.subjects.iter().map(|subject| clean(&subject.label)).collect();
            products.dedup();
            VexStatement {
                vulnerability: statement.names.first().map(|name| clean(name)).unwrap_or_default(),
                status: statement.status.as_str().to_owned(),
                justification: (!justification.is_empty()).then_some(justification),
                products,
            }
        })
        .collect();
    statements.sort();
    statements.dedup();
    Ok(statements)
}

/// The vulnerabilities that a CycloneDX document lists.
fn listed(document: &Document) -> Vec<ReportedVulnerability> {
    let listed = document.listed_vulnerabilities();
    tidy(listed.into_iter().flat_map(|ListedVulnerability { id, severities, affected }| {
        let severity = severities.into_iter().map(ReportedSeverity::of).max().unwrap_or_default();
        affected.into_iter().map(move |component| ReportedVulnerability {
            id: id.to_owned(),
            package: component.name.to_owned(),
            version: component.version.to_owned(),
            fixed_version: None,
            severity,
        })
    }))
}

/// SARIF has no field for a package: image scanners write it in the message. Where the message does
/// not contain it, the package stays empty.
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

    fn open_vex(document: &[u8]) -> Vec<VexStatement> {
        match read(Format::OpenVex, document).unwrap().unwrap() {
            (AttachmentKind::Vex(statements), Some(_)) => statements,
            other => panic!("{other:?}"),
        }
    }

    fn cyclone_dx(document: &str) -> (Vec<ReportedVulnerability>, Vec<VexStatement>) {
        match read(Format::CycloneDx, document.as_bytes()).unwrap().unwrap() {
            (AttachmentKind::CycloneDx { found, statements }, Some(_)) => (found, statements),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_open_vex_of_both_versions() {
        let old = br#"{"statements":[{"vulnerability":"CVE-1","status":"not_affected",
            "products":["pkg:oci/a"]}]}"#;
        let new = br#"{"statements":[{"vulnerability":{"name":"CVE-1"},"status":"not_affected",
            "products":[{"@id":"pkg:oci/a"}]}]}"#;
        let statements = open_vex(old);
        assert_eq!(statements, open_vex(new));
        assert_eq!(statements[0].products, ["pkg:oci/a"]);
        assert!(read(Format::OpenVex, b"{}").is_err());
    }

    #[test]
    fn reads_attestations_by_what_is_in_them() {
        let vex = r#"{"_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": "https://openvex.dev/ns/v0.2.0", "predicate": {"statements":
            [{"vulnerability": "CVE-1", "status": "fixed", "products": ["pkg:oci/a"]}]}}"#;
        let read_one = |text: &str| read(Format::Attestation, text.as_bytes()).unwrap();
        assert!(matches!(read_one(vex), Some((AttachmentKind::Vex(_), Some(_)))));
        let sbom = r#"{"predicateType": "https://spdx.dev/Document",
            "predicate": {"spdxVersion": "SPDX-2.3", "packages": []}}"#;
        assert!(matches!(read_one(sbom), Some((AttachmentKind::Spdx, Some(_)))));
        let built = r#"{"predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {"buildDefinition": {}}}"#;
        assert!(read_one(built).is_none());
    }

    #[test]
    fn reads_cyclone_dx() {
        let text = r#"{"bomFormat":"CycloneDX",
            "components":[{"bom-ref":"a","name":"openssl","version":"1.1"}],
            "vulnerabilities":[{"id":"CVE-1","ratings":[{"severity":"low"},{"severity":"high"}],
                "affects":[{"ref":"a"}]}]}"#;
        let (found, statements) = cyclone_dx(text);
        assert_eq!(
            (found[0].package.as_str(), found[0].severity),
            ("openssl", ReportedSeverity::High)
        );
        assert_eq!(statements, []);
    }

    #[test]
    fn reads_the_statements_of_cyclone_dx() {
        let text = r#"{"bomFormat":"CycloneDX","vulnerabilities":[
            {"id":"CVE-1","affects":[{"ref":"a"}],"analysis":{"state":"false_positive"}},
            {"id":"CVE-2","affects":[{"ref":"a"}],"analysis":{"state":"exploitable"}}]}"#;
        let (found, statements) = cyclone_dx(text);
        let names: Vec<&str> = found.iter().map(|each| each.id.as_str()).collect();
        assert_eq!(names, ["CVE-2"], "a dismissed vulnerability is not listed");
        let stated: Vec<_> = statements
            .iter()
            .map(|each| (each.vulnerability.as_str(), each.status.as_str()))
            .collect();
        assert_eq!(stated, [("CVE-1", "not_affected"), ("CVE-2", "affected")]);
    }

    #[test]
    fn reads_sarif() {
        let text = br#"{"runs":[{
            "tool":{"driver":{"rules":[
                {"id":"CVE-1","properties":{"security-severity":"9.8"}}]}},
            "results":[{"ruleId":"CVE-1","message":{
                "text":"Package: zlib\nInstalled Version: 1.2\nFixed Version: 1.3"}},{"x":1}]}]}"#;
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
