//! SBOMs of images: facts are written as SBOMs, and an SBOM is read as facts.
//!
//! An SBOM does not list users, utilities or credentials: those facts stay empty, and
//! [`ImageFacts::sbom`] says so.

use std::borrow::Cow;
use std::collections::BTreeMap;

use coaming_sbom::{Document, OperatingSystem, ReadError, Sbom};
use coaming_secret::gate::{is_shown_version, masked};

use crate::{Distribution, FileLocation, ImageFacts, Problem, shown};

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

/// Reads an SBOM of any format.
///
/// # Errors
///
/// If it is not an SBOM, or exceeds a limit.
pub fn read(json: &[u8]) -> Result<ImageFacts, ReadError> {
    of_document(Document::read(json))
}

/// Reads an SBOM from a stream: a large one takes less memory than as a whole.
///
/// # Errors
///
/// If it is not an SBOM, exceeds a limit, or the stream fails.
pub fn read_stream(stream: impl std::io::Read) -> Result<ImageFacts, ReadError> {
    of_document(Document::read_stream(stream))
}

fn of_document(document: Result<Document, ReadError>) -> Result<ImageFacts, ReadError> {
    Ok(facts(match document {
        Ok(document) => document.into_sbom()?,
        Err(ReadError::UnknownFormat) => return Err(ReadError::NotAnSbom),
        Err(error) => return Err(error),
    }))
}

/// The facts that an SBOM gives.
#[must_use]
pub fn facts(sbom: Sbom<'_>) -> ImageFacts {
    let distribution = |OperatingSystem { id, version, name }| Distribution {
        id: masked(&id).into_owned(),
        version: if is_shown_version(&version) { version } else { String::new() },
        name: masked(&name).into_owned(),
        ..Distribution::default()
    };
    let mut packages = sbom.packages.into_owned();
    shown::mask(&mut packages);
    let problems =
        left_out(&sbom.left_out).map(|message| Problem { place: FileLocation::default(), message });
    ImageFacts {
        sbom: true,
        problems: problems.into_iter().collect(),
        digest: masked(&sbom.digest).into_owned(),
        distribution: sbom.operating_system.map(distribution),
        packages,
        ..ImageFacts::default()
    }
}

/// `3 components of the SBOM are left out: …`; `None` if none are.
fn left_out(types: &BTreeMap<String, usize>) -> Option<String> {
    let count: usize = types.values().sum();
    let listed: Vec<String> =
        types.iter().map(|(kind, count)| format!("{count} × {}", masked(kind))).collect();
    let are = if count == 1 { "component of the SBOM is" } else { "components of the SBOM are" };
    (count > 0).then(|| {
        format!(
            "{count} {are} left out, because nothing can be said about such a type ({}).",
            listed.join(", ")
        )
    })
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
        left_out: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests;
