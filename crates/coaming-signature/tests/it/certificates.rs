//! Signatures of identities that an authority certifies, and that a log recorded.

use std::time::{SystemTime, UNIX_EPOCH};

use coaming_signature::{Annotations, Signed, Trust};
use serde_json::{Value, json};

use crate::openssl::{Authority, Key, is_there};
use crate::{DIGEST, base64, envelope, statement, verified};

const IDENTITY: &str = "release@example.com";
const ISSUER: &str = "https://issuer.example.com";

const EXTENSIONS: &str = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=codeSigning\n\
    subjectAltName=critical,email:release@example.com\n\
    1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:https://issuer.example.com\n";

/// Sigstore in small: an authority, and a log.
struct World {
    authority: Authority,
    log: Key,
    key: Key,
    now: i64,
}

impl World {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let now = i64::try_from(now).unwrap() + 60;
        Self { authority: Authority::new(), log: Key::p256(), key: Key::p256(), now }
    }

    fn trust(&self, identity: &str, issuer: &str) -> Trust {
        let root = json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [
                {"certChain": {"certificates": [{"rawBytes": base64(&self.authority.der())}]}},
            ],
            "tlogs": [{
                "publicKey": {"rawBytes": base64(&self.log.public_der())},
                "logId": {"keyId": base64(&self.log_id())},
            }],
        });
        let mut trust = Trust::default();
        trust.add_identity(identity, issuer).unwrap();
        trust.set_root("trusted_root.json", root.to_string().as_bytes()).unwrap();
        trust
    }

    fn log_id(&self) -> Vec<u8> {
        vec![7; 32]
    }

    /// A body of the log and the log's signature of it.
    fn recorded(&self, body: &Value, seconds: i64) -> (String, Vec<u8>) {
        let body = base64(body.to_string().as_bytes());
        let id = "07".repeat(32);
        let signed = format!(
            r#"{{"body":"{body}","integratedTime":{seconds},"logID":"{id}","logIndex":5}}"#
        );
        let signature = self.log.sign(signed.as_bytes());
        (body, signature)
    }

    /// A bundle of the statement, recorded at a time.
    fn bundle(&self, extensions: &str, seconds: i64) -> Value {
        let payload = statement();
        let (envelope, signature) = envelope(&self.key, &payload);
        let body = json!({
            "apiVersion": "0.0.1", "kind": "dsse",
            "spec": {
                "payloadHash": {"algorithm": "sha256", "value": sha256(&payload)},
                "signatures": [{"signature": base64(&signature), "verifier": ""}],
            },
        });
        let (body, promise) = self.recorded(&body, seconds);
        json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": base64(&self.authority.certify(&self.key, extensions))},
                "tlogEntries": [{
                    "logIndex": "5",
                    "logId": {"keyId": base64(&self.log_id())},
                    "integratedTime": seconds.to_string(),
                    "inclusionPromise": {"signedEntryTimestamp": base64(&promise)},
                    "canonicalizedBody": body,
                }],
            },
            "dsseEnvelope": envelope,
        })
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_bundle_of_a_known_identity_is_verified() {
    if !is_there("a_bundle_of_a_known_identity_is_verified") {
        return;
    }
    let world = World::new();
    let bundle = world.bundle(EXTENSIONS, world.now);
    let signer = verified(&bundle, &world.trust(IDENTITY, ISSUER)).unwrap();
    assert_eq!(signer, "release@example.com (https://issuer.example.com)");
    for (identity, issuer) in [("other@example.com", ISSUER), (IDENTITY, "https://other.example")] {
        let error = verified(&bundle, &world.trust(identity, issuer)).unwrap_err();
        assert_eq!(error, "it is signed by release@example.com (https://issuer.example.com)");
    }
    // Another authority certified it, or another log recorded it.
    let mut other = World::new();
    assert!(verified(&bundle, &other.trust(IDENTITY, ISSUER)).is_err());
    other.log = world.log;
    let error = verified(&bundle, &other.trust(IDENTITY, ISSUER)).unwrap_err();
    assert!(error.contains("does not lead to an authority"), "{error}");
}

#[test]
fn a_bundle_that_proves_less_is_not_verified() {
    if !is_there("a_bundle_that_proves_less_is_not_verified") {
        return;
    }
    let world = World::new();
    let trust = world.trust(IDENTITY, ISSUER);
    let good = world.bundle(EXTENSIONS, world.now);
    let material = "/verificationMaterial";
    let with = |path: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(&format!("{material}{path}")).unwrap() = value;
        verified(&changed, &trust).unwrap_err()
    };
    let other = World::new().bundle(EXTENSIONS, world.now);
    let of_other = |path: &str| other.pointer(&format!("{material}{path}")).unwrap().clone();
    for (error, expected) in [
        (with("/tlogEntries", json!([])), "no log of the trusted root"),
        (with("/tlogEntries/0/integratedTime", json!("1")), "no log of the trusted root"),
        (
            with("/tlogEntries/0/canonicalizedBody", of_other("/tlogEntries/0/canonicalizedBody")),
            "no log",
        ),
        (with("/certificate", of_other("/certificate")), "is not that of the signature"),
        (with("/certificate", json!({"rawBytes": "AAAA"})), "is malformed"),
    ] {
        assert!(error.contains(expected), "{error}: {expected}");
    }
    let entry = json!({"logIndex": "5", "integratedTime": "0", "canonicalizedBody": "e30="});
    let new_log = with("/tlogEntries", json!([entry]));
    assert!(new_log.contains("(Rekor 2), which is not supported"), "{new_log}");
    let mut dated = good.clone();
    dated["verificationMaterial"]["tlogEntries"] = json!([]);
    dated["verificationMaterial"]["timestampVerificationData"] =
        json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    let dated = verified(&dated, &trust).unwrap_err();
    assert!(dated.contains("a timestamp by RFC 3161, which is not supported"), "{dated}");
    let late = verified(&world.bundle(EXTENSIONS, world.now + 200_000), &trust).unwrap_err();
    assert!(late.contains("was not valid when"), "{late}");
    let usage = EXTENSIONS.replace("codeSigning", "serverAuth");
    let server = verified(&world.bundle(&usage, world.now), &trust).unwrap_err();
    assert!(server.contains("is not one for signing code"), "{server}");
    // An entry of the log about another signature of the same key.
    let entry = world.recorded(&json!({"kind": "dsse", "spec": {}}), world.now);
    let mut foreign = good.clone();
    let own = foreign.pointer_mut("/verificationMaterial/tlogEntries/0").unwrap();
    own["canonicalizedBody"] = json!(entry.0);
    own["inclusionPromise"]["signedEntryTimestamp"] = json!(base64(&entry.1));
    assert!(verified(&foreign, &trust).unwrap_err().contains("no log"), "{foreign}");
}

#[test]
fn annotations_of_cosign_have_the_same() {
    if !is_there("annotations_of_cosign_have_the_same") {
        return;
    }
    let world = World::new();
    let payload = json!({"critical": {"image": {"docker-manifest-digest": DIGEST}}}).to_string();
    let signature = world.key.sign(payload.as_bytes());
    let body = json!({
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": sha256(payload.as_bytes())}},
            "signature": {"content": base64(&signature)},
        },
    });
    let (body, promise) = world.recorded(&body, world.now);
    let bundle = json!({
        "SignedEntryTimestamp": base64(&promise),
        "Payload": {
            "body": body, "integratedTime": world.now, "logIndex": 5, "logID": "07".repeat(32),
        },
    })
    .to_string();
    let der = base64(&world.authority.certify(&world.key, EXTENSIONS));
    let lines: Vec<&str> =
        der.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let certificate =
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    let signature = base64(&signature);
    let annotations = Annotations {
        signature: Some(&signature),
        certificate: Some(&certificate),
        chain: None,
        bundle: Some(&bundle),
    };
    let signed = Signed::of_image(payload.as_bytes(), &annotations);
    let trust = world.trust(IDENTITY, ISSUER);
    assert!(signed.verify(&trust, &[DIGEST.to_owned()]).is_ok());
    let without = Annotations { bundle: None, ..annotations };
    let signed = Signed::of_image(payload.as_bytes(), &without);
    assert!(signed.verify(&trust, &[DIGEST.to_owned()]).is_err());
}
