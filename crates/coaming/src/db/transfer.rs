//! `coaming db push` and `coaming db pull`: the database in your own registry.

use std::io;
use std::path::Path;

use coaming_advisory::Database;
use coaming_args::DbTransferArguments;
use coaming_console as output;
use coaming_console::Progress;
use coaming_http::Runtime;
use coaming_oci::Reference;
use coaming_registry::Registry;

use crate::{CommandError, Outcome, failed, scope};

/// The artifact type.
const ARTIFACT: &str = "application/vnd.coaming.advisories.v1";
/// The media type of the content.
const CONTENTS: &str = "application/vnd.sqlite3";

/// Pushes the database to a registry.
pub(super) fn push(arguments: &DbTransferArguments) -> Result<Outcome, CommandError> {
    let (registry, reference) = ready(arguments)?;
    let file = super::file(&arguments.database)?;
    check(&file).map_err(failed)?;
    let progress = Progress::start("pushing …");
    let sent = registry.push_file(&reference, &file, ARTIFACT, CONTENTS);
    drop(progress);
    let digest = sent.map_err(failed)?;
    tell(&format!("{reference}@{digest}"))
}

/// Pulls the database from a registry.
pub(super) fn pull(arguments: &DbTransferArguments) -> Result<Outcome, CommandError> {
    let (registry, reference) = ready(arguments)?;
    let file = super::file(&arguments.database)?;
    if let Some(directory) = file.parent() {
        std::fs::create_dir_all(directory)
            .map_err(|error| failed(format!("{}: {error}", directory.display())))?;
    }
    let progress = Progress::start("pulling …");
    let got = registry.pull_file(&reference, &file, ARTIFACT, check);
    drop(progress);
    let digest = got.map_err(failed)?;
    tell(&format!("{} {digest}", file.display()))
}

fn ready(arguments: &DbTransferArguments) -> Result<(Registry, Reference), CommandError> {
    let reference = Reference::parse(&arguments.reference).map_err(|error| {
        failed(format!("`{}` is not a valid reference: {error}", arguments.reference))
    })?;
    let config = scope::config_here(None)?;
    let runtime = Runtime::shared().map_err(failed)?;
    let registry = Registry::new(arguments.registry.options(&config), runtime).map_err(failed)?;
    Ok((registry, reference))
}

/// Checks that a file is a database that this version can read.
fn check(file: &Path) -> io::Result<()> {
    Database::open(file)
        .map(drop)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
}

fn tell(line: &str) -> Result<Outcome, CommandError> {
    output::write(None, |out| writeln!(out, "{line}"))?;
    Ok(Outcome::Clean)
}
