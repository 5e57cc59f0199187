//! `coaming scan --watch`: the real program, and files that change under it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::{coaming, run, stderr};

const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nspec:\n  containers:\n    - name: c\n      image: a:1.0.0\n      securityContext: {privileged: true}\n";

/// A watching program; its lines come through the channel.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(directory: &Path, more: &[&str]) -> Self {
        let mut command = coaming(&["scan", "--watch", "--select", "privileged"]);
        command.args(["--format", "concise"]).args(more).arg(".").current_dir(directory);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    drop(sender.send(line));
                }
            });
        }
        Self { child, lines }
    }

    /// The lines until one that holds this text.
    fn until(&self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(20));
            let line = line.unwrap_or_else(|_| panic!("no `{text}` after {seen:?}"));
            seen.push(line.clone());
            if line.contains(text) {
                return seen;
            }
        }
    }

    fn is_silent(&self) -> bool {
        self.lines.recv_timeout(Duration::from_millis(700)).is_err()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_change_causes_a_scan_and_an_own_file_none() {
    let directory = tempfile::tempdir().unwrap();
    let pod = directory.path().join("pod.yaml");
    std::fs::write(&pod, PRIVILEGED.replace("true", "false")).unwrap();
    let watching = Watching::start(directory.path(), &["--output", "report.txt"]);
    watching.until("watching");
    assert!(watching.is_silent(), "the report caused a scan");
    let report = || std::fs::read_to_string(directory.path().join("report.txt")).unwrap();
    assert!(!report().contains("privileged"));

    std::fs::write(&pod, PRIVILEGED).unwrap();
    watching.until("watching");
    assert!(report().contains("pod.yaml:8"), "{}", report());

    // An editor replaces the file; a configuration that is not valid does not end the watch.
    let new = directory.path().join("pod.yaml~");
    std::fs::write(&new, PRIVILEGED.replace("true", "false")).unwrap();
    std::fs::rename(&new, &pod).unwrap();
    watching.until("watching");
    std::fs::write(directory.path().join("coaming.yaml"), "slect: [ALL]\n").unwrap();
    watching.until("slect");
    watching.until("watching");
    std::fs::write(directory.path().join("coaming.yaml"), "select: [ALL]\n").unwrap();
    watching.until("watching");
    assert!(!report().contains("privileged"));
}

#[test]
fn standard_input_cannot_be_watched() {
    let output = run(&["scan", "--watch", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--watch"));
}
