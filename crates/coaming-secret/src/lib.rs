//! Detect credentials in text and in the places where Kubernetes keeps them.
//!
//! One [`Detector`] scans any text: `detector().scan(text, Origin::Text)`. It knows the tokens of
//! providers by their published formats , private keys, URLs with a password, and
//! credentials by the name of what they are assigned to. Invariants:
//!
//! * A [`Detection`] says what and where, and never the value: it holds none, so none can be shown.
//! * Detections are in the order of the text and don't overlap; the same input gives the same ones.
//! * Placeholders, templates, references, digests, identifiers, certificates and public keys are no
//!   secrets.
//! * Any bytes are taken. Time is linear in the text: what is looked at around a hit is bounded.

mod assign;
mod candidate;
mod check;
mod cookie;
mod decode;
mod detection;
mod detector;
pub mod etcd;
mod fingerprint;
pub mod gitleaks;
mod header;
mod judge;
mod kinds;
mod line;
mod lines;
mod literals;
mod measure;
mod names;
mod noise;
mod pem;
pub mod places;
mod tokens;
mod url;

pub use coaming_finding::Confidence;
pub use detection::{Detection, Origin};
pub use detector::{Detector, detector};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use line::may_hold_secret;
pub use names::is_secret_name;
