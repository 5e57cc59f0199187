//! The registry's results for an image beside our own findings.
//!
//! Invariant: text from a registry was cleaned when it was read.

use super::{Comparison, ReportedVulnerability, ScanReport, VexStatement};

/// All results of a registry for an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryResults {
    /// The scan report; `None` if the registry has no known scanner.
    pub report: Option<ScanReport>,
    /// How it differs from our findings; `None` if one of the two is missing.
    pub comparison: Option<Comparison>,
    /// The documents that are attached to the image.
    pub attached: Vec<Attached>,
    /// The signatures of the image itself.
    pub signatures: Vec<SignatureState>,
    /// Requests and documents that failed.
    pub problems: Vec<String>,
}

/// A document that is attached to the image, beside our own findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// `SPDX`, `CycloneDX`, `VEX`, `SARIF`.
    pub format: &'static str,
    /// The digest of its manifest.
    pub digest: String,
    /// The vulnerabilities in it.
    pub vulnerabilities: Vec<ReportedVulnerability>,
    /// How these differ from our findings.
    pub comparison: Option<Comparison>,
    /// How its packages differ from those that we found.
    pub packages: Option<PackageComparison>,
    /// Its VEX statements, and whether we list the vulnerability.
    pub statements: Vec<(VexStatement, Option<bool>)>,
    /// Whether the user trusts its statements.
    pub trusted: bool,
    /// Who signed it.
    pub signature: SignatureState,
}

/// Whether a signature counts. The texts are clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// It is by this key or identity, which the user trusts.
    Verified(String),
    /// It is not verified, for this reason.
    Unverified(String),
}

impl SignatureState {
    /// Whether it counts.
    #[must_use]
    pub fn is_verified(&self) -> bool {
        matches!(self, Self::Verified(_))
    }
}

/// How two lists of packages differ, by package URLs without qualifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageComparison {
    /// How many are on both lists.
    pub both: usize,
    /// Only on our list, sorted.
    pub only_ours: Vec<String>,
    /// Only in the document, sorted.
    pub only_theirs: Vec<String>,
}
