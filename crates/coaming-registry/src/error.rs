//! What can go wrong between a registry and us.

use std::time::Duration;

/// Why a registry could not be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry has no such repository, tag or digest. Many registries say so too where it is
    /// there but not for this user.
    #[error(
        "{host} has no `{what}`: check the name and the tag; if it is private, `docker login {host}`"
    )]
    NotFound {
        /// The registry.
        host: String,
        /// Repository with tag or digest.
        what: String,
    },
    /// The registry wants credentials, or others than it got.
    #[error(
        "{host} refuses access to `{repository}` ({reason}): `docker login {host}` with a user who may read it"
    )]
    Unauthorized {
        /// The registry.
        host: String,
        /// The repository.
        repository: String,
        /// What was tried.
        reason: String,
    },
    /// The user's credentials for the registry can't be read.
    #[error("the credentials for {host} can't be had: {reason}")]
    Credentials {
        /// The registry.
        host: String,
        /// Why, without any part of them.
        reason: String,
    },
    /// The registry's rate limit is reached, and it asks for more patience than we may have.
    #[error(
        "{host} has a rate limit and it is reached{}: wait, `docker login {host}` for a higher one, or use a mirror",
        wait.map_or_else(String::new, |wait| format!(" (try again in {} s)", wait.as_secs()))
    )]
    RateLimited {
        /// The registry.
        host: String,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// The registry does not answer in time.
    #[error("{host} does not answer in time ({what}): try again later, or use a mirror")]
    Timeout {
        /// The registry.
        host: String,
        /// What was waited for.
        what: &'static str,
    },
    /// There is no connection: no such host, nobody listens, the connection broke.
    #[error("{host} can't be reached: {reason}")]
    Connection {
        /// The registry.
        host: String,
        /// What the system says.
        reason: String,
    },
    /// The registry's certificate is not trusted.
    #[error(
        "the certificate of {host} is not trusted ({reason}): give its authority's certificate by `--ca FILE`"
    )]
    Certificate {
        /// The registry.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The registry refers to where no request may go: from TLS to plain HTTP, or in circles.
    #[error("{host} redirects where no request may go: {reason}")]
    Redirect {
        /// The registry.
        host: String,
        /// Where, and why not.
        reason: String,
    },
    /// Any other answer than the protocol has for the request.
    #[error("{host} answers {status} to a request for `{what}`{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// The registry.
        host: String,
        /// The repository, or what was asked for.
        what: String,
        /// The HTTP status.
        status: u16,
        /// What the registry says, cleaned and shortened.
        message: String,
    },
    /// The registry sends more than such an answer may have.
    #[error("{host} sends more than {limit} bytes for `{what}`, which is not read")]
    TooLarge {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// How many bytes such an answer may have.
        limit: u64,
    },
    /// What the registry sends is not what the digest names.
    #[error(
        "{host} sends for `{what}` what has another digest or length: nothing of it is used; try again, and tell the registry's owner"
    )]
    Corrupt {
        /// The registry.
        host: String,
        /// Repository and digest.
        what: String,
    },
    /// The answer can't be understood.
    #[error("{host} sends for `{what}` what can't be understood: {reason}")]
    Malformed {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An image is there, but not for the wanted platform.
    #[error("`{what}` is not there for {platform}; it is for {}", available.join(", "))]
    NoSuchPlatform {
        /// The image.
        what: String,
        /// What was asked for.
        platform: String,
        /// What there is, without repetition.
        available: Vec<String>,
    },
    /// A setting can't be used, such as a file of certificates.
    #[error("{0}")]
    Setting(String),
    /// What shall be sent can't be read.
    #[error("what shall be sent to {host} can't be read: {source}")]
    Source {
        /// The registry.
        host: String,
        /// The operating system's word.
        source: std::io::Error,
    },
}

/// A server's words as they may be shown: one line, no control characters, not too long.
pub(crate) fn clean(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let mut out: String =
        text.chars().take(MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}
