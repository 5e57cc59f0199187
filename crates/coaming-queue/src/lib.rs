//! Shares the images of a registry among workers, by a table in PostgreSQL.
//!
//! Invariants:
//!
//! * A worker takes an image for a limited time, its lease, and renews it while it reads the image. When the
//!   worker ends without a result, the lease does too, and another worker takes the image.
//! * Each image has at most one result: who lost the lease cannot store one.
//! * A password comes from the environment or a file, never from the URL, and is in no message.
//! * Without TLS only where [`coaming_http::Options`] allow plain HTTP: loopback, a Unix socket, hosts that the
//!   user names. Certificates are always verified.
//! * No statement is made of texts from outside: they are parameters.

mod password;
mod queue;
mod tls;
mod url;

pub use queue::{End, Item, Leases, MAX_ATTEMPTS, Queue, Task};
pub use url::{QueueUrl, UrlError};

/// Why the queue cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The URL is not one of PostgreSQL, or asks for what is not supported.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The runtime for connections cannot be started.
    #[error(transparent)]
    Runtime(#[from] coaming_http::Error),
    /// A file of passwords or certificates cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The TLS library refuses its settings.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The server cannot be reached, or does not do what it is asked for.
    #[error("PostgreSQL: {0}")]
    Server(String),
    /// The server does not answer.
    #[error("PostgreSQL did not answer within {0} s")]
    Silent(u64),
}

impl From<tokio_postgres::Error> for QueueError {
    fn from(error: tokio_postgres::Error) -> Self {
        // The error itself says only that there is one.
        let mut text = match error.as_db_error() {
            Some(answer) => answer.message().to_owned(),
            None => error.to_string(),
        };
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source.filter(|_| error.as_db_error().is_none()) {
            let more = cause.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            source = cause.source();
        }
        Self::Server(coaming_http::clean(&text))
    }
}
