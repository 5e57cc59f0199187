//! Ask providers whether credentials that were found are valid, and what they may do.
//!
//! Invariants:
//!
//! * Nothing is sent but to the provider whose kind the credential is, over TLS, or to the server
//!   that the user named for it. A redirect takes no credential to another host.
//! * One request for each distinct credential, the provider's own question "who am I": it changes
//!   nothing. A provider is asked at most [`REQUESTS_PER_SECOND`] times a second.
//! * A credential is dead only if the provider says that it is not valid. Whatever else goes wrong,
//!   a busy or unreachable server included, leaves it unknown, with the reason.
//! * No value is part of an error, a `Debug` text or an answer: an answer that repeats the credential
//!   is cut off.

mod answer;
mod aws;
mod providers;
mod verifier;

pub use answer::{Answer, Status};
pub use providers::{AWS_KEY, PROVIDERS, Provider, aws_kind, kinds, provider};
pub use verifier::{REQUESTS_PER_SECOND, ServerError, Verifier};
