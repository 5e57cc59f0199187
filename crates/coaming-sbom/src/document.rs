//! A document of any supported format: recognized and parsed once, then asked for what it holds.

use serde::Deserialize;

use crate::lenient::{self, Lenient};
use crate::{Sbom, cyclonedx, openvex, spdx, vex};

/// The largest document that is read, in bytes.
pub const MAX_SBOM: usize = 512 << 20;

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It has more bytes than any genuine document of its kind.
    #[error("is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It has more packages or statements than any genuine document.
    #[error("has more than {limit} {what}")]
    TooMany {
        /// What there are too many of: `packages`, `statements`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// It is not JSON, or a field has the wrong type.
    #[error("is not a well-formed document in JSON: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It was read as an SBOM, and is JSON of another kind.
    #[error("is not an SBOM: expected CycloneDX (`bomFormat`) or SPDX 2 (`spdxVersion`)")]
    NotAnSbom,
    /// It was read as VEX, and is JSON of another kind.
    #[error(
        "is not a VEX document: expected OpenVEX (`@context` and `statements`) or CycloneDX \
         (`bomFormat`)"
    )]
    NotVex,
    /// It is JSON of none of the supported formats.
    #[error(
        "has an unknown format: expected CycloneDX (`bomFormat`), SPDX 2 (`spdxVersion`) or \
         OpenVEX (`statements`)"
    )]
    UnknownFormat,
}

/// The supported formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CycloneDX: packages, vulnerabilities, VEX statements.
    CycloneDx,
    /// SPDX 2: packages.
    Spdx,
    /// OpenVEX: statements.
    OpenVex,
}

/// A parsed document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(Content);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    CycloneDx(Box<cyclonedx::Document>),
    Spdx(Vec<spdx::Package>),
    OpenVex(openvex::Document),
}

/// The fields of all formats. One pass reads them; a second one, only to recognize the format,
/// would cost as much as the first on a large document.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    bom_format: Option<String>,
    spdx_version: Option<String>,
    #[serde(default)]
    metadata: Option<cyclonedx::Metadata>,
    #[serde(default)]
    components: Vec<cyclonedx::Component>,
    #[serde(default)]
    vulnerabilities: Option<Vec<Lenient<cyclonedx::Vulnerability>>>,
    #[serde(default)]
    packages: Vec<spdx::Package>,
    statements: Option<Vec<Lenient<openvex::Statement>>>,
    #[serde(default, deserialize_with = "lenient::text")]
    author: String,
}

impl Document {
    /// Reads a document.
    ///
    /// # Errors
    ///
    /// If it is larger than [`MAX_SBOM`], is not JSON, or has none of the supported formats.
    pub fn read(json: &[u8]) -> Result<Self, ReadError> {
        if json.len() > MAX_SBOM {
            return Err(ReadError::TooLarge { limit: MAX_SBOM });
        }
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let root: Root = serde_json::from_slice(json)?;
        if root.bom_format.as_deref() == Some("CycloneDX") {
            return Ok(Self(Content::CycloneDx(Box::new(cyclonedx::Document {
                metadata: root.metadata.unwrap_or_default(),
                components: root.components,
                vulnerabilities: root.vulnerabilities.unwrap_or_default(),
            }))));
        }
        if root.spdx_version.is_some_and(|version| version.starts_with("SPDX-2")) {
            return Ok(Self(Content::Spdx(root.packages)));
        }
        let statements = root.statements.ok_or(ReadError::UnknownFormat)?;
        Ok(Self(Content::OpenVex(openvex::Document { author: root.author, statements })))
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.0 {
            Content::CycloneDx(_) => Format::CycloneDx,
            Content::Spdx(_) => Format::Spdx,
            Content::OpenVex(_) => Format::OpenVex,
        }
    }

    /// The packages that it lists.
    ///
    /// # Errors
    ///
    /// If it is an OpenVEX document, which lists none, or lists more than
    /// [`MAX_PACKAGES`](crate::MAX_PACKAGES).
    pub fn into_sbom(self) -> Result<Sbom<'static>, ReadError> {
        match self.0 {
            Content::CycloneDx(document) => document.into_sbom(),
            Content::Spdx(packages) => spdx::into_sbom(packages),
            Content::OpenVex(_) => Err(ReadError::NotAnSbom),
        }
    }

    /// Its statements on vulnerabilities: of a CycloneDX document, those of its vulnerabilities
    /// that have an analysis.
    ///
    /// # Errors
    ///
    /// If it is an SPDX document, which has none, or has more than
    /// [`MAX_STATEMENTS`](crate::MAX_STATEMENTS).
    pub fn to_vex(&self) -> Result<vex::Document, ReadError> {
        match &self.0 {
            Content::CycloneDx(document) => document.to_vex(),
            Content::OpenVex(document) => document.to_vex(),
            Content::Spdx(_) => Err(ReadError::NotVex),
        }
    }

    /// The vulnerabilities that a CycloneDX document lists and does not itself dismiss as not
    /// affected or fixed; none of other documents.
    #[must_use]
    pub fn listed_vulnerabilities(&self) -> Vec<cyclonedx::ListedVulnerability<'_>> {
        match &self.0 {
            Content::CycloneDx(document) => document.listed_vulnerabilities(),
            Content::Spdx(_) | Content::OpenVex(_) => Vec::new(),
        }
    }
}

/// Whether a file that starts like this is an SBOM.
#[must_use]
pub fn is_sbom(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start);
    text.trim_start_matches('\u{feff}').trim_start().starts_with('{')
        && (text.contains("\"bomFormat\"") || text.contains("\"spdxVersion\""))
}
