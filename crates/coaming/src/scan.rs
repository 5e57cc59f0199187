//! `coaming scan`: read, judge, report.

use coaming_finding::{Finding, RuleMeta, Severity};
use coaming_kube::Inventory;
use coaming_report::{File, InputProblem, Report};
use coaming_rules::pss::{Level, Version};
use coaming_rules::{Rule, RuleSet, Settings};

use crate::args::ScanArguments;
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<Outcome, CommandError> {
    let version = match &arguments.kubernetes_version {
        Some(text) => text.parse().map_err(argument)?,
        None => Version::LATEST,
    };
    let rules = selected(&arguments.select, &arguments.ignore)?;
    let progress = Progress::start("reading and checking …");
    let loaded = coaming_source::load(&arguments.paths, &source_options(arguments));
    let inventory = Inventory::new(loaded.files);
    let (mut findings, metas) = match &arguments.standard {
        Some(level) => {
            let level: Level = level.parse().map_err(argument)?;
            (coaming_rules::run_standard(&inventory, level, version), vec![level.rule()])
        }
        None => {
            let settings = Settings { kubernetes_minor: version.minor(), ..Settings::default() };
            let metas = rules.rules().iter().map(|rule| rule.meta).collect();
            (coaming_rules::run(&inventory, &settings, &rules), metas)
        }
    };
    let least = arguments.min_severity.map_or(Severity::Low, Severity::from);
    findings.retain(|finding| finding.severity >= least);
    drop(progress);
    let errors: Vec<InputProblem> = loaded
        .errors
        .into_iter()
        .map(|error| InputProblem {
            file: error.file,
            position: error.position,
            message: error.message,
        })
        .collect();
    report(arguments, &inventory, &findings, &errors, &metas, loaded.read)?;
    Ok(outcome(arguments, &findings, &errors))
}

fn argument(error: impl std::fmt::Display) -> CommandError {
    CommandError::Argument(error.to_string())
}

fn source_options(arguments: &ScanArguments) -> coaming_source::Options {
    coaming_source::Options {
        gitignore: !arguments.no_gitignore,
        render: !arguments.no_render,
        ..coaming_source::Options::default()
    }
}

fn report(
    arguments: &ScanArguments,
    inventory: &Inventory,
    findings: &[Finding],
    errors: &[InputProblem],
    rules: &[&'static RuleMeta],
    file_count: usize,
) -> Result<(), CommandError> {
    let files: Vec<File<'_>> = inventory
        .files()
        .iter()
        .map(|file| File { name: &file.name, source: &file.source })
        .collect();
    let report = Report {
        findings,
        errors,
        files: &files,
        file_count,
        document_count: inventory.document_count(),
        workload_count: inventory.workloads().len(),
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

/// The rules that the user chose: by name, by measure, or `ALL`.
fn selected(select: &[String], ignore: &[String]) -> Result<RuleSet, CommandError> {
    for name in select.iter().chain(ignore) {
        let known = name == "ALL" || coaming_rules::all().iter().any(|rule| names(name, rule));
        if !known {
            let hint =
                nearest(name).map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
            return Err(CommandError::Argument(format!(
                "there is no rule or measure `{name}`.{hint} `coaming rules` lists them all."
            )));
        }
    }
    Ok(RuleSet::matching(|rule| {
        let chosen = if select.is_empty() {
            rule.meta.default
        } else {
            select.iter().any(|name| name == "ALL" || names(name, rule))
        };
        chosen && !ignore.iter().any(|name| name == "ALL" || names(name, rule))
    }))
}

fn names(name: &str, rule: &Rule) -> bool {
    rule.meta.name == name || rule.meta.measure.as_str() == name
}

/// The rule whose name is most like this one, if any is like it at all.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    coaming_rules::all()
        .iter()
        .map(|rule| (distance(name, rule.meta.name), rule.meta.name))
        .min()
        .filter(|(distance, nearest)| *distance <= nearest.len() / 3)
        .map(|(_, nearest)| nearest)
}

/// How many letters have to change (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().take(64).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let substitute = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
