//! SBOMs (CycloneDX, SPDX, syft's JSON), VEX documents (OpenVEX, CycloneDX, CSAF) and package URLs:
//! read and written here and nowhere else. Documents may be in the envelope of an attestation.
//!
//! This crate knows formats only: no images, no advisories, no files, no network. Invariants:
//!
//! * Documents are hostile. They are bounded in bytes ([`MAX_SBOM`], [`MAX_VEX`]) and in entries
//!   ([`MAX_PACKAGES`], [`MAX_STATEMENTS`]); the JSON parser refuses more than 128 levels. A
//!   document that exceeds a limit is an error, never a shorter answer.
//! * A document of the wrong shape is an error. A single VEX statement that cannot be understood is
//!   counted and has no effect.
//! * Written documents conform to their schemas and depend on their input alone: the same packages
//!   give the same bytes, without a random number or the current time.

mod csaf;
mod cyclonedx;
mod document;
mod envelope;
mod lenient;
mod openvex;
mod package;
pub mod purl;
pub mod release;
mod sbom;
mod snapshot;
mod spdx;
mod spdx3;
mod spdx_text;
mod syft;
mod utf16;
pub mod vex;

pub use cyclonedx::{AffectedComponent, ListedVulnerability};
pub use document::{Document, Format, MAX_SBOM, ReadError, is_sbom};
pub use package::{Package, PackageKind, SourcePackage};
pub use sbom::{MAX_PACKAGES, OperatingSystem, Sbom};
pub use vex::{MAX_STATEMENTS, MAX_VEX};

#[cfg(test)]
mod tests;
