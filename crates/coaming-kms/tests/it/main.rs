//! The plugin with a real OpenBao, asked as the API server asks it.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod api_server;
mod client;
mod conformance;
mod old_api_server;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::{Client, Status};
use coaming_http::Runtime;
use coaming_kms::{Config, End, KmsError};
use coaming_test::bao::Bao;
use serde_json::{Value, json};

/// A server with a transit key, and a role that may use it.
fn bao(test: &str) -> Option<(Bao, Value)> {
    let bao = Bao::start(test)?;
    bao.run(&["secrets", "enable", "transit"]);
    bao.run(&["write", "-f", "transit/keys/kubernetes"]);
    bao.policy(
        "kms",
        "path \"transit/keys/kubernetes\" {capabilities = [\"read\"]}
        path \"transit/encrypt/kubernetes\" {capabilities = [\"update\"]}
        path \"transit/decrypt/kubernetes\" {capabilities = [\"update\"]}",
    );
    let vault: Value = serde_json::from_str(&bao.app_role("kms", "1h", "2h")).unwrap();
    let socket = bao.directory.path().join("kms.sock");
    let config = json!({"socket": socket, "key": "kubernetes", "vault": vault});
    Some((bao, config))
}

/// A running plugin.
struct Plugin {
    end: Option<End>,
    thread: Option<JoinHandle<Result<(), KmsError>>>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Plugin {
    fn start(config: &Value) -> Self {
        let config = Config::parse(config.clone()).unwrap();
        let socket = config.socket.clone();
        let (end, ended) = coaming_kms::ending();
        let said = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&said);
        let thread = std::thread::spawn(move || {
            let say = move |text: &str| log.lock().unwrap().push(text.to_owned());
            Runtime::shared().unwrap().block_on(coaming_kms::serve(config, ended, say))
        });
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { end: Some(end), thread: Some(thread), said }
    }

    fn stop(mut self) -> String {
        self.end.take().unwrap().end();
        self.thread.take().unwrap().join().unwrap().unwrap();
        self.said.lock().unwrap().join("\n")
    }
}

fn client(config: &Value) -> Client {
    Client::connect(config["socket"].as_str().unwrap())
}

const PLANTED: &[u8] = b"planted-key-of-the-api-server";

#[test]
fn both_versions_encrypt_and_decrypt_across_rotations_and_restarts() {
    let Some((bao, config)) = bao("both_versions_encrypt_and_decrypt") else { return };
    let plugin = Plugin::start(&config);
    let mode = std::fs::metadata(config["socket"].as_str().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut asked = client(&config);
    assert_eq!(asked.version(), ["v1beta1", "coaming"]);
    let first = asked.status();
    assert_eq!((first.version.as_str(), first.healthz.as_str()), ("v2", "ok"));
    assert!(first.key_id.starts_with("transit/kubernetes/v1/") && first.key_id.len() <= 1024);
    let old = asked.encrypt(PLANTED).unwrap();
    assert_eq!(old.key_id, first.key_id);
    let old_v1 = asked.encrypt_v1(PLANTED).unwrap();
    for cipher in [&old.ciphertext, &old_v1] {
        assert!(!cipher.windows(7).any(|part| part == b"planted"));
    }

    bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
    let second = asked.status();
    assert!(second.key_id.starts_with("transit/kubernetes/v2/"), "{second:?}");
    let new = asked.encrypt(PLANTED).unwrap();
    assert!(new.ciphertext.starts_with(b"vault:v2:") && new.key_id == second.key_id);
    let said = plugin.stop();

    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    assert_eq!(asked.status().key_id, second.key_id, "the same after a restart");
    for (text, key_id) in [(&old.ciphertext, &first.key_id), (&new.ciphertext, &second.key_id)] {
        assert_eq!(asked.decrypt(text, key_id).unwrap(), PLANTED);
    }
    assert_eq!(asked.decrypt_v1(&old_v1).unwrap(), PLANTED);
    asked.decrypt(b"vault:v1:AAAA", "").unwrap_err();
    asked.decrypt(b"junk", "").unwrap_err();
    let said = said + &plugin.stop();
    assert!(
        !said.contains("planted") && said.contains("encrypting by transit/kubernetes/v1/"),
        "{said}"
    );
}

#[test]
fn a_server_that_hangs_is_reported_in_time_and_what_was_announced_stays() {
    let Some((bao, config)) = bao("a_server_that_hangs_is_reported_in_time") else { return };
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    let before = asked.status();
    bao.pause();
    let start = Instant::now();
    let Status { healthz, key_id, .. } = asked.status();
    assert!(start.elapsed() < Duration::from_secs(3), "the API server waits for 3 s");
    assert!(healthz != "ok" && key_id == before.key_id, "{healthz}");
    let start = Instant::now();
    asked.encrypt(PLANTED).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(3));
    bao.resume();
    assert_eq!(asked.status().healthz, "ok");
    plugin.stop();
}

#[test]
fn a_key_that_goes_back_is_not_announced() {
    let Some((bao, config)) = bao("a_key_that_goes_back_is_not_announced") else { return };
    bao.run(&["write", "-f", "transit/keys/kubernetes/rotate"]);
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    let before = asked.status();
    bao.run(&["write", "transit/keys/kubernetes/config", "deletion_allowed=true"]);
    bao.run(&["delete", "transit/keys/kubernetes"]);
    bao.run(&["write", "-f", "transit/keys/kubernetes"]);
    let after = asked.status();
    assert_eq!(after.key_id, before.key_id);
    assert!(after.healthz.contains("restored or made again"), "{}", after.healthz);
    asked.encrypt(PLANTED).unwrap_err();
    plugin.stop();
}

#[test]
fn two_nodes_announce_the_same() {
    let Some((_bao, config)) = bao("two_nodes_announce_the_same") else { return };
    let mut other = config.clone();
    other["socket"] = json!(format!("{}-2", config["socket"].as_str().unwrap()));
    let plugins = [Plugin::start(&config), Plugin::start(&other)];
    let [mut one, mut two] = [client(&config), client(&other)];
    assert_eq!(one.status().key_id, two.status().key_id);
    let cipher = one.encrypt(PLANTED).unwrap();
    assert_eq!(two.decrypt(&cipher.ciphertext, &cipher.key_id).unwrap(), PLANTED);
    plugins.into_iter().for_each(|plugin| drop(plugin.stop()));
}

#[test]
fn a_revoked_token_is_replaced_within_the_call() {
    let Some((bao, config)) = bao("a_revoked_token_is_replaced_within_the_call") else { return };
    let plugin = Plugin::start(&config);
    let mut asked = client(&config);
    asked.encrypt(PLANTED).unwrap();
    bao.run(&["token", "revoke", "-mode=path", "auth/approle/login"]);
    asked.encrypt(PLANTED).unwrap();
    plugin.stop();
}

#[test]
fn the_socket_is_not_taken_from_others() {
    let Some((_bao, config)) = bao("the_socket_is_not_taken_from_others") else { return };
    let serve = |config: &Value| {
        let config = Config::parse(config.clone()).unwrap();
        let (_end, ended) = coaming_kms::ending();
        Runtime::shared().unwrap().block_on(coaming_kms::serve(config, ended, |_| {}))
    };
    let plugin = Plugin::start(&config);
    let error = serve(&config).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    plugin.stop();
    let socket = config["socket"].as_str().unwrap();
    drop(std::os::unix::net::UnixListener::bind(socket).unwrap());
    Plugin::start(&config).stop();
    std::fs::write(socket, "a file").unwrap();
    assert!(serve(&config).unwrap_err().to_string().contains("not a socket"));
    assert_eq!(std::fs::read_to_string(socket).unwrap(), "a file");
}

#[test]
fn a_login_that_needs_the_api_server_is_refused() {
    let login = json!({"kubernetes": {"role": "x", "tokenFile": "/x"}});
    let config = json!({"socket": "/x", "key": "x",
        "vault": {"address": "https://vault.example", "auth": login}});
    assert!(matches!(Config::parse(config), Err(KmsError::NeedsApiServer)));
}
