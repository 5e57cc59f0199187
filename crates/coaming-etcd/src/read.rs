//! Reads a database, and other files that may contain values, into [`Contents`].

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::carve::{CarvedObject, Carver};
use super::histories::{self, Histories, History, Remnant, RemnantLocation, State};
use super::mvcc::{self, EtcdKey};
use super::other_objects::{OtherObject, OtherObjects};
use super::problem::Problems;
use super::reader::Reader;
use super::walk::{Bucket, MAX_FILE_BYTES, Store, Visit};

/// Why a database cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum EtcdError {
    /// Reading the bytes of the file fails.
    #[error("reading failed: {0}")]
    Read(#[from] io::Error),
    /// The file is not a bbolt database, or both its meta pages are damaged.
    #[error(
        "not an etcd database: neither meta page is valid. Make a snapshot with `etcdctl \
         snapshot save FILE`"
    )]
    NotADatabase,
    /// The file is larger than etcd supports.
    #[error("larger than 64 GiB, which etcd does not support")]
    TooLarge,
}

/// What the checksum at the end of a snapshot proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// The snapshot is as it was written.
    Verified,
    /// The snapshot was changed or damaged after it was written.
    Wrong,
    /// The file has no checksum: it is a database, not the output of `etcdctl snapshot save`.
    Absent,
}

/// What a store contains.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The size of the database.
    pub bytes: u64,
    /// Whether the database is as it was written.
    pub checksum: Checksum,
    /// How many pages it has.
    pub pages: u64,
    /// How many of its pages nothing points to.
    pub free_pages: u64,
    /// How many revisions of all keys it has, including deletions.
    pub revision_count: u64,
    /// The newest revision.
    pub revision: u64,
    /// Revisions up to this one are compacted; 0 if none are.
    pub compacted: u64,
    /// The other files that were searched, by the names they were given.
    pub other_files: Vec<String>,
    /// Secrets and ConfigMaps, with their histories.
    pub objects: BTreeMap<EtcdKey, History>,
    /// Objects of other kinds that contain credentials now or did before, by their keys.
    pub others: BTreeMap<String, OtherObject>,
    /// What could not be read; empty if everything was.
    pub problems: Vec<String>,
}

/// A snapshot's checksum has this many bytes, and follows a whole number of these blocks.
const CHECKSUM_BYTES: u64 = 32;
const BLOCK_BYTES: u64 = 512;

/// Checks the SHA-256 that `etcdctl snapshot save` appends; also returns the length without it.
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

/// A store that is being read: first its database, then any other files of its data directory.
pub struct StoreReader {
    contents: Contents,
    histories: Histories,
    others: OtherObjects,
    problems: Problems,
    carver: Carver,
}

impl std::fmt::Debug for StoreReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoreReader").field("contents", &self.contents).finish_non_exhaustive()
    }
}

impl StoreReader {
    /// Reads a snapshot or a database of this many bytes: its tree, then its free pages.
    ///
    /// # Errors
    ///
    /// If nothing can be read, as [`EtcdError`] says. Damage to a part is in
    /// [`Contents::problems`].
    pub fn database<R: Read + Seek>(mut reader: R, bytes: u64) -> Result<Self, EtcdError> {
        if bytes > MAX_FILE_BYTES {
            return Err(EtcdError::TooLarge);
        }
        let mut problems = Problems::default();
        let (checksum, length) = checksum(&mut reader, bytes)?;
        let mut store = Store::open(Reader::new(reader, length))?.ok_or(EtcdError::NotADatabase)?;
        match checksum {
            Checksum::Wrong => problems.add(
                "the SHA-256 does not match: the file was changed or damaged after `etcdctl \
                 snapshot save`",
            ),
            Checksum::Absent if length % store.page_bytes() != 0 => {
                problems.add("the file does not end at the end of a page: it is truncated");
            }
            Checksum::Absent | Checksum::Verified => {}
        }
        let contents = Contents {
            bytes,
            checksum,
            pages: store.page_count(),
            free_pages: 0,
            revision_count: 0,
            revision: 0,
            compacted: 0,
            other_files: Vec::new(),
            objects: BTreeMap::new(),
            others: BTreeMap::new(),
            problems: Vec::new(),
        };
        let (histories, others) = (Histories::default(), OtherObjects::default());
        let mut reading = Self { contents, histories, others, problems, carver: Carver::new() };
        reading.tree(&mut store)?;
        reading.free_pages(&mut store)?;
        Ok(reading)
    }

    /// Searches another file of the data directory: the write-ahead log, or a database that the
    /// leader sent. Remnants and [`Contents::other_files`] refer to it by `name`.
    ///
    /// # Errors
    ///
    /// If reading the file fails; what was found before counts.
    pub fn other_file<R: Read + Seek>(
        &mut self,
        name: &str,
        reader: R,
        bytes: u64,
    ) -> io::Result<()> {
        let location = |_| RemnantLocation::OtherFile(name.to_owned());
        let bytes = bytes.min(MAX_FILE_BYTES);
        self.carve(&mut Reader::new(reader, bytes), 0..bytes, &location)?;
        self.contents.other_files.push(name.to_owned());
        Ok(())
    }

    /// Everything that was read.
    #[must_use]
    pub fn finish(self) -> Contents {
        Contents {
            objects: self.histories.into_map(),
            others: self.others.into_map(),
            problems: self.problems.into_messages(),
            ..self.contents
        }
    }

    fn tree<R: Read + Seek>(&mut self, store: &mut Store<R>) -> io::Result<()> {
        let Self { contents, histories, others, problems, .. } = self;
        let mut of_values = Problems::default();
        store.walk(problems, &mut |visit| match visit.bucket {
            Bucket::Key => {
                if let Err(problem) = key_value(contents, histories, others, visit) {
                    of_values.add(problem.to_string());
                }
            }
            Bucket::Meta if visit.key == b"finishedCompactRev" => {
                let compacted = mvcc::revision(visit.value).map(|(revision, _)| revision.main);
                contents.compacted = compacted.unwrap_or_default();
            }
            Bucket::Root | Bucket::Meta | Bucket::Other => {}
        })?;
        of_values.into_messages().into_iter().for_each(|problem| problems.add(problem));
        histories.sort();
        Ok(())
    }

    fn free_pages<R: Read + Seek>(&mut self, store: &mut Store<R>) -> io::Result<()> {
        let page_bytes = store.page_bytes();
        for run in store.unused() {
            self.contents.free_pages += run.end - run.start;
            let part = run.start * page_bytes..run.end * page_bytes;
            let location = |offset: u64| RemnantLocation::FreePage(offset / page_bytes);
            self.carve(store.reader(), part, &location)?;
        }
        Ok(())
    }

    fn carve<R: Read + Seek>(
        &mut self,
        reader: &mut Reader<R>,
        part: Range<u64>,
        location: &dyn Fn(u64) -> RemnantLocation,
    ) -> io::Result<()> {
        let Self { histories, others, problems, carver, .. } = self;
        let mut all_kept = true;
        carver.carve(reader, part, problems, &mut |carved| {
            let remnant = |plain_text| {
                let location = location(carved.offset);
                Remnant { location, revision: carved.modified, plain_text }
            };
            match carved.object {
                CarvedObject::Known(key, object) => {
                    if let Some(plain_text) = histories::secrets_of(&object) {
                        all_kept &= histories.add_remnant(key, remnant(plain_text));
                    }
                }
                CarvedObject::Other(object) => {
                    all_kept &= others.add_remnant(object.identity, remnant(object.plain_text));
                }
            }
        })?;
        if !all_kept {
            problems.add(ValueProblem::TooMany.to_string());
        }
        Ok(())
    }
}

/// Why a value of the bucket `key` is not in the contents.
#[derive(Debug, thiserror::Error)]
enum ValueProblem {
    /// The key in the page is not a revision.
    #[error("page {page} contains a key that is not a revision")]
    NotARevision { page: u64 },
    /// The value of a revision is not the message that etcd writes.
    #[error("revision {revision} in page {page} is damaged")]
    Damaged { revision: u64, page: u64 },
    /// The limit of what is kept is reached.
    #[error("it contains more objects with secrets, or revisions of them, than can be kept")]
    TooMany,
}

/// Takes a revision of a key into account.
fn key_value(
    contents: &mut Contents,
    histories: &mut Histories,
    others: &mut OtherObjects,
    visit: Visit<'_>,
) -> Result<(), ValueProblem> {
    let page = visit.page;
    let (at, deleted) = mvcc::revision(visit.key).ok_or(ValueProblem::NotARevision { page })?;
    contents.revision_count += 1;
    contents.revision = contents.revision.max(at.main);
    let damaged = ValueProblem::Damaged { revision: at.main, page };
    let message = mvcc::key_value(visit.value).ok_or(damaged)?;
    let kept = match EtcdKey::parse(message.key) {
        None => {
            let value = if deleted { &[] } else { message.value };
            others.add(message.key, at.main, value)
        }
        Some(key) if deleted => histories.add(key, at, State::Deleted),
        Some(key) => match histories::state(&key, message.value) {
            Some(state) => histories.add(key, at, state),
            None => true,
        },
    };
    if kept { Ok(()) } else { Err(ValueProblem::TooMany) }
}
