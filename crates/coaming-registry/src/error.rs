//! What can go wrong between a registry and us.

use std::borrow::Cow;
use std::time::Duration;

use coaming_http::{Error as HttpError, clean};

/// Why a registry could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry has no such repository, tag or digest. Many registries also answer this where
    /// it exists but this user may not see it.
    #[error(
        "{host} has no `{what}`: check the name and the tag; if it is private, `docker login {host}`"
    )]
    NotFound {
        /// The registry.
        host: String,
        /// Repository with tag or digest.
        what: String,
    },
    /// The registry requires credentials, or rejects those that it got.
    #[error(
        "{host} denies access to `{repository}` ({reason}): `docker login {host}` as a user with read access"
    )]
    Unauthorized {
        /// The registry.
        host: String,
        /// The repository.
        repository: String,
        /// What was tried.
        reason: String,
    },
    /// The user's credentials for the registry cannot be read.
    #[error("cannot read the credentials for {host}: {source}")]
    Credentials {
        /// The registry.
        host: String,
        /// The cause, without any part of them.
        source: CredentialsError,
    },
    /// The registry's rate limit is reached, and it asks for a longer pause than is allowed.
    #[error(
        "the rate limit of {host} is reached{}: wait, `docker login {host}` for a higher limit, or use a mirror",
        wait.map_or_else(String::new, |wait| format!(" (try again in {} s)", wait.as_secs()))
    )]
    RateLimited {
        /// The registry.
        host: String,
        /// The pause that it asks for.
        wait: Option<Duration>,
    },
    /// The registry does not answer in time, or sends too slowly.
    #[error("{host} is too slow ({source}): try again later, or use a mirror")]
    Timeout {
        /// The registry.
        host: String,
        /// The cause.
        source: HttpError,
    },
    /// There is no connection: the host is unknown, refuses it, or the connection broke.
    #[error("cannot reach {host}: {source}")]
    Connection {
        /// The registry.
        host: String,
        /// The cause.
        source: HttpError,
    },
    /// The registry's certificate is not trusted.
    #[error(
        "the certificate of {host} is not trusted ({source}): pass its CA certificate with `--ca FILE`"
    )]
    Certificate {
        /// The registry.
        host: String,
        /// The cause.
        source: HttpError,
    },
    /// The registry redirects from TLS to plain HTTP, or in circles.
    #[error("the redirect of {host} is not followed: {source}")]
    Redirect {
        /// The registry.
        host: String,
        /// The cause.
        source: HttpError,
    },
    /// The registry answers with a status that the protocol does not have for the request.
    #[error("{host} answers {status} to a request for `{what}`{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// The registry.
        host: String,
        /// The repository, or what was requested.
        what: String,
        /// The HTTP status.
        status: u16,
        /// The registry's message, cleaned and shortened.
        message: String,
    },
    /// The registry sends more than such an answer may have.
    #[error("the answer of {host} for `{what}` is larger than {limit} bytes and was not read")]
    TooLarge {
        /// The registry.
        host: String,
        /// What was requested.
        what: String,
        /// How many bytes such an answer may have.
        limit: u64,
    },
    /// The content that the registry sends does not match its digest or size.
    #[error(
        "{host} returned content for `{what}` whose digest or size does not match; it was discarded. Retry, and report it to the registry's operator if it happens again"
    )]
    Corrupt {
        /// The registry.
        host: String,
        /// Repository and digest.
        what: String,
    },
    /// The answer does not follow the protocol.
    #[error("the answer of {host} for `{what}` is not valid: {source}")]
    Malformed {
        /// The registry.
        host: String,
        /// What was requested.
        what: String,
        /// What is wrong with it.
        source: MalformedAnswer,
    },
    /// The image exists, but not for the requested platform.
    #[error("`{what}` does not exist for {platform}; it exists for {}", available.join(", "))]
    NoSuchPlatform {
        /// The image.
        what: String,
        /// The requested platform.
        platform: String,
        /// The existing platforms, without repetition.
        available: Vec<String>,
    },
    /// A mirror or registry in the settings has a malformed name.
    #[error("`{0}` is not a valid host name")]
    Host(String),
    /// Referrers of an image were requested by its tag: only a digest has referrers.
    #[error("`{0}` has no digest")]
    NoDigest(String),
    /// The address of a registry's scanner has no TLS, and is not on this machine.
    #[error("`{0}` is not an `https://` address")]
    ScannerAddress(String),
    /// The connection to registries could not be set up, such as where a file of certificates
    /// cannot be read.
    #[error(transparent)]
    Setup(#[from] HttpError),
    /// The file to upload cannot be read.
    #[error("cannot read the file to upload to {host}: {source}")]
    Source {
        /// The registry.
        host: String,
        /// The system's message.
        source: std::io::Error,
    },
}

impl RegistryError {
    /// The error of a request to a registry that got no answer.
    pub(crate) fn of_request(host: &str, source: HttpError) -> Self {
        let host = host.to_owned();
        match source {
            HttpError::Timeout { .. } | HttpError::TooSlow => Self::Timeout { host, source },
            HttpError::Certificate { .. } => Self::Certificate { host, source },
            HttpError::Redirect { .. } => Self::Redirect { host, source },
            HttpError::Upload(source) => Self::Source { host, source },
            source => Self::Connection { host, source },
        }
    }
}

/// Why the user's credentials cannot be read. Its text has no part of them.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A credential helper reports an error. Its output may contain the secret.
    #[error("the credential helper `{0}` failed: run it by hand to see why")]
    Helper(String),
    /// The credential helper of the configuration cannot be started.
    #[error("cannot run the credential helper of Docker's config.json: is it on PATH?")]
    NoHelper,
    /// The credential helper answers with something else than credentials.
    #[error("the credential helper's answer is not valid")]
    HelperAnswer,
    /// The entry of the configuration is not what `docker login` writes.
    #[error("the entry in Docker's config.json is damaged: `docker login {0}` again")]
    Damaged(String),
    /// The configuration cannot be read.
    #[error("cannot read Docker's config.json")]
    Config,
}

/// What is wrong with an answer that was received whole.
#[derive(Debug, thiserror::Error)]
pub enum MalformedAnswer {
    /// It is not JSON, or JSON of another shape.
    #[error("{}", clean(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// It breaks a rule of the protocol.
    #[error("{0}")]
    Protocol(Cow<'static, str>),
}

impl From<&'static str> for MalformedAnswer {
    fn from(reason: &'static str) -> Self {
        Self::Protocol(reason.into())
    }
}

impl From<String> for MalformedAnswer {
    fn from(reason: String) -> Self {
        Self::Protocol(reason.into())
    }
}
