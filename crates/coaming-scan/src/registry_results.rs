//! What the image's registry reports about it, compared with our own findings.
//!
//! Invariant: what the registry does not answer is among the problems; it never fails the rest.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use coaming_http::Runtime;
use coaming_image::{ImageFacts, Package};
use coaming_oci::{Platform, Reference};
use coaming_registry::{
    Attached, Attachment, AttachmentKind, Options, OwnVulnerability, PackageComparison, Registry,
    RegistryError, RegistryResults, ScanReport, Scanner, SignatureState, VexStatement, compare,
};
use coaming_sbom::vex::{self, Document};
use coaming_signature::{Signed, Trust, TrustError, Unverified};

use crate::registry_images::attachments;
use crate::vulnerabilities::MatchReport;

/// Which image a registry is asked about, and which of its scanners.
#[derive(Clone, Copy, Debug)]
pub struct RegistryQuestion<'a> {
    /// The image.
    pub reference: &'a Reference,
    /// The platform of a multi-platform image.
    pub platform: Option<&'a Platform>,
    /// The scanner; `None` detects it.
    pub scanner: Option<Scanner>,
    /// The address of its API; `None` is the usual one.
    pub scanner_url: Option<&'a str>,
    /// Whose signatures count. If it names anybody, documents count only with such a signature.
    pub trust: &'a Trust,
}

/// Whose signatures count, as the user names them.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustFiles<'a> {
    /// Public keys in PEM.
    pub keys: &'a [PathBuf],
    /// Mail addresses or URIs in certificates.
    pub identities: &'a [String],
    /// Who vouches for the identities.
    pub issuer: Option<&'a str>,
    /// The authorities and logs of Sigstore.
    pub root: Option<&'a Path>,
}

/// Why signatures cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file or an identity cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

impl TrustFiles<'_> {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// See [`TrustFileError`].
    pub fn read(&self) -> Result<Trust, TrustFileError> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|source| TrustFileError::Read { path: path.to_path_buf(), source })
        };
        let mut trust = Trust::default();
        for path in self.keys {
            trust.add_key(&path.display().to_string(), &read(path)?)?;
        }
        for identity in self.identities {
            trust.add_identity(identity, self.issuer.unwrap_or_default())?;
        }
        if let Some(path) = self.root {
            trust.set_root(&path.display().to_string(), &read(path)?)?;
        }
        Ok(trust)
    }
}

/// What we found ourselves.
#[derive(Clone, Copy, Debug)]
pub struct OwnFindings<'a> {
    /// What the image contains.
    pub facts: &'a ImageFacts,
    /// `None` if there was no database to look them up in.
    pub vulnerabilities: Option<&'a [OwnVulnerability]>,
}

/// The names of all vulnerabilities, ignored ones too, by package.
#[must_use]
pub fn own_vulnerabilities(report: &MatchReport) -> Vec<OwnVulnerability> {
    let ignored = report.triaged.ignored.iter().map(|each| &each.vulnerability);
    let all = report.triaged.open.iter().chain(ignored);
    all.map(|each| OwnVulnerability {
        ids: std::iter::once(&each.id).chain(&each.aliases).cloned().collect(),
        package: each.package.name.clone(),
    })
    .collect()
}

/// What the registry answered.
#[derive(Debug, Default)]
pub struct RegistryAnswers {
    report: Option<ScanReport>,
    attachments: Vec<(Attachment, SignatureState)>,
    signatures: Vec<SignatureState>,
    /// Whether documents count only with a signature.
    needs_signature: bool,
    problems: Vec<String>,
    /// The digests of the image in the registry: of its manifest, and of the index that lists it.
    pub digests: Vec<String>,
}

/// Asks the registry.
#[must_use]
pub fn ask_registry(options: Options, question: &RegistryQuestion<'_>) -> RegistryAnswers {
    let mut answers = RegistryAnswers::default();
    if let Err(error) = fill(&mut answers, options, question) {
        answers.problems.push(error.to_string());
    }
    answers
}

fn fill(
    answers: &mut RegistryAnswers,
    options: Options,
    question: &RegistryQuestion<'_>,
) -> Result<(), RegistryError> {
    let RegistryQuestion { reference, platform, scanner, scanner_url, trust } = *question;
    let registry = Registry::new(options, Runtime::shared()?)?;
    let image = registry.image(reference, platform)?;
    answers.digests = vec![image.manifest_digest.to_string(), image.digest.to_string()];
    let scanner = scanner.or_else(|| {
        registry.scanner(reference).unwrap_or_else(|error| {
            answers.problems.push(error.to_string());
            None
        })
    });
    if let Some(scanner) = scanner {
        match registry.scan_report(scanner, reference, &image, scanner_url) {
            Ok(report) => answers.report = Some(report),
            Err(error) => answers.problems.push(error.to_string()),
        }
    }
    let found = attachments(&registry, reference, &image)?;
    answers.needs_signature = !trust.is_empty();
    answers.problems.extend(found.problems.iter().map(ToString::to_string));
    let state = |signed: Option<&Signed>| {
        let verified = signed
            .map_or(Err(Unverified::NotSigned), |signed| signed.verify(trust, &answers.digests));
        match verified {
            Ok(signer) => SignatureState::Verified(coaming_http::clean(&signer)),
            Err(error) => SignatureState::Unverified(coaming_http::clean(&error.to_string())),
        }
    };
    answers.signatures = found.signatures.iter().map(|signed| state(Some(signed))).collect();
    answers.attachments = found
        .documents
        .into_iter()
        .map(|each| {
            let state = state(each.signed.as_ref());
            (each, state)
        })
        .collect();
    Ok(())
}

impl RegistryAnswers {
    /// The attached VEX documents that may count: those with a signature of somebody whom the user
    /// trusts. If the user names nobody, they are as trustworthy as everyone who can push to the
    /// repository.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        let states = |kind: &AttachmentKind| match kind {
            AttachmentKind::Vex(statements) | AttachmentKind::CycloneDx { statements, .. } => {
                !statements.is_empty()
            }
            AttachmentKind::Spdx | AttachmentKind::Sarif(_) => false,
        };
        self.attachments
            .iter()
            .filter(|(each, state)| states(&each.kind) && may_count(state, self.needs_signature))
            .filter_map(|(each, _)| {
                let document = each.document.as_ref()?.to_vex().ok()?;
                Some(Document {
                    name: each.digest.to_string(),
                    origin: vex::Origin::Attached,
                    ..document
                })
            })
            .collect()
    }

    /// Everything next to our own findings; `trusted` means that the VEX statements are applied.
    #[must_use]
    pub fn beside(self, own: &OwnFindings<'_>, trusted: bool) -> RegistryResults {
        let report = self.report.as_ref();
        let comparison = report.zip(own.vulnerabilities);
        RegistryResults {
            comparison: comparison.map(|(theirs, ours)| compare(ours, &theirs.vulnerabilities)),
            attached: self
                .attachments
                .into_iter()
                .map(|(each, signature)| {
                    let trusted = trusted && may_count(&signature, self.needs_signature);
                    beside(each, signature, own, trusted)
                })
                .collect(),
            signatures: self.signatures,
            report: self.report,
            problems: self.problems,
        }
    }
}

/// Whether a document with such a signature may count.
fn may_count(signature: &SignatureState, needs_signature: bool) -> bool {
    signature.is_verified() || !needs_signature
}

/// A document next to our own findings.
fn beside(
    attachment: Attachment,
    signature: SignatureState,
    own: &OwnFindings<'_>,
    trusted: bool,
) -> Attached {
    let mut attached = Attached {
        format: "SPDX",
        digest: attachment.digest.to_string(),
        vulnerabilities: Vec::new(),
        comparison: None,
        packages: None,
        statements: Vec::new(),
        trusted,
        signature,
    };
    let beside_ours = |statements: Vec<VexStatement>| {
        let listed = |name: &String| {
            own.vulnerabilities.map(|ours| ours.iter().any(|own| own.ids.contains(name)))
        };
        let pairs = statements.into_iter().map(|statement| {
            let listed = listed(&statement.vulnerability);
            (statement, listed)
        });
        pairs.collect()
    };
    match attachment.kind {
        AttachmentKind::Spdx => {
            attached.packages = packages(attachment.document, own.facts);
        }
        AttachmentKind::CycloneDx { found, statements } => {
            attached.format = "CycloneDX";
            attached.packages = packages(attachment.document, own.facts);
            // An SBOM without vulnerabilities makes no statement about them.
            attached.comparison =
                own.vulnerabilities.filter(|_| !found.is_empty()).map(|ours| compare(ours, &found));
            attached.vulnerabilities = found;
            attached.statements = beside_ours(statements);
        }
        AttachmentKind::Sarif(found) => {
            attached.format = "SARIF";
            attached.comparison = own.vulnerabilities.map(|ours| compare(ours, &found));
            attached.vulnerabilities = found;
        }
        AttachmentKind::Vex(statements) => {
            attached.format = "VEX";
            attached.statements = beside_ours(statements);
        }
    }
    attached
}

/// Where an SBOM differs from our own list; `None` if the document is not an SBOM.
fn packages(
    document: Option<coaming_sbom::Document>,
    facts: &ImageFacts,
) -> Option<PackageComparison> {
    let theirs = document?.into_sbom().ok()?;
    let ours = urls(&facts.packages);
    let theirs = urls(&theirs.packages);
    let without = |left: &BTreeSet<String>, right: &BTreeSet<String>| -> Vec<String> {
        left.difference(right).cloned().collect()
    };
    Some(PackageComparison {
        both: ours.intersection(&theirs).count(),
        only_ours: without(&ours, &theirs),
        only_theirs: without(&theirs, &ours),
    })
}

/// Package URLs without qualifiers, which differ between tools.
fn urls(packages: &[Package]) -> BTreeSet<String> {
    packages
        .iter()
        .map(|package| package.purl.split(['?', '#']).next().unwrap_or_default().to_owned())
        .filter(|url| !url.is_empty())
        .collect()
}
