//! SBOMs of images: facts are written as SBOMs, and an SBOM is read as facts.
//!
//! An SBOM does not list users, utilities or credentials: those facts stay empty, and
//! [`ImageFacts::bill`] tells why.

use std::borrow::Cow;

use coaming_sbom::{Document, OperatingSystem, ReadError, Sbom};

use crate::{Distribution, ImageFacts};

pub use coaming_sbom::is_sbom;

/// Writes CycloneDX 1.6; `name` is the name under which the image was requested.
#[must_use]
pub fn cyclonedx(facts: &ImageFacts, name: &str) -> serde_json::Value {
    sbom(facts, name).to_cyclonedx()
}

/// Writes SPDX 2.3; `name` is the name under which the image was requested.
#[must_use]
pub fn spdx(facts: &ImageFacts, name: &str) -> serde_json::Value {
    sbom(facts, name).to_spdx()
}

/// Reads an SBOM of either format.
///
/// # Errors
///
/// If it is not an SBOM, or exceeds a limit.
pub fn read(json: &[u8]) -> Result<ImageFacts, ReadError> {
    Ok(facts(match Document::read(json) {
        Ok(document) => document.into_sbom()?,
        Err(ReadError::UnknownFormat) => return Err(ReadError::NotAnSbom),
        Err(error) => return Err(error),
    }))
}

/// The facts that an SBOM gives.
#[must_use]
pub fn facts(sbom: Sbom<'_>) -> ImageFacts {
    let distribution = |OperatingSystem { id, version, name }| Distribution {
        id,
        version,
        name,
        ..Distribution::default()
    };
    ImageFacts {
        sbom: true,
        digest: sbom.digest.into_owned(),
        distribution: sbom.operating_system.map(distribution),
        packages: sbom.packages.into_owned(),
        ..ImageFacts::default()
    }
}

fn sbom<'a>(facts: &'a ImageFacts, name: &'a str) -> Sbom<'a> {
    let system = facts.distribution.as_ref().map(|distribution| OperatingSystem {
        id: distribution.id.clone(),
        version: distribution.version.clone(),
        name: distribution.name.clone(),
    });
    Sbom {
        name: Cow::Borrowed(name),
        digest: Cow::Borrowed(&facts.digest),
        operating_system: system,
        packages: Cow::Borrowed(&facts.packages),
    }
}

#[cfg(test)]
mod tests;
