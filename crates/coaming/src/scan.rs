//! `coaming scan`: read, judge, report.

use coaming_finding::{Baseline, Finding, RuleMeta};
use coaming_kube::Inventory;
use coaming_report::{File, InputProblem, Report};

use crate::args::ScanArguments;
use crate::progress::Progress;
use crate::scope::{self, Inputs, Judge};
use crate::{CommandError, Outcome, output};

/// What came out of a judgement, to be reported.
pub(crate) struct Judged {
    /// The files that findings point into.
    pub(crate) inventory: Inventory,
    /// What was found.
    pub(crate) findings: Vec<Finding>,
    /// What could not be handled.
    pub(crate) errors: Vec<InputProblem>,
    /// The rules that were asked.
    pub(crate) rules: Vec<&'static RuleMeta>,
    /// How much was judged.
    pub(crate) counts: Counts,
}

/// How much was read and judged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) files: usize,
    pub(crate) documents: usize,
    pub(crate) workloads: usize,
}

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<Outcome, CommandError> {
    let config = scope::config(&arguments.scope)?;
    let cluster = scope::cluster(&arguments.cluster);
    let progress = Progress::start("reading and checking …");
    let Inputs { inventory, mut errors, file_count } =
        scope::read(&arguments.scope, &config, cluster)?;
    let mut judge = Judge::new(config, arguments.format.shows_edits())?;
    errors.extend(judge.look_into_images(&arguments.scope, &inventory)?);
    let findings = judge.judge(&inventory);
    drop(progress);
    let counts = Counts {
        files: file_count,
        documents: inventory.document_count(),
        workloads: inventory.workloads().len(),
    };
    finish(arguments, Judged { inventory, findings, errors, rules: judge.rules(), counts })
}

/// Writes or applies the baseline, and reports.
pub(crate) fn finish(arguments: &ScanArguments, judged: Judged) -> Result<Outcome, CommandError> {
    let Judged { inventory, mut findings, errors, rules, counts } = judged;
    if let Some(path) = &arguments.write_baseline {
        let active = findings.iter().filter(|finding| finding.suppressed.is_none());
        let baseline = Baseline::of(active, |finding| file_name(&inventory, finding));
        output::write(Some(path), |out| out.write_all(baseline.to_text().as_bytes()))?;
        findings.clear();
    }
    if let Some(path) = &arguments.baseline {
        scope::read_baseline(path)?
            .retain_new(&mut findings, |finding| file_name(&inventory, finding));
    }
    report(arguments, &inventory, &findings, &errors, &rules, counts)?;
    let outcome = outcome(arguments, &findings, &errors);
    // The process ends here: the system takes all memory back at once, tree by tree would be slow.
    std::mem::forget((inventory, findings));
    Ok(outcome)
}

fn file_name(inventory: &Inventory, finding: &Finding) -> String {
    let file = finding.locations.first().and_then(|location| location.file);
    let file = file.and_then(|file| inventory.files().get(file.0 as usize));
    file.map_or_else(String::new, |file| file.name.clone())
}

fn report(
    arguments: &ScanArguments,
    inventory: &Inventory,
    findings: &[Finding],
    errors: &[InputProblem],
    rules: &[&'static RuleMeta],
    counts: Counts,
) -> Result<(), CommandError> {
    let files: Vec<File<'_>> = inventory
        .files()
        .iter()
        .map(|file| File {
            name: &file.name,
            source: &file.source,
            documents: if file.rendered { &[] } else { file.documents() },
        })
        .collect();
    let report = Report {
        findings,
        errors,
        files: &files,
        file_count: counts.files,
        document_count: counts.documents,
        workload_count: counts.workloads,
        rules,
    };
    output::complain_of(errors);
    let options = output::full_options(arguments.color, arguments.output.is_some());
    output::write(arguments.output.as_deref(), |out| {
        coaming_report::render(&report, arguments.format.into(), options, out)
    })
}

fn outcome(arguments: &ScanArguments, findings: &[Finding], errors: &[InputProblem]) -> Outcome {
    let counts = findings.iter().any(|finding| finding.suppressed.is_none());
    if !errors.is_empty() {
        Outcome::Failed
    } else if counts && !arguments.exit_zero {
        Outcome::Found
    } else {
        Outcome::Clean
    }
}
