//! Building the database from a directory of OSV's exports.
//!
//! The directory contains zip archives of records (`PyPI/all.zip`, as OSV publishes them), single
//! records as JSON, and optionally EPSS scores (`epss*.csv` or `.csv.gz`) and CISA's list
//! (`known_exploited_vulnerabilities.json`). Invariants:
//!
//! * Unusable input is counted with its reason and does not affect the rest.
//! * If a file of records is unreadable or damaged, an existing database stays: a new one would
//!   miss what the old one contains.
//! * The same files give the same database, on any number of threads.
//! * The database is replaced as a whole or not at all.

mod archive;
mod convert;
mod enrich;
mod write;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use crate::Database;
pub use crate::osv::Skip;
use convert::Parsed;

/// How deep directories are searched.
const MAX_DEPTH: usize = 4;
/// The most files that are considered.
const MAX_FILES: usize = 3_000_000;

/// What a build read and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The number of records that were read.
    pub records: u64,
    /// The number of advisories in the database.
    pub advisories: u64,
    /// The number of packages that they are about, in each release of an ecosystem.
    pub packages: u64,
    /// The number of records that were left out, by the reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// The files, or parts of files, that could not be read, and why.
    pub problems: Vec<String>,
    /// The database's size in bytes.
    pub size: u64,
}

/// Why no database was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory cannot be listed.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The directory.
        path: String,
        /// The error of the system.
        source: io::Error,
    },
    /// The directory contains no usable advisory.
    #[error(
        "{path} contains no advisories; expected OSV's exports, such as {path}/PyPI/all.zip\
         {problems}"
    )]
    Nothing {
        /// The directory.
        path: String,
        /// The problems with the files in it; empty, or starting with a semicolon.
        problems: String,
    },
    /// A file cannot be read, or was truncated or altered in transit, and the existing database may
    /// contain what is missing.
    #[error(
        "{}; {target} is unchanged, because a new database would miss the content of {}: \
         download {} again, or remove {} from the directory to build without {}",
        .problems.join("; "),
        if .files.len() == 1 { "that file" } else { "those files" },
        if .files.len() == 1 { "it" } else { "them" },
        if .files.len() == 1 { "it" } else { "them" },
        if .files.len() == 1 { "it" } else { "them" },
    )]
    Damaged {
        /// The files.
        files: Vec<PathBuf>,
        /// The problem with each.
        problems: Vec<String>,
        /// The existing database.
        target: String,
    },
    /// The new database could not be written. An existing one is unchanged.
    #[error("cannot write {path}: {reason}; an existing database is unchanged")]
    Write {
        /// The database.
        path: String,
        /// The error of the system or of SQLite.
        reason: String,
    },
}

/// The usable files of a directory.
#[derive(Default)]
struct Sources {
    archives: Vec<PathBuf>,
    records: Vec<PathBuf>,
    scores: Vec<PathBuf>,
    exploited: Vec<PathBuf>,
}

/// Builds a database from a directory and replaces `target` with it. `built` is the build time to
/// record, as `YYYY-MM-DDThh:mm:ssZ`; `progress` receives the name of each step.
///
/// # Errors
///
/// If the directory cannot be read or contains no advisory, or the database cannot be written.
pub fn build(
    directory: &Path,
    target: &Path,
    built: &str,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Built, BuildError> {
    let sources = sources(directory)?;
    let mut result = Built::default();
    let mut records = Records::default();
    let mut damage = Damage::default();
    for path in &sources.archives {
        progress(&path.display().to_string());
        match archive::read(path) {
            Ok(archive) => {
                if archive.damaged {
                    damage.add(path, archive.problems.clone());
                }
                result.problems.extend(archive.problems);
                records.add_all(archive.records, &mut result);
            }
            Err(error) => damage.add_error(path, &error, &mut result),
        }
    }
    for path in &sources.records {
        match archive::read_file(path) {
            Ok(record) => records.add_all(vec![record], &mut result),
            Err(error) => damage.add_error(path, &error, &mut result),
        }
    }
    progress("EPSS and CISA's list");
    let exploits = enrich::read(&sources.scores, &sources.exploited, |path, error| {
        result.problems.push(format!("{}: {error}", path.display()));
    });
    damage.check(target)?;
    if records.0.is_empty() {
        let problems: String =
            result.problems.iter().take(3).map(|problem| format!("; {problem}")).collect();
        return Err(BuildError::Nothing { path: directory.display().to_string(), problems });
    }
    progress("writing");
    let mut parsed: Vec<Parsed> = records.0.into_values().collect();
    // Advisories about one package are stored together, so that a query unpacks few blocks.
    parsed.sort_by(|left, right| left.sort_key().cmp(&right.sort_key()));
    write::write(parsed, &exploits, target, built, &mut result).map_err(|error| {
        BuildError::Write { path: target.display().to_string(), reason: error.to_string() }
    })?;
    Ok(result)
}

/// The files that are unreadable or damaged.
#[derive(Default)]
struct Damage {
    files: Vec<PathBuf>,
    problems: Vec<String>,
}

impl Damage {
    fn add(&mut self, path: &Path, problems: Vec<String>) {
        self.files.push(path.to_path_buf());
        self.problems.extend(problems);
    }

    fn add_error(&mut self, path: &Path, error: &io::Error, result: &mut Built) {
        let problem = format!("{}: {error}", path.display());
        result.problems.push(problem.clone());
        self.add(path, vec![problem]);
    }

    /// Refuses to continue if an existing database may contain what is missing.
    fn check(mut self, target: &Path) -> Result<(), BuildError> {
        const SHOWN: usize = 3;
        if self.files.is_empty() || Database::open(target).is_err() {
            return Ok(());
        }
        self.problems.truncate(SHOWN);
        let target = target.display().to_string();
        Err(BuildError::Damaged { files: self.files, problems: self.problems, target })
    }
}

/// Reads a single record as the build does.
///
/// # Errors
///
/// Why the build would leave it out.
pub fn check_record(text: &[u8]) -> Result<(), Skip> {
    archive::parse(text).map(drop)
}

/// The newest form of each record: OSV exports one that affects two ecosystems twice.
#[derive(Default)]
struct Records(HashMap<String, Parsed>);

impl Records {
    fn add_all(&mut self, records: Vec<Result<Parsed, Skip>>, result: &mut Built) {
        for record in records {
            result.records += 1;
            match record {
                Ok(parsed) => self.add(parsed),
                Err(skip) => *result.skipped.entry(skip).or_default() += 1,
            }
        }
    }

    fn add(&mut self, parsed: Parsed) {
        let known = self.0.get(&parsed.advisory.id);
        if known.is_none_or(|known| known.modified < parsed.modified) {
            self.0.insert(parsed.advisory.id.clone(), parsed);
        }
    }
}

/// Lists the usable files, sorted.
fn sources(directory: &Path) -> Result<Sources, BuildError> {
    let mut sources = Sources::default();
    let mut directories = vec![(directory.to_path_buf(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = directories.pop() {
        let failed = |source| BuildError::Read { path: directory.display().to_string(), source };
        for entry in std::fs::read_dir(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            seen += 1;
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() && depth < MAX_DEPTH && seen < MAX_FILES {
                directories.push((entry.path(), depth + 1));
            } else if !kind.is_dir() && seen < MAX_FILES {
                sources.add(entry.path());
            }
        }
    }
    for list in
        [&mut sources.archives, &mut sources.records, &mut sources.scores, &mut sources.exploited]
    {
        list.sort();
    }
    Ok(sources)
}

impl Sources {
    fn add(&mut self, path: PathBuf) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.ends_with(".zip") {
            self.archives.push(path);
        } else if name.starts_with("epss") && (name.ends_with(".csv") || name.ends_with(".csv.gz"))
        {
            self.scores.push(path);
        } else if name == "known_exploited_vulnerabilities.json" {
            self.exploited.push(path);
        } else if name.ends_with(".json") {
            self.records.push(path);
        }
    }
}
