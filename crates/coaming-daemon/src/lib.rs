//! Fetch images from the local Docker, Podman or containerd, through its Unix socket.
//!
//! Two requests of the Docker API are enough: the identity of an image, and the image as a docker
//! archive. containerd speaks gRPC, and serves an image blob by blob. Invariants:
//!
//! * Only Unix sockets are opened: those in `DOCKER_HOST`, `CONTAINER_HOST` and
//!   `CONTAINERD_ADDRESS`, and those that these daemons use by default.
//! * Everything in an answer but image contents is bounded in size, silence is bounded in time, and
//!   an answer that ends early is an error, never an end.
//! * A reference becomes part of a request only if it cannot change what is requested.

mod containerd;
mod docker;
mod grpc;

use std::time::Duration;

use coaming_http::Error as HttpError;

pub use containerd::{Containerd, ContainerdBlob, ContainerdImage};
pub use docker::{Daemon, LocalImage};

/// How long a daemon may be silent.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why a daemon did not answer.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The Docker socket cannot be opened, or the answer ends early.
    #[error("{socket}: {source}")]
    Http {
        /// The daemon's socket.
        socket: String,
        /// The cause.
        source: HttpError,
    },
    /// The Docker daemon's description of an image is not valid.
    #[error("{socket}: {source}")]
    Description {
        /// The daemon's socket.
        socket: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// The Docker daemon reports an error.
    #[error("{socket} answered with status {status}: {message}")]
    Refused {
        /// The daemon's socket.
        socket: String,
        /// The status.
        status: u16,
        /// The daemon's message.
        message: String,
    },
    /// The containerd socket cannot be opened.
    #[error("{socket}: {}", grpc::cause(.source))]
    Connect {
        /// The daemon's socket.
        socket: String,
        /// The cause.
        source: tonic::transport::Error,
    },
    /// containerd is silent for too long.
    #[error("{socket}: timed out while waiting for an answer")]
    Silent {
        /// The daemon's socket.
        socket: String,
    },
    /// containerd reports an error, or its answer ends early.
    #[error("{socket} answered with gRPC status {}: {}", *.code, .message)]
    Call {
        /// The daemon's socket.
        socket: String,
        /// The number of the gRPC status.
        code: i32,
        /// containerd's message.
        message: String,
    },
}
