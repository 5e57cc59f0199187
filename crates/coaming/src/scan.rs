//! `coaming scan`: finds problems and reports them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use coaming_finding::{Baseline, Compliance, Finding, InputError, Note, RuleRef, SourceId};
use coaming_kube::{Source, SourceKind};
use coaming_oci::Reference;
use coaming_report::{File, FullOptions, InputText, Report, statistics};
use coaming_rules::Images;
use coaming_scan::{Engine, VariantWorld};

use crate::args::{Format, ReportArguments, ScanArguments};
use crate::progress::Progress;
use crate::scope::{self, Inputs, Live, Lookups};
use crate::{CommandError, Outcome, output};

/// What was checked, and with what result.
pub(crate) struct Judged<'a> {
    /// The sources that findings point into.
    pub(crate) sources: BTreeMap<SourceId, &'a Source>,
    /// The findings and notes.
    pub(crate) report: coaming_scan::Report,
    /// What could not be handled.
    pub(crate) errors: Vec<InputError>,
    /// The rules that ran.
    pub(crate) rules: Vec<RuleRef>,
    /// How much was checked.
    pub(crate) counts: Counts,
    /// What the findings say about the controls of a compliance framework.
    pub(crate) compliance: Option<Compliance>,
}

/// How much was read and checked.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) files: usize,
    pub(crate) documents: usize,
    pub(crate) workloads: usize,
}

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<Outcome, CommandError> {
    // An invalid combination is refused before the work.
    let outputs = arguments.report.outputs()?;
    if arguments.watch {
        return crate::watch::run(arguments, || once(arguments, &outputs));
    }
    once(arguments, &outputs)
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
    let Inputs { variants, mut errors, file_count, notes: of_input } =
        scope::read(&arguments.scope, &config, is_live.then_some(loaded), lookups)?;
    let mut engine = scope::engine(config)?;
    if !arguments.report.format.iter().any(|format| format.shows_edits()) {
        engine = engine.without_edits();
    }
    errors.extend(engine.unknown_kinds(&variants));
    let images = scope::images(&arguments.scope, &engine, &variants, &mut errors)?;
    let mut report = engine.scan_variants(&variants, &images, scope::today());
    mark_ways(&engine, &variants, &images, &mut report.findings);
    let compliance = engine.compliance(&variants, &images, &report.findings);
    report.notes.extend(of_input);
    if is_live {
        report.notes.extend(notes);
        report.notes.extend(unread_images(&variants, &images));
    }
    drop(progress);
    let worlds = || variants.iter().map(|variant| &variant.world);
    let counts = Counts {
        files: file_count,
        documents: worlds().map(coaming_kube::World::document_count).sum(),
        workloads: worlds().map(|world| world.workloads().count()).sum(),
    };
    let sources = worlds().flat_map(|world| world.sources().map(|(id, source)| (id, &**source)));
    let mut sources: BTreeMap<SourceId, &Source> = sources.collect();
    let configuration = engine
        .config()
        .file
        .as_ref()
        .map(|file| Source::text(&file.name, Arc::clone(&file.text), SourceKind::Text));
    sources.extend(configuration.as_ref().map(|source| (coaming_rules::CONFIGURATION, source)));
    let rules = engine.rules();
    let mut judged = Judged { sources, report, errors, rules, counts, compliance };
    let outcome = finish(&arguments.report, outputs, &mut judged)?;
    if !arguments.watch {
        // The process ends here: the system frees all memory at once, and freeing each tree is slow.
        std::mem::forget(judged);
        std::mem::forget(variants);
    }
    Ok(outcome)
}

/// Says of each finding on which way of an attacker it is; those that are on one come first.
fn mark_ways(
    engine: &Engine,
    variants: &[VariantWorld],
    images: &Images,
    findings: &mut Vec<Finding>,
) {
    let minor = engine.config().kubernetes_version.unwrap_or_default().minor();
    for variant in variants {
        let VariantWorld { world, known, .. } = variant;
        coaming_breach::mark_ways(world, images, minor, known, findings, |finding| {
            let is_here = |name: &Arc<str>| finding.variants.contains(name);
            finding.variants.is_empty() || variant.name.as_ref().is_some_and(is_here)
        });
    }
    if findings.iter().any(|finding| finding.way.is_some()) {
        coaming_rules::put_in_order(findings);
    }
}

/// Says how many images of pods were not looked into.
fn unread_images(variants: &[VariantWorld], images: &Images) -> Option<Note> {
    let workloads = variants.iter().flat_map(|variant| variant.world.workloads());
    let named: BTreeSet<&str> = workloads
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| container.image())
        .filter(|image| {
            Reference::parse(image).is_ok_and(|reference| images.get(&reference).is_none())
        })
        .collect();
    let count = named.len();
    let message = match count {
        0 => return None,
        1 => "1 image is not inspected; `--images require` pulls it".to_owned(),
        _ => format!("{count} images are not inspected; `--images require` pulls them"),
    };
    Some(Note { message, count })
}

/// Writes or applies the baseline, and reports.
pub(crate) fn finish(
    arguments: &ReportArguments,
    outputs: &[(Format, Option<&Path>)],
    judged: &mut Judged<'_>,
) -> Result<Outcome, CommandError> {
    let sources = &judged.sources;
    let file_name = |finding: &Finding| {
        let source = finding.locations.first().and_then(|location| location.source);
        let source = source.and_then(|id| sources.get(&id));
        source.map_or_else(String::new, |source| source.name.clone())
    };
    let mut known = None;
    if arguments.write_baseline.is_some() || arguments.baseline.is_some() {
        // A baseline names what messages name.
        for finding in &mut judged.report.findings {
            finding.message = coaming_secret::gate::masked(&finding.message).into_owned();
        }
    }
    if let Some(path) = &arguments.write_baseline {
        let active = judged.report.findings.iter().filter(|finding| finding.suppressed.is_none());
        let baseline = Baseline::of(active, file_name);
        output::write(Some(path), |out| out.write_all(baseline.to_text().as_bytes()))?;
        let count = judged.report.findings.len();
        judged.report.findings.retain(|finding| finding.suppressed.is_some());
        known = Some(count - judged.report.findings.len());
    }
    if let Some(path) = &arguments.baseline {
        let baseline = coaming_scan::read_baseline(path)?;
        let findings = &mut judged.report.findings;
        let (mut active, suppressed): (Vec<Finding>, Vec<Finding>) =
            std::mem::take(findings).into_iter().partition(|one| one.suppressed.is_none());
        known = Some(baseline.retain_new(&mut active, file_name));
        active.extend(suppressed);
        *findings = active;
        coaming_rules::put_in_order(findings);
    }
    report(arguments, outputs, judged, known)?;
    Ok(outcome(arguments, judged))
}

fn report(
    arguments: &ReportArguments,
    outputs: &[(Format, Option<&Path>)],
    judged: &Judged<'_>,
    known: Option<usize>,
) -> Result<(), CommandError> {
    let files = judged.sources.iter().map(|(&id, source)| (id, file(source))).collect();
    let report = Report {
        findings: &judged.report.findings,
        errors: &judged.errors,
        notes: &judged.report.notes,
        files: &files,
        file_count: judged.counts.files,
        document_count: judged.counts.documents,
        workload_count: judged.counts.workloads,
        rules: &judged.rules,
        known,
        compliance: judged.compliance.as_ref(),
    };
    output::complain_of(&judged.errors);
    for &(format, file) in outputs {
        let options = FullOptions {
            verbose: arguments.verbose,
            quiet: arguments.quiet,
            suppressed: arguments.show_suppressed,
            ..output::full_options(arguments.color, file.is_some())
        };
        output::write(file, |out| match format {
            Format::Json if arguments.statistics => statistics::json(&report, out),
            _ if arguments.statistics => statistics::text(&report, out),
            format => coaming_report::render(&report, format.into(), options, out),
        })?;
    }
    Ok(())
}

/// A source as reports need it.
pub(crate) fn file(source: &Source) -> File<'_> {
    let has_lines = source.origin.has_own_lines();
    let documents = if has_lines { source.documents() } else { &[] };
    File { name: &source.name, source: InputText::new(&source.text), documents }
}

fn outcome(arguments: &ReportArguments, judged: &Judged<'_>) -> Outcome {
    let counts = judged.report.findings.iter().any(|finding| finding.suppressed.is_none());
    if !judged.errors.is_empty() {
        Outcome::Failed
    } else if counts && !arguments.exit_zero {
        Outcome::Found
    } else {
        Outcome::Clean
    }
}
