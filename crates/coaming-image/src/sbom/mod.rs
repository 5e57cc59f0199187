//! Bills of materials: what an image consists of, for other tools, and what other tools say.
//!
//! Written are CycloneDX 1.6 and SPDX 2.3, as JSON, by their schemas; read are both, of any version
//! whose packages have package URLs. Invariant: the same facts are the same bytes, so that no time
//! and no random number is in them.

mod cyclonedx;
mod read;
mod spdx;

pub use read::{SbomError, is_sbom, read};

use sha2::{Digest as _, Sha256};

use crate::{ImageFacts, Package};

/// Writes CycloneDX 1.6; `name` is what the image was called.
#[must_use]
pub fn cyclonedx(facts: &ImageFacts, name: &str) -> serde_json::Value {
    cyclonedx::write(facts, name)
}

/// Writes SPDX 2.3; `name` is what the image was called.
#[must_use]
pub fn spdx(facts: &ImageFacts, name: &str) -> serde_json::Value {
    spdx::write(facts, name)
}

/// A number that depends on the image and its packages alone, as 32 hexadecimal digits.
fn identity(facts: &ImageFacts, name: &str) -> String {
    let mut hash = Sha256::new();
    for text in [&facts.digest, name] {
        hash.update(text);
        hash.update([0]);
    }
    for package in &facts.packages {
        hash.update(reference(package));
        hash.update([0]);
    }
    let mut digits = format!("{:x}", hash.finalize());
    digits.truncate(32);
    digits
}

/// What tells a package from all others in a bill: the same package may lie in several places.
fn reference(package: &Package) -> String {
    let hash = format!("{:x}", Sha256::digest(format!("{} {}", package.purl, package.path)));
    format!("{:?}-{}", package.kind, hash.get(..16).unwrap_or_default()).to_lowercase()
}

#[cfg(test)]
mod tests;
