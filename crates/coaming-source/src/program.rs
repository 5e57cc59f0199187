//! The user's own renderers, as programs: found on `PATH`, bounded in time and output.
//!
//! Invariant: a program is one of an absolute directory, never one that a scanned repository supplies.

#[cfg(any(unix, windows))]
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
#[cfg(any(unix, windows))]
use std::{process::Stdio, time::Duration};

#[cfg(any(unix, windows))]
use wait_timeout::ChildExt as _;

/// How long a renderer may take for one directory.
#[cfg(any(unix, windows))]
const TIMEOUT: Duration = Duration::from_secs(60);

/// Finds a program on `PATH`. Relative directories are skipped: a scanned repository must not be
/// able to supply the program.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&std::env::var_os("PATH")?)
        .filter(|directory| directory.is_absolute())
        .map(|directory| directory.join(&file))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Runs a renderer. Returns its output, or the reason for its failure on one line.
#[cfg(any(unix, windows))]
pub(crate) fn run(command: &mut Command, limit: u64) -> Result<String, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it could not be started: {error}"))?;
    let stdout = child.stdout.take().map(|pipe| collect(pipe, limit + 1));
    let stderr = child.stderr.take().map(|pipe| collect(pipe, 64 << 10));
    let status = match child.wait_timeout(TIMEOUT) {
        Ok(Some(status)) => status,
        Ok(None) | Err(_) => {
            // Killing fails only if the process has already exited.
            drop(child.kill());
            drop(child.wait());
            return Err(format!("it took longer than {} s", TIMEOUT.as_secs()));
        }
    };
    let text = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    let (output, errors) = (text(stdout), text(stderr));
    if !status.success() {
        return Err(one_line(&String::from_utf8_lossy(&errors)));
    }
    if output.len() as u64 > limit {
        return Err(format!("its output is larger than {} MiB", limit >> 20));
    }
    String::from_utf8(output).map_err(|_| "its output is not UTF-8".to_owned())
}

/// Nothing can be started in a browser.
#[cfg(not(any(unix, windows)))]
pub(crate) fn run(_: &mut Command, _: u64) -> Result<String, String> {
    Err("programs cannot be started here".to_owned())
}

/// Reads a pipe to its end in a thread, keeping at most `limit` bytes.
#[cfg(any(unix, windows))]
fn collect(
    mut pipe: impl std::io::Read + Send + 'static,
    limit: u64,
) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // On an error, the bytes read so far are kept; the exit status reports the failure.
        drop(pipe.by_ref().take(limit).read_to_end(&mut bytes));
        drop(std::io::copy(&mut pipe, &mut std::io::sink()));
        bytes
    })
}

/// The last lines with content, on one line: programs warn first, and say at the end why they stop.
#[cfg(any(unix, windows))]
fn one_line(errors: &str) -> String {
    let is_warning = |line: &str| line.starts_with("WARNING") || line.starts_with("# Warning");
    let lines: Vec<&str> = errors
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !is_warning(line))
        .collect();
    let joined = lines.get(lines.len().saturating_sub(3)..).unwrap_or_default().join(" ");
    let joined = joined.trim_start_matches("Error: ");
    if joined.is_empty() {
        return "it failed without an error message".to_owned();
    }
    let excess = joined.chars().count().saturating_sub(400);
    joined.chars().skip(excess).collect()
}
