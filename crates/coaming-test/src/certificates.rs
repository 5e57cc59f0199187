//! Certificates for a server on this machine, from an authority of their own.

/// A server's certificate with its key and its authority, as PEM.
#[derive(Debug)]
pub struct Certificates {
    /// The certificate of the authority.
    pub ca: String,
    /// The server's certificate.
    pub server: String,
    /// The server's key.
    pub key: String,
}

impl Certificates {
    /// Makes a new authority, and a certificate for `127.0.0.1` and `localhost`.
    #[must_use]
    pub fn for_loopback() -> Self {
        Self::for_names(&["127.0.0.1", "localhost"])
    }

    /// Makes a new authority, and a certificate for these names and addresses.
    #[must_use]
    pub fn for_names(names: &[&str]) -> Self {
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority for tests");
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let ca = authority.self_signed(&authority_key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let server = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer);
        Self { ca, server: server.unwrap().pem(), key: key.serialize_pem() }
    }
}
