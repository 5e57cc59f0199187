//! Where etcd keeps a store: a snapshot, a database, or a data directory with a write-ahead log.
//!
//! Invariant: nothing is written, and a file that cannot be read does not affect the others.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use coaming_etcd::{Contents, EtcdError, StoreReader};
use coaming_finding::InputError;

/// Why there is nothing to report on.
#[derive(Debug, thiserror::Error)]
pub enum EtcdReadError {
    /// The file or directory cannot be opened.
    #[error("cannot be opened: {0}")]
    Open(#[from] io::Error),
    /// The directory has no database where etcd keeps it.
    #[error(
        "a directory without `member/snap/db`: name etcd's data directory, a snapshot, or a `db` \
         file"
    )]
    NoDatabase,
    /// The database cannot be read.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
}

/// A store that was read.
#[derive(Debug)]
pub struct EtcdStore {
    /// The name of the database.
    pub database: String,
    /// What it contains.
    pub contents: Contents,
    /// What could not be read.
    pub errors: Vec<InputError>,
    /// The files that findings point into: the database, then the others. The number of a file in
    /// this list is the number of its source.
    pub files: Vec<String>,
}

/// Reads a snapshot, a database, or a data directory.
///
/// # Errors
///
/// If the database cannot be read; another file that cannot be read is among the errors of the
/// store.
pub fn read_etcd(path: &Path) -> Result<EtcdStore, EtcdReadError> {
    let (database, member) = if path.is_dir() {
        database_in(path).ok_or(EtcdReadError::NoDatabase)?
    } else {
        (path.to_owned(), None)
    };
    let (file, bytes) = open(&database)?;
    let mut reader = StoreReader::database(file, bytes)?;
    let database = database.display().to_string();
    let mut files = vec![database.clone()];
    let mut errors = Vec::new();
    for (name, path) in member.map_or_else(|| Ok(Vec::new()), |member| other_files(&member))? {
        let read = open(&path).and_then(|(file, bytes)| reader.other_file(&name, file, bytes));
        let file = path.display().to_string();
        match read {
            Ok(()) => files.push(file),
            Err(error) => errors.push(problem(&file, format!("cannot be read: {error}"))),
        }
    }
    let contents = reader.finish();
    errors.extend(contents.problems.iter().map(|message| problem(&database, message.clone())));
    Ok(EtcdStore { database, contents, errors, files })
}

fn problem(file: &str, message: String) -> InputError {
    InputError { file: file.to_owned(), position: None, message }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

/// The database of a data directory or of its `member` directory, and the latter.
fn database_in(directory: &Path) -> Option<(PathBuf, Option<PathBuf>)> {
    [directory.join("member"), directory.to_owned()].into_iter().find_map(|member| {
        let database = member.join("snap/db");
        database.is_file().then_some((database, Some(member)))
    })
}

/// The files of a member that contain values too, by name: the write-ahead log, and databases that
/// the leader sent.
fn other_files(member: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for (directory, endings) in [("wal", &[".wal", ".tmp"][..]), ("snap", &[".snap.db"][..])] {
        let entries = match std::fs::read_dir(member.join(directory)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if endings.iter().any(|ending| name.ends_with(ending)) && entry.file_type()?.is_file() {
                files.push((format!("{directory}/{name}"), entry.path()));
            }
        }
    }
    files.sort();
    Ok(files)
}
