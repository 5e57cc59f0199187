//! Developer tasks: generate what is generated, check that it is up to date, run every test.
//!
//! ```text
//! cargo xtask generate   write the generated files: docs/rules, docs/cli.md, …
//! cargo xtask check      fail if one of them is not up to date, or a text breaks the style guide
//! cargo xtask counts     write the counts by rule on the corpus that COAMING_CORPUS names
//! cargo xtask test       run all tests, and list those that could not run
//! cargo xtask dist …     build the archives of a release, with checksums (see `dist --help`)
//! cargo xtask image …    put a static binary into an OCI image (see `image --help`)
//! cargo xtask site DIR   render the documentation as a site
//! ```

mod archive;
mod dependencies;
mod dist;
mod generate;
mod image;
mod playground;
mod site;
mod style;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let task = std::env::args().nth(1).unwrap_or_default();
    let rest: Vec<String> = std::env::args().skip(2).collect();
    let result = match task.as_str() {
        "generate" => generate::write(&root()),
        "check" => dependencies::check(&root())
            .and_then(|()| generate::check(&root()))
            .and_then(|()| style::check(&root())),
        "dist" => dist::run(&root(), &rest),
        "image" => image::run(&rest),
        "site" => site::run(&root(), &rest),
        "counts" => counts(),
        "test" => test(),
        _ => Err("usage: cargo xtask generate|check|test|counts|dist|image|site".to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

/// The root directory of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The cargo that runs this program. What it said of the package of this program is not passed on: build
/// scripts that read such variables would run again, and with them whatever depends on their packages.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let is_of_package =
        |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_of_package) {
            command.env_remove(name);
        }
    }
    command
}

/// Writes the counts by rule on the corpus again.
fn counts() -> Result<(), String> {
    let status = cargo()
        .args(["test", "--quiet", "--package", "coaming", "--test", "it", "corpus::counts"])
        .env("COAMING_WRITE_COUNTS", "1")
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err("the counts could not be written".to_owned()) }
}

/// The variable that names the file to which a test adds a line if it cannot run.
const SKIPPED: &str = "COAMING_SKIPPED";

/// Runs all tests of the workspace, documentation tests included, and lists those that could not
/// run. In CI every test must run.
fn test() -> Result<(), String> {
    let list = root().join("target").join("skipped-tests.txt");
    let failed = |error: std::io::Error| format!("{}: {error}", list.display());
    std::fs::create_dir_all(root().join("target")).map_err(failed)?;
    std::fs::write(&list, "").map_err(failed)?;
    let status = cargo()
        .args(["test", "--workspace", "--all-features", "--no-fail-fast"])
        .env(SKIPPED, &list)
        .current_dir(root())
        .status()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let skipped = std::fs::read_to_string(&list).map_err(failed)?;
    let skipped: std::collections::BTreeSet<&str> = skipped.lines().collect();
    if !skipped.is_empty() {
        say(&format!("{} tests could not run:", skipped.len()));
        skipped.iter().for_each(|line| say(&format!("  {line}")));
    }
    if !status.success() {
        return Err("tests failed".to_owned());
    }
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    if in_ci && !skipped.is_empty() {
        return Err("in CI every test must run".to_owned());
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a developer's tool speaks on its terminal")]
fn say(message: &str) {
    eprintln!("xtask: {message}");
}
