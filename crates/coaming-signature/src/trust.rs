//! Whom the user trusts: keys, and identities that an authority vouches for.

use serde::Deserialize;

use crate::base64;
use crate::key::{KeyError, PublicKey};

/// The largest trusted root, in bytes.
const MAX_ROOT: usize = 4 << 20;
/// The most keys, identities, authorities and logs.
const MAX_ENTRIES: usize = 1_000;

/// Why something cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A key cannot be used.
    #[error("{name} {source}")]
    Key {
        /// The key's file.
        name: String,
        /// The cause.
        source: KeyError,
    },
    /// The file is not a trusted root of Sigstore.
    #[error("{name} is not a trusted root of Sigstore (`trusted_root.json`): {reason}")]
    Root {
        /// The file.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// There are more keys or identities than anybody has.
    #[error("more than {MAX_ENTRIES} keys or identities")]
    TooMany,
}

/// Keys and identities that the user names, and the authorities and logs that identities need.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    pub(crate) keys: Vec<(String, PublicKey)>,
    pub(crate) identities: Vec<Identity>,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) logs: Vec<Log>,
}

/// Who may have signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// A mail address or a URI, as in the certificate.
    pub(crate) name: String,
    /// Who vouches for it: `https://token.actions.githubusercontent.com`.
    pub(crate) issuer: String,
}

/// A certificate that may sign others.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) certificate: Vec<u8>,
}

/// A log that records signatures.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// Its name, the checksum of its key, in hexadecimal digits.
    pub(crate) id: String,
    pub(crate) key: PublicKey,
}

/// The fields of Sigstore's trusted root that are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Root {
    #[serde(default)]
    certificate_authorities: Vec<RootAuthority>,
    #[serde(default)]
    tlogs: Vec<RootLog>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootAuthority {
    cert_chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    raw_bytes: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RootLog {
    public_key: Raw,
    log_id: LogId,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogId {
    key_id: String,
}

impl Trust {
    /// Whether it names nobody: then nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.identities.is_empty()
    }

    /// Trusts a public key in PEM; `name` is what reports call it.
    ///
    /// # Errors
    ///
    /// If it is not a supported key.
    pub fn add_key(&mut self, name: &str, pem: &[u8]) -> Result<(), TrustError> {
        if self.keys.len() >= MAX_ENTRIES {
            return Err(TrustError::TooMany);
        }
        let key = PublicKey::of_pem(pem)
            .map_err(|source| TrustError::Key { name: name.to_owned(), source })?;
        self.keys.push((name.to_owned(), key));
        Ok(())
    }

    /// Trusts certificates of this identity by this issuer.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub fn add_identity(&mut self, name: &str, issuer: &str) -> Result<(), TrustError> {
        if self.identities.len() >= MAX_ENTRIES {
            return Err(TrustError::TooMany);
        }
        self.identities.push(Identity { name: name.to_owned(), issuer: issuer.to_owned() });
        Ok(())
    }

    /// Takes the authorities and logs of a trusted root in Sigstore's format; `name` is the file.
    ///
    /// # Errors
    ///
    /// If it is not one, or one of its keys cannot be used.
    pub fn set_root(&mut self, name: &str, json: &[u8]) -> Result<(), TrustError> {
        let failed = |reason: String| TrustError::Root { name: name.to_owned(), reason };
        if json.len() > MAX_ROOT {
            return Err(failed("it is too large".to_owned()));
        }
        let root: Root = serde_json::from_slice(json).map_err(|error| failed(error.to_string()))?;
        let decoded =
            |text: &str| base64(text).ok_or_else(|| failed("a value is not in base64".to_owned()));
        for authority in &root.certificate_authorities {
            for certificate in &authority.cert_chain.certificates {
                self.authorities.push(Authority { certificate: decoded(&certificate.raw_bytes)? });
            }
        }
        for log in &root.tlogs {
            let key = PublicKey::of_der(&decoded(&log.public_key.raw_bytes)?);
            // A log with a kind of key that is not supported cannot verify anything.
            let Ok(key) = key else { continue };
            let id = base16ct::lower::encode_string(&decoded(&log.log_id.key_id)?);
            self.logs.push(Log { id, key });
        }
        if self.authorities.is_empty() {
            return Err(failed("it has no certificate authority".to_owned()));
        }
        if self.authorities.len() > MAX_ENTRIES || self.logs.len() > MAX_ENTRIES {
            return Err(TrustError::TooMany);
        }
        Ok(())
    }
}
