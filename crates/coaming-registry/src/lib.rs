//! Talk to OCI registries: resolve tags, list them, stream and push blobs, with the user's own
//! credentials.
//!
//! The only crate that opens sockets to registries; `pin`, images and the advisory database use it.
//! [`Registry`] is synchronous: tokio stays inside. Invariants:
//!
//! * Everything a server sends is bounded in size, count and time, and what it says is cleaned
//!   before it is shown. A blob is given out only as far as it is as long as was promised, and its
//!   end only if its digest is right.
//! * No credential is ever shown, and none goes to another host or over plain HTTP, except to
//!   loopback and to hosts for which [`Options::plain_http`] asks.
//! * An error says which host, which repository, and what to do.
//!
//! The protocol is spoken here, over `reqwest`, and not by `oci-client`: that reads whole bodies
//! whatever their size, and hides `Retry-After`.

mod artifact;
mod auth;
mod blob;
mod client;
mod credentials;
mod error;
mod failure;
mod manifest;
mod options;
mod push;
mod results;
mod transport;

pub use artifact::ArtifactError;
pub use blob::BlobReader;
pub use client::Registry;
pub use error::RegistryError;
pub use manifest::{Image, RawManifest};
pub use options::Options;
pub use results::{
    Attached, Attachment, AttachmentKind, Comparison, OwnVulnerability, PackageComparison,
    RegistryResults, ReportedSeverity, ReportedVulnerability, ScanReport, ScanState, Scanner,
    VexStatement, compare,
};
