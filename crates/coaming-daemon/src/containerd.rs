//! Images out of containerd: what its images, content and namespaces services say.
//!
//! The services are asked and not the files beneath them: those lie where containerd's own settings
//! say, and are locked while it runs.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::{Buf as _, Bytes};
use sha2::{Digest as _, Sha256};

use crate::DaemonError;
use crate::grpc::{self, Answers, GrpcError};

/// Where containerd, k3s, k0s and MicroK8s listen by themselves.
const SOCKETS: &[&str] = &[
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
];

/// The namespace of what the kubelet pulls.
const KUBERNETES: &str = "k8s.io";
/// The most namespaces that are looked into.
const NAMESPACE_LIMIT: usize = 64;

/// A containerd that has a socket which this user may open.
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
    /// The one that `CONTAINERD_ADDRESS` names, and those on this machine that this user may ask.
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

    /// Whether there is one on this machine that only others may ask: root, as a rule.
    #[must_use]
    pub fn is_closed() -> bool {
        SOCKETS.iter().map(Path::new).any(|socket| socket.exists() && !may_open(socket))
    }

    /// The containerd behind this socket.
    #[must_use]
    pub fn at(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// The image by its full name (`docker.io/library/nginx:1.27`), in the namespace that
    /// `CONTAINERD_NAMESPACE` names, else in any, Kubernetes' first; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If containerd can't be asked.
    pub fn find(&self, name: &str) -> Result<Option<ContainerdImage>, DaemonError> {
        for namespace in self.namespaces()? {
            let request = GetImage { name: name.to_owned() };
            let method = "/containerd.services.images.v1.Images/Get";
            let got: GotImage = match grpc::ask(&self.socket, &namespace, method, &request) {
                Ok(got) => got,
                Err(GrpcError::Status { code: grpc::NOT_FOUND, .. }) => continue,
                Err(error) => return Err(self.error(error)),
            };
            let target = got.image.and_then(|image| image.target);
            if let Some(Descriptor { digest }) = target {
                return Ok(Some(ContainerdImage { digest, namespace }));
            }
        }
        Ok(None)
    }

    /// A blob of an image by its digest, from its start. The last read fails unless all bytes
    /// together have that digest.
    ///
    /// # Errors
    ///
    /// If containerd can't be asked, or does not have it.
    pub fn blob(
        &self,
        image: &ContainerdImage,
        digest: &str,
    ) -> io::Result<impl Read + Send + use<>> {
        let request = ReadContent { digest: digest.to_owned() };
        let method = "/containerd.services.content.v1.Content/Read";
        let answers = grpc::call(&self.socket, &image.namespace, method, &request)
            .map_err(|error| unread(digest, error))?;
        Ok(BlobReader {
            answers: Some(answers),
            chunk: Bytes::new(),
            digest: digest.to_owned(),
            state: Sha256::new(),
        })
    }

    /// The namespaces to look into, in this order.
    fn namespaces(&self) -> Result<Vec<String>, DaemonError> {
        if let Ok(namespace) = std::env::var("CONTAINERD_NAMESPACE") {
            return Ok(vec![namespace]);
        }
        let method = "/containerd.services.namespaces.v1.Namespaces/List";
        let listed: Namespaces =
            grpc::ask(&self.socket, "", method, &ListNamespaces {}).map_err(|e| self.error(e))?;
        let mut names: Vec<String> = listed.namespaces.into_iter().map(|it| it.name).collect();
        names.sort_by_key(|name| (name != KUBERNETES, name.clone()));
        names.truncate(NAMESPACE_LIMIT);
        Ok(names)
    }

    fn error(&self, error: GrpcError) -> DaemonError {
        let socket = self.socket.display().to_string();
        match error {
            GrpcError::Io(source) => DaemonError::Io { socket, source },
            GrpcError::Status { code, message } => DaemonError::Call { socket, code, message },
        }
    }
}

/// Whether this user may talk to whoever listens there.
fn may_open(socket: &Path) -> bool {
    rustix::fs::access(socket, rustix::fs::Access::WRITE_OK).is_ok()
}

/// Reads a blob as it comes, and sums it.
struct BlobReader {
    /// `None` after the end.
    answers: Option<Answers>,
    /// What has arrived and was not given out yet.
    chunk: Bytes,
    digest: String,
    state: Sha256,
}

impl BlobReader {
    /// Gets more into `chunk`; at the end, which is checked, there is none.
    fn fill(&mut self) -> io::Result<()> {
        while self.chunk.is_empty() {
            let Some(answers) = &mut self.answers else { return Ok(()) };
            let next = answers.next::<Content>().map_err(|error| unread(&self.digest, error))?;
            if let Some(content) = next {
                self.chunk = content.data;
                self.state.update(&self.chunk);
                continue;
            }
            self.answers = None;
            let found = format!("sha256:{:x}", std::mem::take(&mut self.state).finalize());
            if found != self.digest {
                let message = format!("containerd's {} has another digest", self.digest);
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        Ok(())
    }
}

/// Why a blob can't be read.
fn unread(digest: &str, error: GrpcError) -> io::Error {
    match error {
        GrpcError::Io(error) => error,
        GrpcError::Status { code: grpc::NOT_FOUND, .. } => io::Error::new(
            io::ErrorKind::NotFound,
            format!(
                "containerd does not have {digest}: it may be set to keep no layers once they are \
                 unpacked (`discard_unpacked_layers`), or have only another platform's. Read the \
                 image from its registry"
            ),
        ),
        error @ GrpcError::Status { .. } => io::Error::other(error.to_string()),
    }
}

impl Read for BlobReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let count = self.chunk.len().min(target.len());
        self.chunk.copy_to_slice(target.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}
