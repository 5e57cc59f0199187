//! A server that is not what it should be.

use std::io::Write as _;
use std::time::{Duration, Instant};

use coaming_test::http_server::{Server, reply};
use coaming_vault::vault::VaultStore;
use coaming_vault::{Store, StoreError, VaultConfig};
use serde_json::json;

const PLANTED: &str = "planted-credential-4711";

/// A store at this address, whose own token is the planted credential.
fn open(host: &str, directory: &tempfile::TempDir) -> VaultStore {
    let file = directory.path().join("token");
    std::fs::write(&file, PLANTED).unwrap();
    let config: VaultConfig = serde_json::from_value(json!({
        "address": format!("http://{host}"), "timeoutMilliseconds": 1000,
        "auth": {"token": {"file": file}},
    }))
    .unwrap();
    VaultStore::new(config).unwrap()
}

/// What reading fails with, within the time that is allowed.
fn failure(host: &str) -> StoreError {
    let directory = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let error = open(host, &directory).read("secret/x").unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    for text in [format!("{error}"), format!("{error:?}")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
    error
}

#[test]
fn an_answer_without_end_is_refused() {
    let stated = Server::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
    });
    assert!(matches!(failure(&stated.host), StoreError::Answer(_)));
    let endless = Server::start(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 4096]).is_ok() {}
    });
    assert!(matches!(failure(&endless.host), StoreError::Answer(_)));
}

#[test]
fn silence_ends() {
    let server = Server::start(|_, _, _| std::thread::sleep(Duration::from_secs(30)));
    assert!(matches!(failure(&server.host), StoreError::Unavailable(_)));
}

#[test]
fn an_error_that_repeats_the_credential_does_not_show_it() {
    let server = Server::start(|_, _, stream| {
        let body = format!("{{\"errors\": [\"bad token {PLANTED}\"]}}");
        reply(stream, 400, &[], body.as_bytes());
    });
    assert!(matches!(failure(&server.host), StoreError::Login(_)));
    let malformed = Server::start(|_, _, stream| {
        reply(stream, 200, &[], format!("{{\"data\": \"{PLANTED}").as_bytes());
    });
    assert!(matches!(failure(&malformed.host), StoreError::Answer(_)));
}

#[test]
fn a_redirect_takes_no_credential_along() {
    let thief = Server::start(|_, _, stream| reply(stream, 200, &[], b"{}"));
    let target = format!("http://{}/", thief.host);
    let server = Server::start(move |_, _, stream| {
        reply(stream, 307, &[("Location", &target)], b"");
    });
    assert!(matches!(failure(&server.host), StoreError::Answer(_)));
    assert!(thief.requests().is_empty());
}

#[test]
fn plain_http_is_only_for_this_machine() {
    let error = failure("192.0.2.1:8200");
    assert!(error.to_string().contains("plain HTTP is not allowed"), "{error}");
}

#[test]
fn sealed_and_standby_are_temporary() {
    for (status, body) in
        [(503, r#"{"errors": ["Vault is sealed"]}"#), (429, ""), (473, ""), (502, "x")]
    {
        let server = Server::start(move |_, _, stream| reply(stream, status, &[], body.as_bytes()));
        let error = failure(&server.host);
        assert!(error.is_temporary(), "{status}: {error}");
        assert_eq!(matches!(error, StoreError::Sealed), status == 503 && body.contains("sealed"));
    }
}
