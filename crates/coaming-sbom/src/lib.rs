//! SBOMs (CycloneDX, SPDX), VEX documents (OpenVEX, CycloneDX) and package URLs: read and written
//! here and nowhere else.
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

mod cyclonedx;
mod document;
mod lenient;
mod openvex;
mod package;
pub mod purl;
mod sbom;
mod spdx;
pub mod vex;

pub use cyclonedx::{AffectedComponent, ListedVulnerability};
pub use document::{Document, Format, MAX_SBOM, ReadError, is_sbom};
pub use package::{Package, PackageKind, SourcePackage};
pub use sbom::{MAX_PACKAGES, OperatingSystem, Sbom};
pub use vex::{MAX_STATEMENTS, MAX_VEX};

#[cfg(test)]
mod tests;
