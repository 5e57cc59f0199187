//! Digests from local files: OCI layouts (a folder or a tar of one) and Docker's archives.
//!
//! A digest is taken only where the archive names the image in full and holds the manifest, and
//! the manifest has this digest. Layers are not read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use coaming_kube::ImageReference;
use serde::Deserialize;

/// The largest index or manifest that is read.
const MAX_BYTES: u64 = 4 << 20;
/// The most entries that an archive may have.
const MAX_ENTRIES: usize = 1_000_000;
/// The most bytes of manifests that are read from one tar.
const MAX_TOTAL_BYTES: usize = 256 << 20;
/// The most images that are taken from one archive.
const MAX_IMAGES: usize = 10_000;

/// Why a local file gives no digests.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file can't be read, or is no tar.
    #[error("{}: can't be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// There is an image, but no manifest: Docker before version 25 saved none, and without it only
    /// a registry knows the digest.
    #[error("{}: holds no manifests, as those of `docker save` before Docker 25: make it again by a newer one, or by `skopeo copy … oci-archive:FILE:NAME`", .0.display())]
    NoManifests(PathBuf),
    /// It is neither an OCI layout nor an archive of Docker's.
    #[error("{}: is neither an OCI layout nor an archive of `docker save`", .0.display())]
    Unknown(PathBuf),
    /// The index can't be understood, or a manifest is not what its digest says.
    #[error("{}: is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Images in local files.
#[derive(Clone, Debug, Default)]
pub struct Archives {
    digests: BTreeMap<ImageReference, String>,
}

#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

impl Entry {
    /// The image's name, where it is a full one: a tag alone says nothing of whose tag it is.
    fn image(&self) -> Option<ImageReference> {
        let annotation = |key: &str| self.annotations.get(key).map(String::as_str);
        let name = annotation("io.containerd.image.name").or_else(|| {
            annotation("org.opencontainers.image.ref.name").filter(|name| name.contains(['/', ':']))
        })?;
        let image = ImageReference::parse(name).ok()?;
        let tag = image.tag()?;
        ImageReference::parse(&format!("{}/{}:{tag}", image.registry(), image.repository())).ok()
    }

    /// The manifest's file in the layout.
    fn blob(&self) -> Option<String> {
        let (algorithm, hex) = self.digest.split_once(':')?;
        let fits = matches!(algorithm, "sha256" | "sha384" | "sha512")
            && hex.len() >= 64
            && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| format!("blobs/{algorithm}/{hex}"))
    }
}

impl Archives {
    /// Takes in what a folder or file holds.
    ///
    /// # Errors
    ///
    /// As [`ArchiveError`] says; then nothing is taken of it.
    pub fn add(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let is_folder = path.is_dir();
        let read = |wanted: &dyn Fn(&str) -> bool| {
            if is_folder { from_folder(path, wanted) } else { from_tar(path, wanted) }
                .map_err(|source| ArchiveError::Io { path: path.to_owned(), source })
        };
        let heads = read(&|name| matches!(name, "index.json" | "manifest.json"))?;
        let Some(index) = heads.get("index.json") else {
            return Err(if heads.contains_key("manifest.json") {
                ArchiveError::NoManifests(path.to_owned())
            } else {
                ArchiveError::Unknown(path.to_owned())
            });
        };
        let damaged = |reason: String| ArchiveError::Damaged { path: path.to_owned(), reason };
        let index: Index = serde_json::from_slice(index)
            .map_err(|error| damaged(format!("index.json: {error}")))?;
        let images: BTreeMap<String, Vec<(ImageReference, String)>> =
            index.manifests.iter().take(MAX_IMAGES).fold(BTreeMap::new(), |mut images, entry| {
                if let (Some(image), Some(blob)) = (entry.image(), entry.blob()) {
                    images.entry(blob).or_default().push((image, entry.digest.clone()));
                }
                images
            });
        let blobs = if is_folder {
            from_names(path, images.keys())
                .map_err(|source| ArchiveError::Io { path: path.to_owned(), source })?
        } else {
            read(&|name| images.contains_key(name))?
        };
        for (blob, named) in &images {
            for (_, digest) in named {
                if !blobs.get(blob).is_some_and(|bytes| has_digest(bytes, digest)) {
                    return Err(damaged(format!("`{blob}` is missing, or has another digest")));
                }
            }
        }
        self.digests.extend(images.into_values().flatten());
        Ok(())
    }

    /// The digest of an image, by its name and tag.
    #[must_use]
    pub fn digest(&self, image: &ImageReference) -> Option<&str> {
        self.digests.get(image).map(String::as_str)
    }

    /// The tags of a repository.
    pub(crate) fn tags(&self, name: &ImageReference) -> Vec<String> {
        self.digests
            .keys()
            .filter(|image| {
                image.registry() == name.registry() && image.repository() == name.repository()
            })
            .filter_map(|image| image.tag().map(str::to_owned))
            .collect()
    }
}

fn has_digest(bytes: &[u8], digest: &str) -> bool {
    coaming_registry::Digester::like(digest).is_some_and(|mut digester| {
        digester.update(bytes);
        digester.finish() == digest
    })
}

/// The files at the top of a folder that are wanted.
fn from_folder(
    folder: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let names = ["index.json", "manifest.json"].map(str::to_owned);
    let names: Vec<String> = names.into_iter().filter(|name| wanted(name)).collect();
    from_names(folder, names.iter())
}

/// The files of these names, those that there are. The names are ours or have no `..` in them.
fn from_names<'n>(
    folder: &Path,
    names: impl Iterator<Item = &'n String>,
) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for name in names {
        let path = folder.join(name);
        if path.is_file() {
            found.insert(name.clone(), bounded(File::open(path)?)?);
        }
    }
    Ok(found)
}

/// The wanted files of a tar. Layers are skipped by seeking.
fn from_tar(path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut magic = [0; 2];
    if File::open(path)?.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b] {
        return Err(io::Error::other("it is compressed: `gunzip` it first"));
    }
    let mut archive = tar::Archive::new(File::open(path)?);
    let mut found = BTreeMap::new();
    let mut total = 0;
    for (count, entry) in archive.entries_with_seek()?.enumerate() {
        let entry = entry?;
        if count >= MAX_ENTRIES || total > MAX_TOTAL_BYTES {
            return Err(io::Error::other("it has more than an archive of images may have"));
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = name.trim_start_matches("./");
        if entry.header().entry_type().is_file() && wanted(name) {
            let bytes = bounded(entry)?;
            total += bytes.len();
            found.insert(name.to_owned(), bytes);
        }
    }
    Ok(found)
}

fn bounded(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("an index or manifest in it is larger than 4 MiB"));
    }
    Ok(bytes)
}
