//! A real etcd on the loopback interface, with a data directory of its own.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The longest time that etcd may take to start.
const START: Duration = Duration::from_secs(30);

/// A running etcd, which is stopped when the value is dropped.
pub(super) struct Etcd {
    process: Child,
    endpoint: String,
    directory: tempfile::TempDir,
    snapshots: tempfile::TempDir,
}

/// `None` and a message if etcd is not installed, which is an error in CI.
fn installed(test: &str) -> Option<()> {
    for program in ["etcd", "etcdctl"] {
        if Command::new(program).arg("--help").output().is_err() {
            coaming_test::skip!("{test}: no {program} on PATH (Debian: etcd-server, etcd-client)");
            return None;
        }
    }
    Some(())
}

impl Etcd {
    pub(super) fn start(test: &str) -> Option<Self> {
        installed(test)?;
        let [client, peer] = [(); 2].map(|()| {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            format!("http://{}", free.local_addr().unwrap())
        });
        let directory = tempfile::tempdir().unwrap();
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(directory.path())
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let etcd =
            Self { process, endpoint: client, directory, snapshots: tempfile::tempdir().unwrap() };
        let since = Instant::now();
        while !etcd.call(&["get", "ready"], &[]).status.success() {
            assert!(since.elapsed() < START, "etcd does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(etcd)
    }

    fn call(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("etcdctl")
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &self.endpoint])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }

    fn must(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.call(arguments, input);
        assert!(output.status.success(), "etcdctl {arguments:?}: {output:?}");
        output.stdout
    }

    pub(super) fn put(&mut self, key: &str, value: &[u8]) {
        self.must(&["put", key], value);
    }

    pub(super) fn delete(&mut self, key: &str) {
        self.must(&["del", key], &[]);
    }

    /// All keys with this prefix: key, revision, value.
    pub(super) fn all(&self, prefix: &str) -> Vec<(String, u64, Vec<u8>)> {
        parse(&self.must(&["get", "--prefix", prefix, "-w", "json"], &[]))
    }

    pub(super) fn compact(&mut self) {
        let answer: serde_json::Value =
            serde_json::from_slice(&self.must(&["get", "none", "-w", "json"], &[])).unwrap();
        let revision = answer["header"]["revision"].to_string();
        self.must(&["compact", "--physical", &revision], &[]);
    }

    pub(super) fn defragment(&mut self) {
        self.must(&["defrag"], &[]);
    }

    pub(super) fn snapshot(&self, name: &str) -> PathBuf {
        let path = self.snapshots.path().join(name);
        self.must(&["snapshot", "save", path.to_str().unwrap()], &[]);
        path
    }

    /// Stops etcd and returns its data directory.
    pub(super) fn stop(mut self) -> tempfile::TempDir {
        self.end();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    fn end(&mut self) {
        // SIGTERM, so that it writes what it has in memory.
        let id = self.process.id().to_string();
        drop(Command::new("kill").arg(id).status());
        drop(self.process.wait());
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        if let Ok(None) = self.process.try_wait() {
            self.end();
        }
    }
}

/// Parses the output of `etcdctl get -w json`: key, revision, value.
pub(super) fn parse(answer: &[u8]) -> Vec<(String, u64, Vec<u8>)> {
    let answer: serde_json::Value = serde_json::from_slice(answer).unwrap();
    let decoded = |text: &serde_json::Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
    let kvs = answer["kvs"].as_array().cloned().unwrap_or_default();
    kvs.iter()
        .map(|kv| {
            let key = String::from_utf8(decoded(&kv["key"])).unwrap();
            (key, kv["mod_revision"].as_u64().unwrap(), decoded(&kv["value"]))
        })
        .collect()
}
