//! `coaming pin`: adds digests to the images in files.

use std::collections::BTreeSet;
use std::path::Path;

use coaming_finding::InputError;
use coaming_http::Runtime;
use coaming_kube::Origin;
use coaming_oci::Reference;
use coaming_pin::{ArchiveError, Archives, Found, Sources};
use coaming_registry::{Registry, RegistryError};
use coaming_report::pins;

use crate::args::PinArguments;
use crate::progress::Progress;
use crate::{CommandError, Outcome, fix, output, scope};

/// Runs the command.
pub(crate) fn run(arguments: &PinArguments) -> Result<Outcome, CommandError> {
    let scope = arguments.scope();
    let config = scope::config(&scope)?;
    let progress = Progress::start("reading files and asking registries …");
    let loaded = scope::read_as_written(&scope, &config)?;
    let mut errors = loaded.errors.clone();
    // A file with syntax errors may have been read only in part.
    let broken: BTreeSet<&str> = errors.iter().map(|error| error.file.as_str()).collect();
    let mut files = loaded.into_sources();
    files.retain(|file| !broken.contains(file.name.as_str()) && file.origin == Origin::File);
    let found = coaming_pin::find(&files);
    let sources = sources(arguments, &config, &found, &mut errors)?;
    let pinned = coaming_pin::pin(&files, found, &sources, arguments.update.as_ref());
    drop(progress);
    let written = if arguments.diff {
        fix::Written::default()
    } else {
        fix::write_all(&pinned.changes, &mut errors)
    };
    output::complain_of(&errors);
    output::write_masked(None, |out| {
        if arguments.diff {
            pinned
                .changes
                .iter()
                .try_for_each(|change| write!(out, "{}", coaming_fix::diff(change)))
        } else {
            pins::pinned_text(&written.changes, &pinned, out)
        }
    })?;
    if let Some(outcome) = written.interrupted() {
        return Ok(outcome);
    }
    for unpinned in &pinned.unpinned {
        output::note(&pins::unpinned_line(unpinned));
    }
    let failed = !errors.is_empty() || pinned.unpinned.iter().any(|unpinned| unpinned.failed);
    let left = !pinned.unpinned.is_empty() || arguments.diff && !pinned.changes.is_empty();
    Ok(match (failed, left) {
        (true, _) => Outcome::Failed,
        (false, true) => Outcome::Found,
        (false, false) => Outcome::Clean,
    })
}

/// The sources of digests.
fn sources(
    arguments: &PinArguments,
    config: &coaming_config::Config,
    found: &Found,
    errors: &mut Vec<InputError>,
) -> Result<Sources, CommandError> {
    let mut problem = |file: &str, error: &dyn std::error::Error| {
        let message = error.to_string();
        errors.push(InputError { file: file.to_owned(), position: None, message });
    };
    let mut archives = Archives::default();
    for (name, path) in &config.image_archives {
        let image = match Reference::parse(name) {
            Ok(image) if found.names(&image) => image,
            // An archive for an image that no file mentions need not be read.
            _ => continue,
        };
        match archives.add_as(Path::new(path), &image) {
            Ok(()) => {}
            // The archive was configured for inspection, which does not need a digest.
            Err(error @ (ArchiveError::NoManifests(_) | ArchiveError::Unknown(_))) => {
                output::note(&format!("no digest for `{name}` from {error}"));
            }
            Err(error) => problem(path, &error),
        }
    }
    for path in &arguments.archive {
        if let Err(error) = archives.add(path) {
            problem(&path.display().to_string(), &error);
        }
    }
    let registry = if arguments.offline {
        None
    } else {
        let options = arguments.registry.options(config);
        Some(registry(options).map_err(|error| CommandError::Argument(error.to_string()))?)
    };
    Ok(Sources { archives, registry })
}

fn registry(options: coaming_registry::Options) -> Result<Registry, RegistryError> {
    Registry::new(options, Runtime::shared()?)
}
