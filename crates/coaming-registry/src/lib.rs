//! Talk to OCI registries: resolve tags, list them, stream and push blobs, with the user's own
//! credentials.
//!
//! The only crate that opens sockets to registries; `pin`, images and the advisory database use it.
