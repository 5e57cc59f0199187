//! `coaming db update`: download what changed, and build the database anew.

use std::cell::RefCell;
use std::io::IsTerminal as _;

use coaming_mirror::{ECOSYSTEMS, Request, download};
use indicatif::ProgressBar;

use super::keep::{argument, build_from};
use crate::args::DbUpdateArguments;
use crate::{CommandError, Outcome, output};

/// Updates the database.
pub(super) fn run(arguments: &DbUpdateArguments) -> Result<Outcome, CommandError> {
    let file = super::file(&arguments.database)?;
    let folder = arguments.downloads.clone().unwrap_or_else(|| file.with_file_name("osv"));
    let ecosystems = if arguments.ecosystem.is_empty() {
        ECOSYSTEMS.map(str::to_owned).to_vec()
    } else {
        arguments.ecosystem.clone()
    };
    let request = Request { mirror: arguments.mirror.clone(), ecosystems, folder: folder.clone() };
    let downloaded = {
        let bar = Bar::new();
        download(&request, &|progress| bar.show(progress)).map_err(argument)?
    };
    for (name, error) in &downloaded.failed {
        output::warn(&format!("{name} was not updated: {error}"));
    }
    let outcome = if downloaded.changed.is_empty() && file.is_file() {
        output::write(None, |out| {
            writeln!(out, "{}: nothing new; {}", file.display(), counted(&downloaded))
        })?;
        Outcome::Clean
    } else {
        build_from(&folder, &file)?
    };
    Ok(if downloaded.failed.is_empty() { outcome } else { Outcome::Failed })
}

fn counted(downloaded: &coaming_mirror::Downloaded) -> String {
    format!("{} unchanged, {} failed", downloaded.unchanged.len(), downloaded.failed.len())
}

/// A line on a terminal that says how far a download is.
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
