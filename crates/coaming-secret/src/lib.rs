//! Detects credentials in text, and in manifests and other structured files.
//!
//! One [`Detector`] scans any text: `detector().scan(text, TextKind::Fragment)`. It recognizes the
//! tokens of providers by their published formats, private keys, passwords in URLs, and credentials
//! by the name that they are assigned to. Module [`structured`] applies it to manifests, other
//! structured files and command lines. Invariants:
//!
//! * A [`Detection`] says what was found and where; it does not contain the value, so the value
//!   cannot be shown.
//! * Detections are in the order of the text and do not overlap; the same input gives the same
//!   ones.
//! * Placeholders, templates, references, digests, identifiers, certificates and public keys are
//!   not secrets.
//! * Any bytes are accepted. Time is linear in the text: what is read around a hit is bounded.

mod assignment;
mod calls;
mod candidate;
mod check;
mod classify;
mod code;
mod cookie;
mod declaration;
mod decode;
mod detection;
mod detector;
mod fingerprint;
mod frameworks;
pub mod gate;
pub mod gitleaks;
mod http_auth;
mod joined;
mod kinds;
mod literals;
mod names;
mod noise;
mod not_assigned;
mod own_format;
mod page_fields;
mod passphrase;
mod password_files;
mod pem;
mod phrases;
mod randomness;

pub mod structured;
mod template;
mod tokens;
mod url;

pub use coaming_finding::Confidence;
pub use detection::{Detection, TextKind};
pub use detector::{Detector, detector};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use names::is_secret_name;
pub use own_format::{aws_key, credential_value, has_own_format};
