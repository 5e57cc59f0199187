//! `coaming image --registry`: all images of a registry, each digest once.

use std::collections::BTreeSet;
use std::io::Write as _;

use coaming_args::{Attach, ImageArguments, ImageFormat, WalkArguments};
use coaming_console as output;
use coaming_console::OutputError;
use coaming_image::Cache;
use coaming_report::{image as report, policy_report, vulnerabilities, walk_job};
#[cfg(feature = "queue")]
use coaming_scan::WalkLine;
use coaming_scan::{
    WALKED_AT_ONCE, WalkCounts, WalkEnd, WalkOptions, WalkScope, Walked, WalkedImage, Walker,
};
use globset::{Glob, GlobSetBuilder};
use serde_json::Value;

use crate::{CommandError, Outcome, failed, scope};

/// Runs the walk over a registry.
pub(crate) fn run(arguments: &ImageArguments, host: &str) -> Result<Outcome, CommandError> {
    let is_report = match arguments.format {
        ImageFormat::Full | ImageFormat::Json => false,
        ImageFormat::PolicyReport => true,
        _ => {
            let message = "--registry writes lines of JSON or PolicyReports: use --format json or \
                           --format policy-report";
            return Err(failed(message));
        }
    };
    let walk = &arguments.walk;
    let scope = scope_of(walk)?;
    let queue = arguments.queue(host);
    #[cfg(feature = "queue")]
    if let Some((url, _)) = &queue {
        url.parse::<coaming_scan::QueueUrl>().map_err(failed)?;
    }
    if walk.as_job {
        let job = walk_job::Job {
            host,
            count: walk.shard.count(),
            command: arguments.job_command(host),
            has_queue: queue.is_some(),
        };
        output::write(None, |out| job.write(out))?;
        return Ok(Outcome::Clean);
    }
    if queue.is_some() && walk.shard != coaming_scan::Shard::default() {
        return Err(failed("--shard and --queue both share the work: use one of them"));
    }
    let config = scope::image_config(&arguments.known)?;
    let render = |image: &WalkedImage, walked: Walked<'_>| line(image, walked, is_report);
    let walker = Walker::new(options(arguments, &config, is_report), &render).map_err(failed)?;
    let file = arguments.output.as_deref();
    let mut done = BTreeSet::new();
    let mut out = output::append_lines(file, |line| done.extend(report::walked_digest(line)))?;
    #[cfg(feature = "queue")]
    if let Some((url, name)) = queue {
        let (mut outcome, mut counts) = (Outcome::Clean, WalkCounts::default());
        let mut write = |line: &WalkLine| {
            counts.add(line.end);
            outcome = outcome.max(outcome_of(line.end));
            writeln!(out, "{}", line.value)?;
            out.flush()
        };
        let problems = walker.work((url, &name), host, &scope, &mut write).map_err(failed)?;
        return Ok(end(&walker, host, &problems, &counts, outcome));
    }
    let (images, problems) = walker.list(host, &scope).map_err(failed)?;
    let pending: Vec<&WalkedImage> =
        images.iter().filter(|image| !done.contains(&image.digest.to_string())).collect();
    let mut outcome = Outcome::Clean;
    let mut counts = WalkCounts::knowing(images.len() - pending.len());
    for some in pending.chunks(WALKED_AT_ONCE) {
        for line in walker.lines(some) {
            counts.add(line.end);
            outcome = outcome.max(outcome_of(line.end));
            writeln!(out, "{}", line.value).map_err(|error| OutputError::of(file, error))?;
        }
        out.flush().map_err(|error| OutputError::of(file, error))?;
    }
    Ok(end(&walker, host, &problems, &counts, outcome))
}

fn outcome_of(end: WalkEnd) -> Outcome {
    match end {
        WalkEnd::Failed => Outcome::Failed,
        WalkEnd::Read { fails: true, .. } => Outcome::Found,
        WalkEnd::Read { .. } | WalkEnd::Skipped => Outcome::Clean,
    }
}

/// Says what a walk did.
fn end(
    walker: &Walker<'_>,
    host: &str,
    problems: &[String],
    counts: &WalkCounts,
    outcome: Outcome,
) -> Outcome {
    problems.iter().for_each(|problem| output::warn(problem));
    walker.warnings().iter().for_each(|warning| output::warn(warning));
    output::note(&format!("{host}: {counts}"));
    if problems.is_empty() { outcome } else { Outcome::Failed }
}

fn options<'a>(
    arguments: &'a ImageArguments,
    config: &'a coaming_config::Config,
    is_report: bool,
) -> WalkOptions<'a> {
    let attaches = |what| arguments.walk.attach.contains(&what);
    WalkOptions {
        config,
        registry: arguments.origin.registry.options(config),
        platform: arguments.origin.platform.as_ref(),
        cache: Cache::of_user().filter(|_| !arguments.no_cache),
        database: arguments.known.look_up.database.as_deref(),
        vex: &arguments.known.look_up.vex,
        fail_on: arguments.known.fail_on,
        attach: coaming_scan::Attach {
            sbom: attaches(Attach::Sbom),
            vex: attaches(Attach::Vex),
            results: attaches(Attach::Results) && !is_report,
        },
    }
}

fn scope_of(walk: &WalkArguments) -> Result<WalkScope, CommandError> {
    let mut globs = GlobSetBuilder::new();
    for glob in &walk.repositories {
        globs.add(Glob::new(glob).map_err(failed)?);
    }
    Ok(WalkScope {
        repositories: match walk.repositories.is_empty() {
            true => None,
            false => Some(globs.build().map_err(failed)?),
        },
        range: walk.tags.clone(),
        newest: walk.newest,
        shard: walk.shard,
    })
}

/// What is written about an image.
fn line(image: &WalkedImage, walked: Walked<'_>, is_report: bool) -> Value {
    let name = image.reference.to_string();
    let (facts, known) = match walked {
        Walked::Read { facts, known } => (facts, known.map(|known| &known.report)),
        Walked::Skipped(reason) => return report::not_read(&name, &image.names, "skipped", reason),
        Walked::Failed(reason) => return report::not_read(&name, &image.names, "error", reason),
    };
    if is_report {
        let open = known.map(|known| known.triaged.open.as_slice());
        return policy_report::of_image(&image.digest.to_string(), &image.names, facts, open);
    }
    let found = known.map(|it| vulnerabilities::json(&it.triaged, &it.advice, &it.matches));
    report::walked(facts, &name, &image.names, found.as_ref())
}
