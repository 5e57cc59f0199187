//! The images of local daemons: Docker, Podman, containerd.
//!
//! Invariants: a daemon's image that was read before is not exported again; a daemon that does not
//! answer, or denies access, does not affect the others.

use std::io::{self, Read};
use std::sync::Arc;

use coaming_daemon::{Containerd, ContainerdImage, Daemon};
use coaming_http::{BlockingReader, Runtime};
use coaming_image::{BlobSource, Cache, Image};
use coaming_oci::{Digest, Platform, Reference};

use crate::image_locator::{Found, LocateError};

/// The daemons on this machine.
#[derive(Debug)]
pub struct Daemons {
    /// Docker and Podman.
    docker: Vec<Daemon>,
    containerd: Vec<Containerd>,
}

impl Daemons {
    /// All that this user may ask.
    #[must_use]
    pub fn all() -> Self {
        Self { docker: Daemon::all(), containerd: Containerd::all() }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.docker.is_empty() && self.containerd.is_empty()
    }

    /// The image of this name in the first daemon that has it. What a daemon that does not answer
    /// says is added to `warnings`.
    #[must_use]
    pub fn find(
        &self,
        name: &str,
        platform: Option<&Platform>,
        cache: Option<&Cache>,
        warnings: &mut Vec<String>,
    ) -> Option<Found> {
        let docker = self.docker.iter().map(|daemon| in_docker(daemon, name, platform, cache));
        let containerd = self.containerd.iter().map(|daemon| in_containerd(daemon, name, platform));
        docker.chain(containerd).find_map(|outcome| {
            outcome.unwrap_or_else(|error| {
                warnings.push(format!("{name}: {error}"));
                None
            })
        })
    }
}

/// Whether containerd runs here, but not for this user.
pub(crate) fn containerd_is_closed() -> bool {
    Containerd::is_closed()
}

fn in_docker(
    daemon: &Daemon,
    name: &str,
    platform: Option<&Platform>,
    cache: Option<&Cache>,
) -> Result<Option<Found>, LocateError> {
    let runtime = Runtime::shared()?;
    let found = runtime.block_on(daemon.find(name));
    let Some(local) = found? else {
        return Ok(None);
    };
    if let Some(facts) = cache.and_then(|cache| cache.find(&local.id)) {
        return Ok(Some(Found::Known(Box::new(facts))));
    }
    let archive = runtime.block_on(daemon.export(&local))?;
    let archive = BlockingReader::new(runtime, archive);
    let image = Image::from_stream(name, archive, platform)?;
    Ok(Some(Found::Image(image.identified_by(&local.id))))
}

/// The blobs of one image in containerd.
struct Stored {
    containerd: Containerd,
    image: ContainerdImage,
}

impl BlobSource for Stored {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let runtime = Runtime::shared().map_err(io::Error::other)?;
        let blob = runtime.block_on(self.containerd.blob(&self.image, &digest.to_string()))?;
        Ok(Box::new(BlockingReader::new(runtime, blob)))
    }
}

fn in_containerd(
    containerd: &Containerd,
    name: &str,
    platform: Option<&Platform>,
) -> Result<Option<Found>, LocateError> {
    let Ok(reference) = Reference::parse(name) else { return Ok(None) };
    let runtime = Runtime::shared()?;
    for name in containerd_names(&reference) {
        let found = runtime.block_on(containerd.find(&name));
        let Some(image) = found? else { continue };
        let digest: Digest = image.digest.parse()?;
        let source: Arc<dyn BlobSource> =
            Arc::new(Stored { containerd: containerd.clone(), image });
        return Ok(Some(Found::Image(Image::from_store(&digest, platform, &source)?)));
    }
    Ok(None)
}

/// The names of an image in containerd: an image that was pulled by digest has no tag.
fn containerd_names(reference: &Reference) -> Vec<String> {
    match (reference.digest(), reference.tag()) {
        (None, None) => vec![format!("{reference}:latest")],
        (None, Some(_)) => vec![reference.to_string()],
        (Some(digest), tag) => {
            let pulled = format!("{}/{}@{digest}", reference.registry(), reference.repository());
            tag.map(|_| reference.to_string()).into_iter().chain([pulled]).collect()
        }
    }
}
