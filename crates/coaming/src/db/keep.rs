//! `coaming db build` and `coaming db info`.

use std::io;
use std::path::Path;

use coaming_advisory::{BuildError, Built, Database, Info};
use time::OffsetDateTime;

use crate::args::{DbBuildArguments, DbFormat, DbInfoArguments};
use crate::progress::Progress;
use crate::{CommandError, Outcome, output, scope};

/// Builds the database from a directory.
pub(super) fn build(arguments: &DbBuildArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let built = build_from(&arguments.directory, &file).map_err(argument)?;
    tell(&built, &file)
}

/// Builds the database from a directory.
pub(super) fn build_from(directory: &Path, file: &Path) -> Result<Built, BuildError> {
    let _progress = Progress::start("building the vulnerability database …");
    coaming_advisory::build(directory, file, &timestamp(), &|_| {})
}

/// Prints what the database was built from.
pub(super) fn tell(built: &Built, file: &Path) -> Result<Outcome, CommandError> {
    for problem in &built.problems {
        output::warn(problem);
    }
    output::write(None, |out| {
        writeln!(out, "{}: {}", file.display(), counted(built))?;
        for (skip, count) in &built.skipped {
            writeln!(out, "left out: {count} {}", skip.reason())?;
        }
        Ok(())
    })?;
    Ok(if built.problems.is_empty() { Outcome::Clean } else { Outcome::Failed })
}

fn counted(built: &Built) -> String {
    format!(
        "{} advisories about {} packages, from {} records; {} KiB",
        built.advisories,
        built.packages,
        built.records,
        built.size / 1024
    )
}

/// Shows the database's description of itself.
pub(super) fn info(arguments: &DbInfoArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let database = Database::open(&file).map_err(argument)?;
    let info = database.info();
    let warning = scope::now().and_then(|now| coaming_scan::age_warning(info, now));
    warning.iter().for_each(|warning| output::warn(warning));
    let checksum = coaming_advisory::digest(&file).map_err(argument)?;
    output::write(None, |out| match arguments.format {
        DbFormat::Text => {
            writeln!(out, "database    {}", file.display())?;
            writeln!(out, "built       {}", info.built)?;
            writeln!(out, "newest      {}", info.newest)?;
            writeln!(out, "advisories  {}", info.advisories)?;
            writeln!(out, "packages    {}", info.packages)?;
            writeln!(out, "size        {} KiB", info.size / 1024)?;
            writeln!(out, "sha256      {checksum}")?;
            writeln!(out, "\n{:>10}  ecosystem", "packages")?;
            for (name, packages) in &info.ecosystems {
                writeln!(out, "{packages:>10}  {name}")?;
            }
            Ok(())
        }
        DbFormat::Json => json(out, info, &file.display().to_string(), &checksum),
    })?;
    Ok(Outcome::Clean)
}

fn json(out: &mut dyn io::Write, info: &Info, file: &str, checksum: &str) -> io::Result<()> {
    let ecosystems: Vec<_> = info
        .ecosystems
        .iter()
        .map(|(name, packages)| serde_json::json!({"name": name, "packages": packages}))
        .collect();
    let value = serde_json::json!({
        "version": 1,
        "file": file,
        "built": info.built,
        "newest": info.newest,
        "advisories": info.advisories,
        "packages": info.packages,
        "size": info.size,
        "sha256": checksum,
        "ecosystems": ecosystems,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

/// A time in RFC 3339 format.
pub(crate) fn timestamp() -> String {
    let now = scope::now().unwrap_or(OffsetDateTime::UNIX_EPOCH);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

pub(super) fn argument(error: impl std::fmt::Display) -> CommandError {
    CommandError::Argument(error.to_string())
}
