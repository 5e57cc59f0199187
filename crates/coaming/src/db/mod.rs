//! `coaming db`: the database of known vulnerabilities.

pub(crate) mod keep;
mod query;
#[cfg(feature = "registry")]
mod transfer;
mod update;

use std::cmp::Ordering;
use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;

use coaming_advisory::Ecosystem;

use crate::args::{DbArguments, DbCommand, DbCompareArguments, DbFileArguments};
use crate::{CommandError, Outcome, output};

/// The longest line with two versions, in bytes.
const MAX_LINE: u64 = 64 << 10;

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
    }
}

/// Compares the versions on standard input.
fn compare(arguments: &DbCompareArguments) -> Result<Outcome, CommandError> {
    let ecosystem = Ecosystem::parse(&arguments.ecosystem);
    let order = ecosystem.order().ok_or_else(|| {
        let known: Vec<_> = Ecosystem::known().collect();
        CommandError::Argument(format!(
            "versions of the ecosystem `{}` cannot be compared; known ecosystems: {}",
            arguments.ecosystem,
            known.join(", ")
        ))
    })?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    output::write(None, |out| {
        loop {
            line.clear();
            if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            let order = text.split_once('\t').and_then(|(left, right)| order.compare(left, right));
            writeln!(
                out,
                "{}",
                match order {
                    Some(Ordering::Less) => '<',
                    Some(Ordering::Equal) => '=',
                    Some(Ordering::Greater) => '>',
                    None => '?',
                }
            )?;
        }
    })?;
    Ok(Outcome::Clean)
}

/// Where the database is.
fn file(arguments: &DbFileArguments) -> Result<PathBuf, CommandError> {
    let file = arguments.file.clone().map_or_else(coaming_scan::own_database, Ok)?;
    output::refuse_device(&file)?;
    Ok(file)
}
