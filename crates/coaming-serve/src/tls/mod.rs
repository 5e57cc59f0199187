//! The certificate that the server shows, replaceable while it runs.

mod authority;
mod files;
mod keeper;
mod rotation;
mod secret;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::error::TlsError;

pub(crate) use files::watch_files;
pub(crate) use keeper::Keeper;
pub(crate) use secret::show_secret;

/// The name in [`crate::ready::Readiness`] for a certificate.
pub(crate) const CERTIFICATE: &str = "a certificate";

/// The certificate that new connections get. Open connections keep theirs.
#[derive(Debug, Default)]
pub(crate) struct Shown(ArcSwapOption<CertifiedKey>);

impl Shown {
    /// Shows another certificate from now on; returns when it expires, in seconds since 1970.
    pub(crate) fn show(&self, certificate: &str, key: &str) -> Result<i64, TlsError> {
        let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TlsError::Use(error.to_string()))?;
        let first = chain.first().ok_or(TlsError::NoCertificate)?;
        let expiry = expiry_of(first)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|error| TlsError::Use(error.to_string()))?;
        let certified = CertifiedKey::from_der(chain, key, &ring::default_provider())
            .map_err(|error| TlsError::Use(error.to_string()))?;
        self.0.store(Some(Arc::new(certified)));
        Ok(expiry)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load_full()
    }
}

/// How connections are encrypted.
pub(crate) fn server_config(shown: Arc<Shown>) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Use(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(shown);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// When the first certificate of a PEM text expires, in seconds since 1970.
pub(crate) fn expiry(certificate: &str) -> Result<i64, TlsError> {
    let der = CertificateDer::from_pem_slice(certificate.as_bytes())
        .map_err(|_| TlsError::NoCertificate)?;
    expiry_of(&der)
}

fn expiry_of(certificate: &CertificateDer<'_>) -> Result<i64, TlsError> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate)
        .map_err(|error| TlsError::Parse(error.to_string()))?;
    Ok(parsed.validity().not_after.timestamp())
}
