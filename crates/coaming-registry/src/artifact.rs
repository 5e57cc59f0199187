//! A file as an OCI artifact: how a company keeps the advisory database in its own registry.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::Path;

use coaming_oci::{Descriptor, Digest, Digester, Reference, media_type};
use flate2::read::GzDecoder;
use serde_json::json;
use tempfile::NamedTempFile;

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
    /// The archive in the artifact does not have the file.
    #[error("`{name}` is not {wanted}: there is no file `{file}` in it")]
    NoFile {
        /// The reference.
        name: String,
        /// The requested type.
        wanted: String,
        /// The file.
        file: String,
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
        let layer = only_layer(reference, &layers, artifact_type)?;
        if found.as_deref() != Some(artifact_type) {
            let found = found.unwrap_or_else(|| "an artifact without a type".to_owned());
            return Err(other_type(reference, &coaming_http::clean(&found), artifact_type));
        }
        let reader = self.blob(reference, layer)?;
        replace(path, reader, check).map_err(|source| failed(path, source))?;
        Ok(layer.digest)
    }

    /// Pulls a file out of an artifact that is one compressed tar archive of `layer_type`. The rest
    /// is as with [`Registry::pull_file`].
    ///
    /// # Errors
    ///
    /// See [`ArtifactError`].
    pub fn pull_archived_file(
        &self,
        reference: &Reference,
        path: &Path,
        layer_type: &str,
        file: &str,
        check: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Digest, ArtifactError> {
        let (_, layers) = self.artifact(reference)?;
        let layer = only_layer(reference, &layers, layer_type)?;
        if layer.media_type != layer_type {
            return Err(other_type(reference, &coaming_http::clean(&layer.media_type), layer_type));
        }
        let mut archive = tar::Archive::new(GzDecoder::new(self.blob(reference, layer)?));
        let failed = |source| failed(path, source);
        let mut found = false;
        // The digest is that of the whole archive: it is read to its end before the file counts.
        let mut temporary = beside(path).map_err(failed)?;
        for entry in archive.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !found && entry.path().map_err(failed)?.as_ref() == Path::new(file) {
                found = true;
                let copied = io::copy(&mut entry.take(MAX_FILE_BYTES + 1), &mut temporary);
                if copied.map_err(failed)? > MAX_FILE_BYTES {
                    return Err(ArtifactError::TooLarge(reference.to_string()));
                }
            }
        }
        let mut rest = archive.into_inner().into_inner();
        io::copy(&mut rest, &mut io::sink()).map_err(failed)?;
        if !found {
            return Err(ArtifactError::NoFile {
                name: reference.to_string(),
                wanted: layer_type.to_owned(),
                file: file.to_owned(),
            });
        }
        keep(temporary, path, check).map_err(failed)?;
        Ok(layer.digest)
    }
}

/// The only layer of an artifact.
fn only_layer<'a>(
    reference: &Reference,
    layers: &'a [Descriptor],
    wanted: &str,
) -> Result<&'a Descriptor, ArtifactError> {
    let [layer] = layers else {
        let found = format!("an artifact of {} parts", layers.len());
        return Err(other_type(reference, &found, wanted));
    };
    if layer.size > MAX_FILE_BYTES {
        return Err(ArtifactError::TooLarge(reference.to_string()));
    }
    Ok(layer)
}

fn other_type(reference: &Reference, found: &str, wanted: &str) -> ArtifactError {
    ArtifactError::OtherType {
        name: reference.to_string(),
        found: found.to_owned(),
        wanted: wanted.to_owned(),
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
    let mut temporary = beside(path)?;
    io::copy(&mut reader, &mut temporary)?;
    keep(temporary, path, check)
}

/// A temporary file in the directory of `path`.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(".coaming-")
        .suffix(".tmp")
        .tempfile_in(directory.unwrap_or(Path::new(".")))
}

/// Puts a temporary file to `path`, if `check` takes it.
fn keep(
    mut temporary: NamedTempFile,
    path: &Path,
    check: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    temporary.flush()?;
    temporary.as_file().sync_all()?;
    check(temporary.path())?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}
