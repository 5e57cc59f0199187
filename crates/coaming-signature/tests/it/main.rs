//! Signatures that OpenSSL makes, in the forms of DSSE, Sigstore and cosign.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod certificates;
mod keys;
mod openssl;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use coaming_signature::{Signed, Trust};
use serde_json::{Value, json};

use openssl::Key;

/// The digest of the image that statements are about.
const DIGEST: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A statement of in-toto about the image.
fn statement() -> Vec<u8> {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "shop/web", "digest": {"sha256": DIGEST.trim_start_matches("sha256:")}}],
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "predicate": {"statements": []},
    })
    .to_string()
    .into_bytes()
}

/// What a signature of an envelope is about, word for word of the specification.
fn pre_authentication(kind: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {} {} ", kind.len(), kind, payload.len());
    [head.into_bytes(), payload.to_vec()].concat()
}

const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An envelope that a key signed, and the signature.
fn envelope(key: &Key, payload: &[u8]) -> (Value, Vec<u8>) {
    let signature = key.sign(&pre_authentication(IN_TOTO, payload));
    let envelope = json!({
        "payloadType": IN_TOTO,
        "payload": base64(payload),
        "signatures": [{"keyid": "", "sig": base64(&signature)}],
    });
    (envelope, signature)
}

fn verified(document: &Value, trust: &Trust) -> Result<String, String> {
    let signed = Signed::read(document.to_string().as_bytes()).expect("an envelope");
    signed.verify(trust, &[DIGEST.to_owned()]).map_err(|error| error.to_string())
}
