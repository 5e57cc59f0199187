//! Pin images to digests, everywhere they are named: manifests, Kustomize, Helm values,
//! Dockerfiles.
//!
//! A tag can be moved to different content; a digest cannot. Three steps: [`find`] finds where images
//! are named; [`Sources`] resolve digests, from local archives or registries; [`pin`] builds the new
//! texts, in memory. Invariants:
//!
//! * Nothing is guessed: an image that cannot be resolved exactly stays unchanged and is reported.
//! * The tag stays beside the digest, for the reader; the name stays as written.
//! * Only the bytes that must change are changed; `coaming-yaml` ensures that.
//! * Each name is resolved once, however often it occurs.

mod archive;
mod configured;
mod find;
mod mention;
mod plan;
mod resolve;
mod update;

pub use archive::{ArchiveError, Archives};
pub use configured::ConfiguredArchives;
pub use find::{Found, find};
pub use mention::{Mention, Unpinned};
pub use plan::{Outcome, pin};
pub use resolve::Sources;
pub use update::{Update, UpdateError, newest};
