//! Why the server cannot start or go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The system refuses threads or an event queue.
    #[error("cannot start: {0}")]
    Runtime(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The API server cannot be reached.
    #[error("cannot connect to the API server: {0}")]
    Cluster(String),
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Certificates cannot be made or used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The policy or the configuration that was named cannot be used.
    #[error(transparent)]
    Policy(#[from] coaming_admission::PolicyError),
    /// The chart that manifests are made from does not render.
    #[error("cannot render the manifests: {0}")]
    Manifests(String),
}

/// Why a certificate cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate or key could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// The certificate or the key is not PEM, or they do not belong together.
    #[error("cannot use the certificate and its key: {0}")]
    Use(String),
    /// There is no certificate in the PEM text.
    #[error("there is no certificate in the PEM text")]
    NoCertificate,
    /// A certificate is not understood.
    #[error("a certificate is not understood: {0}")]
    Parse(String),
}
