//! The output: an OCI layout in a directory, or the same in an archive that Docker loads too.
//!
//! Invariants: it appears whole or not at all, beside which nothing is left behind; only what is an
//! image may be replaced; the same image makes the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Options, SlimError};

const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A tar archive.
    Archive,
    /// A directory.
    Directory,
}

impl Form {
    /// The form that a path asks for by its name.
    ///
    /// # Errors
    ///
    /// If it asks for an archive that is compressed as a whole.
    pub fn of(path: &Path) -> Result<Self, SlimError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let compressed = [".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".zip"];
        if compressed.iter().any(|end| name.ends_with(end)) {
            return Err(SlimError::Form(path.display().to_string()));
        }
        Ok(if name.ends_with(".tar") { Self::Archive } else { Self::Directory })
    }

    /// Whether the output may be written there.
    pub(crate) fn check(self, path: &Path, force: bool) -> Result<(), SlimError> {
        let exists = |advice| Err(SlimError::Exists { path: path.display().to_string(), advice });
        let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
        match self {
            _ if !force => exists("name another file or directory, or replace it by --force"),
            Self::Archive if !metadata.is_file() => exists("it is no file; remove it yourself"),
            Self::Archive if !is_archive(path) => {
                exists("it is no tar archive, and only images are replaced; remove it yourself")
            }
            Self::Directory if !metadata.is_dir() => {
                exists("it is no directory; remove it yourself")
            }
            Self::Directory if !is_layout(path) => {
                exists("it is no OCI layout, and only images are replaced; remove it yourself")
            }
            Self::Archive | Self::Directory => Ok(()),
        }
    }
}

/// Whether a directory is an OCI layout, and nothing else lies in it.
fn is_layout(path: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(path) else { return false };
    let known = |name: &std::ffi::OsStr| {
        ["oci-layout", "index.json", "blobs"].iter().any(|known| name == *known)
    };
    path.join("oci-layout").is_file()
        && entries.into_iter().all(|entry| entry.is_ok_and(|entry| known(&entry.file_name())))
}

fn is_archive(path: &Path) -> bool {
    let mut start = [0; 262];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && start.ends_with(b"ustar")
}

/// The parts of a layout.
struct Layout {
    index: Vec<u8>,
    manifest: Vec<u8>,
    manifest_digest: String,
    config_digest: String,
    layer_digest: String,
    layer_size: u64,
    /// `manifest.json`, as Docker's archives have it.
    docker: Vec<u8>,
}

/// Writes the image; says its digest.
pub(crate) fn write(
    out: &Path,
    form: Form,
    options: &Options,
    configuration: &[u8],
    mut layer: File,
) -> Result<String, SlimError> {
    let failed = |source| SlimError::Write { path: out.display().to_string(), source };
    let layout = Layout::new(configuration, &mut layer, options.name.as_deref()).map_err(failed)?;
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match form {
        Form::Archive => layout.archive(out, parent, options.force, configuration, &mut layer),
        Form::Directory => layout.directory(out, parent, options.force, configuration, &mut layer),
    }
    .map_err(failed)?;
    Ok(layout.manifest_digest)
}

impl Layout {
    fn new(configuration: &[u8], layer: &mut File, name: Option<&str>) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let layer_size = io::copy(layer, &mut hash)?;
        layer.rewind()?;
        let layer_digest = format!("sha256:{:x}", hash.finalize());
        let config_digest = digest(configuration);
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config_digest, "size": configuration.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": layer_digest, "size": layer_size,
            }],
        }))?;
        let manifest_digest = digest(&manifest);
        let mut descriptor = json!({
            "mediaType": MANIFEST, "digest": manifest_digest, "size": manifest.len(),
        });
        let config: Value = serde_json::from_slice(configuration)?;
        descriptor["platform"] =
            json!({"os": config["os"], "architecture": config["architecture"]});
        if config["variant"].is_string() {
            descriptor["platform"]["variant"] = config["variant"].clone();
        }
        if let Some(name) = name {
            let tag = name.rsplit('/').next().and_then(|last| last.split_once(':'));
            descriptor["annotations"] = json!({
                "io.containerd.image.name": full_name(name),
                "org.opencontainers.image.ref.name": tag.map_or("latest", |(_, tag)| tag),
            });
        }
        let index = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        }))?;
        let docker = serde_json::to_vec(&json!([{
            "Config": blob(&config_digest),
            "RepoTags": name.map_or_else(Vec::new, |name| vec![name.to_owned()]),
            "Layers": [blob(&layer_digest)],
        }]))?;
        Ok(Self {
            index,
            manifest,
            manifest_digest,
            config_digest,
            layer_digest,
            layer_size,
            docker,
        })
    }

    fn archive(
        &self,
        out: &Path,
        parent: &Path,
        force: bool,
        configuration: &[u8],
        layer: &mut File,
    ) -> io::Result<()> {
        let temporary = builder(0o666).tempfile_in(parent)?;
        let mut builder = tar::Builder::new(BufWriter::new(temporary));
        let mut add = |name: &str, size: u64, bytes: &mut dyn Read| {
            let mut header = tar::Header::new_gnu();
            header.set_size(size);
            header.set_mode(0o644);
            header.set_mtime(0);
            builder.append_data(&mut header, name, bytes)
        };
        let mut whole = |name: &str, mut bytes: &[u8]| add(name, bytes.len() as u64, &mut bytes);
        whole("oci-layout", LAYOUT)?;
        whole("index.json", &self.index)?;
        whole("manifest.json", &self.docker)?;
        whole(&blob(&self.config_digest), configuration)?;
        whole(&blob(&self.manifest_digest), &self.manifest)?;
        add(&blob(&self.layer_digest), self.layer_size, layer)?;
        let temporary = builder.into_inner()?.into_inner().map_err(|error| error.into_error())?;
        temporary.as_file().sync_all()?;
        if force { temporary.persist(out) } else { temporary.persist_noclobber(out) }?;
        Ok(())
    }

    fn directory(
        &self,
        out: &Path,
        parent: &Path,
        force: bool,
        configuration: &[u8],
        layer: &mut File,
    ) -> io::Result<()> {
        let temporary = builder(0o777).tempdir_in(parent)?;
        let image = temporary.path().join("new");
        std::fs::create_dir_all(image.join("blobs/sha256"))?;
        std::fs::write(image.join("oci-layout"), LAYOUT)?;
        std::fs::write(image.join("index.json"), &self.index)?;
        std::fs::write(image.join(blob(&self.config_digest)), configuration)?;
        std::fs::write(image.join(blob(&self.manifest_digest)), &self.manifest)?;
        let mut file = File::create(image.join(blob(&self.layer_digest)))?;
        io::copy(layer, &mut file)?;
        file.sync_all()?;
        // What is replaced waits until the new one is in its place, and goes with the temporary directory.
        let old = temporary.path().join("old");
        let replaces = force && out.exists();
        if replaces {
            std::fs::rename(out, &old)?;
        }
        std::fs::rename(&image, out).inspect_err(|_| {
            if replaces {
                drop(std::fs::rename(&old, out));
            }
        })
    }
}

/// Names that are no one's, readable for whom the user's own files are.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".coaming-slim-").permissions(std::fs::Permissions::from_mode(mode));
    builder
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

/// Where a blob lies in a layout.
fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// A name with its registry, as containerd keeps images by.
fn full_name(name: &str) -> String {
    let first = name.split('/').next().unwrap_or_default();
    let registry = name.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let name = match (registry, name.contains('/')) {
        (true, _) => name.to_owned(),
        (false, true) => format!("docker.io/{name}"),
        (false, false) => format!("docker.io/library/{name}"),
    };
    let tagged = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if tagged { name } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_full_for_containerd() {
        for (name, full) in [
            ("web", "docker.io/library/web:latest"),
            ("shop/web:1.4", "docker.io/shop/web:1.4"),
            ("localhost/web", "localhost/web:latest"),
            ("r.example:5000/web", "r.example:5000/web:latest"),
        ] {
            assert_eq!(full_name(name), full);
        }
    }

    #[test]
    fn only_images_are_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::create_dir_all(path("layout/blobs")).unwrap();
        std::fs::write(path("layout/oci-layout"), "{}").unwrap();
        std::fs::create_dir_all(path("home/blobs")).unwrap();
        std::fs::write(path("home/oci-layout"), "{}").unwrap();
        std::fs::write(path("home/letter"), "mine").unwrap();
        std::fs::write(path("text.tar"), "no archive ".repeat(100)).unwrap();
        for (name, force, may) in [
            ("new", false, true),
            ("layout", false, false),
            ("layout", true, true),
            ("home", true, false),
            ("text.tar", true, false),
        ] {
            let path = path(name);
            assert_eq!(Form::of(&path).unwrap().check(&path, force).is_ok(), may, "{name}");
        }
        assert!(Form::of(Path::new("x.tar.gz")).is_err());
    }
}
