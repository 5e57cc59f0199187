//! `coaming secrets`: finds secrets in plain text, and shows who can read a Secret.

use coaming_access::Access;
use coaming_config::Config;
use coaming_source::Texts;

use crate::args::{
    AnswerFormat, FindSecretsArguments, ImagesMode, LookUpArguments, ScopeArguments,
    SecretsArguments, SecretsCommand, WhoCanArguments,
};
use crate::progress::Progress;
use crate::scan::{self, Counts, Judged};
use crate::{CommandError, Outcome, output, scope};

/// Runs the command.
pub(crate) fn run(arguments: &SecretsArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        None => find(&arguments.find),
        Some(SecretsCommand::Etcd(arguments)) => crate::etcd::run(arguments),
        Some(SecretsCommand::WhoCan(arguments)) => who_can(arguments),
    }
}

/// Finds secrets in files of any name, and reports them like a scan.
fn find(arguments: &FindSecretsArguments) -> Result<Outcome, CommandError> {
    let outputs = arguments.report.outputs()?;
    let scope = ScopeArguments {
        paths: arguments.paths.clone(),
        select: coaming_rules::SECRET_RULES.iter().map(|&rule| rule.to_owned()).collect(),
        ignore: Vec::new(),
        standard: None,
        kubernetes_version: None,
        config: arguments.config.clone(),
        min_severity: None,
        allow_empty: true,
        no_render: true,
        renderer: crate::args::Renderer::default(),
        no_gitignore: arguments.no_gitignore,
        images: ImagesMode::Never,
        look_up: LookUpArguments::default(),
    };
    let configured = scope::config(&scope)?;
    // Only secrets are of interest: the configuration's rules and policies do not apply.
    let config =
        Config { rules: Vec::new(), policies: Vec::new(), overrides: Vec::new(), ..configured };
    let progress = Progress::start("reading and checking …");
    let (texts, errors) = Texts::find(&scope.paths, &scope::source_options(&scope, &config)?);
    let mut engine = scope::engine(config)?;
    if !arguments.report.format.iter().any(|format| format.shows_edits()) {
        engine = engine.without_edits();
    }
    let rules = engine.rules();
    let mut report = coaming_scan::scan_texts(engine, &texts, scope::today());
    report.errors.extend(errors);
    report.errors.sort_by(|a, b| (&a.file, &a.message).cmp(&(&b.file, &b.message)));
    drop(progress);
    let counts =
        Counts { files: report.files, documents: report.documents, workloads: report.workloads };
    let sources = report.sources.iter().map(|(&id, source)| (id, source)).collect();
    let found = coaming_scan::Report { findings: report.findings, notes: Vec::new() };
    let errors = report.errors;
    scan::finish(
        &arguments.report,
        &outputs,
        Judged { sources, report: found, errors, rules, counts },
    )
}

fn who_can(arguments: &WhoCanArguments) -> Result<Outcome, CommandError> {
    let (world, outcome) = scope::world(scope::load(&arguments.inputs))?;
    let access = Access::new(&world);
    let answer = coaming_access::who_can(&world, &access, &arguments.secret)
        .map_err(|error| CommandError::Argument(error.to_string()))?;
    let text = match arguments.format {
        AnswerFormat::Text => coaming_report::access::text(&answer),
        AnswerFormat::Json => coaming_report::access::json(&answer),
    };
    output::write(None, |out| out.write_all(text.as_bytes()))?;
    Ok(outcome)
}
