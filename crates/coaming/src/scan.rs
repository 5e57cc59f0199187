//! `coaming scan`: read, judge, report.

use std::path::{Path, PathBuf};

use coaming_config::Config;
use coaming_finding::{Baseline, Finding, RuleMeta, Severity};
use coaming_kube::Inventory;
use coaming_report::{File, InputProblem, Report};
use coaming_rules::pss::{Level, Version};
use coaming_rules::{RuleSet, Settings};

use crate::args::ScanArguments;
use crate::progress::Progress;
use crate::{CommandError, Outcome, output};

/// Runs the command.
pub(crate) fn run(arguments: &ScanArguments) -> Result<Outcome, CommandError> {
    let config = config(arguments)?;
    let version = match &config.kubernetes_version {
        Some(text) => text.parse().map_err(argument)?,
        None => Version::LATEST,
    };
    let least = config.min_severity.unwrap_or(Severity::Low);
    let progress = Progress::start("reading and checking …");
    let loaded = coaming_source::load(&arguments.paths, &source_options(arguments, &config)?);
    let inventory = Inventory::new(loaded.files);
    let (mut findings, metas) = judge(config, version, &inventory)?;
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
    if let Some(path) = &arguments.write_baseline {
        let active = findings.iter().filter(|finding| finding.suppressed.is_none());
        let baseline = Baseline::of(active, |finding| file_name(&inventory, finding));
        output::write(Some(path), |out| out.write_all(baseline.to_text().as_bytes()))?;
        findings.clear();
    }
    if let Some(path) = &arguments.baseline {
        read_baseline(path)?.retain_new(&mut findings, |finding| file_name(&inventory, finding));
    }
    report(arguments, &inventory, &findings, &errors, &metas, loaded.read)?;
    Ok(outcome(arguments, &findings, &errors))
}

/// The findings, and the rules that were asked.
fn judge(
    config: Config,
    version: Version,
    inventory: &Inventory,
) -> Result<(Vec<Finding>, Vec<&'static RuleMeta>), CommandError> {
    if let Some(level) = &config.standard {
        let level: Level = level.parse().map_err(argument)?;
        let findings = coaming_rules::run_standard(inventory, level, version);
        return Ok((findings, vec![level.rule()]));
    }
    let rules = RuleSet::configured(&config);
    let metas = rules.rules().iter().map(|rule| rule.meta).collect();
    let settings = Settings { kubernetes_minor: version.minor(), config, today: today() };
    Ok((coaming_rules::run(inventory, &settings, &rules), metas))
}

/// The configuration file's word, and the arguments' over it.
fn config(arguments: &ScanArguments) -> Result<Config, CommandError> {
    let mut config = match config_file(arguments) {
        Some(path) => read_config(&path)?,
        None => Config::default(),
    };
    if !arguments.select.is_empty() {
        config.select.clone_from(&arguments.select);
        config.ignore.clear();
        config.standard = None;
    }
    config.ignore.extend(arguments.ignore.iter().cloned());
    config.standard = arguments.standard.clone().or(config.standard);
    config.kubernetes_version = arguments.kubernetes_version.clone().or(config.kubernetes_version);
    config.min_severity = arguments.min_severity.map(Severity::from).or(config.min_severity);
    let overrides = config.overrides.iter().flat_map(|over| over.select.iter().chain(&over.ignore));
    let excused = config.suppressions.iter().map(|suppression| &suppression.rule);
    let named = config.select.iter().chain(&config.ignore).chain(overrides).chain(excused);
    for name in named.chain(config.severity.keys()) {
        check_name(name)?;
    }
    Ok(config)
}

/// The file that the user named, else the one found from the first path upwards.
fn config_file(arguments: &ScanArguments) -> Option<PathBuf> {
    if arguments.config.is_some() {
        return arguments.config.clone();
    }
    let first = arguments.paths.iter().find(|path| path.as_os_str() != "-")?;
    let start = std::path::absolute(first).ok()?;
    start
        .ancestors()
        .map(|folder| folder.join(coaming_config::FILE_NAME))
        .find(|path| path.is_file())
}

/// The largest configuration or baseline file that is read.
const MAX_SETTINGS_BYTES: u64 = 64 << 20;

fn read_config(path: &Path) -> Result<Config, CommandError> {
    let text = read_settings(path)?;
    coaming_config::parse(&text).map_err(|errors| {
        let lines: Vec<String> = errors
            .iter()
            .map(|error| format!("{}:{}:{}: {error}", path.display(), error.line, error.column))
            .collect();
        CommandError::Argument(lines.join("\nerror: "))
    })
}

fn read_baseline(path: &Path) -> Result<Baseline, CommandError> {
    let text = read_settings(path)?;
    Baseline::parse(&text)
        .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
}

fn read_settings(path: &Path) -> Result<String, CommandError> {
    coaming_source::read_text(path, MAX_SETTINGS_BYTES)
        .map_err(|error| CommandError::Argument(format!("{}: {error}", path.display())))
}

/// The day, to tell which suppressions have expired; `SOURCE_DATE_EPOCH` can set it.
fn today() -> Option<String> {
    let set = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let seconds = set.or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.ok().map(|since| since.as_secs())
    })?;
    let date = time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    Some(format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

fn file_name(inventory: &Inventory, finding: &Finding) -> String {
    let file = finding.locations.first().and_then(|location| location.file);
    let file = file.and_then(|file| inventory.files().get(file.0 as usize));
    file.map_or_else(String::new, |file| file.name.clone())
}

fn argument(error: impl std::fmt::Display) -> CommandError {
    CommandError::Argument(error.to_string())
}

fn source_options(
    arguments: &ScanArguments,
    config: &Config,
) -> Result<coaming_source::Options, CommandError> {
    let mut exclude = globset::GlobSetBuilder::new();
    for pattern in &config.exclude {
        exclude.add(globset::Glob::new(pattern).map_err(argument)?);
    }
    Ok(coaming_source::Options {
        exclude: exclude.build().map_err(argument)?,
        gitignore: !arguments.no_gitignore,
        render: !arguments.no_render,
        ..coaming_source::Options::default()
    })
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

/// Fails where nothing has this name.
fn check_name(name: &str) -> Result<(), CommandError> {
    if coaming_rules::all().iter().any(|rule| coaming_config::names(name, rule.meta)) {
        return Ok(());
    }
    let hint = coaming_rules::nearest(name)
        .map_or_else(String::new, |near| format!(" Did you mean `{near}`?"));
    Err(CommandError::Argument(format!(
        "there is no rule or measure `{name}`.{hint} `coaming rules` lists them all."
    )))
}
