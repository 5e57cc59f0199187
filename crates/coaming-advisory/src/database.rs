//! The database, opened for queries. It is one SQLite file that is never changed in place: it can
//! be copied, served and verified by its SHA-256 as it is.
//!
//! All threads share one connection behind a mutex. A query holds it only while SQLite copies a
//! row; unpacking and matching, where nearly all of the time goes, run outside. A connection per
//! thread would open the file again, which an update may have replaced since then.
//!
//! The file may be hostile: the library's limits are narrowed, and whatever does not unpack is an
//! error.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Params, params};
use sha2::{Digest as _, Sha256};

use crate::advisory::{self, Advisory, Block, Entry};
use crate::cache::BlockCache;

/// The supported format; another one is refused.
pub(crate) const FORMAT: u32 = 5;
/// How many advisories are packed together.
pub(crate) const BLOCK: usize = 32;
/// No row of a genuine database is larger, in bytes.
const MAX_ROW: i32 = 64 << 20;
/// The most ecosystems that are listed.
const MAX_ECOSYSTEMS: u32 = 10_000;

/// A description of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// When it was built: `YYYY-MM-DDThh:mm:ssZ`.
    pub built: String,
    /// When the newest record was changed, as its publisher writes it.
    pub newest: String,
    /// The number of advisories.
    pub advisories: u64,
    /// The number of packages that they are about.
    pub packages: u64,
    /// The ecosystems with their releases, and the number of packages of each.
    pub ecosystems: Vec<(String, u64)>,
    /// The file's size in bytes.
    pub size: u64,
}

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is none at this path.
    #[error(
        "there is no vulnerability database at {path}: run `coaming db update`, or build one from \
         OSV's exports with `coaming db build DIR`"
    )]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// It was written by another version of Coaming.
    #[error(
        "the vulnerability database {path} has the format {found}, not {FORMAT}: create a new one \
         with `coaming db update` or `coaming db build`"
    )]
    Format {
        /// Where it is.
        path: String,
        /// The format that it declares.
        found: String,
    },
    /// It is not a database, or is damaged.
    #[error(
        "the vulnerability database {path} is damaged ({reason}): create a new one with \
         `coaming db update` or `coaming db build`"
    )]
    Damaged {
        /// Where it is.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// A database of known vulnerabilities, shared between threads.
#[derive(Debug)]
pub struct Database {
    connection: Mutex<Connection>,
    path: PathBuf,
    info: Info,
    ecosystems: HashMap<String, i64>,
    blocks: BlockCache,
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be used; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let shown = path.display().to_string();
        let Ok(metadata) = std::fs::metadata(path) else {
            return Err(DatabaseError::Missing { path: shown });
        };
        let mut database = Self {
            connection: Mutex::new(connect(path).map_err(|error| damaged(path, &error))?),
            path: path.to_path_buf(),
            info: Info { size: metadata.len(), ..Info::default() },
            ecosystems: HashMap::new(),
            blocks: BlockCache::default(),
        };
        let found = database.meta("format")?;
        if found != FORMAT.to_string() {
            return Err(DatabaseError::Format { path: shown, found });
        }
        database.info.built = database.meta("built")?;
        database.info.newest = database.meta("newest")?;
        database.info.advisories = database.meta("advisories")?.parse().unwrap_or_default();
        database.info.packages = database.meta("packages")?.parse().unwrap_or_default();
        database.read_ecosystems().map_err(|error| damaged(path, &error))?;
        Ok(database)
    }

    /// Its description.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Whether it contains anything about an ecosystem's release.
    pub(crate) fn covers(&self, ecosystem: &str) -> bool {
        self.ecosystems.contains_key(ecosystem)
    }

    /// The entries about a package.
    pub(crate) fn entries(&self, ecosystem: &str, package: &str) -> Result<Entries, DatabaseError> {
        let Some(number) = self.ecosystems.get(ecosystem) else { return Ok(Entries::default()) };
        let packed = self.content(
            "SELECT content FROM package WHERE ecosystem = ?1 AND name = ?2",
            params![number, package],
        )?;
        let Some(packed) = packed else { return Ok(Entries::default()) };
        let unpacked = advisory::unpack(&packed);
        unpacked.map(Entries).ok_or_else(|| self.damaged_package(package))
    }

    /// The error for entries about a package that cannot be read.
    pub(crate) fn damaged_package(&self, package: &str) -> DatabaseError {
        damaged(&self.path, &format!("the entries about {package}"))
    }

    /// An advisory, by its number.
    pub(crate) fn advisory(&self, number: u32) -> Result<Advisory, DatabaseError> {
        let block = number / u32::try_from(BLOCK).unwrap_or(1);
        let index = usize::try_from(number).unwrap_or_default() % BLOCK;
        let block = match self.blocks.get(block) {
            Some(block) => block,
            None => self.blocks.insert(block, self.read_block(block)?),
        };
        block
            .advisory(index)
            .ok_or_else(|| damaged(&self.path, &format!("there is no advisory {number}")))
    }

    fn read_block(&self, number: u32) -> Result<Block, DatabaseError> {
        let packed = self.content("SELECT content FROM block WHERE id = ?1", params![number])?;
        let block = packed.and_then(|packed| Block::unpack(&packed));
        block.ok_or_else(|| damaged(&self.path, &format!("block {number}")))
    }

    /// The packed content that a query finds.
    fn content(
        &self,
        query: &str,
        parameters: impl Params,
    ) -> Result<Option<Vec<u8>>, DatabaseError> {
        self.connection()
            .prepare_cached(query)
            .and_then(|mut query| {
                let copied =
                    query.query_row(parameters, |row| Ok(row.get_ref(0)?.as_blob()?.to_vec()));
                copied.optional()
            })
            .map_err(|error| damaged(&self.path, &error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // Queries only read: a panic in one leaves nothing half done.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meta(&self, key: &str) -> Result<String, DatabaseError> {
        self.connection()
            .query_row("SELECT value FROM meta WHERE key = ?1", params![key], |row| row.get(0))
            .map_err(|error| damaged(&self.path, &error))
    }

    fn read_ecosystems(&mut self) -> rusqlite::Result<()> {
        let connection = self.connection.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut query = connection
            .prepare("SELECT id, name, packages FROM ecosystem ORDER BY name LIMIT ?1")?;
        let mut rows = query.query(params![MAX_ECOSYSTEMS])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(1)?;
            self.ecosystems.insert(name.clone(), row.get(0)?);
            let packages: i64 = row.get(2)?;
            self.info.ecosystems.push((name, u64::try_from(packages).unwrap_or_default()));
        }
        Ok(())
    }
}

/// The entries about a package, unpacked.
#[derive(Default)]
pub(crate) struct Entries(Vec<u8>);

impl Entries {
    /// The entries; `None` if they are damaged.
    pub(crate) fn list(&self) -> Option<Vec<Entry<&str>>> {
        if self.0.is_empty() { Some(Vec::new()) } else { postcard::from_bytes(&self.0).ok() }
    }
}

/// Opens a file as SQLite's, to read only.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW)?;
    // The file is never changed in place, so there is no need to lock it for every query.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;
         PRAGMA query_only = ON; PRAGMA cache_size = -65536;",
    )?;
    Ok(connection)
}

fn damaged(path: &Path, reason: &impl ToString) -> DatabaseError {
    DatabaseError::Damaged { path: path.display().to_string(), reason: reason.to_string() }
}

/// The SHA-256 of a file, in hexadecimal digits.
///
/// # Errors
///
/// If it cannot be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(base16ct::lower::encode_string(&hasher.finalize()))
}
