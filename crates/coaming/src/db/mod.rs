//! `coaming db`: the database of known vulnerabilities.

pub(crate) mod keep;
mod query;
#[cfg(feature = "registry")]
mod transfer;
mod update;

use std::io;
use std::path::PathBuf;

use coaming_advisory::Ecosystem;
use coaming_args::{DbArguments, DbCommand, DbCompareArguments, DbFileArguments};
use coaming_console as output;

use crate::{CommandError, Outcome, failed};

/// Runs `coaming db`.
pub(crate) fn run(arguments: &DbArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        DbCommand::Update(arguments) => update::run(arguments),
        DbCommand::Build(arguments) => keep::build(arguments),
        DbCommand::Info(arguments) => keep::info(arguments),
        DbCommand::Query(arguments) => query::run(arguments),
        DbCommand::Compare(arguments) => compare(arguments),
        #[cfg(feature = "registry")]
        DbCommand::Push(arguments) => transfer::push(arguments),
        #[cfg(feature = "registry")]
        DbCommand::Pull(arguments) => transfer::pull(arguments),
        #[cfg(feature = "registry")]
        DbCommand::JavaIndex(arguments) => transfer::java_index(arguments),
    }
}

/// Compares the versions on standard input.
fn compare(arguments: &DbCompareArguments) -> Result<Outcome, CommandError> {
    let ecosystem = Ecosystem::parse(&arguments.ecosystem);
    let order = ecosystem.order().ok_or_else(|| {
        let known: Vec<_> = Ecosystem::known().collect();
        failed(format!(
            "versions of the ecosystem `{}` cannot be compared; known ecosystems: {}",
            arguments.ecosystem,
            known.join(", ")
        ))
    })?;
    output::write(None, |out| coaming_advisory::compare_lines(order, io::stdin().lock(), out))?;
    Ok(Outcome::Clean)
}

/// Where the database is.
fn file(arguments: &DbFileArguments) -> Result<PathBuf, CommandError> {
    let file = arguments.file.clone().map_or_else(coaming_scan::own_database, Ok)?;
    output::refuse_device(&file)?;
    Ok(file)
}
