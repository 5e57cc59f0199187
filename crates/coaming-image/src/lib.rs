//! Read container images in one streaming pass into [`ImageFacts`]: configuration, packages,
//! utilities, setuid files, credentials.
//!
//! The bytes of one layer take this way:
//!
//! ```text
//! blob::Blob                 as stored: a part of a file, or the answer of a registry
//!  → zstd_frames, gzip       decompressed; window, size and ratio are bounded
//!  → input::Input            read front to back; skipping is cheap, small files are lent in place
//!  → archive::Walk           the entries of the tar archive
//!  → deferred::FileBuffer    one wanted file, in memory or on disk (see memory_budget)
//!  → content::Content        that file, to read and seek in, for analysers and detectors
//!  → layer::LayerReading     what matters in the layer, and the hashes of all its paths
//!  → overlay::Overlay        all layers on top of each other
//!  → reader                  joined into facts::ImageFacts
//! ```
//!
//! This crate knows no advisories and makes no judgement. Invariants:
//!
//! * An image is hostile: every reader is bounded in size, count and depth, never writes outside
//!   its target, and reports what it refused as a [`Problem`] next to what could be read.
//! * Facts hold no secret: a credential is a kind and a location, never a value.
//! * Facts depend on the image alone, and their order is always the same.

mod analyse;
mod archive;
mod blob;
mod cache;
mod capability;
mod checksum;
mod closure;
mod config;
mod content;
mod credential;
mod decode;
mod deferred;
mod entries;
mod facts;
mod input;
mod layer;
mod memory_budget;
mod overlay;
mod package_ownership;
mod packages;
mod platform;
mod reader;
mod resolve;
pub mod sbom;
mod shown;
mod source;
mod sparse;
mod system;
mod tree;
mod utilities;
mod zstd_frames;

pub use archive::{ArchiveError, Entry, EntryKind};
pub use blob::BlobSource;
pub use cache::Cache;
pub use closure::{
    Because, Closure, EntryPoint, Limit, OwnedPackage, Owners, PackageId, Reason, RequestedFile,
    closure,
};
pub use coaming_sbom::{Package, PackageKind, SourcePackage};
pub use entries::VisitError;
pub use facts::{
    Credential, Distribution, FileLocation, ImageConfig, ImageFacts, Layer, PrivilegedFile,
    Problem, User, Utility, UtilityKind, Verdict,
};
pub use packages::{
    Ecosystem, FilePackages, ReducedRpm, ecosystems, packages_of_file, reduced_rpm,
};
pub use resolve::Resolved;
pub use source::{Image, ImageError, Layout};
pub use tree::{Elf, Node, Script, Source, Tree};
