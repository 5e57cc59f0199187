//! `coaming image`: what an image contains.

use std::io;
use std::path::Path;

use coaming_args::{
    ImageArguments, ImageCommand, ImageFormat, ImagePlace, KnownArguments, OriginArguments,
};
use coaming_config::Config;
use coaming_console as output;
use coaming_console::Progress;
use coaming_image::{Cache, Image, ImageFacts, sbom};
use coaming_report::image::RelatedInfo;
use coaming_report::policy_report;
use coaming_scan::{Found, ImageMatches, ImageQuery, JavaNames, LookUp, MatchReport, timestamp};

use crate::{CommandError, Outcome, failed, registry_results, scope, slim};

/// Runs the command.
pub(crate) fn run(arguments: &ImageArguments) -> Result<Outcome, CommandError> {
    if let Some(ImageCommand::Slim(arguments)) = &arguments.command {
        return slim::run(arguments);
    }
    #[cfg(feature = "registry")]
    if let Some(host) = &arguments.walk.registry {
        return crate::walk::run(arguments, host);
    }
    let name = arguments.image.as_deref().unwrap_or_default();
    let progress = Progress::start("reading the image …");
    let config = scope::image_config(&arguments.known)?;
    let question = registry_results::question(name, arguments)?;
    let cache = Cache::of_user().filter(|_| !arguments.no_cache);
    let facts = facts(name, &arguments.origin, cache.as_ref(), &config)?;
    if facts.sbom && arguments.known.fail_on.is_some_and(|on| on.credentials || on.root) {
        return Err(failed(format!(
            "--fail-on credentials and root need the image itself; `{name}` is an SBOM, which knows \
             neither its files nor its user"
        )));
    }
    let answers = question
        .as_ref()
        .map(|reference| registry_results::ask(reference, arguments, &config))
        .transpose()?;
    let query = ImageQuery {
        name: name.to_owned(),
        digests: answers.as_ref().map(|it| it.digests.clone()).unwrap_or_default(),
        documents: answers.as_ref().map(|it| it.documents.clone()).unwrap_or_default(),
        required: matches!(arguments.format, ImageFormat::Openvex | ImageFormat::CyclonedxVex),
        fail_on: arguments.known.fail_on,
    };
    let known = matches(&facts, query, &arguments.known, &config)?;
    let results =
        answers.map(|answers| (answers.beside)(&facts, known.as_ref().map(|known| &known.report)));
    drop(progress);
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        ImageFormat::Full => {
            let options =
                output::full_options(arguments.color.wanted(), arguments.output.is_some());
            coaming_report::image::render(&facts, name, options.color, out)?;
            vulnerabilities(known.as_ref(), out)?;
            results.as_ref().map_or(Ok(()), |results| {
                writeln!(out, "\nRegistry results")?;
                indented(&results.text, out)
            })
        }
        ImageFormat::Json => {
            let matched = known.as_ref().map(|known| {
                let MatchReport { triaged, advice, matches } = &known.report;
                coaming_report::vulnerabilities::json(triaged, advice, matches)
            });
            let related = RelatedInfo {
                vulnerabilities: matched.as_ref(),
                registry: results.as_ref().map(|it| &it.json),
            };
            coaming_report::image::json(&facts, name, related, out)
        }
        ImageFormat::Cyclonedx => document(&sbom::cyclonedx(&facts, name), out),
        ImageFormat::Spdx => document(&sbom::spdx(&facts, name), out),
        ImageFormat::Openvex => {
            let written = known.as_ref().map(|known| known.openvex(&timestamp()));
            document(&written.unwrap_or_default(), out)
        }
        ImageFormat::CyclonedxVex => {
            let written = known.as_ref().map(|known| known.cyclonedx(&timestamp()));
            document(&written.unwrap_or_default(), out)
        }
        ImageFormat::PolicyReport => {
            let open = known.as_ref().map(|known| known.report.triaged.open.as_slice());
            let names = [name.to_owned()];
            document(&policy_report::of_image(&facts.digest, &names, &facts, open), out)
        }
    })?;
    let unanswered: &[String] = results.as_ref().map_or(&[], |results| &results.problems);
    if arguments.format != ImageFormat::Full {
        for problem in &facts.problems {
            output::warn(format!("{} {}", problem.place.path, problem.message).trim());
        }
        unanswered.iter().for_each(|problem| output::warn(problem));
    }
    Ok(if !unanswered.is_empty() || !facts.problems.is_empty() {
        Outcome::Failed
    } else if known.is_some_and(|known| known.fails)
        || arguments.known.fail_on.is_some_and(|conditions| fails(&facts, conditions))
    {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

/// Whether an image has contents other than vulnerabilities that make the run fail.
fn fails(facts: &ImageFacts, conditions: coaming_advisory::FailOn) -> bool {
    // A user that the image does not resolve may be root.
    conditions.credentials && !facts.credentials.is_empty()
        || conditions.root && facts.user.is_root() != Some(false)
}

/// The known vulnerabilities of an image.
pub(crate) fn matches(
    facts: &ImageFacts,
    query: ImageQuery,
    arguments: &KnownArguments,
    config: &Config,
) -> Result<Option<ImageMatches>, CommandError> {
    let mut warnings = Vec::new();
    let source = scope::vulnerability_source(&arguments.look_up, config, &mut warnings)?;
    let matches = coaming_scan::match_image(source, facts, query, &mut warnings)?;
    warnings.iter().for_each(|warning| output::warn(warning));
    Ok(matches)
}

/// The known vulnerabilities, or why they were not looked up.
fn vulnerabilities(known: Option<&ImageMatches>, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "\nKnown vulnerabilities")?;
    let Some(known) = known else {
        return writeln!(out, "  not checked: no vulnerability database; run `coaming db update`");
    };
    let MatchReport { triaged, advice, matches } = &known.report;
    indented(&coaming_report::vulnerabilities::text(triaged, advice, matches), out)
}

fn indented(text: &str, out: &mut dyn io::Write) -> io::Result<()> {
    for line in text.trim_end().lines() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    Ok(())
}

fn document(document: &serde_json::Value, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    writeln!(out)
}

fn facts(
    name: &str,
    origin: &OriginArguments,
    cache: Option<&Cache>,
    config: &Config,
) -> Result<ImageFacts, CommandError> {
    let found = if is_path(name, origin) {
        coaming_scan::at_path(Path::new(name), origin.platform.as_ref()).map_err(failed)?
    } else {
        find(name, origin, cache, config)?
    };
    found.facts(cache, &JavaNames::new(config)?).map_err(failed)
}

fn is_path(name: &str, origin: &OriginArguments) -> bool {
    name != "-" && origin.from == ImagePlace::Auto && Path::new(name).exists()
}

/// The image of an argument: standard input, an archive, a directory, or a name.
pub(crate) fn find(
    name: &str,
    origin: &OriginArguments,
    cache: Option<&Cache>,
    config: &Config,
) -> Result<Found, CommandError> {
    let platform = origin.platform.as_ref();
    if name == "-" {
        let image = Image::from_stream("standard input", io::stdin().lock(), platform);
        return image.map(Found::Image).map_err(failed);
    }
    if is_path(name, origin) {
        return Image::open(Path::new(name), platform).map(Found::Image).map_err(failed);
    }
    let places = LookUp {
        daemons: origin.from != ImagePlace::Registry,
        remote: origin.registry.images(config).filter(|_| origin.from != ImagePlace::Daemon),
    };
    let mut warnings = Vec::new();
    let found = places.find(name, platform, cache, &mut warnings);
    warnings.iter().for_each(|warning| output::warn(warning));
    found.map_err(failed)
}
