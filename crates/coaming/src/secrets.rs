//! `coaming secrets`: finds secrets in plain text, and shows who can read a Secret.

use std::path::{Path, PathBuf};

use coaming_access::Access;
use coaming_args::{
    AnswerFormat, FindSecretsArguments, ImagesMode, LookUpArguments, ScopeArguments,
    SecretsArguments, SecretsCommand, WhoCanArguments,
};
use coaming_config::Config;
use coaming_console as output;
use coaming_console::Progress;
use coaming_finding::Note;
#[cfg(feature = "git")]
use coaming_git::History;
#[cfg(feature = "verify")]
use coaming_scan::revocation_page;
use coaming_scan::{Engine, Judged, TextReport};
use coaming_source::Texts;

use crate::{CommandError, Outcome, failed, scan, scope};

/// Runs the command.
pub(crate) fn run(arguments: &SecretsArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        None => find(&arguments.find),
        Some(SecretsCommand::Etcd(arguments)) => crate::etcd::run(arguments),
        Some(SecretsCommand::WhoCan(arguments)) => who_can(arguments),
        #[cfg(all(feature = "vault", unix))]
        Some(SecretsCommand::Local(command)) => crate::local_secrets::run(command),
    }
}

/// The rules that find values, and the one that says which values will stay in plain text.
const SELECTED: [&[&str]; 2] = [coaming_rules::SECRET_RULES, &["sops-misses-field"]];

/// Finds secrets in files of any name, and reports them like a scan.
fn find(arguments: &FindSecretsArguments) -> Result<Outcome, CommandError> {
    let outputs = arguments.report.outputs().map_err(failed)?;
    let scope = ScopeArguments {
        paths: arguments.paths.clone(),
        select: SELECTED.iter().flat_map(|rules| *rules).map(|&rule| rule.to_owned()).collect(),
        ignore: Vec::new(),
        standard: None,
        kubernetes_version: None,
        config: arguments.config.clone(),
        min_severity: None,
        allow_empty: true,
        no_render: true,
        renderer: coaming_args::Renderer::default(),
        no_gitignore: arguments.no_gitignore,
        variants: None,
        images: ImagesMode::Never,
        look_up: LookUpArguments::default(),
    };
    let configured = scope::config(&scope)?;
    // Only secrets are of interest: the configuration's rules and policies do not apply.
    let config =
        Config { rules: Vec::new(), policies: Vec::new(), overrides: Vec::new(), ..configured };
    let options = scope::source_options(&scope, &config)?;
    let mut engine = scope::engine(config)?;
    if !arguments.report.format.iter().any(|format| format.shows_edits()) {
        engine = engine.without_edits();
    }
    let rules = engine.rules();
    let progress = Progress::start("reading and checking …");
    let (mut report, notes) = search(arguments, engine, &options)?;
    #[cfg(feature = "verify")]
    if arguments.verify.verify {
        let coaming_args::VerifyArguments { verify_at, ca, .. } = &arguments.verify;
        let announce =
            |host: &str| output::note(&format!("asking {host} whether credentials are valid"));
        coaming_scan::verify_credentials(&mut report, verify_at, ca, announce).map_err(failed)?;
    }
    if let Some(path) = &arguments.rotate_plan {
        write_rotation(path, &arguments.paths, &report)?;
    }
    drop(progress);
    let sources = std::mem::take(&mut report.sources);
    let mut judged = Judged::of_texts(report, &sources, notes, rules);
    let outcome = scan::finish(&arguments.report, &outputs, &mut judged)?;
    // The process ends here: the system frees all memory at once.
    std::mem::forget(judged);
    Ok(outcome)
}

/// Writes the checklist for the rotation of the secrets; workloads of the manifests in `paths` use
/// them.
fn write_rotation(path: &Path, paths: &[PathBuf], report: &TextReport) -> Result<(), CommandError> {
    let world = scope::files(paths, true).into_world();
    let plan =
        coaming_scan::plan_rotation(&report.findings, &report.sources, &world, revocation_page);
    let text = coaming_report::rotation::markdown(&plan);
    output::write(Some(path), |out| out.write_all(text.as_bytes()))?;
    Ok(())
}

/// Providers are not part of this build.
#[cfg(not(feature = "verify"))]
fn revocation_page(_: &str) -> Option<&'static str> {
    None
}

/// Searches the files, or what the user asked for of a git repository.
fn search(
    arguments: &FindSecretsArguments,
    engine: Engine,
    options: &coaming_source::Options,
) -> Result<(TextReport, Vec<Note>), CommandError> {
    #[cfg(feature = "git")]
    if let Some(history) = history(arguments)? {
        return Ok(coaming_scan::scan_history(engine, &history, options, coaming_scan::today()));
    }
    let (texts, errors) = Texts::find(&arguments.paths, options);
    let mut report = coaming_scan::scan_texts(engine, &texts, coaming_scan::today());
    report.errors.extend(errors);
    Ok((report, Vec::new()))
}

/// What of a git repository the user asked for.
#[cfg(feature = "git")]
fn history(arguments: &FindSecretsArguments) -> Result<Option<History>, CommandError> {
    let coaming_args::GitArguments { git, since, staged } = &arguments.git;
    if !git && !staged {
        return Ok(None);
    }
    let [path] = arguments.paths.as_slice() else {
        let message = "`--git` and `--staged` search one repository: name one path";
        return Err(failed(message));
    };
    let history = if *staged {
        History::staged(path)
    } else {
        History::read(path, &since.clone().unwrap_or_default())
    };
    history.map(Some).map_err(failed)
}

fn who_can(arguments: &WhoCanArguments) -> Result<Outcome, CommandError> {
    let (world, outcome) = scope::world(scope::load(&arguments.inputs))?;
    let access = Access::new(&world);
    let answer = coaming_access::who_can(&world, &access, &arguments.secret).map_err(failed)?;
    let text = match arguments.format {
        AnswerFormat::Text => coaming_report::access::text(&answer),
        AnswerFormat::Json => coaming_report::access::json(&answer),
    };
    output::write_masked(None, |out| out.write_all(text.as_bytes()))?;
    Ok(outcome)
}
