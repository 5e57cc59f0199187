//! Building the database from a directory of OSV's exports.
//!
//! The directory holds zip archives of records (`PyPI/all.zip`, as OSV publishes them), single records as
//! JSON, and maybe EPSS's scores (`epss*.csv` or `.csv.gz`) and CISA's list
//! (`known_exploited_vulnerabilities.json`). Invariants:
//!
//! * What can't be used is counted with its reason, and never costs the rest.
//! * A file of records that can't be read, or is damaged, never costs what an older database knew: then
//!   that stays.
//! * The same files give the same database, whatever the number of threads.
//! * The database appears whole, or the old one stays.

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

/// Directories are looked into this deep.
const MAX_DEPTH: usize = 4;
/// More files are not looked at.
const MAX_FILES: usize = 3_000_000;

/// What a build was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// The records that were read.
    pub records: u64,
    /// The advisories that are in the database.
    pub advisories: u64,
    /// The packages that they speak of, counted once an ecosystem's release.
    pub packages: u64,
    /// The records that were left out, by the reason.
    pub skipped: BTreeMap<Skip, u64>,
    /// The files, or parts of files, that could not be read, and why.
    pub problems: Vec<String>,
    /// The database's size in bytes.
    pub size: u64,
}

/// Why no database could be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The directory can't be listed.
    #[error("can't read {path}: {source}")]
    Read {
        /// The directory.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The directory holds no advisory at all.
    #[error(
        "{path} holds no advisories: expected are OSV's exports, such as {path}/PyPI/all.zip{problems}"
    )]
    Nothing {
        /// The directory.
        path: String,
        /// What was wrong with the files that are there; empty, or starting with a semicolon.
        problems: String,
    },
    /// A file can't be read, or was cut or altered on its way, and a database is there that may hold what
    /// is missing.
    #[error(
        "{}; {target} stays as it was, for a new database would miss what is in there: get {} again, or \
         take it out of the directory to build without it",
        .problems.join("; "),
        if .files.len() == 1 { "that file" } else { "those files" },
    )]
    Damaged {
        /// The files.
        files: Vec<PathBuf>,
        /// What is wrong with each.
        problems: Vec<String>,
        /// The database that is there.
        target: String,
    },
    /// The new database could not be written; the old one, if there is one, is as it was.
    #[error("can't write {path}: {reason}; what was there before is unchanged")]
    Write {
        /// The database.
        path: String,
        /// What the system or the library says.
        reason: String,
    },
}

/// The files of a directory that matter.
#[derive(Default)]
struct Sources {
    archives: Vec<PathBuf>,
    records: Vec<PathBuf>,
    scores: Vec<PathBuf>,
    exploited: Vec<PathBuf>,
}

/// Builds a database from a directory and puts it in the place of `target`. `built` is the time to note in
/// it, as `YYYY-MM-DDThh:mm:ssZ`; `progress` is told what is being read.
///
/// # Errors
///
/// Where the directory can't be read or holds no advisory, or the database can't be written.
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
    // Advisories about one package lie together: who asks about it unpacks few blocks.
    parsed.sort_by(|left, right| left.place().cmp(&right.place()));
    write::write(parsed, &exploits, target, built, &mut result)
        .map_err(|reason| BuildError::Write { path: target.display().to_string(), reason })?;
    Ok(result)
}

/// The files that can't be read as they were written.
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

    /// Whether to go on: without what is missing, where no database is there that may have it.
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

/// Reads a record as the build does, for whoever has one and no directory, such as a fuzzer.
///
/// # Errors
///
/// Says why the build would leave it out.
pub fn check_record(text: &[u8]) -> Result<(), Skip> {
    archive::parse(text).map(drop)
}

/// The records, each once, in its newest form: OSV exports one that touches two ecosystems twice.
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

/// Lists the files that matter, sorted.
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
