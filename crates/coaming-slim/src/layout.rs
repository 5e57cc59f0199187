//! The output: an OCI layout in a directory, or the same in an archive that Docker loads too.
//!
//! Invariants: it appears whole or not at all, and no temporary file is left; only an image may be
//! replaced; the same image makes the same bytes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek as _};
use std::path::Path;

use coaming_oci::{Algorithm, Descriptor, Digest, Digester, Reference, media_type};
use serde_json::{Value, json};

use crate::{Options, SlimError};

const LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// The format of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// A tar archive.
    Archive,
    /// A directory.
    Directory,
}

impl OutputFormat {
    /// The format that the name of a path asks for.
    ///
    /// # Errors
    ///
    /// If it asks for an archive that is compressed as a whole.
    pub fn of(path: &Path) -> Result<Self, SlimError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let compressed = [".tgz", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2", ".zip"];
        if compressed.iter().any(|end| name.ends_with(end)) {
            return Err(SlimError::Format(path.display().to_string()));
        }
        Ok(if name.ends_with(".tar") { Self::Archive } else { Self::Directory })
    }

    /// Checks that the output may be written there.
    pub(crate) fn check(self, path: &Path, force: bool) -> Result<(), SlimError> {
        let exists = |advice| Err(SlimError::Exists { path: path.display().to_string(), advice });
        let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
        match self {
            _ if !force => exists("choose another path, or replace it with --force"),
            Self::Archive if !metadata.is_file() => exists("it is not a file; remove it yourself"),
            Self::Archive if !is_archive(path) => {
                exists("it is not a tar archive, and only images are replaced; remove it yourself")
            }
            Self::Directory if !metadata.is_dir() => {
                exists("it is not a directory; remove it yourself")
            }
            Self::Directory if !is_layout(path) => {
                exists("it is not an OCI layout, and only images are replaced; remove it yourself")
            }
            Self::Archive | Self::Directory => Ok(()),
        }
    }
}

/// Whether a directory contains an OCI layout and nothing else.
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
    manifest_digest: Digest,
    config_digest: Digest,
    layer_digest: Digest,
    layer_size: u64,
    /// `manifest.json`, as in Docker's archives.
    docker: Vec<u8>,
}

/// Writes the image and returns its digest.
pub(crate) fn write(
    out: &Path,
    format: OutputFormat,
    options: &Options,
    configuration: &[u8],
    mut layer: File,
    name: Option<&Reference>,
) -> Result<Digest, SlimError> {
    let failed = |source| SlimError::Write { path: out.display().to_string(), source };
    let layout = Layout::new(configuration, &mut layer, options.name.as_deref().zip(name))
        .map_err(failed)?;
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match format {
        OutputFormat::Archive => {
            layout.archive(out, parent, options.force, configuration, &mut layer)
        }
        OutputFormat::Directory => {
            layout.directory(out, parent, options.force, configuration, &mut layer)
        }
    }
    .map_err(failed)?;
    Ok(layout.manifest_digest)
}

impl Layout {
    /// Builds the small parts. `name` is the image's name as the user writes it, and parsed.
    fn new(
        configuration: &[u8],
        layer: &mut File,
        name: Option<(&str, &Reference)>,
    ) -> io::Result<Self> {
        let mut digester = Digester::new(Algorithm::Sha256);
        let layer_size = io::copy(layer, &mut digester)?;
        layer.rewind()?;
        let layer_digest = digester.finish();
        let config_digest = Digest::sha256(configuration);
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": {
                "mediaType": media_type::OCI_CONFIG,
                "digest": config_digest, "size": configuration.len(),
            },
            "layers": [{
                "mediaType": media_type::OCI_LAYER_GZIP,
                "digest": layer_digest, "size": layer_size,
            }],
        }))?;
        let manifest_digest = Digest::sha256(&manifest);
        let mut descriptor = json!(Descriptor::of(media_type::OCI_MANIFEST, &manifest));
        let config: Value = serde_json::from_slice(configuration)?;
        descriptor["platform"] =
            json!({"os": config["os"], "architecture": config["architecture"]});
        if config["variant"].is_string() {
            descriptor["platform"]["variant"] = config["variant"].clone();
        }
        if let Some((_, name)) = name {
            descriptor["annotations"] = json!({
                "io.containerd.image.name": name.to_string(),
                "org.opencontainers.image.ref.name": name.tag(),
            });
        }
        let index = serde_json::to_vec(&json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_INDEX,
            "manifests": [descriptor],
        }))?;
        let docker = serde_json::to_vec(&json!([{
            "Config": config_digest.blob_path(),
            "RepoTags": name.map_or_else(Vec::new, |(written, _)| vec![written.to_owned()]),
            "Layers": [layer_digest.blob_path()],
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
        whole(&self.config_digest.blob_path(), configuration)?;
        whole(&self.manifest_digest.blob_path(), &self.manifest)?;
        add(&self.layer_digest.blob_path(), self.layer_size, layer)?;
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
        std::fs::write(image.join(self.config_digest.blob_path()), configuration)?;
        std::fs::write(image.join(self.manifest_digest.blob_path()), &self.manifest)?;
        let mut file = File::create(image.join(self.layer_digest.blob_path()))?;
        io::copy(layer, &mut file)?;
        file.sync_all()?;
        // The old image stays in the temporary directory until the new one is in its place.
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

/// Builds temporary files with unused names and the permissions of the user's other files.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".coaming-slim-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    // Other systems give the permissions of the directory.
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// A name for the result as containerd stores it: with registry and tag, without a digest, which is
/// not known before the image is written.
pub(crate) fn full_name(name: &str) -> Result<Reference, SlimError> {
    let reference = Reference::parse(name)
        .map_err(|source| SlimError::Name { name: name.to_owned(), source })?;
    if reference.digest().is_some() {
        return Err(SlimError::NameWithDigest(name.to_owned()));
    }
    Ok(reference.or_latest())
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
            assert_eq!(full_name(name).unwrap().to_string(), full);
        }
        assert!(full_name("Web").unwrap_err().to_string().contains("lower case"));
        let digest = Digest::sha256(b"");
        assert!(full_name(&format!("web@{digest}")).unwrap_err().to_string().contains("digest"));
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
            assert_eq!(OutputFormat::of(&path).unwrap().check(&path, force).is_ok(), may, "{name}");
        }
        assert!(OutputFormat::of(Path::new("x.tar.gz")).is_err());
    }
}
