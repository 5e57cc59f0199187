//! Vault's interface, as a real server speaks it.

use std::time::Instant;

use coaming_vault::vault::VaultStore;
use coaming_vault::{Fields, Store, StoreError, Value, VaultConfig};
use serde_json::json;

use coaming_test::bao::Bao;

use crate::app_role;

fn open(config: &serde_json::Value) -> VaultStore {
    let config: VaultConfig = serde_json::from_value(config["vault"].clone()).unwrap();
    VaultStore::new(config).unwrap()
}

fn fields(value: &str) -> Fields {
    Fields::from([("password".to_owned(), Value::new(value.into()))])
}

#[test]
fn both_versions_of_the_key_value_engine_are_read_and_written() {
    let Some(bao) = Bao::start("both_versions_of_the_key_value_engine_are_read_and_written") else {
        return;
    };
    bao.run(&["secrets", "enable", "-path=old/kv", "-version=1", "kv"]);
    bao.policy(
        "app",
        "path \"secret/*\" {capabilities = [\"create\", \"update\", \"read\"]}
        path \"old/kv/*\" {capabilities = [\"create\", \"update\", \"read\"]}",
    );
    let mut store = open(&app_role(&bao, "app", "1h", "2h"));
    for (path, version) in [("secret/shop/db", Some(1)), ("old/kv/shop/db", None)] {
        assert!(matches!(store.read(path), Err(StoreError::NotFound(_))), "{path}");
        store.write(path, &fields("planted-\"\u{e9}\"\n")).unwrap();
        let secret = store.read(path).unwrap();
        assert_eq!((secret.version, &secret.fields), (version, &fields("planted-\"\u{e9}\"\n")));
        assert_eq!(store.version(path).unwrap(), version);
    }
    store.write("secret/shop/db", &fields("second")).unwrap();
    assert_eq!(store.version("secret/shop/db").unwrap(), Some(2));
    bao.run(&["kv", "delete", "secret/shop/db"]);
    let deleted = store.read("secret/shop/db");
    assert!(matches!(deleted, Err(StoreError::NotFound(_))), "{deleted:?}");
    assert_eq!(store.session(), 1, "one login is enough");
}

#[test]
fn what_the_account_may_not_read_is_denied_and_not_asked_with_a_new_login() {
    let Some(bao) = Bao::start("what_the_account_may_not_read_is_denied") else { return };
    bao.policy("app", "path \"secret/data/mine\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/mine", "password=planted-mine"]);
    bao.run(&["kv", "put", "secret/theirs", "password=planted-theirs"]);
    let mut store = open(&app_role(&bao, "app", "1h", "2h"));
    assert_eq!(store.read("secret/mine").unwrap().fields, fields("planted-mine"));
    let denied = store.read("secret/theirs").unwrap_err();
    assert!(matches!(denied, StoreError::Denied(_)), "{denied}");
    // As Vault's own agent and its interface have it.
    let path = store.read("secret/data/mine").unwrap_err().to_string();
    assert!(path.contains("write `secret/mine`, as for `vault kv get`"), "{path}");
    assert_eq!(store.version("secret/mine").unwrap(), None, "the metadata is not allowed");
    assert_eq!(store.session(), 1);
}

#[test]
fn a_revoked_token_is_replaced_and_close_revokes_the_last() {
    let Some(bao) = Bao::start("a_revoked_token_is_replaced") else { return };
    bao.policy("app", "path \"secret/data/*\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/mine", "password=planted"]);
    let mut store = open(&app_role(&bao, "app", "1h", "2h"));
    store.read("secret/mine").unwrap();
    bao.run(&["token", "revoke", "-mode=path", "auth/approle/login"]);
    store.read("secret/mine").unwrap();
    assert_eq!(store.session(), 2);
    store.close().unwrap();
    let left = bao.run(&["list", "-format=json", "auth/token/accessors"]);
    let left: Vec<String> = serde_json::from_str(&left).unwrap();
    assert_eq!(left.len(), 1, "only the administrator's token is left: {left:?}");
}

#[test]
fn a_token_is_renewed_and_replaced_at_its_maximum() {
    let Some(bao) = Bao::start("a_token_is_renewed_and_replaced_at_its_maximum") else { return };
    bao.policy("app", "path \"secret/data/*\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/mine", "password=planted"]);
    let mut store = open(&app_role(&bao, "app", "20s", "30s"));
    let due = store.keep_alive(Instant::now()).unwrap().unwrap();
    let wait = due.saturating_duration_since(Instant::now()).as_secs_f64();
    assert!((11.0..=13.4).contains(&wait), "two thirds, with jitter: {wait}");
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    let due = store.keep_alive(Instant::now()).unwrap().unwrap();
    assert_eq!(store.session(), 1, "it was renewed");
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
    store.keep_alive(Instant::now()).unwrap();
    assert_eq!(store.session(), 2, "near its maximum there is a new login");
    store.read("secret/mine").unwrap();
}

#[test]
fn signed_tokens_log_in() {
    let Some(bao) = Bao::start("signed_tokens_log_in") else { return };
    let directory = bao.directory.path();
    let key = rcgen_key();
    std::fs::write(directory.join("key.pem"), key.public_key_pem()).unwrap();
    bao.policy("app", "path \"secret/data/*\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/mine", "password=planted"]);
    bao.run(&["auth", "enable", "jwt"]);
    let keys = format!("jwt_validation_pubkeys=@{}", directory.join("key.pem").display());
    bao.run(&["write", "auth/jwt/config", &keys]);
    bao.run(&[
        "write",
        "auth/jwt/role/app",
        "role_type=jwt",
        "bound_audiences=vault",
        "bound_subject=system:serviceaccount:shop:web",
        "user_claim=sub",
        "token_policies=app",
    ]);
    let store = |subject: &str| {
        let file = directory.join("token");
        std::fs::write(&file, token(&key, subject)).unwrap();
        open(&json!({"vault": {"address": bao.address,
            "auth": {"jwt": {"role": "app", "tokenFile": file}}}}))
    };
    store("system:serviceaccount:shop:web").read("secret/mine").unwrap();
    let refused = store("system:serviceaccount:shop:other").read("secret/mine").unwrap_err();
    assert!(matches!(refused, StoreError::Login(_)), "{refused}");
}

fn rcgen_key() -> rcgen::KeyPair {
    rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap()
}

/// A token as Kubernetes signs them, but with an elliptic curve.
fn token(key: &rcgen::KeyPair, subject: &str) -> String {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({"aud": "vault", "sub": subject, "iat": now, "nbf": now, "exp": now + 600});
    let header = encode(br#"{"alg":"ES256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", encode(claims.to_string().as_bytes()));
    let signature = rcgen::SigningKey::sign(key, signed.as_bytes()).unwrap();
    format!("{signed}.{}", encode(&fixed(&signature)))
}

/// The two numbers of a signature in ASN.1, each in 32 bytes.
fn fixed(signature: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = &signature[2..];
    for _ in 0..2 {
        let length = usize::from(rest[1]);
        let number = &rest[2..2 + length];
        let number = &number[number.len().saturating_sub(32)..];
        out.extend(vec![0; 32 - number.len()]);
        out.extend(number);
        rest = &rest[2 + length..];
    }
    out
}
