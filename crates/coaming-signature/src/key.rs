//! Public keys: ECDSA on P-256 and P-384, Ed25519, RSA from 2048 bits.

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::oid_registry::Oid;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// It is not in PEM, or the PEM holds something else.
    #[error("is not a public key in PEM (`-----BEGIN PUBLIC KEY-----`)")]
    NotAKey,
    /// The PEM holds a private key.
    #[error("is a private key: verification needs the public one")]
    Private,
    /// Its kind is not supported.
    #[error("has an unsupported kind: expected ECDSA on P-256 or P-384, Ed25519, or RSA")]
    Kind,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    P256,
    P384,
    Ed25519,
    Rsa,
}

/// A public key.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    kind: Kind,
    bytes: Vec<u8>,
}

/// Hashes, by the names of algorithms of certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl PublicKey {
    /// The key in a PEM file: a public key, or that of a certificate.
    pub(crate) fn of_pem(text: &[u8]) -> Result<Self, KeyError> {
        let (_, pem) = parse_x509_pem(text).map_err(|_| KeyError::NotAKey)?;
        match pem.label.as_str() {
            "PUBLIC KEY" => Self::of_der(&pem.contents),
            "CERTIFICATE" => {
                let certificate = pem.parse_x509().map_err(|_| KeyError::NotAKey)?;
                Self::of_info(certificate.public_key())
            }
            label if label.contains("PRIVATE KEY") => Err(KeyError::Private),
            _ => Err(KeyError::NotAKey),
        }
    }

    /// The key in a `SubjectPublicKeyInfo`.
    pub(crate) fn of_der(der: &[u8]) -> Result<Self, KeyError> {
        let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyError::NotAKey)?;
        Self::of_info(&info)
    }

    pub(crate) fn of_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        let curve = || {
            let parameters = info.algorithm.parameters.as_ref()?;
            parameters.as_oid().ok().map(|oid: Oid<'_>| oid.to_id_string())
        };
        let kind = match info.algorithm.algorithm.to_id_string().as_str() {
            "1.2.840.10045.2.1" => match curve().as_deref() {
                Some("1.2.840.10045.3.1.7") => Kind::P256,
                Some("1.3.132.0.34") => Kind::P384,
                _ => return Err(KeyError::Kind),
            },
            "1.3.101.112" => Kind::Ed25519,
            "1.2.840.113549.1.1.1" => Kind::Rsa,
            _ => return Err(KeyError::Kind),
        };
        Ok(Self { kind, bytes: info.subject_public_key.data.to_vec() })
    }

    /// Whether a signature is of this key and message, with any hash that signers of documents use.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let algorithms: &[&'static dyn VerificationAlgorithm] = match self.kind {
            Kind::P256 => &[&signature::ECDSA_P256_SHA256_ASN1],
            Kind::P384 => &[&signature::ECDSA_P384_SHA384_ASN1, &signature::ECDSA_P384_SHA256_ASN1],
            Kind::Ed25519 => &[&signature::ED25519],
            Kind::Rsa => {
                &[&signature::RSA_PKCS1_2048_8192_SHA256, &signature::RSA_PSS_2048_8192_SHA256]
            }
        };
        algorithms.iter().any(|algorithm| self.verifies_by(*algorithm, message, signature))
    }

    /// Whether a signature of a certificate is of this key; `algorithm` is its object identifier.
    pub(crate) fn verifies_certificate(
        &self,
        algorithm: &str,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let hash = match algorithm {
            "1.2.840.10045.4.3.2" | "1.2.840.113549.1.1.11" => Hash::Sha256,
            "1.2.840.10045.4.3.3" | "1.2.840.113549.1.1.12" => Hash::Sha384,
            "1.2.840.113549.1.1.13" => Hash::Sha512,
            "1.3.101.112" if self.kind == Kind::Ed25519 => {
                return self.verifies_by(&signature::ED25519, message, signature);
            }
            _ => return false,
        };
        let is_rsa = algorithm.starts_with("1.2.840.113549.");
        let algorithm: &'static dyn VerificationAlgorithm = match (self.kind, hash) {
            (Kind::P256, Hash::Sha256) if !is_rsa => &signature::ECDSA_P256_SHA256_ASN1,
            (Kind::P256, Hash::Sha384) if !is_rsa => &signature::ECDSA_P256_SHA384_ASN1,
            (Kind::P384, Hash::Sha256) if !is_rsa => &signature::ECDSA_P384_SHA256_ASN1,
            (Kind::P384, Hash::Sha384) if !is_rsa => &signature::ECDSA_P384_SHA384_ASN1,
            (Kind::Rsa, Hash::Sha256) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA256,
            (Kind::Rsa, Hash::Sha384) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA384,
            (Kind::Rsa, Hash::Sha512) if is_rsa => &signature::RSA_PKCS1_2048_8192_SHA512,
            _ => return false,
        };
        self.verifies_by(algorithm, message, signature)
    }

    fn verifies_by(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        UnparsedPublicKey::new(algorithm, &self.bytes).verify(message, signature).is_ok()
    }
}
