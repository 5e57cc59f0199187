//! The engine of the playground: the crate `coaming-playground` as WebAssembly, with its JavaScript.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dist::failed;
use crate::site::tool;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds the engine, and writes it and the JavaScript that loads it into `out`. Nothing is built where
/// `COAMING_WITHOUT_PLAYGROUND` is set, as on machines that have no Rust library for WebAssembly.
pub(crate) fn build(root: &Path, out: &Path) -> Result<(), String> {
    if std::env::var_os("COAMING_WITHOUT_PLAYGROUND").is_some() {
        return Ok(());
    }
    run(crate::cargo()
        .args(["build", "--profile", "playground", "--package", "coaming-playground"])
        .args(["--target", TARGET, "--lib"])
        // The C libraries of the engine need a compiler that knows the target: gcc does not.
        .env("CC_wasm32_unknown_unknown", "clang")
        .current_dir(root))?;
    std::fs::create_dir_all(out).map_err(|error| failed(out, &error))?;
    run(Command::new(tool(root, "wasm-bindgen"))
        .args(["--target", "web", "--no-typescript", "--remove-name-section", "--out-dir"])
        .arg(out)
        .arg(artifact(root)))
}

/// What cargo built.
fn artifact(root: &Path) -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    target.join(TARGET).join("playground/coaming_playground.wasm")
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!(
            "{name} could not be started: {error}; see \"The site\" in docs/development.md"
        )),
    }
}
