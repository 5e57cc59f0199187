//! Read container images in one streaming pass into [`ImageFacts`]: configuration, packages,
//! utilities, setuid files, credentials.
//!
//! This crate knows no advisories and judges nothing. Invariants:
//!
//! * An image is hostile: every reader is bounded in size, count and depth, never writes outside
//!   its target, and what was refused is a [`Problem`] beside what could be read.
//! * Facts hold no secret: a credential is a kind and a place, never a value.
//! * Facts depend on the image alone, and come in one order.

#![allow(dead_code, reason = "the seam lands before the walk that uses it")]

mod analyse;
mod content;
mod facts;
mod package;
mod packages;

pub use facts::{
    Credential, Distribution, FilePlace, ImageConfig, ImageFacts, Layer, PrivilegedFile, Problem,
    User, Utility, UtilityKind, Verdict,
};
pub use package::{Package, PackageKind, SourcePackage};
