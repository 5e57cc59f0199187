//! TLS: the provider, and the authorities to trust.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use reqwest::Certificate;

use crate::Error;

/// The largest file of certificates that is read.
const MAX_CERTIFICATE_BYTES: u64 = 8 << 20;

/// Makes ring the TLS provider of this process, unless it has one already.
pub fn install_tls_provider() {
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The certificates in these files (PEM).
pub(crate) fn certificates(files: &[PathBuf]) -> Result<Vec<Certificate>, Error> {
    let mut all = Vec::new();
    for path in files {
        let name = || path.display().to_string();
        let failed = |source| Error::CaFile { path: name(), source };
        let file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(MAX_CERTIFICATE_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let found = Certificate::from_pem_bundle(&bytes).unwrap_or_default();
        if found.is_empty() {
            return Err(Error::NoCertificates { path: name() });
        }
        all.extend(found);
    }
    Ok(all)
}
