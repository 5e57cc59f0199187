//! A real API server of a new version without a cluster behind it: the script `apiserver` beside the one
//! that `COAMING_LAB` names. Nothing collects garbage there, and no controller runs.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Set in the process that runs inside the lab's network.
const IN_LAB: &str = "COAMING_TEST_IN_LAB";

/// There is one API server, which a test restarts: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn script() -> Option<PathBuf> {
    let cluster = PathBuf::from(std::env::var_os("COAMING_LAB")?);
    let script = cluster.parent()?.join("apiserver");
    script.exists().then_some(script)
}

/// The script, with a home and a network of its own.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(script().unwrap());
    let beside = |name: &str, default: &str| {
        let value = std::env::var(name).unwrap_or_else(|_| default.to_owned());
        if value.ends_with("-136") { value } else { format!("{value}-136") }
    };
    command.env("LAB_HOME", beside("LAB_HOME", "/tmp/coaming-lab"));
    command.env("LAB_NETNS", beside("LAB_NETNS", "coaming-lab"));
    command.args(arguments);
    command
}

/// Runs a test inside the network of the API server: `true` in there, where the test goes on.
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(IN_LAB).is_some() {
        return true;
    }
    if script().is_none() {
        coaming_test::skip!("no API server: COAMING_LAB names no script beside `apiserver`");
        return false;
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let up = command(&["up"]).output().unwrap();
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let mut inside = command(&["exec", "--", "env"]);
    inside.arg(format!("{IN_LAB}=1")).arg(std::env::current_exe().unwrap());
    let output = inside.args(["--exact", test, "--nocapture"]).output().unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{errors}");
    assert!(out.contains("1 passed"), "{out}");
    false
}

/// Runs `kubectl` with this on its standard input; fails the test if it fails.
pub(crate) fn kubectl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("kubectl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
