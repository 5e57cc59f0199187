//! Developer tasks: generate what is generated, check that it is up to date, run every test.
//!
//! ```text
//! cargo xtask generate   write docs/rules, docs/cli.md
//! cargo xtask check      fail if one of them is not up to date
//! cargo xtask test       all tests; those that need a server say what they need
//! ```

mod generate;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let result = match task.as_str() {
        "generate" => generate::write(&root()),
        "check" => generate::check(&root()),
        "test" => test(),
        _ => Err("usage: cargo xtask generate|check|test".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

/// The repository's directory.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs all tests of the workspace, documentation tests included.
fn test() -> Result<(), String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("tests failed".to_owned()) }
}

#[expect(clippy::print_stderr, reason = "a developer's tool speaks on its terminal")]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}
