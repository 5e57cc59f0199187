//! The secrets of a local store as files in a directory of one's own.

use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::{LocalStore, Store as _, StoreError, Value};

/// Why secrets cannot be written as files.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A directory cannot be made.
    #[error(transparent)]
    Directory(#[from] io::Error),
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A field cannot be the name of a file.
    #[error("the field `{field}` of `{path}` is not a file name")]
    Name {
        /// The path in the store.
        path: String,
        /// The field.
        field: String,
    },
}

/// Everything in a local store.
#[derive(Debug)]
pub struct StoredFiles(Vec<(String, crate::Fields)>);

impl StoredFiles {
    /// Reads everything: before the directory that may hide the store is mounted.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn read(store: &mut LocalStore) -> Result<Self, FilesError> {
        let mut secrets = Vec::new();
        for path in store.paths()? {
            let fields = store.read(&path)?.fields;
            secrets.push((path, fields));
        }
        Ok(Self(secrets))
    }

    /// Writes each field to a file `PATH/FIELD` below a directory.
    ///
    /// # Errors
    ///
    /// See [`FilesError`].
    pub fn write(&self, directory: &Path) -> Result<(), FilesError> {
        for (path, fields) in &self.0 {
            let parent = directory.join(path);
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&parent)?;
            for (field, value) in fields {
                if field.contains('/') || field.starts_with('.') {
                    return Err(FilesError::Name { path: path.clone(), field: field.clone() });
                }
                write_private(&parent.join(field), value)?;
            }
        }
        Ok(())
    }
}

/// Writes a new file that only its owner may read.
///
/// # Errors
///
/// If there is such a file, or it cannot be written.
pub fn write_private(path: &Path, value: &Value) -> Result<(), FilesError> {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(value.expose()));
    written.map_err(|source| FilesError::File { path: path.to_path_buf(), source })
}

/// The directory for these files: in XDG_RUNTIME_DIR, or one of the user's own in the system's
/// temporary directory.
#[must_use]
pub fn default_directory() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|directory| !directory.is_empty()) {
        Some(directory) => PathBuf::from(directory).join("coaming-secrets"),
        None => {
            let user = rustix::process::getuid().as_raw();
            std::env::temp_dir().join(format!("coaming-secrets-{user}"))
        }
    }
}
