//! The database, opened to be asked. It is one SQLite file that is never changed in place: it can be
//! copied, served and checked by its SHA-256 as it is.
//!
//! The file may come from a stranger: the library's limits are narrowed, and whatever does not unpack
//! is an error.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, params};
use sha2::{Digest as _, Sha256};

use crate::advisory::{self, Advisory, Block, Entry};

/// The format that is written and read; another one is refused.
pub(crate) const FORMAT: u32 = 4;
/// How many advisories are packed together.
pub(crate) const BLOCK: usize = 32;
/// No row of an honest database is larger.
const MAX_ROW: i32 = 64 << 20;
/// More ecosystems are not listed.
const MAX_ECOSYSTEMS: u32 = 10_000;
/// So many blocks are kept unpacked.
const MAX_CACHED: usize = 4096;

/// What a database says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// When it was built: `YYYY-MM-DDThh:mm:ssZ`.
    pub built: String,
    /// When the newest record in it was changed, as its publisher writes it.
    pub newest: String,
    /// How many advisories it holds.
    pub advisories: u64,
    /// How many packages they speak of.
    pub packages: u64,
    /// The ecosystems with their releases, and how many packages of each are spoken of.
    pub ecosystems: Vec<(String, u64)>,
    /// The file's size in bytes.
    pub size: u64,
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// There is none yet.
    #[error(
        "there is no vulnerability database at {path}: get one by `coaming db update`, or build one from \
         OSV's exports by `coaming db build DIR`"
    )]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// It was written by another version of Coaming.
    #[error(
        "the vulnerability database {path} has the format {found}, not {FORMAT}: make a new one by `coaming \
         db update` or `coaming db build`"
    )]
    Format {
        /// Where it is.
        path: String,
        /// The format that it says.
        found: String,
    },
    /// It is no database, or damaged.
    #[error(
        "the vulnerability database {path} is damaged ({reason}): make a new one by `coaming db update` or \
         `coaming db build`"
    )]
    Damaged {
        /// Where it is.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// A database of known vulnerabilities.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    info: Info,
    ecosystems: HashMap<String, i64>,
    blocks: RefCell<HashMap<u32, Rc<Block>>>,
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    ///
    /// Where there is none, or it can't be used; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let shown = path.display().to_string();
        let Ok(metadata) = std::fs::metadata(path) else {
            return Err(DatabaseError::Missing { path: shown });
        };
        let mut database = Self {
            connection: connect(path).map_err(|error| damaged(path, &error))?,
            path: path.to_path_buf(),
            info: Info { size: metadata.len(), ..Info::default() },
            ecosystems: HashMap::new(),
            blocks: RefCell::new(HashMap::new()),
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

    /// What it says of itself.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Whether it holds anything about an ecosystem's release.
    pub(crate) fn covers(&self, ecosystem: &str) -> bool {
        self.ecosystems.contains_key(ecosystem)
    }

    /// What is said of a package.
    pub(crate) fn entries(&self, ecosystem: &str, package: &str) -> Result<Entries, DatabaseError> {
        let Some(number) = self.ecosystems.get(ecosystem) else { return Ok(Entries::default()) };
        let unpacked: Option<Option<Vec<u8>>> = self
            .connection
            .prepare_cached("SELECT content FROM package WHERE ecosystem = ?1 AND name = ?2")
            .and_then(|mut query| query.query_row(params![number, package], unpacked).optional())
            .map_err(|error| damaged(&self.path, &error))?;
        match unpacked {
            None => Ok(Entries::default()),
            Some(Some(bytes)) => Ok(Entries(bytes)),
            Some(None) => Err(self.damaged_package(package)),
        }
    }

    /// What is wrong where what is said of a package can't be read.
    pub(crate) fn damaged_package(&self, package: &str) -> DatabaseError {
        damaged(&self.path, &format!("what it says of {package}"))
    }

    /// An advisory, by its number.
    pub(crate) fn advisory(&self, number: u32) -> Result<Advisory, DatabaseError> {
        let block = number / u32::try_from(BLOCK).unwrap_or(1);
        let index = usize::try_from(number).unwrap_or_default() % BLOCK;
        let known = self.blocks.borrow().get(&block).cloned();
        let block = match known {
            Some(block) => block,
            None => self.read_block(block)?,
        };
        block
            .advisory(index)
            .ok_or_else(|| damaged(&self.path, &format!("there is no advisory {number}")))
    }

    fn read_block(&self, number: u32) -> Result<Rc<Block>, DatabaseError> {
        let block: Option<Block> = self
            .connection
            .prepare_cached("SELECT content FROM block WHERE id = ?1")
            .and_then(|mut query| {
                query
                    .query_row(params![number], |row| Ok(Block::unpack(row.get_ref(0)?.as_blob()?)))
            })
            .map_err(|error| damaged(&self.path, &error))?;
        let block = Rc::new(block.ok_or_else(|| damaged(&self.path, &format!("block {number}")))?);
        let mut blocks = self.blocks.borrow_mut();
        if blocks.len() >= MAX_CACHED {
            blocks.clear();
        }
        blocks.insert(number, Rc::clone(&block));
        Ok(block)
    }

    fn meta(&self, key: &str) -> Result<String, DatabaseError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE key = ?1", params![key], |row| row.get(0))
            .map_err(|error| damaged(&self.path, &error))
    }

    fn read_ecosystems(&mut self) -> rusqlite::Result<()> {
        let mut query = self
            .connection
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

/// What is said of a package, unpacked.
#[derive(Default)]
pub(crate) struct Entries(Vec<u8>);

impl Entries {
    /// The entries; `None` where they are damaged.
    pub(crate) fn list(&self) -> Option<Vec<Entry<&str>>> {
        if self.0.is_empty() { Some(Vec::new()) } else { postcard::from_bytes(&self.0).ok() }
    }
}

fn unpacked(row: &Row<'_>) -> rusqlite::Result<Option<Vec<u8>>> {
    Ok(advisory::unpack(row.get_ref(0)?.as_blob()?))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW)?;
    // The file is never changed in place: locking it anew for every question would be for nothing.
    connection.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;
         PRAGMA cache_size = -65536;",
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
/// Where it can't be read.
pub fn digest(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hasher)?;
    Ok(base16ct::lower::encode_string(&hasher.finalize()))
}
