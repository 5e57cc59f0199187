//! OpenSSL as a signer and as an authority.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Runs `openssl`; `None`, with a report, if it is not installed.
pub(crate) fn is_there(test: &str) -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        coaming_test::skip!("{test}: openssl is not installed");
    }
    found
}

fn openssl(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments:?}: {problem}");
    output.stdout
}

/// A private key.
pub(crate) struct Key {
    directory: TempDir,
    is_raw: bool,
}

impl Key {
    /// A key by `genpkey`: `-algorithm ed25519`.
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        openssl(directory.path(), &[&["genpkey", "-out", "key.pem"], arguments].concat());
        Self { directory, is_raw: arguments.contains(&"ed25519") }
    }

    /// A key on the curve P-256.
    pub(crate) fn p256() -> Self {
        Self::new(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The public key in PEM.
    pub(crate) fn public(&self) -> Vec<u8> {
        openssl(self.path(), &["pkey", "-in", "key.pem", "-pubout"])
    }

    /// The public key in DER.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        openssl(self.path(), &["pkey", "-in", "key.pem", "-pubout", "-outform", "DER"])
    }

    /// The private key in PEM.
    pub(crate) fn private(&self) -> Vec<u8> {
        std::fs::read(self.path().join("key.pem")).unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        std::fs::write(self.path().join("message"), message).unwrap();
        if self.is_raw {
            let sign = ["pkeyutl", "-sign", "-inkey", "key.pem", "-rawin", "-in", "message"];
            return openssl(self.path(), &sign);
        }
        openssl(self.path(), &["dgst", "-sha256", "-sign", "key.pem", "message"])
    }
}

/// An authority that certifies identities.
pub(crate) struct Authority {
    key: Key,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = Key::p256();
        let request = ["req", "-x509", "-key", "key.pem", "-out", "ca.pem", "-days", "30"];
        let subject = ["-subj", "/CN=authority", "-addext", "keyUsage=critical,keyCertSign"];
        openssl(key.path(), &[&request[..], &subject].concat());
        Self { key }
    }

    /// The certificate in DER.
    pub(crate) fn der(&self) -> Vec<u8> {
        openssl(self.key.path(), &["x509", "-in", "ca.pem", "-outform", "DER"])
    }

    /// A certificate for a key, with these extensions, in DER.
    pub(crate) fn certify(&self, key: &Key, extensions: &str) -> Vec<u8> {
        openssl(key.path(), &["req", "-new", "-key", "key.pem", "-subj", "/", "-out", "leaf.csr"]);
        std::fs::write(key.path().join("extensions"), extensions).unwrap();
        let (certificate, private) = (self.file("ca.pem"), self.file("key.pem"));
        let sign = ["x509", "-req", "-in", "leaf.csr", "-extfile", "extensions", "-days", "1"];
        let by = ["-CA", certificate.to_str().unwrap(), "-CAkey", private.to_str().unwrap()];
        openssl(key.path(), &[&sign[..], &by, &["-outform", "DER"]].concat())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.key.path().join(name)
    }
}
