//! Pin images to digests, everywhere they are named: manifests, Kustomize, Helm values,
//! Dockerfiles.
//!
//! A tag can be moved to other contents; a digest can't. Three steps: [`find`] finds where images
//! are named; [`Sources`] know the digests, from local archives or registries; [`pin`] makes the
//! new texts, in memory. Invariants:
//!
//! * Nothing is guessed: what is not known exactly is left as it is, and said to be.
//! * The tag stays beside the digest, for the reader; the name stays as it was written.
//! * Only the bytes that must change are changed; what that means is `coaming-yaml`'s job.
//! * Each name is asked for once, however often it occurs.

mod archive;
mod find;
mod mention;
mod plan;
mod resolve;
mod update;

pub use archive::{ArchiveError, Archives};
pub use find::{Found, find};
pub use mention::{Mention, Unpinned};
pub use plan::{Outcome, pin};
pub use resolve::Sources;
pub use update::{Update, newest};
