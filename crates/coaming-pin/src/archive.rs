//! Digests from local files: OCI layouts (a directory, or a tar of one, which may be compressed) and
//! Docker's archives.
//!
//! A digest is taken only where the archive names the image in full, or the user does, and where the
//! archive holds the manifest, and the manifest has this digest. Layers are not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use coaming_kube::ImageReference;
use serde::Deserialize;

use crate::resolve::named;

/// The largest index or manifest that is read.
const MAX_BYTES: u64 = 4 << 20;
/// The most entries that an archive may have.
const MAX_ENTRIES: usize = 1_000_000;
/// The most bytes of manifests that are read from one tar.
const MAX_TOTAL_BYTES: usize = 256 << 20;
/// The most bytes that a compressed archive may have uncompressed.
const MAX_UNCOMPRESSED: u64 = 64 << 30;
/// The largest window of a zstd frame, as a power of 2: what `zstd --ultra -22` makes.
const ZSTD_WINDOW: u32 = 27;
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
    /// The user says which image it is, and it holds several, none of that name.
    #[error("{}: holds {count} images, and none is named {image}", path.display())]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The image that is asked for.
        image: String,
        /// How many there are.
        count: usize,
    },
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
    platform: Option<Platform>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
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
        named(&image, Some(tag))
    }

    /// Attestations stand beside the images that they are about, for the platform `unknown`.
    fn is_attestation(&self) -> bool {
        self.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
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
    /// Takes in the images that a directory or file names in full.
    ///
    /// # Errors
    ///
    /// As [`ArchiveError`] says; then nothing is taken of it.
    pub fn add(&mut self, path: &Path) -> Result<(), ArchiveError> {
        let entries = index(path)?.manifests.into_iter().take(MAX_IMAGES);
        let named = entries.filter_map(|entry| Some((entry.image()?, entry)));
        self.digests.extend(verified(path, named.collect())?);
        Ok(())
    }

    /// Takes in the image that a directory or file holds of this name; or its only one, whatever name
    /// that has in there: it is the user who says which image it is.
    ///
    /// # Errors
    ///
    /// As [`ArchiveError`] says; then nothing is taken of it.
    pub fn add_as(&mut self, path: &Path, image: &ImageReference) -> Result<(), ArchiveError> {
        let Some(image) = named(image, Some(image.tag().unwrap_or("latest"))) else {
            return Ok(());
        };
        let mut entries = index(path)?.manifests;
        entries.retain(|entry| !entry.is_attestation());
        let count = entries.len();
        let place = match entries.iter().position(|entry| entry.image().as_ref() == Some(&image)) {
            None if count == 1 => 0,
            None => {
                let (path, image) = (path.to_owned(), image.to_string());
                return Err(ArchiveError::Ambiguous { path, image, count });
            }
            Some(place) => place,
        };
        self.digests.extend(verified(path, vec![(image, entries.swap_remove(place))])?);
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

/// What a directory or file holds.
fn index(path: &Path) -> Result<Index, ArchiveError> {
    // A bill of materials may stand for an image, and knows nothing of its manifest.
    if !path.is_dir() && first_byte(path).map_err(|error| unreadable(path, error))? == b'{' {
        return Err(ArchiveError::Unknown(path.to_owned()));
    }
    let heads = read(path, &|name| matches!(name, "index.json" | "manifest.json"))?;
    match heads.get("index.json") {
        Some(index) => serde_json::from_slice(index)
            .map_err(|error| damaged(path, format!("index.json: {error}"))),
        None if heads.contains_key("manifest.json") => {
            Err(ArchiveError::NoManifests(path.to_owned()))
        }
        None => Err(ArchiveError::Unknown(path.to_owned())),
    }
}

fn first_byte(path: &Path) -> io::Result<u8> {
    let mut byte = [0];
    File::open(path)?.read_exact(&mut byte)?;
    Ok(byte[0])
}

/// The digests of these images, if all their manifests are there and have them. An entry whose digest
/// is none names nothing.
fn verified(
    path: &Path,
    images: Vec<(ImageReference, Entry)>,
) -> Result<Vec<(ImageReference, String)>, ArchiveError> {
    let images: Vec<_> = images
        .into_iter()
        .filter_map(|(image, entry)| Some((image, entry.blob()?, entry.digest)))
        .collect();
    let names: BTreeSet<&str> = images.iter().map(|(_, blob, _)| blob.as_str()).collect();
    let blobs = if path.is_dir() {
        from_names(path, names.into_iter()).map_err(|source| unreadable(path, source))?
    } else if names.is_empty() {
        BTreeMap::new()
    } else {
        read(path, &|name| names.contains(name))?
    };
    let mut digests = Vec::with_capacity(images.len());
    for (image, blob, digest) in images {
        if !blobs.get(&blob).is_some_and(|bytes| has_digest(bytes, &digest)) {
            return Err(damaged(path, format!("`{blob}` is missing, or has another digest")));
        }
        digests.push((image, digest));
    }
    Ok(digests)
}

fn damaged(path: &Path, reason: String) -> ArchiveError {
    ArchiveError::Damaged { path: path.to_owned(), reason }
}

fn unreadable(path: &Path, source: io::Error) -> ArchiveError {
    ArchiveError::Io { path: path.to_owned(), source }
}

fn has_digest(bytes: &[u8], digest: &str) -> bool {
    coaming_registry::Digester::like(digest).is_some_and(|mut digester| {
        digester.update(bytes);
        digester.finish() == digest
    })
}

/// The wanted files of a directory, at its top, or of a tar.
fn read(
    path: &Path,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<BTreeMap<String, Vec<u8>>, ArchiveError> {
    let files = if path.is_dir() {
        from_names(path, ["index.json", "manifest.json"].into_iter().filter(|name| wanted(name)))
    } else {
        from_tar(path, wanted)
    };
    files.map_err(|source| unreadable(path, source))
}

/// The files of these names, those that there are. The names are ours or have no `..` in them.
fn from_names<'n>(
    directory: &Path,
    names: impl Iterator<Item = &'n str>,
) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for name in names {
        let path = directory.join(name);
        if path.is_file() {
            found.insert(name.to_owned(), bounded(File::open(path)?)?);
        }
    }
    Ok(found)
}

/// The wanted files of a tar. Of a plain one, layers are skipped by seeking.
fn from_tar(path: &Path, wanted: &dyn Fn(&str) -> bool) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut file = File::open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(4).read_to_end(&mut magic)?;
    file.rewind()?;
    match *magic {
        [0x1f, 0x8b, ..] => {
            let stream = flate2::bufread::MultiGzDecoder::new(BufReader::new(file));
            let mut archive = tar::Archive::new(stream.take(MAX_UNCOMPRESSED));
            wanted_of(archive.entries()?, wanted)
        }
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut stream = zstd::stream::read::Decoder::new(file)?;
            stream.window_log_max(ZSTD_WINDOW)?;
            let mut archive = tar::Archive::new(stream.take(MAX_UNCOMPRESSED));
            wanted_of(archive.entries()?, wanted)
        }
        _ => wanted_of(tar::Archive::new(file).entries_with_seek()?, wanted),
    }
}

fn wanted_of<R: Read>(
    entries: tar::Entries<'_, R>,
    wanted: &dyn Fn(&str) -> bool,
) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut total = 0;
    for (count, entry) in entries.enumerate() {
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
