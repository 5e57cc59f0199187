//! From what `reqwest` says to what a user can use.

use std::error::Error;

use crate::error::{RegistryError, clean};

/// The error of a request that got no answer.
pub(crate) fn of_request(host: &str, error: &reqwest::Error) -> RegistryError {
    let host = host.to_owned();
    if error.is_timeout() {
        let what = if error.is_connect() { "connecting" } else { "a request" };
        return RegistryError::Timeout { host, what };
    }
    if let Some(rustls::Error::InvalidCertificate(reason)) = tls_error(error) {
        return RegistryError::Certificate { host, reason: clean(&certificate(reason)) };
    }
    if error.is_redirect() {
        return RegistryError::Redirect { host, reason: clean(&innermost(error)) };
    }
    RegistryError::Connection { host, reason: clean(&innermost(error)) }
}

/// Whether the server may speak plain HTTP where TLS was tried.
pub(crate) fn may_be_plain(error: &reqwest::Error) -> bool {
    !error.is_timeout()
        && error.is_connect()
        && !matches!(tls_error(error), Some(rustls::Error::InvalidCertificate(_)))
}

/// The TLS library's error, which lies deep.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // What an I/O error carries is not its source.
        let carried = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
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
        Reason::UnknownIssuer => "its authority is unknown here".to_owned(),
        Reason::Expired | Reason::ExpiredContext { .. } => "it has expired".to_owned(),
        Reason::NotValidYet | Reason::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Reason::NotValidForName | Reason::NotValidForNameContext { .. } => {
            "it is for another name".to_owned()
        }
        other => other.to_string(),
    }
}

/// The last of the causes: the outer ones say only that there was an error, and the address.
fn innermost(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
