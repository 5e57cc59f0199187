//! Why a request has no answer.

use std::error::Error as StdError;
use std::io;

use coaming_text::Printable;

/// Why a request has no answer, or no more of it. The text does not name the server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server does not accept the connection, or is silent, for longer than the time limit.
    #[error("timed out {}", if *.connecting { "while connecting" } else { "while waiting for an answer" })]
    Timeout {
        /// Whether there was no connection yet.
        connecting: bool,
        /// The cause.
        source: reqwest::Error,
    },
    /// This system has no Unix sockets.
    #[error("this system has no Unix sockets")]
    NoUnixSockets,
    /// The server sends a stream more slowly than [`crate::Pace`] allows.
    #[error("it sends less than 16 KiB per second")]
    TooSlow,
    /// The server's certificate is not trusted.
    #[error("{reason}")]
    Certificate {
        /// What is wrong with it.
        reason: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The server redirects too often, or from TLS to plain HTTP.
    #[error("{reason}")]
    Redirect {
        /// Why the redirect is not followed.
        reason: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// There is no connection, or it broke.
    #[error("{reason}")]
    Connection {
        /// The innermost cause, without the address.
        reason: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The URL has no TLS, and plain HTTP is not allowed for its host.
    #[error("plain HTTP is not allowed for {host}")]
    PlainHttp {
        /// The host.
        host: String,
    },
    /// The body is larger than its reader takes.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// What the reader takes.
        limit: u64,
    },
    /// The data to upload cannot be read.
    #[error("cannot read the data to upload: {0}")]
    Upload(#[source] io::Error),
    /// A file of certificates cannot be read.
    #[error("{path}: {source}")]
    CaFile {
        /// The file.
        path: String,
        /// The system's message.
        source: io::Error,
    },
    /// A file of CA certificates has none.
    #[error("{path}: contains no certificates in PEM format")]
    NoCertificates {
        /// The file.
        path: String,
    },
    /// The file of the client's certificate has none, or no private key.
    #[error("{path}: does not contain a certificate and its private key in PEM format")]
    NoIdentity {
        /// The file.
        path: String,
    },
    /// The client could not be set up, such as where the system's authorities cannot be read.
    #[error("cannot set up HTTP: {}", innermost(.0))]
    Setup(#[source] reqwest::Error),
    /// The system refuses what a runtime needs.
    #[error("cannot start the network runtime: {0}")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// Classifies the error of a request or of its answer's body.
    pub(crate) fn of_request(source: reqwest::Error) -> Self {
        if source.is_timeout() {
            return Self::Timeout { connecting: source.is_connect(), source };
        }
        if let Some(rustls::Error::InvalidCertificate(reason)) = tls_error(&source) {
            return Self::Certificate { reason: clean(&certificate(reason)), source };
        }
        let reason = clean(&innermost(&source));
        if source.is_redirect() {
            Self::Redirect { reason, source }
        } else if source.is_builder() {
            Self::Setup(source)
        } else {
            Self::Connection { reason, source }
        }
    }

    /// Whether the server may expect plain HTTP where TLS was tried.
    #[must_use]
    pub fn may_be_plain_http(&self) -> bool {
        matches!(self, Self::Connection { source, .. } if source.is_connect())
    }
}

/// The TLS library's error, which is deep in the chain of causes.
fn tls_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // What an I/O error carries is not its source.
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = carried.and_then(|carried| tls_error(carried)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn certificate(error: &rustls::CertificateError) -> String {
    use rustls::CertificateError as Reason;
    match error {
        Reason::UnknownIssuer => "its issuer is not a trusted authority".to_owned(),
        Reason::Expired | Reason::ExpiredContext { .. } => "it has expired".to_owned(),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        other => other.to_string(),
    }
}

/// The last of the causes: the outer ones say only that there was an error, and the address.
fn innermost(error: &dyn StdError) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Text from a server as it may be shown: printable and short.
#[must_use]
pub fn clean(text: &str) -> String {
    const MAX_CHARS: usize = 200;
    let text = text.trim();
    let end = text.char_indices().nth(MAX_CHARS).map(|(end, _)| end);
    match end.and_then(|end| text.get(..end)) {
        Some(start) => format!("{}…", Printable(start)),
        None => Printable(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_servers_is_cleaned() {
        assert_eq!(clean(" a\u{1b}[31mb\u{202e}c\r\n"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(clean(&"x".repeat(300)).chars().count(), 201);
    }
}
