//! Container daemons that run for one test, with their stores in its directory.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A daemon that ends with the test.
#[derive(Debug)]
pub struct Running {
    process: Child,
    /// The directory with its store.
    pub directory: tempfile::TempDir,
    /// The socket that it listens on.
    pub socket: PathBuf,
}

impl Running {
    /// Starts it, and waits for its socket.
    pub fn start(command: &mut Command, directory: tempfile::TempDir, socket: &str) -> Self {
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let process =
            command.stdout(Stdio::null()).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        let socket = directory.path().join(socket);
        let running = Self { process, directory, socket };
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(&running.socket).is_err() {
            let log = std::fs::read_to_string(running.directory.path().join("log")).unwrap();
            assert!(start.elapsed() < Duration::from_secs(30), "it does not start: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.process.id().to_string()).status());
        drop(self.process.wait());
    }
}

/// Whether a program is installed, and this is root. If not, that is reported, and fails in CI.
#[must_use]
pub fn can_run(test: &str, program: &str, package: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&paths).any(|directory| directory.join(program).exists());
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if there && root {
        return true;
    }
    let why = format!("it needs root, and {program} (Debian: apt-get install {package})");
    crate::skip!("{test}: {why}");
    false
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// A containerd that serves nothing but its store; `None` where it cannot run, which is reported.
#[must_use]
pub fn containerd(test: &str) -> Option<Running> {
    if !can_run(test, "containerd", "containerd") {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    let settings = format!(
        "version = 2\nroot = \"{path}/root\"\nstate = \"{path}/state\"\n\
         disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
         [grpc]\n  address = \"{path}/socket\"\n"
    );
    std::fs::write(directory.path().join("config.toml"), settings).unwrap();
    let mut command = Command::new("containerd");
    command.arg("--config").arg(directory.path().join("config.toml"));
    Some(Running::start(&mut command, directory, "socket"))
}

/// Imports an archive of an image into containerd.
pub fn import(running: &Running, namespace: &str, archive: &Path) {
    run(Command::new("ctr")
        .arg("--address")
        .arg(&running.socket)
        .args(["--namespace", namespace, "images", "import", "--all-platforms", "--no-unpack"])
        .arg(archive));
}
