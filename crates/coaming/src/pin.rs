//! `coaming pin`: adds digests to the images in files.

use std::collections::BTreeSet;

use coaming_args::PinArguments;
use coaming_console as output;
use coaming_console::Progress;
use coaming_finding::InputError;
use coaming_fix::Written;
use coaming_http::Runtime;
use coaming_kube::Origin;
use coaming_pin::{ConfiguredArchives, Found, Sources};
use coaming_registry::{Registry, RegistryError};
use coaming_report::pins;

use crate::{CommandError, Outcome, failed, fix, scope};

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
    let mut written =
        if arguments.diff { Written::default() } else { fix::write_all(&pinned.changes) };
    errors.append(&mut written.errors);
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
    if let Some(outcome) = fix::interrupted(&written) {
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
    let read = ConfiguredArchives::read(&config.image_archives, &arguments.archive, found);
    read.notes.iter().for_each(|note| output::note(note));
    errors.extend(read.errors);
    let archives = read.archives;
    let registry = if arguments.offline {
        None
    } else {
        let options = arguments.registry.options(config);
        Some(registry(options).map_err(failed)?)
    };
    Ok(Sources { archives, registry })
}

fn registry(options: coaming_registry::Options) -> Result<Registry, RegistryError> {
    Registry::new(options, Runtime::shared()?)
}
