//! From a path to what it holds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::carve::{Carved, Carver};
use super::contents::{self, History, Objects, Place, Remnant, State};
use super::history::{OtherObject, Others};
use super::mvcc::{self, ObjectKey};
use super::problem::Problems;
use super::reader::Reader;
use super::walk::{Bucket, MAX_FILE_BYTES, Store, Visit};

/// Why nothing could be read at all.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// The file or directory can't be opened, or reading it failed.
    #[error("can't read it: {0}")]
    Read(#[from] io::Error),
    /// A directory has no database where etcd keeps it.
    #[error(
        "it is a directory without `member/snap/db`: give etcd's data directory, a snapshot, or a `db` file"
    )]
    NoDatabase,
    /// The file is none of bbolt's, or both its meta pages are damaged.
    #[error(
        "it is no etcd database: neither meta page is valid. Make a snapshot with `etcdctl snapshot save FILE`"
    )]
    NoStore,
    /// The file is larger than any etcd can be.
    #[error("it is larger than 64 GiB, which no etcd can be")]
    TooLarge,
}

/// What the checksum at the end of a snapshot says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The snapshot is as it was written.
    Verified,
    /// It was changed or damaged since.
    Wrong,
    /// There is none: the file is a database, not what `etcdctl snapshot save` wrote.
    Absent,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The database that was read.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Whether it is as it was written.
    pub checksum: Checksum,
    /// How many pages it has.
    pub pages: u64,
    /// How many of them nothing points to.
    pub free_pages: u64,
    /// How many revisions of all keys it has, those of deletions too.
    pub revision_count: u64,
    /// The newest revision.
    pub revision: u64,
    /// Revisions up to this one were compacted; 0 if none were.
    pub compacted: u64,
    /// Other files that were looked through, by their names below the data directory.
    pub beside: Vec<String>,
    /// Secrets and config maps, with their histories.
    pub objects: BTreeMap<ObjectKey, History>,
    /// Objects of other kinds that hold credentials now or did before, by their keys.
    pub others: BTreeMap<String, OtherObject>,
    /// What could not be read; empty if all was.
    pub problems: Vec<String>,
}

/// Reads a snapshot, a database, or a data directory.
///
/// # Errors
///
/// As [`EtcdError`] says; what is broken in part is told in [`Contents::problems`].
pub fn read(path: &Path) -> Result<Contents, EtcdError> {
    if !path.is_dir() {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        return Ok(Reading::store(file, bytes)?.finish(path));
    }
    let (database, member) = database_in(path).ok_or(EtcdError::NoDatabase)?;
    let file = File::open(&database)?;
    let bytes = file.metadata()?.len();
    let mut reading = Reading::store(file, bytes)?;
    for (name, path) in files_beside(&member)? {
        reading.beside(name, &path);
    }
    Ok(reading.finish(&database))
}

/// Reads a snapshot or a database from something like a file that has so many bytes.
///
/// # Errors
///
/// As [`EtcdError`] says; what is broken in part is told in [`Contents::problems`].
pub fn read_from<R: Read + Seek>(reader: R, bytes: u64) -> Result<Contents, EtcdError> {
    Ok(Reading::store(reader, bytes)?.finish(Path::new("")))
}

/// The database of a data directory or of its `member`, and the latter.
fn database_in(directory: &Path) -> Option<(PathBuf, PathBuf)> {
    [directory.join("member"), directory.to_owned()].into_iter().find_map(|member| {
        let database = member.join("snap/db");
        database.is_file().then_some((database, member))
    })
}

/// Files of a member that hold values too: the write-ahead log, and databases that the leader sent.
fn files_beside(member: &Path) -> io::Result<Vec<(String, PathBuf)>> {
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

/// A snapshot's checksum has so many bytes, and comes after a whole number of these blocks.
const CHECKSUM_BYTES: u64 = 32;
const BLOCK_BYTES: u64 = 512;

/// Checks the SHA-256 that `etcdctl snapshot save` puts at the end; the length without it.
fn checksum<R: Read + Seek>(reader: &mut R, bytes: u64) -> io::Result<(Checksum, u64)> {
    if bytes % BLOCK_BYTES != CHECKSUM_BYTES {
        return Ok((Checksum::Absent, bytes));
    }
    let length = bytes - CHECKSUM_BYTES;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    reader.seek(SeekFrom::Start(0))?;
    let mut content = reader.by_ref().take(length);
    loop {
        let read = match content.read(&mut piece) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        match piece.get(..read) {
            Some(read) if !read.is_empty() => hasher.update(read),
            _ => break,
        }
    }
    let mut written = [0; 32];
    reader.read_exact(&mut written)?;
    let same = hasher.finalize()[..] == written;
    Ok((if same { Checksum::Verified } else { Checksum::Wrong }, length))
}

/// A store that is being read.
struct Reading {
    contents: Contents,
    objects: Objects,
    others: Others,
    problems: Problems,
    carver: Carver,
}

impl Reading {
    /// Reads a database: its tree, then its free pages.
    fn store<R: Read + Seek>(mut reader: R, bytes: u64) -> Result<Self, EtcdError> {
        if bytes > MAX_FILE_BYTES {
            return Err(EtcdError::TooLarge);
        }
        let mut problems = Problems::default();
        let (checksum, length) = checksum(&mut reader, bytes)?;
        let mut store = Store::open(Reader::new(reader, length))?.ok_or(EtcdError::NoStore)?;
        match checksum {
            Checksum::Wrong => problems.add(
                "its SHA-256 does not match: it was changed or damaged after `etcdctl snapshot save`",
            ),
            Checksum::Absent if length % store.page_bytes() != 0 => {
                problems.add("it does not end where a page does: it is truncated");
            }
            Checksum::Absent | Checksum::Verified => {}
        }
        let carver = Carver::new().ok_or(EtcdError::NoStore)?;
        let contents = Contents {
            path: PathBuf::new(),
            bytes,
            checksum,
            pages: store.page_count(),
            free_pages: 0,
            revision_count: 0,
            revision: 0,
            compacted: 0,
            beside: Vec::new(),
            objects: BTreeMap::new(),
            others: BTreeMap::new(),
            problems: Vec::new(),
        };
        let (objects, others) = (Objects::default(), Others::default());
        let mut reading = Self { contents, objects, others, problems, carver };
        reading.tree(&mut store)?;
        reading.free_pages(&mut store)?;
        Ok(reading)
    }

    fn tree<R: Read + Seek>(&mut self, store: &mut Store<R>) -> io::Result<()> {
        let Self { contents, objects, others, problems, .. } = self;
        let mut strange = Problems::default();
        store.walk(problems, &mut |visit| match visit.bucket {
            Bucket::Key => {
                if let Err(problem) = key_value(contents, objects, others, visit) {
                    strange.add(problem);
                }
            }
            Bucket::Meta if visit.key == b"finishedCompactRev" => {
                let compacted = mvcc::revision(visit.value).map(|(revision, _)| revision.main);
                contents.compacted = compacted.unwrap_or_default();
            }
            Bucket::Root | Bucket::Meta | Bucket::Other => {}
        })?;
        strange.into_messages().into_iter().for_each(|problem| problems.add(problem));
        objects.sort();
        Ok(())
    }

    fn free_pages<R: Read + Seek>(&mut self, store: &mut Store<R>) -> io::Result<()> {
        let page_bytes = store.page_bytes();
        for run in store.unused() {
            self.contents.free_pages += run.end - run.start;
            let part = run.start * page_bytes..run.end * page_bytes;
            let place = |offset: u64| Place::FreePage(offset / page_bytes);
            self.carve(store.reader(), part, &place)?;
        }
        Ok(())
    }

    /// Looks through another file of the data directory; one that can't be read is a problem.
    fn beside(&mut self, name: String, path: &Path) {
        let place = |_| Place::Beside(name.clone());
        let carved = File::open(path).and_then(|file| {
            let bytes = file.metadata()?.len().min(MAX_FILE_BYTES);
            self.carve(&mut Reader::new(file, bytes), 0..bytes, &place)
        });
        match carved {
            Ok(()) => self.contents.beside.push(name),
            Err(error) => self.problems.add(format!("can't read {name}: {error}")),
        }
    }

    fn carve<R: Read + Seek>(
        &mut self,
        reader: &mut Reader<R>,
        part: std::ops::Range<u64>,
        place: &dyn Fn(u64) -> Place,
    ) -> io::Result<()> {
        let Self { objects, others, problems, carver, .. } = self;
        let mut all_kept = true;
        carver.carve(reader, part, problems, &mut |found| {
            let remnant = |plain| {
                let place = place(found.offset);
                Remnant { place, revision: found.modified, plain }
            };
            match found.object {
                Carved::Known(key, object) => {
                    if let Some(plain) = contents::secrets_of(&object) {
                        all_kept &= objects.add_remnant(key, remnant(plain));
                    }
                }
                Carved::Other(looked) => {
                    all_kept &= others.add_remnant(looked.identity, remnant(looked.plain));
                }
            }
        })?;
        if !all_kept {
            problems.add(TOO_MANY);
        }
        Ok(())
    }

    fn finish(self, path: &Path) -> Contents {
        Contents {
            path: path.to_owned(),
            objects: self.objects.into_histories(),
            others: self.others.into_objects(),
            problems: self.problems.into_messages(),
            ..self.contents
        }
    }
}

const TOO_MANY: &str =
    "it holds more objects with secrets, or revisions of them, than can be kept in mind";

/// Takes a revision of a key into account.
fn key_value(
    contents: &mut Contents,
    objects: &mut Objects,
    others: &mut Others,
    visit: Visit<'_>,
) -> Result<(), String> {
    let (at, deleted) = mvcc::revision(visit.key)
        .ok_or_else(|| format!("page {} holds a key that is no revision", visit.page))?;
    contents.revision_count += 1;
    contents.revision = contents.revision.max(at.main);
    let message = mvcc::key_value(visit.value);
    let message =
        message.ok_or_else(|| format!("revision {} in page {} is damaged", at.main, visit.page))?;
    let Some(key) = ObjectKey::parse(message.key) else {
        let value = if deleted { &[] } else { message.value };
        return if others.add(message.key, at.main, value) {
            Ok(())
        } else {
            Err(TOO_MANY.to_owned())
        };
    };
    let state = if deleted { Some(State::Deleted) } else { contents::state(&key, message.value) };
    let kept = state.is_none_or(|state| objects.add(key, at, state));
    if kept { Ok(()) } else { Err(TOO_MANY.to_owned()) }
}
