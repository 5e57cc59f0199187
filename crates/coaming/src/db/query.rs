//! `coaming db query`: what is known of packages.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use coaming_advisory::vex::{self, Document};
use coaming_advisory::{
    Advice, Database, Excused, Matches, Named, Surroundings, advice, excuse, parse_purl, render,
};
use coaming_image::{Distribution, ImageFacts, Package};

use super::keep::{argument, timestamp, warn_if_old};
use crate::args::{DbQueryArguments, DbQueryFormat, KnownArguments};
use crate::{CommandError, Outcome, output, scope};

/// More input is not read.
const MAX_INPUT: u64 = 64 << 20;

/// Shows what is known of the packages.
pub(super) fn run(arguments: &DbQueryArguments) -> Result<Outcome, CommandError> {
    let database = Database::open(&super::file(&arguments.known.database)?).map_err(argument)?;
    warn_if_old(database.info());
    let (named, failed) = read_packages(&arguments.packages)?;
    let groups = by_distribution(named);
    let known = Known::new(&database, &groups, Surroundings::default(), &arguments.known)?;
    output::write(None, |out| {
        let value = match arguments.format {
            DbQueryFormat::Text => return out.write_all(known.text().as_bytes()),
            DbQueryFormat::Json => known.json(),
            DbQueryFormat::Openvex => vex::write_openvex(&known.excused.kept, "", &timestamp()),
            DbQueryFormat::Cyclonedx => vex::write_cyclonedx(&known.excused.kept, "", &timestamp()),
        };
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)
    })?;
    let fails = |each| arguments.known.fail_on.is_none_or(|conditions| conditions.holds(each));
    Ok(if failed {
        Outcome::Failed
    } else if known.excused.kept.iter().any(fails) {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

/// The packages of one distribution's release.
type Group = (Option<Distribution>, Vec<Package>);

/// What is known of packages.
struct Known<'p> {
    excused: Excused<'p>,
    advices: Vec<Advice>,
    matches: Matches<'p>,
}

impl<'p> Known<'p> {
    fn new(
        database: &Database,
        groups: &'p [Group],
        surroundings: Surroundings,
        arguments: &KnownArguments,
    ) -> Result<Self, CommandError> {
        let documents = read_vex(&arguments.vex)?;
        let mut matches = Matches::default();
        let mut advices = Vec::new();
        for (distribution, packages) in groups {
            let found = database
                .matches(packages, distribution.as_ref(), surroundings)
                .map_err(argument)?;
            advices.extend(advice(&found.vulnerabilities, distribution.as_ref()));
            matches.merge(found);
        }
        let found = std::mem::take(&mut matches.vulnerabilities);
        let today = scope::today().unwrap_or_default();
        let excused = excuse(found, &[], &documents, "", &today);
        Ok(Self { excused, advices, matches })
    }

    fn text(&self) -> String {
        render::text(&self.excused, &self.advices, &self.matches)
    }

    fn json(&self) -> serde_json::Value {
        render::json(&self.excused, &self.advices, &self.matches)
    }
}

/// What is known of an image's packages, ready to be shown.
pub(crate) struct OfImage {
    /// For people.
    pub(crate) text: String,
    /// For programs.
    pub(crate) json: serde_json::Value,
    /// Whether there is something that the user will not have.
    pub(crate) fails: bool,
}

/// What is known of the packages of an image; `None` where no database is at hand and none was named.
pub(crate) fn of_image(
    facts: &ImageFacts,
    arguments: &KnownArguments,
) -> Result<Option<OfImage>, CommandError> {
    let file = super::file(&arguments.database)?;
    let asked = arguments.database.file.is_some() || arguments.fail_on.is_some();
    if !asked && !file.exists() {
        return Ok(None);
    }
    let database = Database::open(&file).map_err(argument)?;
    warn_if_old(database.info());
    let groups = [(facts.distribution.clone(), facts.packages.clone())];
    let surroundings = Surroundings { root: facts.user.is_root(), exposed: None };
    let known = Known::new(&database, &groups, surroundings, arguments)?;
    let fails = |each| arguments.fail_on.is_some_and(|conditions| conditions.holds(each));
    Ok(Some(OfImage {
        text: known.text(),
        json: known.json(),
        fails: known.excused.kept.iter().any(fails),
    }))
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
fn by_distribution(named: Vec<Named>) -> Vec<Group> {
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
