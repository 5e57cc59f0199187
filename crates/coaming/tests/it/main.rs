//! The program as a user runs it: exit codes, output, and the corpus of real applications.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod access_cluster;
mod breach;
mod breach_lab;
mod breach_packets;
mod breach_page;
mod browser;
#[cfg(feature = "cluster")]
mod cluster;
#[cfg(feature = "cluster")]
mod cluster_same;
mod config;
mod contract;
mod corpus;
mod db;
mod docker_inspect;
mod dockerfile;
mod etcd;
mod export;
mod fix;
mod fix_cluster;
mod image;
mod image_cases;
mod image_memory;
mod image_signatures;
mod images;
mod input;
#[cfg(unix)]
mod integrations;
mod java_index;
mod lab;
#[cfg(feature = "lsp")]
mod lsp;
mod net;
mod output;
mod pin;
mod playground;
mod real_packages;
mod registry_results;
mod registry_walk;
mod render;
mod reports;
mod sbom_law;
mod sbom_validators;
mod scan;
mod secrets;
#[cfg(feature = "git")]
mod secrets_git;
#[cfg(feature = "verify")]
mod secrets_verify;
#[cfg(feature = "serve")]
mod serve;
mod slim;
#[cfg(unix)]
mod tasks;
#[cfg(feature = "vault")]
mod vault;
#[cfg(all(feature = "vault", feature = "serve"))]
mod vault_cluster;
mod vulnerabilities;
mod watch;
mod who_can;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use coaming_registry::Registry;
use coaming_test::docker_registry::DockerRegistry;

/// A registry as a user who is logged in reaches it.
fn registry(server: &DockerRegistry) -> Registry {
    let http = coaming_http::Options { ca: vec![server.ca()], ..coaming_http::Options::default() };
    let docker_config = Some(server.docker_config("reader").join("config.json"));
    let options = coaming_registry::Options { http, docker_config, ..Default::default() };
    Registry::new(options, coaming_http::Runtime::shared().unwrap()).unwrap()
}

/// The program, started in the repository's directory, without the user's surroundings.
fn coaming(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coaming"));
    command
        .args(arguments)
        .current_dir(root())
        .env_remove("NO_COLOR")
        .env("PATH", "")
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .stdin(Stdio::null());
    command
}

/// The same in a directory that is the user's home, where no container engine is found.
fn coaming_at_home(home: &Path, arguments: &[&str]) -> Command {
    let mut command = coaming(arguments);
    command
        .current_dir(home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env("HOME", home)
        .env_remove("COAMING_DB")
        .env_remove("DOCKER_HOST")
        .env_remove("CONTAINER_HOST")
        .env_remove("XDG_RUNTIME_DIR");
    command
}

fn run(arguments: &[&str]) -> Output {
    coaming(arguments).output().expect("the program starts")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The output as JSON, which keeps the contract with programs.
fn json(output: &Output) -> serde_json::Value {
    let value = serde_json::from_slice(&output.stdout).expect("the output is JSON");
    contract::check(&value);
    value
}

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    directory
}
