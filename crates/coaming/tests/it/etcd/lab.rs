//! An API server with its etcd: what it stores with different encryption configurations.
//!
//! The script `apiserver` beside `COAMING_LAB` starts it (`up`, `restart`, `exec -- COMMAND`, `down`);
//! it needs root.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::{agrees_with_etcd, found, report, server};

/// Two keys: 32 bytes in base64 each.
const KEYS: [&str; 2] = [
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=",
];

struct Lab {
    script: PathBuf,
    directory: PathBuf,
    namespace: String,
    configuration: tempfile::TempDir,
}

/// The script, or `None` and a message, which is an error in CI.
fn script() -> Option<PathBuf> {
    let script = std::env::var_os("COAMING_LAB")
        .map(|script| PathBuf::from(script).with_file_name("apiserver"));
    let why = match &script {
        None => "COAMING_LAB does not name the script of a cluster",
        Some(script) if !script.is_file() => "there is no `apiserver` beside COAMING_LAB",
        Some(_) if !is_root() => "an API server in a network namespace needs root",
        Some(_) => return script,
    };
    coaming_test::skip!("encryption_at_rest_in_an_api_server: {why}");
    None
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

impl Lab {
    fn up(script: PathBuf) -> Self {
        // Two runs at once on one machine need a server each.
        let home = std::env::var("LAB_HOME").unwrap_or_else(|_| "/var/tmp/coaming-lab".to_owned());
        let namespace = std::env::var("LAB_NETNS").unwrap_or_else(|_| "coaming-lab".to_owned());
        let lab = Self {
            script,
            directory: (home + "-etcd").into(),
            namespace: namespace + "-etcd",
            configuration: tempfile::tempdir().unwrap(),
        };
        lab.configure(&["identity: {}"]);
        lab.script("up");
        lab
    }

    fn configuration(&self) -> PathBuf {
        self.configuration.path().join("encryption.yaml")
    }

    /// The providers; the first one is used for writing.
    fn configure(&self, providers: &[&str]) {
        let mut text = String::from(
            "apiVersion: apiserver.config.k8s.io/v1\n\
             kind: EncryptionConfiguration\n\
             resources:\n  - resources: [secrets]\n    providers:\n",
        );
        for provider in providers {
            text += &format!("      - {provider}\n");
        }
        std::fs::write(self.configuration(), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let flags = format!("--encryption-provider-config={}", self.configuration().display());
        let mut command = Command::new(&self.script);
        command
            .args(arguments)
            .env("LAB_HOME", &self.directory)
            .env("LAB_NETNS", &self.namespace)
            .env("LAB_APISERVER_FLAGS", flags)
            .env("ETCDCTL_API", "3")
            .stdin(Stdio::null());
        command
    }

    /// Runs one of the script's own commands.
    fn script(&self, name: &str) {
        let output = self.command(&[name]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", text(&output));
    }

    /// Runs a command in the server's network.
    fn run(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.command(&[&["exec", "--"], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        output.stdout
    }

    /// Restarts the API server with other providers.
    fn encrypt_by(&self, providers: &[&str]) {
        self.configure(providers);
        self.script("restart");
    }

    /// Rewrites all Secrets.
    fn rewrite(&self) {
        self.run(&["sh", "-c", "kubectl get secrets -A -o json | kubectl replace -f -"]);
    }

    fn create(&self, name: &str) {
        let value = format!("--from-literal=password=value-of-{name}");
        self.run(&["kubectl", "create", "secret", "generic", name, &value]);
    }

    /// The report on a new snapshot, after it was compared with etcd.
    fn report(&self) -> serde_json::Value {
        let path = self.configuration.path().join("snapshot.db");
        drop(std::fs::remove_file(&path));
        self.run(&["etcdctl", "snapshot", "save", path.to_str().unwrap()]);
        let (ours, _) = report(&path);
        let secrets = ["etcdctl", "get", "--prefix", "/registry/secrets/", "-w", "json"];
        agrees_with_etcd(&ours, &server::parse(&self.run(&secrets)));
        assert_eq!(ours["errors"], serde_json::json!([]));
        assert!(!ours.to_string().contains("value-of-"));
        ours
    }

    fn compact(&self) {
        let answer = self.run(&["etcdctl", "get", "none", "-w", "json"]);
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        let revision = answer["header"]["revision"].to_string();
        self.run(&["etcdctl", "compact", "--physical", &revision]);
    }
}

fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    parts.concat()
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.command(&["down"]).output());
    }
}

/// The providers and keys that encrypt Secrets, by the report.
fn keys(report: &serde_json::Value) -> BTreeSet<String> {
    let objects = super::objects(report, "Secret");
    let encrypted = objects.values().filter(|object| object["state"] == "encrypted");
    encrypted
        .map(|object| format!("{} {}", object["provider"], object["provider_key"]).replace('"', ""))
        .collect()
}

#[test]
fn encryption_at_rest_in_an_api_server() {
    let Some(script) = script() else { return };
    let lab = Lab::up(script);
    let [aescbc, secretbox] =
        [("aescbc", "key1", KEYS[0]), ("secretbox", "key2", KEYS[1])].map(|(name, key, secret)| {
            format!("{name}: {{keys: [{{name: {key}, secret: {secret}}}]}}")
        });
    lab.create("stays");
    lab.create("goes");
    let url = "--from-literal=url=postgres://app:Kq7pZx4wT2mV@db.shop/app";
    lab.run(&["kubectl", "create", "configmap", "settings", url]);

    let plain = lab.report();
    assert!(found(&plain, "etcd-plain-secret").is_superset(&BTreeSet::from(["goes", "stays"])));
    assert_eq!(found(&plain, "etcd-config-map-credential"), BTreeSet::from(["settings"]));

    // New Secrets are encrypted, earlier ones are not until they are rewritten.
    lab.encrypt_by(&[&aescbc, "identity: {}"]);
    lab.create("later");
    let half = lab.report();
    assert_eq!(keys(&half), BTreeSet::from(["aescbc key1".to_owned()]));
    assert!(found(&half, "etcd-plain-secret").contains("stays"));
    assert!(!found(&half, "etcd-plain-secret").contains("later"));
    lab.rewrite();
    lab.run(&["kubectl", "delete", "secret", "goes"]);
    let whole = lab.report();
    assert!(found(&whole, "etcd-plain-secret").is_empty());
    let left = found(&whole, "etcd-leftover-secret");
    assert!(left.is_superset(&BTreeSet::from(["goes", "stays"])) && !left.contains("later"));

    // Rotation: the new key is used for writing, the old one still for reading.
    lab.encrypt_by(&[&secretbox, &aescbc]);
    lab.create("newest");
    assert_eq!(keys(&lab.report()).len(), 2);
    lab.rewrite();
    assert_eq!(keys(&lab.report()), BTreeSet::from(["secretbox key2".to_owned()]));

    // Compaction leaves free pages, defragmentation leaves nothing.
    lab.compact();
    let compacted = lab.report();
    let names = found(&compacted, "etcd-leftover-secret");
    assert!(!names.is_empty() && !names.contains("newest"), "{names:?}");
    lab.run(&["etcdctl", "defrag"]);
    let clean = lab.report();
    assert!(found(&clean, "etcd-leftover-secret").is_empty());
    assert!(found(&clean, "etcd-plain-secret").is_empty());
}
