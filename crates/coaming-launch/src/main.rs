//! The `coaming-launch` program: see the library.

use std::io::Write as _;
use std::process::ExitCode;

/// The exit code if the program was not started.
const NOT_STARTED: u8 = 2;

fn main() -> ExitCode {
    let error = run();
    drop(writeln!(std::io::stderr(), "coaming-launch: {error}"));
    ExitCode::from(NOT_STARTED)
}

/// Returns only if the program cannot be started.
#[cfg(unix)]
fn run() -> coaming_launch::LaunchError {
    match coaming_launch::Launch::parse(std::env::args_os().skip(1)) {
        Ok(launch) => launch.replace_process(),
        Err(error) => error,
    }
}

#[cfg(not(unix))]
fn run() -> &'static str {
    "this system cannot replace a process by another program"
}
