//! The agent: files, rotation, a store that is away, leases, and its end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use coaming_vault::{Agent, Config, Event, Status, serve_status};
use serde_json::{Value, json};

use coaming_test::bao::Bao;

use crate::app_role;

/// A running agent, and what it said.
struct Running {
    events: Sender<Event>,
    messages: Arc<Mutex<Vec<String>>>,
    status: Arc<Status>,
    host: String,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(config: Value) -> Self {
        let config = Config::parse(config).unwrap();
        let (events, receiver) = channel();
        let messages = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(Status::default());
        let said = Arc::clone(&messages);
        let say = Box::new(move |text: &str| said.lock().unwrap().push(text.to_owned()));
        let mut agent = Agent::new(&config, Arc::clone(&status), say).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (served, reload) = (Arc::clone(&status), events.clone());
        std::thread::spawn(move || serve_status(&listener, &served, &reload));
        let thread = std::thread::spawn(move || {
            let deadline = Duration::from_secs(config.deadline_seconds);
            agent.start(&receiver, deadline).unwrap();
            agent.run(&receiver);
            agent.end(&receiver, Duration::from_secs(config.grace_seconds));
        });
        Self { events, messages, status, host, thread: Some(thread) }
    }

    fn said(&self) -> String {
        self.messages.lock().unwrap().join("\n")
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn end(mut self) -> String {
        self.events.send(Event::Terminate).unwrap();
        self.thread.take().unwrap().join().unwrap();
        self.said()
    }
}

/// Waits until this holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn content(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn config(store: &Value, directory: &Path, file: Value) -> Value {
    json!({
        "stores": {"main": store},
        "grants": [{"name": "db", "store": "main", "directory": directory, "files": [file],
            "refreshSeconds": 1}],
        "deadlineSeconds": 30,
    })
}

#[test]
fn files_follow_the_store_and_survive_its_absence() {
    let Some(bao) = Bao::start("files_follow_the_store_and_survive_its_absence") else { return };
    bao.policy("app", "path \"secret/*\" {capabilities = [\"read\"]}");
    bao.run(&["kv", "put", "secret/db", "user=app", "password=planted-one"]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files");
    let file = json!({"name": "dsn", "path": "secret/db", "mode": "0440",
        "template": "{{ secret.user }}:{{ secret.password }}"});
    let agent = Running::start(config(&app_role(&bao, "app", "1h", "2h"), &path, file));
    let dsn = path.join("dsn");
    until("the first file", || content(&dsn) == "app:planted-one");
    assert_eq!(std::fs::metadata(&dsn).unwrap().mode() & 0o7777, 0o440);
    until("readiness", || agent.ask("GET", "/readyz").starts_with("HTTP/1.1 200"));

    bao.run(&["kv", "put", "secret/db", "user=app", "password=planted-two"]);
    until("the rotation", || content(&dsn) == "app:planted-two");

    bao.pause();
    until("not ready", || agent.ask("GET", "/readyz").starts_with("HTTP/1.1 503"));
    assert_eq!(content(&dsn), "app:planted-two", "the last file stays");
    assert!(agent.ask("GET", "/metrics").contains("coaming_agent_stale{grant=\"db\"} 1"));
    bao.resume();
    until("ready again", || agent.status.not_ready().is_empty());

    bao.run(&["kv", "delete", "secret/db"]);
    until("the deletion is reported", || agent.said().contains("has nothing at `secret/db`"));
    assert_eq!(content(&dsn), "app:planted-two");

    bao.run(&["kv", "put", "secret/db", "user=app", "password=planted-three"]);
    assert!(agent.ask("POST", "/reload").starts_with("HTTP/1.1 202"));
    until("the file is back", || content(&dsn) == "app:planted-three");
    bao.policy("app", "path \"secret/other\" {capabilities = [\"read\"]}");
    until("the lost right is reported", || agent.said().contains("does not allow this account"));
    assert_eq!(content(&dsn), "app:planted-three");

    let metrics = agent.ask("GET", "/metrics");
    assert!(metrics.contains("coaming_agent_logins_total{store=\"main\"} 1"), "{metrics}");
    let said = agent.end();
    assert!(!path.join("dsn").exists(), "nothing stays after the end");
    let accessors = bao.run(&["list", "-format=json", "auth/token/accessors"]);
    assert_eq!(serde_json::from_str::<Vec<String>>(&accessors).unwrap().len(), 1, "revoked");
    for text in [said, metrics] {
        assert!(!text.contains("planted"), "{text}");
    }
}

#[test]
fn the_first_start_waits_and_says_for_what() {
    let Some(bao) = Bao::start("the_first_start_waits_and_says_for_what") else { return };
    bao.policy("app", "path \"secret/*\" {capabilities = [\"read\"]}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files");
    let file = json!({"name": "password", "path": "secret/late", "key": "password"});
    let mut settings = config(&app_role(&bao, "app", "1h", "2h"), &path, file);
    let agent = Running::start(settings.clone());
    until("it says what it waits for", || agent.said().contains("has nothing at `secret/late`"));
    assert!(!path.join("password").exists());
    bao.run(&["kv", "put", "secret/late", "password=planted"]);
    until("the file", || content(&path.join("password")) == "planted");
    agent.end();

    bao.run(&["kv", "delete", "secret/late"]);
    settings["deadlineSeconds"] = json!(1);
    let config = Config::parse(settings).unwrap();
    let mut agent = Agent::new(&config, Arc::default(), Box::new(|_| {})).unwrap();
    let (_events, receiver) = channel();
    let late = agent.start(&receiver, Duration::from_secs(1)).unwrap_err();
    assert!(late.to_string().contains("db: the store has nothing at `secret/late`"), "{late}");
}

#[test]
fn a_certificate_is_made_once_and_again_before_it_ends() {
    let Some(bao) = Bao::start("a_certificate_is_made_once_and_again_before_it_ends") else {
        return;
    };
    bao.run(&["secrets", "enable", "pki"]);
    bao.run(&["write", "pki/root/generate/internal", "common_name=authority", "ttl=24h"]);
    let role = ["allowed_domains=shop.svc", "allow_subdomains=true", "max_ttl=1h"];
    bao.run(&[&["write", "pki/roles/web"], &role[..]].concat());
    bao.policy("app", "path \"pki/issue/web\" {capabilities = [\"update\"]}");
    let issued = || {
        let listed = bao.run(&["list", "-format=json", "pki/certs"]);
        serde_json::from_str::<Vec<String>>(&listed).unwrap().len() - 1
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files");
    let file = |name: &str, key: &str, ttl: &str| {
        json!({"name": name, "path": "pki/issue/web", "key": key,
            "parameters": {"common_name": "web.shop.svc", "ttl": ttl}})
    };
    let mut settings =
        config(&app_role(&bao, "app", "1h", "2h"), &path, file("tls.crt", "certificate", "1h"));
    let files = settings["grants"][0]["files"].as_array_mut().unwrap();
    files.push(file("tls.key", "private_key", "1h"));
    files.push(file("short.key", "private_key", "3s"));
    let agent = Running::start(settings);
    until("the files", || content(&path.join("short.key")).contains("PRIVATE KEY"));
    let (first, short) = (content(&path.join("tls.crt")), content(&path.join("short.key")));
    assert!(first.contains("BEGIN CERTIFICATE"), "{first}");
    assert_ne!(content(&path.join("tls.key")), short);
    until("a new one of what ends", || content(&path.join("short.key")) != short);
    assert_eq!(content(&path.join("tls.crt")), first, "what is valid is not made again");
    let of_both = issued();
    assert!(agent.ask("POST", "/reload").starts_with("HTTP/1.1 202"));
    until("a new one is asked for", || issued() > of_both);
    let said = agent.end();
    assert!(!said.contains("PRIVATE KEY"), "{said}");
}

#[test]
fn parameters_for_what_is_only_kept_are_refused() {
    let Some(bao) = Bao::start("parameters_for_what_is_only_kept_are_refused") else { return };
    bao.run(&["secrets", "enable", "-path=old", "-version=1", "kv"]);
    bao.policy("app", "path \"*\" {capabilities = [\"read\", \"update\", \"create\"]}");
    for path in ["secret/db", "old/db"] {
        bao.run(&["kv", "put", path, "password=planted"]);
        let directory = tempfile::tempdir().unwrap();
        let file = json!({"name": "x", "path": path, "parameters": {"password": "overwritten"}});
        let settings = config(&app_role(&bao, "app", "1h", "2h"), directory.path(), file);
        let settings = Config::parse(settings).unwrap();
        let mut agent = Agent::new(&settings, Arc::default(), Box::new(|_| {})).unwrap();
        let (_events, receiver) = channel();
        let late = agent.start(&receiver, Duration::from_secs(1)).unwrap_err();
        assert!(late.to_string().contains("is only kept by the store"), "{late}");
        assert_eq!(bao.run(&["kv", "get", "-field=password", path]).trim(), "planted");
    }
}

#[test]
fn a_file_without_a_key_has_all_fields() {
    let Some(bao) = Bao::start("a_file_without_a_key_has_all_fields") else { return };
    bao.run(&["secrets", "enable", "-path=old", "-version=1", "kv"]);
    bao.run(&["kv", "put", "old/db", "user=app", "password=planted-kv"]);
    bao.policy("app", "path \"old/*\" {capabilities = [\"read\"]}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("files");
    let file = json!({"name": "all", "path": "old/db"});
    let agent = Running::start(config(&app_role(&bao, "app", "1h", "2h"), &path, file));
    let expected = r#"{"password":"planted-kv","user":"app"}"#;
    until("the file", || content(&path.join("all")) == expected);
    bao.run(&["kv", "put", "old/db", "user=app", "password=planted-new"]);
    until("a rotation that only the value shows", || content(&path.join("all")).contains("new"));
    let said = agent.end();
    assert!(!said.contains("planted"), "{said}");
}

#[test]
fn the_local_store_is_served_without_a_server() {
    let directory = tempfile::tempdir().unwrap();
    let (file, key) = (directory.path().join("secrets.age"), directory.path().join("key"));
    let mut store = coaming_vault::LocalStore::create(file.clone(), &key).unwrap();
    let value = coaming_vault::Value::new(b"planted-local".to_vec());
    let fields = coaming_vault::Fields::from([("password".to_owned(), value)]);
    coaming_vault::Store::write(&mut store, "shop/db", &fields).unwrap();
    let path = directory.path().join("files");
    let entry = json!({"name": "password", "path": "shop/db", "key": "password"});
    let settings = json!({"age": {"file": file, "identity": key}});
    let agent = Running::start(config(&settings, &path, entry));
    until("the file", || content(&path.join("password")) == "planted-local");
    // Requests that are not requests are answered or dropped; the agent goes on.
    for junk in [&b"\0\0\0"[..], b"GET", b"PATCH / HTTP/1.1\r\n\r\n", &[b'a'; 20_000]] {
        let mut stream = TcpStream::connect(&agent.host).unwrap();
        drop(stream.write_all(junk));
    }
    assert!(agent.ask("GET", "/healthz").starts_with("HTTP/1.1 200"));
    assert!(agent.ask("GET", "/nothing").starts_with("HTTP/1.1 404"));
    agent.end();
}
