//! Verifies who signed a document or an image: envelopes of DSSE, Sigstore's bundles, and what cosign
//! attaches under `.sig` and `.att`.
//!
//! Pure: it gets bytes, and the keys, identities and roots that the user names. Invariants:
//!
//! * Nothing is downloaded, and nothing is trusted by default: without [`Trust`], no signature is
//!   verified.
//! * A signature counts for exactly the bytes that it is about, and a statement only for the digests
//!   that it names: an attestation of another image says nothing.
//! * A certificate counts if it leads to an authority of the user's trusted root, was valid when a
//!   log of that root recorded this signature, and names an identity and an issuer of the user's.
//! * Text from strangers is bounded, and cleaned by the caller before it is shown.
//!
//! Small code over `ring` and `x509-parser`, which the program has anyway. The crate `sigstore` is not
//! used: it brings a second registry client, a client of OpenID Connect and a second crypto
//! provider, and verifies only while it is online. Not supported, and reported as not verified:
//! timestamps by RFC 3161, and logs that sign only checkpoints (Rekor 2). Proofs of the
//! certificates' own log are not checked.

mod certificate;
mod key;
mod log;
mod signed;
mod trust;

pub use key::KeyError;
pub use signed::{Annotations, Signed, Unverified};
pub use trust::{Trust, TrustError};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};

/// Decodes base64 in either alphabet.
fn base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    BASE64_STANDARD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text)).ok()
}

/// The SHA-256 checksum in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    base16ct::lower::encode_string(digest.as_ref())
}
