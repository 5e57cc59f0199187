//! `coaming db query`: what is known of packages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use coaming_advisory::vex::{self, Document};
use coaming_advisory::{
    Advice, Database, Matches, Named, Surroundings, advice, excuse, parse_purl, render,
};

use super::keep::{argument, timestamp, warn_if_old};
use crate::args::{DbQueryArguments, DbQueryFormat};
use crate::{CommandError, Outcome, output, scope};

/// More input is not read.
const MAX_INPUT: u64 = 64 << 20;

/// Shows what is known of the packages.
pub(super) fn run(arguments: &DbQueryArguments) -> Result<Outcome, CommandError> {
    let database = Database::open(&super::file(&arguments.database)?).map_err(argument)?;
    warn_if_old(database.info());
    let (named, failed) = read_packages(&arguments.packages)?;
    let documents = read_vex(&arguments.vex)?;
    let groups = by_distribution(named);
    let mut matches = Matches::default();
    let mut advices: Vec<Advice> = Vec::new();
    for (distribution, packages) in &groups {
        let found = database
            .matches(packages, distribution.as_ref(), Surroundings::default())
            .map_err(argument)?;
        advices.extend(advice(&found.vulnerabilities, distribution.as_ref()));
        matches.merge(found);
    }
    let found = std::mem::take(&mut matches.vulnerabilities);
    let today = scope::today().unwrap_or_default();
    let excused = excuse(found, &[], &documents, "", &today);
    output::write(None, |out| {
        let value = match arguments.format {
            DbQueryFormat::Text => {
                return out.write_all(render::text(&excused, &advices, &matches).as_bytes());
            }
            DbQueryFormat::Json => render::json(&excused, &advices, &matches),
            DbQueryFormat::Openvex => vex::write_openvex(&excused.kept, "", &timestamp()),
            DbQueryFormat::Cyclonedx => vex::write_cyclonedx(&excused.kept, "", &timestamp()),
        };
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)
    })?;
    let fails = |each| arguments.fail_on.is_none_or(|conditions| conditions.holds(each));
    Ok(if failed {
        Outcome::Failed
    } else if excused.kept.iter().any(fails) {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

/// The packages that the arguments name, and whether one of them could not be read.
fn read_packages(arguments: &[String]) -> Result<(Vec<Named>, bool), CommandError> {
    let mut texts = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let mut input = String::new();
            let read = io::stdin().lock().take(MAX_INPUT).read_to_string(&mut input);
            read.map_err(|error| CommandError::Argument(format!("standard input: {error}")))?;
            texts.extend(input.lines().map(str::trim).map(str::to_owned));
        } else {
            texts.push(argument.clone());
        }
    }
    let mut named = Vec::new();
    let mut failed = false;
    for text in texts.iter().filter(|text| !text.is_empty()) {
        match parse_purl(text) {
            Some(package) => named.push(package),
            None => {
                output::complain(&format!(
                    "`{text}` is no package URL of a known type, such as pkg:pypi/requests@2.19.1"
                ));
                failed = true;
            }
        }
    }
    Ok((named, failed))
}

/// Packages of one distribution's release are judged together, as those of an image are.
fn by_distribution(
    named: Vec<Named>,
) -> Vec<(Option<coaming_image::Distribution>, Vec<coaming_image::Package>)> {
    let mut groups: BTreeMap<(String, String), (Option<_>, Vec<_>)> = BTreeMap::new();
    for Named { package, distribution } in named {
        let key = distribution.as_ref().map(|each| (each.id.clone(), each.version.clone()));
        let group = groups.entry(key.unwrap_or_default()).or_insert((distribution, Vec::new()));
        group.1.push(package);
    }
    groups.into_values().collect()
}

fn read_vex(files: &[PathBuf]) -> Result<Vec<Document>, CommandError> {
    let mut documents = Vec::new();
    for path in files {
        let failed = |error: String| CommandError::Argument(format!("{}: {error}", path.display()));
        let mut text = Vec::new();
        let limit = vex::MAX_DOCUMENT as u64 + 1;
        File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut text))
            .map_err(|error| failed(error.to_string()))?;
        let document = vex::parse(&text).map_err(|error| failed(error.to_string()))?;
        if document.skipped > 0 {
            output::warn(&format!(
                "{}: {} statements are not understood, and excuse nothing",
                path.display(),
                document.skipped
            ));
        }
        documents.push(document);
    }
    Ok(documents)
}
