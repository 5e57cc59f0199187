//! Signatures of keys that the user names.

use coaming_signature::{Annotations, Signed, Trust};
use proptest::prelude::*;
use serde_json::json;

use crate::openssl::{Key, is_there};
use crate::{DIGEST, base64, envelope, statement, verified};

fn trust(key: &Key) -> Trust {
    let mut trust = Trust::default();
    trust.add_key("cosign.pub", &key.public()).unwrap();
    trust
}

#[test]
fn keys_of_all_kinds_verify_their_own_signatures() {
    if !is_there("keys_of_all_kinds_verify_their_own_signatures") {
        return;
    }
    let stranger = trust(&Key::p256());
    for arguments in [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "ed25519"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ] {
        let key = Key::new(arguments);
        let (mut document, _) = envelope(&key, &statement());
        assert_eq!(verified(&document, &trust(&key)).as_deref(), Ok("the key cosign.pub"));
        let other = verified(&document, &stranger).unwrap_err();
        assert_eq!(other, "it is signed by none of the given keys");
        let none = verified(&document, &Trust::default()).unwrap_err();
        assert!(none.contains("no key or identity"), "{none}");
        // The same signature for another statement.
        let changed = String::from_utf8(statement()).unwrap().replace("shop/web", "shop/other");
        document["payload"] = json!(base64(changed.as_bytes()));
        assert!(verified(&document, &trust(&key)).is_err());
    }
}

#[test]
fn a_statement_about_another_image_does_not_count() {
    if !is_there("a_statement_about_another_image_does_not_count") {
        return;
    }
    let key = Key::p256();
    let other = String::from_utf8(statement()).unwrap().replace("2222", "3333");
    let (document, _) = envelope(&key, other.as_bytes());
    assert_eq!(verified(&document, &trust(&key)).unwrap_err(), "it is about another image");
    let (document, _) = envelope(&key, b"{}");
    assert_eq!(verified(&document, &trust(&key)).unwrap_err(), "it is about another image");
}

#[test]
fn images_are_signed_as_cosign_does() {
    if !is_there("images_are_signed_as_cosign_does") {
        return;
    }
    let key = Key::p256();
    let payload = json!({
        "critical": {
            "identity": {"docker-reference": "registry.example.com/shop/web"},
            "image": {"docker-manifest-digest": DIGEST},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string();
    let signature = base64(&key.sign(payload.as_bytes()));
    let annotations = Annotations { signature: Some(&signature), ..Annotations::default() };
    let signed = Signed::of_image(payload.as_bytes(), &annotations);
    assert!(signed.verify(&trust(&key), &[DIGEST.to_owned()]).is_ok());
    assert!(signed.verify(&trust(&key), &["sha256:33".to_owned()]).is_err());
    let unsigned = Signed::of_image(payload.as_bytes(), &Annotations::default());
    let error = unsigned.verify(&trust(&key), &[DIGEST.to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "it is not signed");
}

#[test]
fn other_files_are_no_keys() {
    if !is_there("other_files_are_no_keys") {
        return;
    }
    let key = Key::p256();
    for (pem, problem) in [
        (key.private(), "is a private key"),
        (b"no key".to_vec(), "is not a public key in PEM"),
        (
            Key::new(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"]).public(),
            "has an unsupported kind",
        ),
    ] {
        let error = Trust::default().add_key("k.pem", &pem).unwrap_err().to_string();
        assert!(error.starts_with("k.pem ") && error.contains(problem), "{error}");
    }
}

proptest! {
    /// Whatever is done to a document: it is read or not, and nothing is verified without trust.
    #[test]
    fn any_damage_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400) {
        let whole = json!({
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"certificate": {"rawBytes": base64(&bytes)}, "tlogEntries": [{}]},
            "dsseEnvelope": {"payload": base64(&bytes), "payloadType": "x", "signatures": [{"sig": "AAAA"}]},
        })
        .to_string();
        for text in [whole.as_bytes(), whole.as_bytes().get(..cut).unwrap_or_default(), &bytes] {
            if let Some(signed) = Signed::read(text) {
                prop_assert!(signed.verify(&Trust::default(), &[]).is_err());
            }
        }
    }
}
