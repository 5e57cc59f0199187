//! Fetch images out of the local Docker, Podman or containerd, through its Unix socket.
//!
//! Of the Docker API two requests are all that is needed: what an image's identity is, and the image
//! as a docker archive. containerd speaks gRPC, and hands out an image blob by blob. Invariants:
//!
//! * Only Unix sockets are opened, and only those that the user names in `DOCKER_HOST`,
//!   `CONTAINER_HOST` or `CONTAINERD_ADDRESS`, or that these daemons use by themselves.
//! * An answer is bounded in its headers, and an answer that breaks off is an error, never an end.
//! * A reference goes into a request only if it can't change what is asked.

mod containerd;
mod grpc;
mod http;

use std::io::{self, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

pub use containerd::{Containerd, ContainerdImage};

/// How long a daemon may be silent.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The largest description of an image that is read.
const DESCRIPTION_LIMIT: u64 = 8 << 20;

/// Why a daemon could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The socket can't be opened, or the answer breaks off.
    #[error("{socket}: {source}")]
    Io {
        /// The daemon's socket.
        socket: String,
        /// What the system says.
        source: io::Error,
    },
    /// The daemon answered with an error of its own.
    #[error("{socket} answered with status {status}: {message}")]
    Refused {
        /// The daemon's socket.
        socket: String,
        /// The status.
        status: u16,
        /// The daemon's words.
        message: String,
    },
    /// containerd answered with an error of its own.
    #[error("{socket} answered with gRPC status {code}: {message}")]
    Call {
        /// The daemon's socket.
        socket: String,
        /// gRPC's number for it.
        code: u32,
        /// containerd's words.
        message: String,
    },
}

/// A local daemon that has a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    socket: PathBuf,
}

/// An image that a daemon has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalImage {
    /// What tells it from all others: a digest.
    pub id: String,
    /// The name by which the daemon knows it.
    name: String,
}

#[derive(Deserialize)]
struct Description {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Deserialize)]
struct Complaint {
    message: String,
}

impl Daemon {
    /// The daemons that have a socket on this machine, the likeliest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let named = |variable: &str| {
            let value = std::env::var(variable).ok()?;
            value.strip_prefix("unix://").map(PathBuf::from)
        };
        let below = |variable: &str, path: &str| {
            std::env::var_os(variable).map(|directory| PathBuf::from(directory).join(path))
        };
        let mut daemons = Vec::new();
        for socket in [
            named("DOCKER_HOST"),
            named("CONTAINER_HOST"),
            Some("/var/run/docker.sock".into()),
            below("XDG_RUNTIME_DIR", "docker.sock"),
            below("HOME", ".docker/run/docker.sock"),
            below("XDG_RUNTIME_DIR", "podman/podman.sock"),
            Some("/run/podman/podman.sock".into()),
        ]
        .into_iter()
        .flatten()
        {
            let daemon = Self::at(&socket);
            if socket.exists() && !daemons.contains(&daemon) {
                daemons.push(daemon);
            }
        }
        daemons
    }

    /// The daemon behind this socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The image by a name, with or without a tag, or by its identity; `None` if the daemon does
    /// not have it.
    ///
    /// # Errors
    ///
    /// If the daemon can't be asked.
    pub fn find(&self, reference: &str) -> Result<Option<LocalImage>, DaemonError> {
        if !is_reference(reference) {
            return Ok(None);
        }
        let answer = self.get(&format!("/images/{reference}/json"))?;
        if answer.status == 404 {
            return Ok(None);
        }
        let body = self.accepted(answer)?;
        let mut json = Vec::new();
        body.take(DESCRIPTION_LIMIT).read_to_end(&mut json).map_err(|error| self.io(error))?;
        let description: Description =
            serde_json::from_slice(&json).map_err(|error| self.io(error.into()))?;
        Ok(Some(LocalImage { id: description.id, name: reference.to_owned() }))
    }

    /// The image as a docker archive.
    ///
    /// # Errors
    ///
    /// If the daemon can't be asked. What goes wrong later, reading says.
    pub fn export(&self, image: &LocalImage) -> Result<impl Read + Send + use<>, DaemonError> {
        let answer = self.get(&format!("/images/{}/get", image.name))?;
        self.accepted(answer)
    }

    fn get(&self, path: &str) -> Result<http::Answer<UnixStream>, DaemonError> {
        let ask = || {
            let stream = UnixStream::connect(&self.socket)?;
            stream.set_read_timeout(Some(TIMEOUT))?;
            stream.set_write_timeout(Some(TIMEOUT))?;
            http::get(stream, path)
        };
        ask().map_err(|error| self.io(error))
    }

    fn accepted(
        &self,
        answer: http::Answer<UnixStream>,
    ) -> Result<http::Body<UnixStream>, DaemonError> {
        if answer.status == 200 {
            return Ok(answer.body);
        }
        let mut text = Vec::new();
        answer.body.take(4096).read_to_end(&mut text).map_err(|error| self.io(error))?;
        let message = serde_json::from_slice::<Complaint>(&text)
            .map_or_else(|_| "no reason given".to_owned(), |complaint| complaint.message);
        Err(DaemonError::Refused {
            socket: self.socket.display().to_string(),
            status: answer.status,
            message: printable(&message),
        })
    }

    fn io(&self, source: io::Error) -> DaemonError {
        DaemonError::Io { socket: self.socket.display().to_string(), source }
    }
}

/// A daemon's words, without what would move a terminal's cursor.
fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(1000).collect()
}

/// Whether it is made of nothing but what references are made of.
fn is_reference(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 512
        && !text.contains("..")
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/:@".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_nothing_but_references() {
        for reference in ["nginx", "registry.example:5000/a/b_c:1.2-x", "a@sha256:00"] {
            assert!(is_reference(reference), "{reference}");
        }
        for text in ["", "a b", "a\r\nHost: b", "../containers", "a?b", "a#b", "a%2e"] {
            assert!(!is_reference(text), "{text}");
        }
        // A socket that nobody listens at is not even opened for these.
        assert_eq!(Daemon::at(Path::new("/nonexistent")).find("a b").unwrap(), None);
        assert!(Daemon::at(Path::new("/nonexistent")).find("a").is_err());
    }
}
