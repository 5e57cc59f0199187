//! `coaming db update`: download the changed files, and rebuild the database.

use std::cell::RefCell;
use std::io::IsTerminal as _;
use std::path::Path;

use coaming_advisory::{BuildError, Built, Database};
use coaming_http::Runtime;
use coaming_mirror::{DownloadOptions, Downloaded, ECOSYSTEMS, download, forget, http_options};
use indicatif::ProgressBar;

use super::keep::{argument, build_from, tell};
use crate::args::DbUpdateArguments;
use crate::{CommandError, Outcome, output};

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
    let runtime = Runtime::shared().map_err(argument)?;
    let downloaded = {
        let bar = Bar::new();
        runtime.block_on(download(&options, &|progress| bar.show(progress))).map_err(argument)?
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
        let BuildError::Damaged { files, .. } = &error else { return argument(error) };
        files.iter().for_each(|damaged| forget(damaged));
        argument(format!("{error}; the next `coaming db update` downloads it again"))
    })
}

fn counted(downloaded: &Downloaded) -> String {
    format!("{} unchanged, {} failed", downloaded.unchanged.len(), downloaded.failed.len())
}

/// A line on a terminal that shows the progress of a download.
struct Bar(Option<ProgressBar>, RefCell<String>);

impl Bar {
    fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(ProgressBar::new_spinner);
        Self(bar, RefCell::default())
    }

    fn show(&self, progress: coaming_mirror::Progress<'_>) {
        let Some(bar) = &self.0 else { return };
        let total = progress.total.map_or_else(String::new, |total| format!(" of {}", total >> 20));
        let message = format!("{}: {}{total} MiB", progress.name, progress.received >> 20);
        if *self.1.borrow() != message {
            bar.set_message(message.clone());
            bar.tick();
            *self.1.borrow_mut() = message;
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
