//! `coaming db query`: the known vulnerabilities of packages.

use std::io::{self, Read as _};

use coaming_advisory::{Named, parse_purl};
use coaming_args::{DbQueryArguments, DbQueryFormat};
use coaming_console as output;
use coaming_report::vulnerabilities;
use coaming_sbom::vex;
use coaming_scan::timestamp;

use crate::{CommandError, Outcome, failed, scope};

/// The limit on standard input.
const MAX_INPUT: u64 = 64 << 20;

/// Shows the known vulnerabilities of the packages.
pub(super) fn run(arguments: &DbQueryArguments) -> Result<Outcome, CommandError> {
    let config = scope::config_here(arguments.known.config.as_deref())?;
    let mut warnings = Vec::new();
    let source = scope::vulnerability_source(&arguments.known.look_up, &config, &mut warnings)?;
    let database = source.open(&mut warnings)?;
    let (named, failed) = read_packages(&arguments.packages)?;
    let groups = coaming_scan::by_distribution(named);
    let known = source.matches(&database, &groups, &vex::Product::default(), None)?;
    warnings.extend(known.warnings());
    warnings.iter().for_each(|warning| output::warn(warning));
    output::write(None, |out| {
        let value = match arguments.format {
            DbQueryFormat::Text => {
                let text = vulnerabilities::text(&known.triaged, &known.advice, &known.matches);
                return out.write_all(text.as_bytes());
            }
            DbQueryFormat::Json => {
                vulnerabilities::json(&known.triaged, &known.advice, &known.matches)
            }
            DbQueryFormat::Openvex => vex::write_openvex(&known.affected(), "", &timestamp()),
            DbQueryFormat::Cyclonedx => vex::write_cyclonedx(&known.affected(), "", &timestamp()),
        };
        serde_json::to_writer_pretty(&mut *out, &value)?;
        writeln!(out)
    })?;
    let fails = |each| arguments.known.fail_on.is_none_or(|conditions| conditions.holds(each));
    Ok(if failed {
        Outcome::Failed
    } else if known.triaged.open.iter().any(fails) {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

/// The packages in the arguments, and whether one of them could not be read.
fn read_packages(arguments: &[String]) -> Result<(Vec<Named>, bool), CommandError> {
    let mut texts = Vec::new();
    for argument in arguments {
        if argument == "-" {
            let mut input = String::new();
            let read = io::stdin().lock().take(MAX_INPUT).read_to_string(&mut input);
            read.map_err(|error| failed(format!("standard input: {error}")))?;
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
                    "`{text}` is not a package URL of a supported type, such as pkg:pypi/requests@2.19.1"
                ));
                failed = true;
            }
        }
    }
    Ok((named, failed))
}
