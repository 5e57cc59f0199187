//! Where the planted value must not be.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;

use super::{Case, PLANTED, SHOP};

/// Looks everywhere but in the one file.
pub(super) fn check(case: &Case<'_>) {
    let lab = case.lab;
    let kinds = "pods,jobs,secrets,configmaps,events,serviceaccounts,secretgrants,secretstores";
    absent("get -o json", &lab.kubectl(&["get", "-A", "-o", "json", kinds], ""));
    absent("describe", &lab.kubectl(&["describe", "-A", "pods,jobs,secrets,configmaps"], ""));
    for container in case.ctr(&["containers", "ls", "-q"]).lines() {
        absent("containers info", &case.ctr(&["containers", "info", container]));
    }
    absent("serve", &case.server.said());
    absent("the store's log", &case.store.said());
    let metrics = ["-ks", "https://10.99.0.1:8443/metrics"];
    let metrics = { lab.exec("curl") }.args(metrics).output().unwrap();
    let metrics = String::from_utf8(metrics.stdout).unwrap();
    assert!(metrics.contains("coaming_admission_reviews_total"), "{metrics}");
    absent("metrics", &metrics);
    let pods = lab.kubectl(&["-n", SHOP, "get", "pods", "-o", "name"], "");
    for pod in pods.lines() {
        let arguments = ["-n", SHOP, "logs", pod, "--all-containers"];
        absent(pod, &crate::stdout(&super::piped(lab.exec("kubectl").args(arguments), "")));
    }
    processes();
    let snapshot = tempfile::tempdir().unwrap();
    let path = snapshot.path().join("snapshot.db").display().to_string();
    let save = ["ETCDCTL_API=3", "etcdctl", "snapshot", "save", &path];
    assert!({ lab.exec("env") }.args(save).output().unwrap().status.success());
    absent_in_files(snapshot.path());
    // What the parts of the cluster log, and what is on their disks. Volumes in memory are others' file
    // systems.
    for directory in ["log", "kubelet", "etcd", "containerd/root", "containerd/state"] {
        absent_in_files(&lab.home().join(directory));
    }
    // The runtime's logs of containers.
    absent_in_files(Path::new("/var/log/pods"));
}

/// The environment and the command line of every process of the node, and of this machine.
fn processes() {
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        for name in ["environ", "cmdline"] {
            let bytes = std::fs::read(process.path().join(name)).unwrap_or_default();
            absent(name, &String::from_utf8_lossy(&bytes));
        }
    }
}

fn absent(place: &str, text: &str) {
    for needle in needles() {
        if let Some(at) = text.find(&needle) {
            let from = at.saturating_sub(300);
            panic!("{place}: {}", text.get(from..at).unwrap_or("the value is there"));
        }
    }
}

fn absent_in_files(directory: &Path) {
    if !directory.exists() {
        return;
    }
    for needle in needles() {
        let mut find = Command::new("find");
        find.arg(directory).args(["-xdev", "-type", "f"]);
        let found = find.args(["-exec", "grep", "-lF", &needle, "{}", "+"]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        assert!(found.is_empty(), "{found}");
    }
}

/// The value as it is, and in base64 at any position.
fn needles() -> Vec<String> {
    let encode = |skip: usize| {
        let bytes = PLANTED.as_bytes().get(skip..).unwrap_or_default();
        let whole = bytes.len() / 3 * 3;
        base64::engine::general_purpose::STANDARD.encode(bytes.get(..whole).unwrap_or_default())
    };
    vec![PLANTED.to_owned(), encode(0), encode(1), encode(2)]
}
