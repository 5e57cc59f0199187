//! Output to files and standard streams, and its appearance.

use std::fs::File;
use std::io::{
    self, BufRead as _, BufReader, BufWriter, IsTerminal as _, Seek as _, SeekFrom, Write,
};
use std::path::{Path, PathBuf};

use coaming_finding::InputError;
use coaming_report::FullOptions;
use coaming_secret::gate::{MaskedWriter, masked};
use coaming_text::Printable;

/// Why output could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// Standard output or the output file could not be written.
    #[error("cannot write {target}: {source}")]
    Write {
        /// `standard output`, or the file.
        target: String,
        /// The system's error.
        source: io::Error,
    },
    /// A file cannot be replaced because it is a device, a pipe or a socket.
    #[error("{} is not a regular file", .0.display())]
    NotRegular(PathBuf),
}

impl OutputError {
    /// What could not be written, and the system's error; `None` is standard output.
    #[must_use]
    pub fn of(file: Option<&Path>, source: io::Error) -> Self {
        let target =
            file.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
        Self::Write { target, source }
    }

    /// Whether nobody reads the output any more: `coaming scan . | head`.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Write { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Writes to standard output, or to a file that is replaced as a whole or not at all. Anything else
/// than a regular file, such as a pipe, is written to as it is.
///
/// # Errors
///
/// See [`OutputError`].
pub fn write(
    file: Option<&Path>,
    writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), OutputError> {
    let result = match file {
        None => {
            let mut out = BufWriter::with_capacity(64 << 10, io::stdout().lock());
            writer(&mut out).and_then(|()| out.flush())
        }
        Some(path) => write_file(path, writer),
    };
    result.map_err(|source| OutputError::of(file, source))
}

/// Like [`write`], for text that names objects of the input: names that are secrets are masked.
///
/// # Errors
///
/// See [`OutputError`].
pub fn write_masked(
    file: Option<&Path>,
    writer: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), OutputError> {
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

/// Opens a file (or standard output) to append lines to, each written whole. `known` gets each line
/// that is there already; what an interrupted run left of a line is removed.
///
/// # Errors
///
/// See [`OutputError`].
pub fn append_lines(
    file: Option<&Path>,
    mut known: impl FnMut(&[u8]),
) -> Result<Box<dyn Write>, OutputError> {
    let Some(path) = file else { return Ok(Box::new(io::stdout())) };
    let mut open = || -> io::Result<File> {
        let file = File::options().read(true).append(true).create(true).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(file);
        }
        let mut reader = BufReader::new(&file);
        let (mut line, mut whole) = (Vec::new(), 0_u64);
        while reader.read_until(b'\n', &mut line)? > 0 {
            if line.ends_with(b"\n") {
                whole += line.len() as u64;
                known(&line);
            }
            line.clear();
        }
        file.set_len(whole)?;
        (&file).seek(SeekFrom::End(0))?;
        Ok(file)
    };
    let file = open().map_err(|source| OutputError::of(file, source))?;
    Ok(Box::new(file))
}

/// Whether a path is something else than a file or a directory: a device, a pipe, a socket.
fn is_device(path: &Path) -> bool {
    path.metadata().is_ok_and(|existing| !existing.is_file() && !existing.is_dir())
}

/// Fails if a file cannot be replaced because it is a device or a pipe, for outputs that are not written
/// from front to back.
///
/// # Errors
///
/// See [`OutputError`].
pub fn refuse_device(path: &Path) -> Result<(), OutputError> {
    if is_device(path) {
        return Err(OutputError::NotRegular(path.to_path_buf()));
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

/// Colors, links and width for the `full` format. `color` is what the user asked for; `None` leaves
/// that to the terminal and its environment variables.
#[must_use]
pub fn full_options(color: Option<bool>, to_file: bool) -> FullOptions {
    let terminal = io::stdout().is_terminal() && !to_file;
    let color = color.unwrap_or_else(|| {
        let wanted = anstyle_query::clicolor().unwrap_or(true);
        let shown = terminal && wanted && anstyle_query::term_supports_color();
        !anstyle_query::no_color() && (anstyle_query::clicolor_force() || shown)
    });
    let size = terminal_size::terminal_size().filter(|_| terminal);
    let width = size.map(|(width, _)| usize::from(width.0));
    FullOptions { color, links: color && terminal, width, ..FullOptions::default() }
}

/// Prints an error to standard error.
pub fn complain(message: &str) {
    // If standard error is closed, the failure cannot be reported anywhere.
    drop(writeln!(io::stderr().lock(), "error: {}", masked(message)));
}

/// Prints a warning to standard error.
pub fn warn(message: &str) {
    note(&format!("warning: {message}"));
}

/// Prints a line to standard error.
pub fn note(message: &str) {
    drop(writeln!(io::stderr().lock(), "{}", Printable(&masked(message))));
}

/// Prints to standard error which inputs could not be handled.
pub fn complain_of(errors: &[InputError]) {
    let mut out = io::stderr().lock();
    for error in errors {
        let place =
            error.position.map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        let text = format!("{}{place}: {}", error.file, error.message);
        drop(writeln!(out, "error: {}", Printable(&masked(&text))));
    }
}
