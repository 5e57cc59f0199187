//! `coaming serve`: the admission webhook.

use std::path::Path;

use coaming_admission::{ClusterPolicy, Guard, PolicySpec};
use coaming_args::ServeArguments;
use coaming_console as output;
use coaming_serve::{
    ClusterAccess, Lifetimes, ManifestOptions, Options, PageOptions, PolicySource, TlsSource,
};

use crate::{CommandError, Outcome, failed};

/// The largest policy file, in bytes: that of a ConfigMap.
const MAX_POLICY_BYTES: u64 = 1 << 20;

/// Runs the command.
pub(crate) fn run(arguments: ServeArguments) -> Result<Outcome, CommandError> {
    if arguments.print_manifests {
        return print_manifests(&arguments);
    }
    coaming_serve::run(options(arguments)?).map_err(failed)?;
    Ok(Outcome::Clean)
}

fn print_manifests(arguments: &ServeArguments) -> Result<Outcome, CommandError> {
    let defaults = ManifestOptions::default();
    let options = ManifestOptions {
        namespace: arguments.namespace.clone(),
        kubernetes_minor: arguments
            .kubernetes_version
            .map_or(defaults.kubernetes_minor, |version| version.minor()),
        set: arguments.set.clone(),
    };
    let text = coaming_serve::manifests(&options).map_err(failed)?;
    output::write(None, |out| out.write_all(text.as_bytes()))?;
    Ok(Outcome::Clean)
}

fn options(arguments: ServeArguments) -> Result<Options, CommandError> {
    let mut guard = Guard::default();
    guard.excluded_namespaces.insert(arguments.namespace.clone());
    guard.excluded_namespaces.extend(arguments.exclude_namespace);
    guard.controllers.extend(arguments.controller);
    guard.may_ask_registries = arguments.ask_registries;
    let policy =
        policy(arguments.policy.as_deref(), arguments.config.as_deref(), arguments.standalone)?;
    let tls = match (arguments.tls_cert, arguments.tls_key) {
        (Some(certificate), Some(key)) => TlsSource::Files { certificate, key },
        _ => TlsSource::Own {
            lifetimes: Lifetimes { certificate: arguments.certificate_lifetime },
            names: arguments.tls_name,
        },
    };
    let cluster = match arguments.standalone {
        true => ClusterAccess::Standalone,
        false => ClusterAccess::Connect { context: arguments.context },
    };
    let memory = arguments.page_memory.map(|mib| u64::from(mib) << 20);
    let pages = arguments.pages.then_some(PageOptions { memory });
    Ok(Options {
        listen: arguments.listen,
        name: arguments.name,
        namespace: arguments.namespace,
        cluster,
        tls,
        policy,
        guard,
        steps: Vec::new(),
        agent_image: arguments.agent_image,
        registry_ca: arguments.registry_ca,
        reports: arguments.reports,
        pages,
        self_test: arguments.self_test,
        deadline: arguments.deadline,
        drain: arguments.drain,
    })
}

/// The policy of files, if there are any or if there is nothing else.
fn policy(
    policy: Option<&Path>,
    config: Option<&Path>,
    standalone: bool,
) -> Result<PolicySource, CommandError> {
    if policy.is_none() && config.is_none() && !standalone {
        return Ok(PolicySource::ConfigMap);
    }
    let named =
        |path: &Path, error: &dyn std::fmt::Display| failed(format!("{}: {error}", path.display()));
    let read = |path: &Path| {
        coaming_source::read_text(path, MAX_POLICY_BYTES).map_err(|error| named(path, &error))
    };
    let spec = match policy {
        None => PolicySpec::default(),
        Some(path) => PolicySpec::from_yaml(&read(path)?).map_err(|error| named(path, &error))?,
    };
    let configuration = config.map(read).transpose()?;
    Ok(PolicySource::Fixed(Box::new(ClusterPolicy { spec, configuration })))
}
