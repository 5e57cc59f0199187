//! `coaming db push` and `coaming db pull`: the database in your own registry.

use std::io;
use std::path::Path;

use coaming_advisory::{Database, JavaIndex};
use coaming_args::{DbJavaIndexArguments, DbTransferArguments, RegistryArguments};
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

/// The media type of Trivy's index of Java archives, and the file in it.
const JAVA_INDEX: &str = "application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip";
const JAVA_INDEX_FILE: &str = "trivy-java.db";

/// Pushes the database to a registry.
pub(super) fn push(arguments: &DbTransferArguments) -> Result<Outcome, CommandError> {
    let (registry, reference) = ready(&arguments.reference, &arguments.registry)?;
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
    let (registry, reference) = ready(&arguments.reference, &arguments.registry)?;
    let file = super::file(&arguments.database)?;
    create_parent(&file)?;
    let progress = Progress::start("pulling …");
    let got = registry.pull_file(&reference, &file, ARTIFACT, check);
    drop(progress);
    let digest = got.map_err(failed)?;
    tell(&format!("{} {digest}", file.display()))
}

/// Pulls the index of Java archives from a registry.
pub(super) fn java_index(arguments: &DbJavaIndexArguments) -> Result<Outcome, CommandError> {
    let (registry, reference) = ready(&arguments.reference, &arguments.registry)?;
    let file = arguments.file.clone().map_or_else(coaming_scan::own_java_index, Ok)?;
    output::refuse_device(&file)?;
    create_parent(&file)?;
    let check = |file: &Path| {
        let opened = JavaIndex::open(file);
        opened.map(drop).map_err(|error| io::Error::other(error.to_string()))
    };
    let progress = Progress::start("downloading the index of Java archives …");
    let got = registry.pull_archived_file(&reference, &file, JAVA_INDEX, JAVA_INDEX_FILE, check);
    drop(progress);
    let digest = got.map_err(failed)?;
    tell(&format!("{} {digest}", file.display()))
}

fn create_parent(file: &Path) -> Result<(), CommandError> {
    let Some(directory) = file.parent() else { return Ok(()) };
    std::fs::create_dir_all(directory)
        .map_err(|error| failed(format!("{}: {error}", directory.display())))
}

fn ready(
    reference: &str,
    access: &RegistryArguments,
) -> Result<(Registry, Reference), CommandError> {
    let reference = Reference::parse(reference)
        .map_err(|error| failed(format!("`{reference}` is not a valid reference: {error}")))?;
    let config = scope::config_here(None)?;
    let runtime = Runtime::shared().map_err(failed)?;
    let registry = Registry::new(access.options(&config), runtime).map_err(failed)?;
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
