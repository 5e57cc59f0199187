//! Images from containerd, through its images, content and namespaces services.
//!
//! The services are used, not the files below them: containerd's settings decide where those are, and
//! it locks them while it runs.

use std::io;
use std::path::{Path, PathBuf};

use coaming_http::{Bytes, ChunkSource, clean};
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::DaemonError;
use crate::grpc::{Answers, Connection, GrpcError};

/// The default sockets of containerd, k3s, k0s and MicroK8s.
const SOCKETS: &[&str] = &[
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
];

/// The namespace of the kubelet's images.
const KUBERNETES: &str = "k8s.io";
/// The most namespaces that are searched.
const NAMESPACE_LIMIT: usize = 64;

/// A containerd with a socket that this user may open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Containerd {
    socket: PathBuf,
}

/// An image that containerd has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerdImage {
    /// The digest of its index or manifest.
    pub digest: String,
    namespace: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ListNamespaces {}

#[derive(Clone, PartialEq, prost::Message)]
struct Namespaces {
    #[prost(message, repeated, tag = "1")]
    namespaces: Vec<Namespace>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Namespace {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GetImage {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct GotImage {
    #[prost(message, optional, tag = "1")]
    image: Option<StoredImage>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredImage {
    #[prost(message, optional, tag = "3")]
    target: Option<Descriptor>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Descriptor {
    #[prost(string, tag = "2")]
    digest: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ReadContent {
    #[prost(string, tag = "1")]
    digest: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Content {
    #[prost(bytes = "bytes", tag = "2")]
    data: Bytes,
}

impl Containerd {
    /// The one at `CONTAINERD_ADDRESS`, and those on this machine that this user may open.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let named = std::env::var("CONTAINERD_ADDRESS").ok().map(|address| {
            Self::at(Path::new(address.strip_prefix("unix://").unwrap_or(&address)))
        });
        let usual = SOCKETS.iter().map(Path::new).filter(|socket| may_open(socket)).map(Self::at);
        let mut all: Vec<Self> = named.into_iter().collect();
        for containerd in usual {
            if !all.contains(&containerd) {
                all.push(containerd);
            }
        }
        all
    }

    /// Whether there is one on this machine that only other users may open, usually root.
    #[must_use]
    pub fn is_closed() -> bool {
        SOCKETS.iter().map(Path::new).any(|socket| socket.exists() && !may_open(socket))
    }

    /// The containerd at this socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Finds an image by its full name (`docker.io/library/nginx:1.27`), in the namespace in
    /// `CONTAINERD_NAMESPACE`, else in all, that of Kubernetes first; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If containerd does not answer, or reports an error.
    pub async fn find(&self, name: &str) -> Result<Option<ContainerdImage>, DaemonError> {
        self.search(name).await.map_err(|error| self.error(error))
    }

    async fn search(&self, name: &str) -> Result<Option<ContainerdImage>, GrpcError> {
        let mut connection = Connection::open(&self.socket).await?;
        for namespace in namespaces(&mut connection).await? {
            let request = GetImage { name: name.to_owned() };
            let method = "/containerd.services.images.v1.Images/Get";
            let got: GotImage = match connection.unary(&namespace, method, request).await {
                Ok(got) => got,
                Err(GrpcError::Status(status)) if status.code() == Code::NotFound => continue,
                Err(error) => return Err(error),
            };
            let target = got.image.and_then(|image| image.target);
            if let Some(Descriptor { digest }) = target {
                return Ok(Some(ContainerdImage { digest, namespace }));
            }
        }
        Ok(None)
    }

    /// A blob of an image by its digest. The end is an error unless all bytes together have that
    /// digest.
    ///
    /// # Errors
    ///
    /// If containerd does not answer, or does not have it.
    pub async fn blob(&self, image: &ContainerdImage, digest: &str) -> io::Result<ContainerdBlob> {
        let open = async {
            let request = ReadContent { digest: digest.to_owned() };
            let method = "/containerd.services.content.v1.Content/Read";
            let connection = Connection::open(&self.socket).await?;
            connection.streaming(&image.namespace, method, request).await
        };
        let answers = open.await.map_err(|error| unread(digest, error))?;
        Ok(ContainerdBlob {
            answers: Some(answers),
            digest: digest.to_owned(),
            state: Sha256::new(),
        })
    }

    fn error(&self, error: GrpcError) -> DaemonError {
        let socket = self.socket.display().to_string();
        match error {
            GrpcError::Connect(source) => DaemonError::Connect { socket, source },
            GrpcError::Silent => DaemonError::Silent { socket },
            GrpcError::Status(status) => DaemonError::Call {
                socket,
                code: status.code().into(),
                message: clean(status.message()),
            },
        }
    }
}

/// The namespaces to search, in this order.
async fn namespaces(connection: &mut Connection) -> Result<Vec<String>, GrpcError> {
    if let Ok(namespace) = std::env::var("CONTAINERD_NAMESPACE") {
        return Ok(vec![namespace]);
    }
    let method = "/containerd.services.namespaces.v1.Namespaces/List";
    let listed: Namespaces = connection.unary("", method, ListNamespaces {}).await?;
    let mut names: Vec<String> = listed.namespaces.into_iter().map(|it| it.name).collect();
    names.sort_by_key(|name| (name != KUBERNETES, name.clone()));
    names.truncate(NAMESPACE_LIMIT);
    Ok(names)
}

/// Whether this user may open a socket.
#[cfg(unix)]
fn may_open(socket: &Path) -> bool {
    rustix::fs::access(socket, rustix::fs::Access::WRITE_OK).is_ok()
}

/// There are no such sockets on this system.
#[cfg(not(unix))]
fn may_open(_: &Path) -> bool {
    false
}

/// A blob, chunk by chunk, with its digest checked at the end.
pub struct ContainerdBlob {
    /// `None` after the end.
    answers: Option<Answers<Content>>,
    digest: String,
    state: Sha256,
}

impl std::fmt::Debug for ContainerdBlob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContainerdBlob").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl ChunkSource for ContainerdBlob {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let Some(answers) = &mut self.answers else { return Ok(None) };
        let next = answers.next().await.map_err(|error| unread(&self.digest, error))?;
        if let Some(content) = next {
            self.state.update(&content.data);
            return Ok(Some(content.data));
        }
        self.answers = None;
        let found = format!("sha256:{:x}", std::mem::take(&mut self.state).finalize());
        if found == self.digest {
            return Ok(None);
        }
        let message =
            format!("containerd returned content for {} whose digest does not match", self.digest);
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

/// Why a blob cannot be read.
fn unread(digest: &str, error: GrpcError) -> io::Error {
    match error {
        GrpcError::Status(status) if status.code() == Code::NotFound => io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "containerd does not have {digest}: it may be configured to discard layers once they \
                 are unpacked (`discard_unpacked_layers`), or have only another platform's. Read the \
                 image from its registry"
            ),
        ),
        error => io::Error::other(error),
    }
}
