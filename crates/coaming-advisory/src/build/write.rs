//! Writes the database: one SQLite file, created beside the existing one, which it then replaces.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use rusqlite::{Connection, params};

use super::Built;
use super::convert::Parsed;
use super::enrich::Exploits;
use crate::advisory::{self, Advisory, Block, Entry};
use crate::database::{BLOCK, FORMAT};

const TABLES: &str = "
    PRAGMA page_size = 8192;
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE ecosystem (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, packages INTEGER NOT NULL);
    CREATE TABLE block (id INTEGER PRIMARY KEY, content BLOB NOT NULL);
    CREATE TABLE package (
        ecosystem INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (ecosystem, name)
    ) WITHOUT ROWID;";

/// Why a database could not be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// The file cannot be created, flushed or renamed.
    #[error(transparent)]
    File(#[from] io::Error),
    /// SQLite refuses a statement.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

/// Writes the database. The records are sorted.
pub(super) fn write(
    mut records: Vec<Parsed>,
    exploits: &Exploits,
    target: &Path,
    built: &str,
    result: &mut Built,
) -> Result<(), WriteError> {
    let directory = target.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let file = tempfile::Builder::new().prefix(".coaming-db-").tempfile_in(directory)?;
    let packages = group(&mut records);
    result.advisories = records.len() as u64;
    result.packages = packages.values().map(|packages| packages.len() as u64).sum();
    let newest = records.iter().map(|record| record.modified.as_str()).max().unwrap_or_default();
    let meta = [
        ("format", FORMAT.to_string()),
        ("built", built.to_owned()),
        ("newest", newest.chars().take(32).filter(|each| !each.is_control()).collect()),
        ("advisories", result.advisories.to_string()),
        ("packages", result.packages.to_string()),
    ];
    let advisories: Vec<Advisory> =
        records.into_iter().map(|record| enriched(record.advisory, exploits)).collect();
    fill(file.path(), &meta, &advisories, &packages)?;
    file.as_file().sync_all()?;
    result.size = file.as_file().metadata()?.len();
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// The entries about each package, by ecosystem and name.
type Packages = BTreeMap<String, BTreeMap<String, Vec<Entry>>>;

fn group(records: &mut [Parsed]) -> Packages {
    let mut packages = Packages::new();
    for (number, record) in records.iter_mut().enumerate() {
        let Ok(number) = u32::try_from(number) else { break };
        for affected in record.entries.drain(..) {
            let entry = Entry { advisory: number, ..affected.entry };
            let entries = packages
                .entry(affected.ecosystem.to_string())
                .or_default()
                .entry(affected.package)
                .or_default();
            // One record may repeat an entry for many architectures or modules.
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    packages
}

/// Adds what is known about exploitation of an advisory's CVEs.
fn enriched(mut advisory: Advisory, exploits: &Exploits) -> Advisory {
    let names: BTreeSet<&String> =
        std::iter::once(&advisory.id).chain(&advisory.aliases).chain(&advisory.upstream).collect();
    let known = names.into_iter().filter_map(|name| exploits.get(name)).cloned().collect();
    advisory.exploits = known;
    advisory
}

fn fill(
    path: &Path,
    meta: &[(&str, String)],
    advisories: &[Advisory],
    packages: &Packages,
) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO meta VALUES (?1, ?2)")?;
        for (key, value) in meta {
            insert.execute(params![key, value])?;
        }
        let mut insert = transaction.prepare("INSERT INTO block VALUES (?1, ?2)")?;
        for (number, block) in (0_i64..).zip(advisories.chunks(BLOCK)) {
            insert.execute(params![number, done(Block::pack(block))?])?;
        }
        let mut insert = transaction.prepare("INSERT INTO package VALUES (?1, ?2, ?3)")?;
        let mut ecosystem = transaction.prepare("INSERT INTO ecosystem VALUES (?1, ?2, ?3)")?;
        for (number, (name, packages)) in (0_i64..).zip(packages) {
            let count = i64::try_from(packages.len()).unwrap_or(i64::MAX);
            ecosystem.execute(params![number, name, count])?;
            for (package, entries) in packages {
                insert.execute(params![number, package, done(advisory::pack(entries))?])?;
            }
        }
    }
    transaction.commit()?;
    connection.close().map_err(|(_, error)| error)
}

fn done(packed: Option<Vec<u8>>) -> rusqlite::Result<Vec<u8>> {
    packed.ok_or_else(|| rusqlite::Error::ToSqlConversionFailure("a value does not pack".into()))
}
