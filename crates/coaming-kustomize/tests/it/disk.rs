//! Files on disk, as a build sees them.

use std::path::Path;
use std::sync::Arc;

use coaming_kustomize::{FileKind, Files};

/// The files of this machine.
pub(crate) struct Disk;

impl Files for Disk {
    fn kind(&self, path: &str) -> FileKind {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => FileKind::Directory,
            Ok(metadata) if metadata.is_file() => FileKind::File,
            _ => FileKind::Missing,
        }
    }

    fn real_path(&self, path: &str) -> String {
        std::fs::canonicalize(path)
            .map_or_else(|_| path.to_owned(), |path| path.to_string_lossy().into_owned())
    }

    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        std::fs::read(path).map(Arc::from).map_err(|error| error.to_string())
    }

    fn chart(&self, path: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut files = Vec::new();
        let mut pending = vec![Path::new(path).to_path_buf()];
        while let Some(directory) = pending.pop() {
            for entry in std::fs::read_dir(directory).map_err(|error| error.to_string())? {
                let inner = entry.map_err(|error| error.to_string())?.path();
                if inner.is_dir() {
                    pending.push(inner);
                } else {
                    let name = inner.strip_prefix(path).unwrap().to_string_lossy().into_owned();
                    files.push((name, std::fs::read(&inner).unwrap()));
                }
            }
        }
        files.sort();
        Ok(files)
    }
}
