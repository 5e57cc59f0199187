//! The integrations, run as their hosts run them: what a host does around them (variables, files,
//! substitutions) is done here by its documentation, and the programs are the real ones.

mod github;
mod hosts;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::{directory, root};

/// A Pod with a critical finding.
const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec:\n  automountServiceAccountToken: false\n  containers:\n    - name: c\n      image: registry.example.com/a:1.0.0\n      securityContext: {privileged: true}\n";

/// A directory with files that is a git repository with one commit.
fn repository(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = directory(files);
    git(directory.path(), &["init", "--quiet", "--initial-branch=main"]);
    commit(directory.path());
    directory
}

fn commit(directory: &Path) -> String {
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "--quiet", "--message", "change"]);
    git(directory, &["rev-parse", "HEAD"])
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A command in a directory, with `coaming` on PATH beside the system's programs and nothing else of
/// the environment.
fn command(program: impl AsRef<std::ffi::OsStr>, directory: &Path) -> Command {
    let own = Path::new(env!("CARGO_BIN_EXE_coaming")).parent().unwrap().to_path_buf();
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(own).chain(std::env::split_paths(&system)).collect::<Vec<PathBuf>>(),
    );
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .env_clear()
        .env("PATH", path.unwrap())
        .env("HOME", directory)
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .stdin(Stdio::null());
    command
}

/// Runs a script as hosts do: by its first line, or with `bash`.
fn script(text: &str, directory: &Path, environment: &[(String, String)]) -> Output {
    let file = tempfile::Builder::new().suffix(".sh").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let shell = if text.starts_with("#!/bin/sh") { "sh" } else { "bash" };
    let mut command = command(shell, directory);
    if shell == "bash" {
        command.args(["--noprofile", "--norc", "-eo", "pipefail"]);
    }
    command.arg(file.path()).envs(environment.iter().cloned()).output().unwrap()
}

/// The first document of a YAML file of the repository.
fn yaml(file: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let stream = coaming_yaml::parse(text.into());
    assert!(stream.errors.is_empty(), "{file}: {:?}", stream.errors);
    stream.documents[0].root().to_json()
}

/// A program of the tools that CI installs; `None`, loudly, where it is not there.
fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("COAMING_TOOLS").map(PathBuf::from);
    let found = tools
        .into_iter()
        .flat_map(|tools| [tools.join(name), tools.join("../venv/bin").join(name)]);
    let found = found.into_iter().find(|path| path.is_file());
    if found.is_none() {
        coaming_test::skip!("{test}: {name} is not in the directory that COAMING_TOOLS names");
    }
    found
}
