//! `coaming secrets etcd`: which secrets an etcd snapshot, database or data directory contains.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use coaming_etcd::{Contents, EtcdError, StoreReader};
use coaming_finding::{InputError, SourceId};
use coaming_report::{File as ReportFile, Report, etcd};

use crate::args::{EtcdArguments, Format};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &EtcdArguments) -> Result<Outcome, CommandError> {
    let progress = Progress::start("reading …");
    let Store { database, contents, errors, files } =
        read(&arguments.snapshot).map_err(|error| {
            CommandError::Argument(format!("{}: {error}", arguments.snapshot.display()))
        })?;
    drop(progress);
    let findings = coaming_etcd::findings(&contents);
    output::complain_of(&errors);
    let files = files.iter().map(|name| ReportFile { name, source: "", documents: &[] });
    let files: BTreeMap<SourceId, ReportFile<'_>> = (0..).map(SourceId::new).zip(files).collect();
    let rules: Vec<_> = coaming_etcd::RULES.iter().map(|&rule| rule.into()).collect();
    let report = Report {
        findings: &findings,
        errors: &errors,
        notes: &[],
        files: &files,
        file_count: files.len(),
        document_count: contents.objects.len(),
        workload_count: 0,
        rules: &rules,
    };
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        Format::Full => out.write_all(etcd::text(&database, &contents, &findings).as_bytes()),
        Format::Json => {
            coaming_report::render_json_with(&report, "etcd", &etcd::Details::new(&contents), out)
        }
        format => {
            let options = coaming_report::FullOptions::default();
            coaming_report::render(&report, format.into(), options, out)
        }
    })?;
    Ok(if !errors.is_empty() {
        Outcome::Failed
    } else if findings.is_empty() || arguments.exit_zero {
        Outcome::Clean
    } else {
        Outcome::Found
    })
}

/// Why there is nothing to report on.
#[derive(Debug, thiserror::Error)]
enum ReadError {
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
struct Store {
    /// The name of the database.
    database: String,
    contents: Contents,
    /// What could not be read.
    errors: Vec<InputError>,
    /// The files that findings point into: the database, then the others.
    files: Vec<String>,
}

/// Reads a snapshot, a database, or a data directory.
fn read(path: &Path) -> Result<Store, ReadError> {
    let (database, member) = if path.is_dir() {
        database_in(path).ok_or(ReadError::NoDatabase)?
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
    Ok(Store { database, contents, errors, files })
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
