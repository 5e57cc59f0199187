//! `coaming db update`: download the changed files, and rebuild the database.

use std::path::Path;

use coaming_advisory::{BuildError, Built, Database};
use coaming_args::DbUpdateArguments;
use coaming_console as output;
use coaming_console::Bar;
use coaming_http::Runtime;
use coaming_mirror::{DownloadOptions, Downloaded, ECOSYSTEMS, download, forget, http_options};

use super::keep::{build_from, tell};
use crate::{CommandError, Outcome, failed};

/// Updates the database.
pub(super) fn run(arguments: &DbUpdateArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let directory = arguments.downloads.clone().unwrap_or_else(|| file.with_file_name("osv"));
    let ecosystems = if arguments.ecosystem.is_empty() {
        ECOSYSTEMS.map(str::to_owned).to_vec()
    } else {
        arguments.ecosystem.clone()
    };
    let options = DownloadOptions {
        mirror: arguments.mirror.clone(),
        ecosystems,
        directory: directory.clone(),
        http: coaming_http::Options { ca: arguments.ca.clone(), ..http_options() },
    };
    let runtime = Runtime::shared().map_err(failed)?;
    let downloaded = {
        let bar = Bar::new();
        runtime
            .block_on(download(&options, &|progress| bar.show(shown(progress))))
            .map_err(failed)?
    };
    for (name, error) in &downloaded.failed {
        output::warn(&format!("{name} was not updated: {error}"));
    }
    let outcome = if is_current(&file, &downloaded) {
        output::write(None, |out| {
            let stays =
                if downloaded.failed.is_empty() { "" } else { "; the old files stay in use" };
            writeln!(out, "{}: nothing new; {}{stays}", file.display(), counted(&downloaded))
        })?;
        Outcome::Clean
    } else {
        tell(&rebuilt(&directory, &file)?, &file)?
    };
    Ok(if downloaded.failed.is_empty() { outcome } else { Outcome::Failed })
}

/// Whether the database is valid, and was built from everything that was downloaded: an earlier run may
/// have stopped between the two steps, or have used another version of the program.
fn is_current(file: &Path, downloaded: &Downloaded) -> bool {
    let built = std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    downloaded.changed.is_empty() && downloaded.newest <= built && Database::open(file).is_ok()
}

/// Rebuilds the database. The next run downloads a file again that turns out to be damaged.
fn rebuilt(directory: &Path, file: &Path) -> Result<Built, CommandError> {
    build_from(directory, file).map_err(|error| {
        let BuildError::Damaged { files, .. } = &error else { return failed(error) };
        files.iter().for_each(|damaged| forget(damaged));
        failed(format!("{error}; the next `coaming db update` downloads it again"))
    })
}

/// How far a download is.
fn shown(progress: coaming_mirror::Progress<'_>) -> String {
    let total = progress.total.map_or_else(String::new, |total| format!(" of {}", total >> 20));
    format!("{}: {}{total} MiB", progress.name, progress.received >> 20)
}

fn counted(downloaded: &Downloaded) -> String {
    format!("{} unchanged, {} failed", downloaded.unchanged.len(), downloaded.failed.len())
}
