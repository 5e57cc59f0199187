//! `coaming db build` and `coaming db info`.

use std::path::Path;

use coaming_advisory::{BuildError, Built, Database};
use coaming_args::{DbBuildArguments, DbFormat, DbInfoArguments};
use coaming_console as output;
use coaming_console::Progress;
use coaming_report::database;

use crate::{CommandError, Outcome, failed};

/// Builds the database from a directory.
pub(super) fn build(arguments: &DbBuildArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let built = build_from(&arguments.directory, &file).map_err(failed)?;
    tell(&built, &file)
}

/// Builds the database from a directory.
pub(super) fn build_from(directory: &Path, file: &Path) -> Result<Built, BuildError> {
    let _progress = Progress::start("building the vulnerability database …");
    coaming_advisory::build(directory, file, &coaming_scan::timestamp(), &|_| {})
}

/// Prints what the database was built from.
pub(super) fn tell(built: &Built, file: &Path) -> Result<Outcome, CommandError> {
    for problem in &built.problems {
        output::warn(problem);
    }
    output::write(None, |out| database::built_text(built, file, out))?;
    Ok(if built.problems.is_empty() { Outcome::Clean } else { Outcome::Failed })
}

/// Shows the database's description of itself.
pub(super) fn info(arguments: &DbInfoArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let opened = Database::open(&file).map_err(failed)?;
    let info = opened.info();
    let warning = coaming_scan::now().and_then(|now| coaming_scan::age_warning(info, now));
    warning.iter().for_each(|warning| output::warn(warning));
    let checksum = coaming_advisory::digest(&file).map_err(failed)?;
    output::write(None, |out| match arguments.format {
        DbFormat::Text => database::info_text(info, &file, &checksum, out),
        DbFormat::Json => database::info_json(info, &file, &checksum, out),
    })?;
    Ok(Outcome::Clean)
}
