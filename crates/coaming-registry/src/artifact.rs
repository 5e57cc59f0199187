//! A file as an OCI artifact: how a company keeps the advisory database in its own registry.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use coaming_oci::{Descriptor, Digest, Digester, Reference, media_type};
use serde_json::json;

use crate::Registry;
use crate::error::RegistryError;

/// The largest file that is pushed or pulled, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 30;

/// Why a file could not be pushed or pulled.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The registry refuses, or its content does not match its digest.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The file cannot be read or written.
    #[error("{file}: {source}")]
    File {
        /// The file.
        file: String,
        /// The system's message.
        source: io::Error,
    },
    /// The reference is that of an image, or of another type of artifact.
    #[error("`{name}` is {found}, not {wanted}: check the name")]
    OtherType {
        /// The reference.
        name: String,
        /// What it is.
        found: String,
        /// The requested type.
        wanted: String,
    },
    /// The file is larger than [`Registry::push_file`] and [`Registry::pull_file`] allow.
    #[error("`{0}` is larger than 16 GiB")]
    TooLarge(String),
}

impl Registry {
    /// Pushes a file as an artifact of `artifact_type`, its contents as `layer_type`. Gives the
    /// manifest's digest, by which the file can be pulled and checked.
    ///
    /// # Errors
    ///
    /// See [`ArtifactError`].
    pub fn push_file(
        &self,
        reference: &Reference,
        path: &Path,
        artifact_type: &str,
        layer_type: &str,
    ) -> Result<Digest, ArtifactError> {
        let layer = describe(path, layer_type)?;
        let config = Descriptor::of(media_type::EMPTY, b"{}");
        self.push_blob(reference, &config, || Ok(&b"{}"[..]))?;
        self.push_blob(reference, &layer, || File::open(path))?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "artifactType": artifact_type,
            "config": config,
            "layers": [layer],
        });
        let bytes = manifest.to_string().into_bytes();
        Ok(self.push_manifest(reference, media_type::OCI_MANIFEST, &bytes)?)
    }

    /// Pulls the file of an artifact to `path`, which is replaced as a whole once everything has
    /// arrived, has the right digest, and `check` takes it, and stays as it was otherwise. Gives the digest of the contents.
    ///
    /// # Errors
    ///
    /// See [`ArtifactError`].
    pub fn pull_file(
        &self,
        reference: &Reference,
        path: &Path,
        artifact_type: &str,
        check: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Digest, ArtifactError> {
        let (found, layers) = self.artifact(reference)?;
        let name = reference.to_string();
        let [layer] = layers.as_slice() else {
            return Err(ArtifactError::OtherType {
                name,
                found: format!("an artifact of {} parts", layers.len()),
                wanted: artifact_type.to_owned(),
            });
        };
        if found.as_deref() != Some(artifact_type) {
            let found = found.unwrap_or_else(|| "an artifact without a type".to_owned());
            let found = coaming_http::clean(&found);
            return Err(ArtifactError::OtherType { name, found, wanted: artifact_type.to_owned() });
        }
        if layer.size > MAX_FILE_BYTES {
            return Err(ArtifactError::TooLarge(name));
        }
        let reader = self.blob(reference, layer)?;
        replace(path, reader, check).map_err(|source| failed(path, source))?;
        Ok(layer.digest)
    }
}

fn failed(path: &Path, source: io::Error) -> ArtifactError {
    ArtifactError::File { file: path.display().to_string(), source }
}

/// Length and digest of a file.
fn describe(path: &Path, layer_type: &str) -> Result<Descriptor, ArtifactError> {
    let mut file = File::open(path).map_err(|source| failed(path, source))?;
    let mut descriptor = Descriptor::of(layer_type, b"");
    let mut digester = Digester::new(descriptor.digest.algorithm());
    let mut buffer = vec![0; 256 << 10];
    loop {
        let count = file.read(&mut buffer).map_err(|source| failed(path, source))?;
        let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
        digester.update(bytes);
        descriptor.size += count as u64;
        if descriptor.size > MAX_FILE_BYTES {
            return Err(ArtifactError::TooLarge(path.display().to_string()));
        }
    }
    descriptor.digest = digester.finish();
    Ok(descriptor)
}

fn replace(
    path: &Path,
    mut reader: impl Read,
    check: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let mut temporary = tempfile::Builder::new()
        .prefix(".coaming-")
        .suffix(".tmp")
        .tempfile_in(directory.unwrap_or(Path::new(".")))?;
    io::copy(&mut reader, &mut temporary)?;
    temporary.flush()?;
    temporary.as_file().sync_all()?;
    check(temporary.path())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}
