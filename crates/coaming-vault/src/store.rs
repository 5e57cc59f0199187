//! Where secrets are kept: what every store can do, and how it fails.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::Fields;

/// A secret as a store has it now.
#[derive(Debug)]
pub struct Secret {
    /// Its fields.
    pub fields: Fields,
    /// Its version, where the store counts them.
    pub version: Option<u64>,
    /// How long it is valid, where it was made for this reader.
    pub lease: Option<Lease>,
}

/// What is said about a secret that is made for its reader, by name: `common_name: web.shop`.
pub type Parameters = BTreeMap<String, String>;

/// The time for which a secret was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The store's name for it. `None` for what ends by itself, as certificates do: it does not depend on
    /// the session in which it was made, and cannot be renewed.
    pub id: Option<String>,
    /// How long it is valid, from now.
    pub duration: Duration,
    /// Whether it can be renewed.
    pub renewable: bool,
}

/// A store of secrets. Calls block, for a bounded time.
pub trait Store: Send {
    /// Reads a secret. A path names it as the store does (`secret/shop/database`).
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    fn read(&mut self, path: &str) -> Result<Secret, StoreError>;

    /// Has a new secret made, such as a certificate, by what is said about it.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; [`StoreError::Unsupported`] if the store only keeps secrets.
    fn make(&mut self, _path: &str, _parameters: &Parameters) -> Result<Secret, StoreError> {
        Err(StoreError::Unsupported("make secrets: remove `parameters`"))
    }

    /// The version that [`Store::read`] would return; `None` if that takes reading it.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. A store that does not allow this question answers `None`.
    fn version(&mut self, path: &str) -> Result<Option<u64>, StoreError>;

    /// Writes a secret: all of its fields are replaced.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    fn write(&mut self, path: &str, fields: &Fields) -> Result<(), StoreError>;

    /// Makes a lease longer, and returns it as it is now.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    fn renew(&mut self, lease: &Lease) -> Result<Lease, StoreError>;

    /// Does what the session needs at this time (login, renewal), and returns when it needs it next.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]. The session is then what it was before.
    fn keep_alive(&mut self, now: Instant) -> Result<Option<Instant>, StoreError>;

    /// The number of logins so far. Leases end with the session in which they were made.
    fn session(&self) -> u64;

    /// Ends the session, and revokes what it holds.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    fn close(&mut self) -> Result<(), StoreError>;
}

/// Why a store did not do what it was asked to. No text contains a value of a secret.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no answer in time, or the server says that it cannot answer now.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// The server runs, but its storage is locked.
    #[error("the store is sealed")]
    Sealed,
    /// The login is not accepted.
    #[error("the store does not accept the login: {0}")]
    Login(String),
    /// The account may not do this.
    #[error("the store does not allow this account to read or change `{0}`")]
    Denied(String),
    /// There is nothing at this path, or its latest version is deleted.
    #[error("the store has nothing at `{0}`")]
    NotFound(String),
    /// The server does not accept the request.
    #[error("the store does not accept the request: {0}")]
    Rejected(String),
    /// The answer is too large, or not what the store's interface says.
    #[error("the store's answer cannot be used: {0}")]
    Answer(String),
    /// A setting cannot be used, such as an address that is not a URL.
    #[error("{0}")]
    Setting(String),
    /// A file of this machine cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// The system's message.
        reason: String,
    },
    /// The store has no such operation.
    #[error("this store cannot {0}")]
    Unsupported(&'static str),
}

impl StoreError {
    /// Whether the same call may succeed later without any change of settings or rights.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Sealed)
    }

    /// A short name for metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Sealed => "sealed",
            Self::Login(_) => "login",
            Self::Denied(_) => "denied",
            Self::NotFound(_) => "not_found",
            Self::Rejected(_) => "rejected",
            Self::Answer(_) => "answer",
            Self::Setting(_) | Self::File { .. } | Self::Unsupported(_) => "setting",
        }
    }

    pub(crate) fn file(path: &std::path::Path, reason: &dyn std::fmt::Display) -> Self {
        Self::File { path: path.display().to_string(), reason: reason.to_string() }
    }
}
