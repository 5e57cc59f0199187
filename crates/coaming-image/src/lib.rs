//! Read container images in one streaming pass into [`ImageFacts`]: configuration, packages,
//! utilities, setuid files, credentials.
//!
//! This crate knows no advisories and judges nothing. Invariants:
//!
//! * An image is hostile: every reader is bounded in size, count and depth, never writes outside
//!   its target, and what was refused is a [`Problem`] beside what could be read.
//! * Facts hold no secret: a credential is a kind and a place, never a value.
//! * Facts depend on the image alone, and come in one order.

mod analyse;
mod archive;
mod blob;
mod brought;
mod cache;
mod capability;
mod closure;
mod config;
mod content;
mod credential;
mod facts;
mod frames;
mod input;
mod layer;
mod memory;
mod overlay;
mod package;
mod packages;
mod read;
mod resolve;
pub mod sbom;
mod source;
mod sum;
mod system;
mod text;
mod tree;
mod utilities;
mod visit;
mod waiting;

pub use archive::{ArchiveError, Entry, EntryKind};
pub use blob::BlobSource;
pub use cache::Cache;
pub use closure::{
    Asked, Because, Closure, EntryPoint, Limit, OwnedPackage, Owners, PackagePlace, Reason, closure,
};
pub use facts::{
    Credential, Distribution, FilePlace, ImageConfig, ImageFacts, Layer, PrivilegedFile, Problem,
    User, Utility, UtilityKind, Verdict,
};
pub use package::{Package, PackageKind, SourcePackage};
pub use packages::{FilePackages, ReducedRpm, packages_of_file, reduced_rpm};
pub use resolve::Resolved;
pub use source::{Image, ImageError, Layout};
pub use tree::{Elf, Node, Script, Source, Tree};
pub use visit::VisitError;
