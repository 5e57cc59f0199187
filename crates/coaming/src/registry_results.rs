//! `coaming image --registry-results`: the results of the image's registry, compared with our own.

use std::collections::BTreeSet;
use std::error::Error;

use coaming_http::Runtime;
use coaming_image::{ImageFacts, Package};
use coaming_oci::{Platform, Reference};
use coaming_registry::{
    Attached, Attachment, AttachmentKind, Options, OwnVulnerability, PackageComparison, Registry,
    RegistryResults, ScanReport, Scanner, VexStatement, compare,
};
use coaming_sbom::vex::{self, Document};

use crate::args::{RegistryScanner, ScannerArguments};

/// What we found ourselves.
pub(crate) struct Own<'a> {
    pub(crate) facts: &'a ImageFacts,
    /// `None` if there was no database to look them up in.
    pub(crate) vulnerabilities: Option<&'a [OwnVulnerability]>,
}

/// What the registry answered.
#[derive(Default)]
pub(crate) struct Answers {
    report: Option<ScanReport>,
    attachments: Vec<Attachment>,
    problems: Vec<String>,
    /// The digests of the image in the registry: of its manifest, and of the index that lists it.
    pub(crate) digests: Vec<String>,
}

/// Asks the registry; what it does not answer is among the problems.
pub(crate) fn ask(
    options: Options,
    reference: &Reference,
    platform: Option<&Platform>,
    arguments: &ScannerArguments,
) -> Answers {
    let mut answers = Answers::default();
    if let Err(error) = fill(&mut answers, options, reference, platform, arguments) {
        answers.problems.push(error.to_string());
    }
    answers
}

fn fill(
    answers: &mut Answers,
    options: Options,
    reference: &Reference,
    platform: Option<&Platform>,
    arguments: &ScannerArguments,
) -> Result<(), Box<dyn Error>> {
    let registry = Registry::new(options, Runtime::shared()?)?;
    let image = registry.image(reference, platform)?;
    answers.digests = vec![image.manifest_digest.to_string(), image.digest.to_string()];
    let scanner = match arguments.registry_scanner {
        Some(scanner) => Some(scanner.into()),
        None => registry.scanner(reference).unwrap_or_else(|error| {
            answers.problems.push(error.to_string());
            None
        }),
    };
    if let Some(scanner) = scanner {
        let base = arguments.registry_scanner_url.as_deref();
        match registry.scan_report(scanner, reference, &image, base) {
            Ok(report) => answers.report = Some(report),
            Err(error) => answers.problems.push(error.to_string()),
        }
    }
    let name =
        format!("{}/{}@{}", reference.registry(), reference.repository(), image.manifest_digest);
    let (attachments, problems) = registry.attachments(&Reference::parse(&name)?)?;
    answers.problems.extend(problems.iter().map(ToString::to_string));
    answers.attachments = attachments;
    Ok(())
}

impl Answers {
    /// The attached VEX documents. They are as trustworthy as everyone who can push to the
    /// repository.
    pub(crate) fn documents(&self) -> Vec<Document> {
        let states = |kind: &AttachmentKind| match kind {
            AttachmentKind::Vex(statements) | AttachmentKind::CycloneDx { statements, .. } => {
                !statements.is_empty()
            }
            AttachmentKind::Spdx | AttachmentKind::Sarif(_) => false,
        };
        self.attachments
            .iter()
            .filter(|each| states(&each.kind))
            .filter_map(|each| {
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
    pub(crate) fn beside(self, own: &Own<'_>, trusted: bool) -> RegistryResults {
        let report = self.report.as_ref();
        let comparison = report.zip(own.vulnerabilities);
        RegistryResults {
            comparison: comparison.map(|(theirs, ours)| compare(ours, &theirs.vulnerabilities)),
            attached: self.attachments.into_iter().map(|each| beside(each, own, trusted)).collect(),
            report: self.report,
            problems: self.problems,
        }
    }
}

/// A document next to our own findings.
fn beside(attachment: Attachment, own: &Own<'_>, trusted: bool) -> Attached {
    let mut attached = Attached {
        format: "SPDX",
        digest: attachment.digest.to_string(),
        vulnerabilities: Vec::new(),
        comparison: None,
        packages: None,
        statements: Vec::new(),
        trusted,
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

impl From<RegistryScanner> for Scanner {
    fn from(scanner: RegistryScanner) -> Self {
        match scanner {
            RegistryScanner::Harbor => Self::Harbor,
            RegistryScanner::Quay => Self::Quay,
            RegistryScanner::TrustedRegistry => Self::TrustedRegistry,
            RegistryScanner::Google => Self::Google,
            RegistryScanner::RedHat => Self::RedHat,
        }
    }
}
