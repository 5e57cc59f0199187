//! How to reach registries.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// How to reach registries.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Certificates, plain HTTP, time limits.
    pub http: coaming_http::Options,
    /// For a registry's host, the mirrors to ask first: a host, followed by a path if its
    /// repositories are below one (`mirror.example.com/docker.io`).
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Docker's configuration file with the credentials, if not the user's own.
    pub docker_config: Option<PathBuf>,
}
