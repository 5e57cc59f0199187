//! How to talk to registries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// How to talk to registries.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files of certificates (PEM) that are trusted beside the system's.
    pub ca: Vec<PathBuf>,
    /// Hosts, with their ports, that are spoken to without TLS; `*` means all.
    pub plain_http: BTreeSet<String>,
    /// For a registry's host, the mirrors to ask first: a host, with a directory behind it if its
    /// repositories lie in one (`mirror.example.com/docker.io`).
    pub mirrors: BTreeMap<String, Vec<String>>,
    /// Docker's configuration with the credentials, if it is another than the user's own.
    pub docker_config: Option<PathBuf>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long a request may take, and how long a blob's next bytes.
    pub timeout: Duration,
    /// How long to wait, all in all, for one request that a rate limit or an overloaded server
    /// refuses.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ca: Vec::new(),
            plain_http: BTreeSet::new(),
            mirrors: BTreeMap::new(),
            docker_config: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(60),
            patience: Duration::from_secs(60),
        }
    }
}

impl Options {
    /// Whether the user wants no TLS with this host.
    pub(crate) fn wants_plain_http(&self, host: &str) -> bool {
        self.plain_http.contains(host) || self.plain_http.contains("*")
    }
}

/// Whether a host, with or without a port, is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_loopback_from_the_rest() {
        for yes in ["localhost", "localhost:5000", "127.0.0.1:5000", "127.9.9.9", "[::1]:5000"] {
            assert!(is_loopback(yes), "{yes}");
        }
        for no in ["localhost.evil.com", "127.0.0.1.evil.com", "10.0.0.1:5000", "[::2]", "::2"] {
            assert!(!is_loopback(no), "{no}");
        }
    }
}
