//! `coaming scan`: finds problems and reports them.

use std::path::Path;

use coaming_args::{Format, ReportArguments, ScanArguments};
use coaming_console as output;
use coaming_console::{FileWatch, Progress};
use coaming_report::{File, FullOptions, Report, statistics};
use coaming_scan::{Judged, Live, Lookups, uninspected_images};

use crate::{CommandError, Outcome, failed, scope};

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<Outcome, CommandError> {
    // An invalid combination is refused before the work.
    let outputs = arguments.report.outputs().map_err(failed)?;
    if arguments.watch {
        return watch(arguments, || once(arguments, &outputs));
    }
    once(arguments, &outputs)
}

/// Scans now, and again after every change of the scanned paths. Ends only by Ctrl-C, or when changes
/// cannot be watched: an error of a run, such as a configuration that is half written, does not end it.
fn watch(
    arguments: &ScanArguments,
    scan: impl Fn() -> Result<Outcome, CommandError>,
) -> Result<Outcome, CommandError> {
    let read = arguments.scope.paths.iter().chain(&arguments.scope.config);
    let written = arguments.report.output.iter().chain(&arguments.report.write_baseline);
    let changes = FileWatch::start(read, written).map_err(failed)?;
    loop {
        output::clear_terminal();
        match scan() {
            Ok(_) => {}
            // Nobody reads the output any more.
            Err(error @ CommandError::Output(_)) => return Err(error),
            Err(error) => output::complain(&error.to_string()),
        }
        output::note("watching for changes; Ctrl-C ends");
        changes.wait().map_err(failed)?;
    }
}

/// Scans once.
fn once(
    arguments: &ScanArguments,
    outputs: &[(Format, Option<&Path>)],
) -> Result<Outcome, CommandError> {
    let mut config = scope::config(&arguments.scope)?;
    // With paths, the cluster only answers what their charts look up in it.
    let has_files = !arguments.scope.paths.is_empty();
    let live = if has_files { None } else { scope::live(&arguments.cluster, true) };
    let lookups = if has_files { scope::lookups(&arguments.cluster)? } else { Lookups::default() };
    let is_live = live.is_some();
    let Live { loaded, notes, version } = live.unwrap_or_default();
    // A cluster knows its version; the user may ask about another one.
    config.kubernetes_version = config.kubernetes_version.or(version).or(lookups.version);
    let progress = Progress::start("reading and checking …");
    let mut inputs = scope::read(&arguments.scope, &config, is_live.then_some(loaded), lookups)?;
    let mut engine = scope::engine(config)?;
    if !arguments.report.format.iter().any(|format| format.shows_edits()) {
        engine = engine.without_edits();
    }
    inputs.errors.extend(engine.unknown_kinds(&inputs.variants));
    let images = scope::images(&arguments.scope, &engine, &inputs.variants, &mut inputs.errors)?;
    let configuration = engine.configuration();
    let today = coaming_scan::today();
    let mut judged = engine.judge(&inputs, configuration.as_ref(), &images, today);
    if is_live {
        // The objects of a cluster are not files.
        judged.counts.files = 0;
        judged.report.notes.extend(notes);
        judged.report.notes.extend(uninspected_images(&inputs.variants, &images));
    }
    drop(progress);
    let outcome = finish(&arguments.report, outputs, &mut judged)?;
    if !arguments.watch {
        // The process ends here: the system frees all memory at once, and freeing each tree is slow.
        std::mem::forget(judged);
        std::mem::forget(inputs);
    }
    Ok(outcome)
}

/// Writes or applies the baseline, and reports.
pub(crate) fn finish(
    arguments: &ReportArguments,
    outputs: &[(Format, Option<&Path>)],
    judged: &mut Judged<'_>,
) -> Result<Outcome, CommandError> {
    if let Some(path) = &arguments.write_baseline {
        let baseline = judged.take_baseline();
        output::write(Some(path), |out| out.write_all(baseline.to_text().as_bytes()))?;
    }
    if let Some(path) = &arguments.baseline {
        judged.apply_baseline(&coaming_scan::read_baseline(path)?);
    }
    report(arguments, outputs, judged)?;
    Ok(if !judged.errors.is_empty() {
        Outcome::Failed
    } else if judged.has_findings() && !arguments.exit_zero {
        Outcome::Found
    } else {
        Outcome::Clean
    })
}

fn report(
    arguments: &ReportArguments,
    outputs: &[(Format, Option<&Path>)],
    judged: &Judged<'_>,
) -> Result<(), CommandError> {
    let files = judged.sources.iter().map(|(&id, source)| (id, File::of(source))).collect();
    let report = Report::of(judged, &files);
    output::complain_of(&judged.errors);
    let counting = arguments.counting();
    for (at, &(format, file)) in outputs.iter().enumerate() {
        let counts = counting == Some(at);
        let options = FullOptions {
            verbose: arguments.verbose,
            quiet: arguments.quiet,
            suppressed: arguments.show_suppressed,
            ..output::full_options(arguments.color.wanted(), file.is_some())
        };
        output::write(file, |out| match format {
            Format::Json if counts => statistics::json(&report, out),
            _ if counts => statistics::text(&report, out),
            format => coaming_report::render(&report, format.into(), options, out),
        })?;
    }
    Ok(())
}
