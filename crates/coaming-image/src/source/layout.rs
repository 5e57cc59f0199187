//! Files by name, in a directory or an archive, and the images that an OCI layout in them names.

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_oci::{Digest, Index, Platform};

use super::outer::Members;
use super::{DOCUMENT_LIMIT, Image, ImageError, docker, manifest, open_regular, outer};
use crate::blob::Blob;
use crate::platform::file_identity;

/// Where named files are.
pub(super) enum Files {
    /// In a directory. No path leads outside it, and no link is followed.
    Directory {
        root: PathBuf,
        /// The identities of the files that were opened.
        opened: RefCell<Vec<String>>,
    },
    /// In an uncompressed archive.
    Archive { file: Arc<File>, members: Members },
}

impl Files {
    pub(super) fn directory(root: &Path) -> Self {
        Self::Directory { root: root.to_owned(), opened: RefCell::default() }
    }

    /// The contents of a file.
    pub(super) fn find(&self, name: &str) -> Option<Blob> {
        match self {
            Self::Archive { file, members } => members.find(file, name),
            Self::Directory { root, opened } => {
                let inside = crate::archive::normalise(name.as_bytes())?;
                let file = open_regular(&root.join(inside.trim_start_matches('/'))).ok()?;
                opened.borrow_mut().extend(file_identity(&file));
                let length = file.metadata().ok()?.len();
                Some(Blob::File { file: Arc::new(file), offset: 0, length })
            }
        }
    }

    /// A small file as a whole; `None` if there is none of this name.
    fn document(&self, name: &str) -> Result<Option<Vec<u8>>, ImageError> {
        let bytes = self.find(name).map(|blob| blob.whole(DOCUMENT_LIMIT));
        bytes.transpose().map_err(|error| ImageError::io(name, error))
    }

    /// The blob with a digest, in an OCI layout.
    fn blob(&self, digest: &Digest) -> Result<Blob, ImageError> {
        let name = digest.blob_path();
        self.find(&name).ok_or_else(|| ImageError::malformed(&name, "there is no such file"))
    }

    /// The index of an OCI layout.
    fn index(&self) -> Result<Option<Index>, ImageError> {
        let index = self.document("index.json")?.map(|bytes| Index::parse(&bytes));
        index.transpose().map_err(|error| ImageError::malformed("index.json", error))
    }

    /// Whether the files are an OCI layout.
    fn is_layout(&self) -> bool {
        match self {
            Self::Directory { root, .. } => {
                root.join("oci-layout").is_file() && root.join("index.json").is_file()
            }
            Self::Archive { .. } => self.find("oci-layout").is_some(),
        }
    }

    /// The image of an OCI layout for this platform; `None` if the files are none.
    pub(super) fn oci_image(
        &self,
        platform: Option<&Platform>,
    ) -> Result<Option<Image>, ImageError> {
        let index = if self.is_layout() { self.index()? } else { None };
        let image = |index| manifest::from_index(&index, platform, &|digest| self.blob(digest));
        index.map(image).transpose()
    }

    /// The first image of an archive of `docker save`; `None` if the files are none.
    pub(super) fn docker_image(&self) -> Result<Option<Image>, ImageError> {
        let manifest = self.document("manifest.json")?;
        manifest.map(|bytes| docker::image(&bytes, &|name| self.find(name))).transpose()
    }
}

/// The names and manifests of the images in a file or directory. Layers are not read.
pub struct Layout {
    files: Files,
    index: Option<Index>,
}

impl Layout {
    /// Opens an OCI layout (a directory, or an archive, which may be compressed) or an archive of
    /// `docker save`.
    ///
    /// # Errors
    ///
    /// [`ImageError::NoImage`] if it is neither, other errors if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        let shown = path.display().to_string();
        let failed = |error| ImageError::io(&shown, error);
        let files = if path.is_dir() {
            Files::directory(path)
        } else {
            outer::files(File::open(path).map_err(failed)?, &shown)?
        };
        let index = files.index()?;
        if index.is_none() && files.find("manifest.json").is_none() {
            return Err(ImageError::NoImage(shown));
        }
        Ok(Self { files, index })
    }

    /// The images. `None` for an archive of Docker before version 25, which has neither manifests
    /// nor their digests.
    #[must_use]
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// A small blob, such as the payload of a signature.
    ///
    /// # Errors
    ///
    /// If it is missing, is too large, or its bytes have another digest.
    pub fn small_blob(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        manifest::verified(digest, &|digest| self.files.blob(digest))
    }

    /// The manifest with this digest.
    ///
    /// # Errors
    ///
    /// If it is missing or its bytes have another digest.
    pub fn manifest(&self, digest: &Digest) -> Result<Vec<u8>, ImageError> {
        self.small_blob(digest)
    }
}
