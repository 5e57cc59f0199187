//! `coaming image --registry-results`: what the image's registry says of it, beside our own findings.

use std::collections::BTreeSet;

use coaming_image::{ImageFacts, Package, Platform, sbom};
use coaming_kube::ImageReference;
use coaming_registry::{
    Attached, Attachment, AttachmentKind, Options, OwnVulnerability, PackageComparison, Registry,
    RegistryResults, Scanner, compare,
};

use crate::args::{RegistryScanner, ScannerArguments};
use crate::image_place;

/// What was found here.
pub(crate) struct Own<'a> {
    pub(crate) facts: &'a ImageFacts,
    /// `None` where nothing was looked up.
    pub(crate) vulnerabilities: Option<&'a [OwnVulnerability]>,
}

/// Asks the registry; what can't be had of it is among the problems.
pub(crate) fn ask(
    options: Options,
    reference: &ImageReference,
    platform: Option<&Platform>,
    arguments: &ScannerArguments,
    own: &Own<'_>,
) -> RegistryResults {
    let mut results = RegistryResults::default();
    if let Err(problem) = fill(&mut results, options, reference, platform, arguments, own) {
        results.problems.push(problem);
    }
    results
}

fn fill(
    results: &mut RegistryResults,
    options: Options,
    reference: &ImageReference,
    platform: Option<&Platform>,
    arguments: &ScannerArguments,
    own: &Own<'_>,
) -> Result<(), String> {
    let text = |error: coaming_registry::RegistryError| error.to_string();
    let registry = Registry::new(options).map_err(text)?;
    let image = registry.image(reference, &image_place::wanted(platform)).map_err(text)?;
    let scanner = match arguments.registry_scanner {
        Some(scanner) => Some(scanner.into()),
        None => registry.scanner(reference).unwrap_or_else(|error| {
            results.problems.push(error.to_string());
            None
        }),
    };
    if let Some(scanner) = scanner {
        let base = arguments.registry_scanner_url.as_deref();
        match registry.scan_report(scanner, reference, &image, base) {
            Ok(report) => {
                results.comparison =
                    own.vulnerabilities.map(|ours| compare(ours, &report.vulnerabilities));
                results.report = Some(report);
            }
            Err(error) => results.problems.push(error.to_string()),
        }
    }
    let name =
        format!("{}/{}@{}", reference.registry(), reference.repository(), image.manifest_digest);
    let pinned = ImageReference::parse(&name).map_err(|error| error.to_string())?;
    let (attachments, problems) = registry.attachments(&pinned).map_err(text)?;
    results.problems.extend(problems);
    results.attached = attachments.into_iter().map(|each| beside(each, own)).collect();
    Ok(())
}

/// A document beside our own findings.
fn beside(attachment: Attachment, own: &Own<'_>) -> Attached {
    let mut attached = Attached {
        format: "SPDX",
        digest: attachment.digest,
        vulnerabilities: Vec::new(),
        comparison: None,
        packages: None,
        statements: Vec::new(),
    };
    match attachment.kind {
        AttachmentKind::Spdx => {
            attached.packages = packages(&attachment.document, own.facts);
        }
        AttachmentKind::CycloneDx(found) => {
            attached.format = "CycloneDX";
            attached.packages = packages(&attachment.document, own.facts);
            // A bill without vulnerabilities says nothing of them.
            attached.comparison =
                own.vulnerabilities.filter(|_| !found.is_empty()).map(|ours| compare(ours, &found));
            attached.vulnerabilities = found;
        }
        AttachmentKind::Sarif(found) => {
            attached.format = "SARIF";
            attached.comparison = own.vulnerabilities.map(|ours| compare(ours, &found));
            attached.vulnerabilities = found;
        }
        AttachmentKind::Vex(statements) => {
            attached.format = "VEX";
            let listed = |name: &String| {
                own.vulnerabilities.map(|ours| ours.iter().any(|own| own.ids.contains(name)))
            };
            attached.statements = statements
                .into_iter()
                .map(|statement| {
                    let listed = listed(&statement.vulnerability);
                    (statement, listed)
                })
                .collect();
        }
    }
    attached
}

/// Where a bill of materials differs from what we found; `None` where it can't be read as one.
fn packages(document: &[u8], facts: &ImageFacts) -> Option<PackageComparison> {
    let theirs = sbom::read(document).ok()?;
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

/// Package URLs without qualifiers, which tools set as they like.
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
