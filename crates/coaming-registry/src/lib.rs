//! Talk to OCI registries: resolve tags, list them, stream and push blobs, with the user's own
//! credentials.
//!
//! The only crate that opens connections to registries; `pin`, images and the advisory database use
//! it. [`RegistryClient`] is asynchronous; [`Registry`] is the same for synchronous programs.
//! Invariants:
//!
//! * Everything a server sends is bounded in size, count and time, and its text is cleaned before
//!   it is shown. A blob is passed on only up to the promised length, and its end only if its
//!   digest is right.
//! * No credential is ever shown, and none goes to another host or over plain HTTP, except to
//!   loopback and to the hosts in the user's `plain-http` setting.
//! * An error names the host and the repository, and says what to do.
//!
//! The registry protocol is implemented here, over `coaming-http`, and not by `oci-client`, which
//! reads bodies of any size into memory and hides `Retry-After`.

mod artifact;
mod attach;
mod auth;
mod blob;
mod client;
mod credentials;
mod error;
mod lists;
mod manifest;
mod options;
mod push;
mod registry;
mod results;
mod transport;

pub use artifact::ArtifactError;
pub use attach::{REPLACES, Referrer};
pub use blob::{BlobReader, BlobStream};
pub use client::RegistryClient;
pub use error::{MalformedAnswer, RegistryError};
pub use manifest::{Image, RawManifest};
pub use options::Options;
pub use registry::Registry;
pub use results::{
    Attached, Attachment, AttachmentKind, Attachments, Comparison, OwnVulnerability,
    PackageComparison, RegistryResults, ReportedSeverity, ReportedVulnerability, ScanReport,
    ScanState, Scanner, SignatureState, VexStatement, compare,
};
