//! References, digests, platforms, manifests and indexes of container images, once for everything
//! that reads archives, registries and manifests.
//!
//! Invariants:
//!
//! * Manifests come from strangers: their size, their number of layers and their number of entries
//!   are bounded, and a document that reads as two things is refused.
//! * A [`Digest`] has a known algorithm and the right length. Its text is safe in a path and a URL.
//! * A [`Reference`] is normalized: two references to one image are equal and print the same text.
//! * What an error quotes from a document is short and has no control characters.
//!
//! The crate `oci-spec` has most of these types. It is not used because it bounds neither counts nor
//! sizes, requires fields that images in the wild leave out (`size`, `mediaType`), and its parser of
//! references does not say which part of a reference is wrong, which a rule of ours reports.

mod bounded;
mod digest;
mod manifest;
mod platform;
mod quote;
mod reference;

pub use digest::{Algorithm, Digest, DigestError, Digester};
pub use manifest::{
    AnyManifest, Descriptor, Index, MAX_DOCUMENT_BYTES, MAX_LAYERS, MAX_MANIFESTS, Manifest,
    ManifestError, NoSuchPlatform, media_type,
};
pub use platform::{Platform, PlatformError};
pub use quote::quote;
pub use reference::{Reference, ReferenceError};
