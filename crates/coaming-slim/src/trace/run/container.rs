//! A container of `runc`, and the command that exercises it.
//!
//! Invariant: dropping the value ends the container and removes what the runtime knows of it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use rustix::thread::LinkNameSpaceType;

use super::PERIOD;
use super::output::Output;
use crate::trace::{RunOptions, TraceError};

/// How long a program may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait between two attempts of the command.
const PAUSE: Duration = Duration::from_millis(500);

/// A container that was started.
pub(super) struct Container {
    directory: PathBuf,
    runtime: PathBuf,
    name: String,
    child: Child,
    status: Option<ExitStatus>,
    output: Output,
    command: Option<Child>,
    next: Instant,
}

impl Container {
    /// Starts the container that the bundle describes.
    pub(super) fn start(directory: &Path, options: &RunOptions) -> Result<Self, TraceError> {
        let failed = |source| TraceError::NoRuntime {
            runtime: options.runtime.display().to_string(),
            source,
        };
        let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (pipe, writer) = io::pipe().map_err(TraceError::Wait)?;
        let child = runtime(&options.runtime, directory)
            .args(["run", "--bundle"])
            .arg(directory)
            .arg("--pid-file")
            .arg(directory.join("pid"))
            .arg(&name)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(TraceError::Wait)?)
            .stderr(writer)
            // Ctrl-C on a terminal is for this program, which ends the container in order.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        Ok(Self {
            directory: directory.to_owned(),
            runtime: options.runtime.clone(),
            name,
            child,
            status: None,
            output: Output::of(pipe),
            command: None,
            next: Instant::now(),
        })
    }

    /// Whether the program was started at all.
    pub(super) fn was_created(&self) -> bool {
        self.directory.join("pid").exists()
    }

    /// The last that the program or the runtime wrote.
    pub(super) fn said(&self, secrets: &[&str]) -> String {
        self.output.last(secrets)
    }

    /// How the program ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() {
            self.status = self.child.try_wait()?;
        }
        Ok(self.status)
    }

    /// Whether the user's command succeeded. It is tried again until it does.
    pub(super) fn command_succeeded(&mut self, options: &RunOptions) -> Result<bool, TraceError> {
        let Some(text) = &options.command else { return Ok(false) };
        if let Some(running) = &mut self.command {
            let Some(status) = running.try_wait().map_err(TraceError::Wait)? else {
                return Ok(false);
            };
            self.command = None;
            self.next = Instant::now() + PAUSE;
            return Ok(status.success());
        }
        let pid = std::fs::read_to_string(self.directory.join("pid")).unwrap_or_default();
        if pid.is_empty() || Instant::now() < self.next {
            return Ok(false);
        }
        let network = (!options.network).then(|| PathBuf::from(format!("/proc/{pid}/ns/net")));
        match spawn(text, network.as_deref()) {
            Ok(child) => self.command = Some(child),
            // The container ends just now, or the command cannot be started at all.
            Err(_) => self.next = Instant::now() + PAUSE,
        }
        Ok(false)
    }

    /// Ends the program: first it is asked to, as Kubernetes does.
    pub(super) fn stop(&mut self, signal: &str) {
        self.end_command();
        if matches!(self.ended(), Ok(None)) {
            self.runtime(&["kill", &self.name, signal]);
            let start = Instant::now();
            while matches!(self.ended(), Ok(None)) && start.elapsed() < GRACE {
                std::thread::sleep(PERIOD);
            }
        }
        self.remove();
    }

    fn remove(&mut self) {
        self.runtime(&["delete", "--force", &self.name]);
        if matches!(self.ended(), Ok(None)) {
            drop(self.child.kill());
            self.status = self.child.wait().ok();
        }
    }

    fn end_command(&mut self) {
        let Some(mut command) = self.command.take() else { return };
        if let Some(group) = i32::try_from(command.id()).ok().and_then(Pid::from_raw) {
            // They may all have ended just now.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        drop(command.wait());
    }

    /// Runs another command of the runtime. That it fails only means that the container is gone.
    fn runtime(&self, arguments: &[&str]) {
        let mut command = runtime(&self.runtime, &self.directory);
        command.args(arguments).stdin(Stdio::null());
        drop(command.stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.end_command();
        self.remove();
    }
}

/// Where the runtime keeps its state: in the directory that goes with the trace.
pub(super) fn state(directory: &Path) -> PathBuf {
    directory.join("state")
}

/// The runtime, with its state in the directory that goes with the trace.
pub(super) fn runtime(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--root").arg(state(directory));
    command
}

/// Starts the user's command, in the network of the container.
fn spawn(text: &str, network: Option<&Path>) -> io::Result<Child> {
    let mut command = Command::new("sh");
    command.args(["-c", text]).process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let network = network.map(File::open).transpose()?;
    // Only the thread moves, and its children start where it is.
    let thread = std::thread::spawn(move || {
        if let Some(network) = network {
            let kind = Some(LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(network.as_fd(), kind)?;
        }
        command.spawn()
    });
    thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread failed")))
}
