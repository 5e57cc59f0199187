//! Output to files and standard streams, and its appearance.

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use clap::CommandFactory as _;
use coaming_finding::InputError;
use coaming_report::FullOptions;
use coaming_secret::gate::{MaskedWriter, masked};
use coaming_text::Printable;

use crate::args::{Arguments, Color, CompletionsArguments};
use crate::{CommandError, Outcome};

/// Writes to standard output, or to a file that is replaced as a whole or not at all. Anything else
/// than a regular file, such as a pipe, is written to as it is.
pub(crate) fn write(
    file: Option<&Path>,
    writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CommandError> {
    let result = match file {
        None => {
            let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
            writer(&mut out).and_then(|()| out.flush())
        }
        Some(path) => write_file(path, writer),
    };
    let target =
        file.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    result.map_err(|source| CommandError::Output { target, source })
}

/// Like [`write`], for text that names objects of the input: names that are secrets are masked.
pub(crate) fn write_masked(
    file: Option<&Path>,
    writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CommandError> {
    write(file, |out| {
        let mut masked = MaskedWriter::new(out);
        writer(&mut masked)?;
        masked.finish()
    })
}

fn write_file(
    path: &Path,
    writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    // A device or a pipe is written to: replacing `/dev/null` by a file would damage the system.
    if is_device(path) {
        let file = std::fs::OpenOptions::new().write(true).open(path)?;
        let mut out = BufWriter::with_capacity(64 << 10, file);
        writer(&mut out)?;
        return out.flush();
    }
    // A link stays one: the file that it leads to is replaced.
    let target = if path.is_symlink() { path.canonicalize()? } else { path.to_path_buf() };
    let path = target.as_path();
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let temporary = temporary_file(path, directory.unwrap_or(Path::new(".")))?;
    let mut out = BufWriter::with_capacity(64 << 10, temporary);
    writer(&mut out)?;
    out.into_inner()?.persist(path)?;
    Ok(())
}

/// Whether a path is something else than a file or a directory: a device, a pipe, a socket.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|existing| !existing.is_file() && !existing.is_dir())
}

/// Fails if a file cannot be replaced because it is a device or a pipe, for outputs that are not written
/// from front to back.
pub(crate) fn refuse_device(path: &Path) -> Result<(), CommandError> {
    if is_device(path) {
        return Err(CommandError::Argument(format!("{} is not a regular file", path.display())));
    }
    Ok(())
}

/// How the names of files begin that replace others.
pub(crate) const TEMPORARY: &str = ".coaming-";

/// A file to write before it replaces `path`: with its permissions, or those of every new file.
fn temporary_file(path: &Path, directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix(TEMPORARY);
    #[cfg(unix)]
    let builder = builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(directory)?;
    if let Ok(replaced) = path.metadata() {
        temporary.as_file().set_permissions(replaced.permissions())?;
    }
    Ok(temporary)
}

/// Colors, links and width for the `full` format.
pub(crate) fn full_options(color: Color, to_file: bool) -> FullOptions {
    let terminal = io::stdout().is_terminal() && !to_file;
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let wanted = anstyle_query::clicolor().unwrap_or(true);
            let shown = terminal && wanted && anstyle_query::term_supports_color();
            !anstyle_query::no_color() && (anstyle_query::clicolor_force() || shown)
        }
    };
    let size = terminal_size::terminal_size().filter(|_| terminal);
    let width = size.map(|(width, _)| usize::from(width.0));
    FullOptions { color, links: color && terminal, width, ..FullOptions::default() }
}

/// Prints an error to standard error.
pub(crate) fn complain(message: &str) {
    // If standard error is closed, the failure cannot be reported anywhere.
    drop(writeln!(io::stderr().lock(), "error: {}", masked(message)));
}

/// Prints a warning to standard error.
pub(crate) fn warn(message: &str) {
    note(&format!("warning: {message}"));
}

/// Prints a line to standard error.
pub(crate) fn note(message: &str) {
    drop(writeln!(io::stderr().lock(), "{}", Printable(&masked(message))));
}

/// Prints to standard error which inputs could not be handled.
pub(crate) fn complain_of(errors: &[InputError]) {
    let mut out = io::stderr().lock();
    for error in errors {
        let place =
            error.position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        let text = format!("{}{place}: {}", error.file, error.message);
        drop(writeln!(out, "error: {}", Printable(&masked(&text))));
    }
}

/// Prints a completion script.
pub(crate) fn completions(arguments: &CompletionsArguments) -> Result<Outcome, CommandError> {
    write(None, |out| {
        clap_complete::generate(
            arguments.shell,
            &mut Arguments::command(),
            "coaming",
            &mut &mut *out,
        );
        Ok(())
    })?;
    Ok(Outcome::Clean)
}

/// Prints the manual page.
pub(crate) fn manual() -> Result<Outcome, CommandError> {
    write(None, |out| clap_mangen::Man::new(Arguments::command()).render(&mut &mut *out))?;
    Ok(Outcome::Clean)
}
