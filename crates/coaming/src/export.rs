//! `coaming export`: what Kubernetes itself can enforce.

use std::path::PathBuf;

use coaming_admission::{Guard, Mode};
use coaming_args::{
    ExportArguments, ExportCommand, PsaArguments, PsaFormat, VapArguments, VapForm, VapFormat,
    VapMode,
};
use coaming_console as output;
use coaming_export::{psa, vap};
use coaming_scan::Overrides;

use crate::{CommandError, Outcome, scope};

/// Runs the command.
pub(crate) fn run(arguments: &ExportArguments) -> Result<Outcome, CommandError> {
    match &arguments.command {
        ExportCommand::Vap(arguments) => policies(arguments),
        ExportCommand::Psa(arguments) => labels(arguments),
    }
}

fn policies(arguments: &VapArguments) -> Result<Outcome, CommandError> {
    let overrides = Overrides {
        select: arguments.select.clone(),
        ignore: arguments.ignore.clone(),
        ..Overrides::default()
    };
    let here = [PathBuf::from(".")];
    let config = coaming_scan::load_config(arguments.config.as_deref(), &here, overrides)?;
    let unexpressed = config.suppressions.len() + config.overrides.len() + config.rules.len();
    if unexpressed > 0 {
        let message = "suppressions, overrides and rules of your own in the configuration are not \
                       part of the policies: exclude namespaces by their label instead";
        output::warn(message);
    }
    let mut guard = Guard::default();
    guard.excluded_namespaces.extend(arguments.exclude_namespace.iter().cloned());
    guard.controllers.extend(arguments.controller.iter().cloned());
    let options = vap::Options {
        form: match arguments.form {
            VapForm::Objects => vap::Form::Objects,
            VapForm::Manifest => vap::Form::Manifest,
        },
        mode: match arguments.mode {
            VapMode::Enforce => Mode::Enforce,
            VapMode::Warn => Mode::Warn,
            VapMode::Audit => Mode::Audit,
        },
        guard,
    };
    let export = vap::export(&config, &options);
    output::write(arguments.output.as_deref(), |out| match arguments.format {
        VapFormat::Yaml => export.write_yaml(&options, out),
        VapFormat::Json => export.write_json(out),
    })?;
    Ok(Outcome::Clean)
}

fn labels(arguments: &PsaArguments) -> Result<Outcome, CommandError> {
    let inputs = &arguments.inputs;
    let live = scope::live(&inputs.cluster, false);
    let (loaded, version) = match live {
        Some(live) => {
            live.notes.iter().for_each(|note| output::note(&format!("note: {}", note.message)));
            (live.loaded, live.version)
        }
        None => (scope::files(&inputs.paths, inputs.allow_empty), None),
    };
    let (world, outcome) = scope::world(loaded)?;
    let version = arguments.kubernetes_version.or(version).unwrap_or_default();
    let plan = psa::plan(&world, version);
    output::write_masked(arguments.output.as_deref(), |out| match arguments.format {
        PsaFormat::Text => plan.write_text(out),
        PsaFormat::Yaml => plan.write_yaml(out),
        PsaFormat::Json => plan.write_json(out),
    })?;
    Ok(outcome)
}
