//! TLS: the provider, and the authorities to trust.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use reqwest::{Certificate, Identity};

use crate::{Error, Options};

/// The largest file of certificates that is read.
const MAX_CERTIFICATE_BYTES: u64 = 8 << 20;

/// Makes ring the TLS provider of this process, unless it has one already.
pub fn install_tls_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The certificates to trust in addition to the system's.
pub(crate) fn authorities(options: &Options) -> Result<Vec<Certificate>, Error> {
    let mut all = Vec::new();
    for path in &options.ca {
        all.extend(certificates(&read(path)?, &path.display().to_string())?);
    }
    for text in &options.authorities {
        all.extend(certificates(text.as_bytes(), "the CA certificates")?);
    }
    Ok(all)
}

fn certificates(bytes: &[u8], name: &str) -> Result<Vec<Certificate>, Error> {
    let found = Certificate::from_pem_bundle(bytes).unwrap_or_default();
    if found.is_empty() {
        return Err(Error::NoCertificates { path: name.to_owned() });
    }
    Ok(found)
}

/// The client's own certificate and key.
pub(crate) fn identity(path: &Path) -> Result<Identity, Error> {
    let bytes = read(path)?;
    Identity::from_pem(&bytes).map_err(|_| Error::NoIdentity { path: path.display().to_string() })
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::CaFile { path: path.display().to_string(), source };
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(MAX_CERTIFICATE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
