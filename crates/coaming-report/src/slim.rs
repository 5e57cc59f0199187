//! The result of slimming an image: a page of text, and JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};

use coaming_image::{Limit, PrivilegedFile, Reason, Utility, UtilityKind};
use coaming_slim::{KeptGroup, Report, TraceReport};

use crate::image::bytes;
use crate::text::{counted, plain, wrapped};

/// The most names in one line of the page; JSON has all.
const NAMES: usize = 12;
/// The most lines of a list.
const LINES: usize = 15;

/// Writes a page: how much smaller the image is, what was removed, what was kept and why, and what
/// cannot be known. `names` are those of the image and the output; `known` is the number of known
/// vulnerabilities before and after.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn render(
    report: &Report,
    names: (&str, &str),
    known: Option<(usize, usize)>,
    color: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut page = Page { report, color, out };
    page.head(names, known)?;
    page.gone()?;
    page.kept()?;
    page.trace()?;
    page.left()?;
    page.limits()
}

/// Writes the report as JSON: `{"version": 1, "vulnerabilities": {"before": 2, "after": 1}, …}`.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn json(report: &Report, known: Option<(usize, usize)>, out: &mut dyn Write) -> io::Result<()> {
    #[derive(serde::Serialize)]
    struct Vulnerabilities {
        before: usize,
        after: usize,
    }
    #[derive(serde::Serialize)]
    struct Document<'a> {
        version: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        vulnerabilities: Option<Vulnerabilities>,
        #[serde(flatten)]
        report: &'a Report,
    }
    let vulnerabilities = known.map(|(before, after)| Vulnerabilities { before, after });
    serde_json::to_writer_pretty(&mut *out, &Document { version: 1, vulnerabilities, report })?;
    writeln!(out)
}

struct Page<'a> {
    report: &'a Report,
    color: bool,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn title(&mut self, text: &str) -> io::Result<()> {
        match self.color {
            true => writeln!(self.out, "\n\u{1b}[1m{text}\u{1b}[0m"),
            false => writeln!(self.out, "\n{text}"),
        }
    }

    /// Writes a text, indented.
    fn say(&mut self, text: &str) -> io::Result<()> {
        for line in wrapped(text).lines() {
            writeln!(self.out, "  {line}")?;
        }
        Ok(())
    }

    fn head(&mut self, names: (&str, &str), known: Option<(usize, usize)>) -> io::Result<()> {
        let (before, after) = (self.report.before, self.report.after);
        writeln!(self.out, "{} → {}", plain(names.0), plain(names.1))?;
        writeln!(self.out, "{}\n", plain(&self.report.digest))?;
        let share = after.bytes * 100 / before.bytes.max(1);
        let rows = [
            (
                "uncompressed size",
                format!("{} → {} ({share} %)", bytes(before.bytes), bytes(after.bytes)),
            ),
            ("files, directories and links", format!("{} → {}", before.entries, after.entries)),
            ("packages", format!("{} → {}", before.packages, after.packages)),
            ("tools for an attacker", format!("{} → {}", before.utilities, after.utilities)),
            (
                "setuid, setgid, capabilities",
                format!("{} → {}", before.privileged_files, after.privileged_files),
            ),
            (
                "known vulnerabilities",
                match known {
                    Some((before, after)) => format!("{before} → {after}"),
                    None => {
                        "not checked: no vulnerability database; run `coaming db update`".to_owned()
                    }
                },
            ),
        ];
        for (name, value) in rows {
            writeln!(self.out, "  {name:<30}{value}")?;
        }
        if !self.report.programs.is_empty() {
            self.title("Started programs")?;
            let programs: Vec<String> = self.report.programs.iter().map(|it| plain(it)).collect();
            self.say(&programs.join(", "))?;
        }
        Ok(())
    }

    fn gone(&mut self) -> io::Result<()> {
        let gone = &self.report.gone;
        self.title("Removed")?;
        for (kind, names) in by_kind(&gone.utilities) {
            self.say(&format!("{}: {}", kind.plural(), shortened(&names)))?;
        }
        if !gone.privileged_files.is_empty() {
            let files: Vec<String> = gone.privileged_files.iter().map(path_of).collect();
            self.say(&format!("setuid, setgid, capabilities: {}", shortened(&files)))?;
        }
        let packages: Vec<String> = gone.packages.iter().map(|(_, name, _)| plain(name)).collect();
        if !packages.is_empty() {
            self.say(&format!("packages: {}", shortened(&packages)))?;
        }
        if !gone.unowned.is_empty() {
            self.say(&format!(
                "files without a package, largest first; --keep those the application reads: {}",
                sized(&gone.unowned, gone.unowned.len())
            ))?;
        }
        Ok(())
    }

    fn kept(&mut self) -> io::Result<()> {
        self.title("Kept, and why")?;
        let groups = self.report.kept.iter();
        for group in groups.filter(|it| !matches!(it.reason, Reason::Directory | Reason::Link)) {
            let KeptGroup { reason, files, bytes: size, of } = group;
            let count = counted(usize::try_from(*files).unwrap_or(usize::MAX), "file");
            let causes: Vec<String> = of.iter().take(3).map(|of| plain(of)).collect();
            let causes = match causes.is_empty() {
                true => String::new(),
                false => format!(" for {}", causes.join(", ")),
            };
            self.say(&format!("{}: {count}, {}{causes}", words(*reason), bytes(*size)))?;
        }
        Ok(())
    }

    fn trace(&mut self) -> io::Result<()> {
        let Some(trace) = &self.report.trace else { return Ok(()) };
        let TraceReport { used, only_used, unused, unused_bytes, only_kept, notes } = trace;
        let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let files = |count: u64| counted(number(count), "file");
        self.title("Used during the trace")?;
        self.say(&format!("{} of the image", files(*used)))?;
        if !only_used.is_empty() {
            self.say(&format!(
                "kept only because of the trace: {}",
                sized(only_used, only_used.len())
            ))?;
        }
        if !only_kept.is_empty() {
            self.say(&format!(
                "kept, but not used during the trace: {}, {}, largest first: {}",
                files(*unused),
                bytes(*unused_bytes),
                sized(only_kept, number(*unused))
            ))?;
        }
        notes.iter().try_for_each(|note| self.say(&plain(note)))
    }

    fn left(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.utilities.is_empty() && report.privileged_files.is_empty() {
            return Ok(());
        }
        self.title("Tools still available to an attacker")?;
        for (kind, names) in by_kind(&report.utilities) {
            self.say(&format!("{}: {}", kind.plural(), shortened(&names)))?;
        }
        if !report.privileged_files.is_empty() {
            let files: Vec<String> = report.privileged_files.iter().map(path_of).collect();
            self.say(&format!("setuid, setgid, capabilities: {}", shortened(&files)))?;
        }
        Ok(())
    }

    fn limits(&mut self) -> io::Result<()> {
        self.title("Unknown without running the image")?;
        let mut lines: Vec<String> = Vec::new();
        let mut opens: Vec<String> = Vec::new();
        let mut runs: Vec<String> = Vec::new();
        for limit in &self.report.limits {
            match limit {
                Limit::OpensLibraries { file } => opens.push(plain(file)),
                Limit::RunsPrograms { file, named, .. } if named.is_empty() => {
                    runs.push(plain(file));
                }
                limit => lines.push(sentence(limit)),
            }
        }
        if !opens.is_empty() {
            lines.push(format!(
                "Libraries may be opened by names built at run time (dlopen) in {}: libraries with \
                 literal names were kept; plugins and drivers need --keep.",
                shortened(&opens)
            ));
        }
        if !runs.is_empty() {
            lines.push(format!(
                "Other programs may be run by {}, which do not name them literally.",
                shortened(&runs)
            ));
        }
        let more = lines.len().saturating_sub(LINES);
        for line in lines.iter().take(LINES).chain(&self.report.notes) {
            self.say(line)?;
        }
        if more > 0 {
            self.say(&format!("… and {more} more; --format json has all"))?;
        }
        Ok(())
    }
}

fn sentence(limit: &Limit) -> String {
    match limit {
        Limit::NoProgram { program } => {
            format!("{} is the entry point, but not a program in the image.", plain(program))
        }
        Limit::NoLibrary { library, file } => format!(
            "{} needs {}, which is not in the image: it did not work before, either, or gets it \
             at run time.",
            plain(file),
            plain(library)
        ),
        Limit::RunsPrograms { file, functions, named } => {
            let named: Vec<String> = named.iter().map(|name| plain(name)).collect();
            format!(
                "{} can run other programs ({}) and names {}, which were removed: use --keep if it \
                 runs them.",
                plain(file),
                functions.join(", "),
                shortened(&named)
            )
        }
        Limit::OpensLibraries { file } => format!("{} opens libraries.", plain(file)),
        Limit::Script { file } => format!(
            "{} is a shell script: the commands that it names were kept; those whose names it \
             builds at run time need --keep.",
            plain(file)
        ),
        Limit::NoCommand { command, file } => {
            format!("{} is run by {}, which is not in the image.", plain(file), plain(command))
        }
    }
}

/// The reason in words.
fn words(reason: Reason) -> &'static str {
    match reason {
        Reason::Started => "started",
        Reason::Linked => "linked libraries",
        Reason::Interpreter => "interpreters of scripts",
        Reason::Command => "run by scripts",
        Reason::Opened => "libraries named by programs and settings",
        Reason::NameService => "name services",
        Reason::Locale => "locales and character sets",
        Reason::Runtime => "a language's own library",
        Reason::Application => "the application's own files",
        Reason::Data => "data and settings of a started program's package",
        Reason::Named => "files named by programs and settings",
        Reason::System => "users, certificates, time zones, system directories",
        Reason::Configured => "named by the image's configuration",
        Reason::Requested => "requested",
        Reason::Record => "licenses and package records",
        Reason::Link => "links on the way to other files",
        Reason::Directory => "directories of other files",
    }
}

/// Names of utilities by their kinds, each once.
fn by_kind(utilities: &[Utility]) -> BTreeMap<UtilityKind, Vec<String>> {
    let mut kinds: BTreeMap<UtilityKind, Vec<String>> = BTreeMap::new();
    for utility in utilities {
        let names = kinds.entry(utility.kind).or_default();
        let name = plain(&utility.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    kinds
}

fn path_of(file: &PrivilegedFile) -> String {
    plain(&file.place.path)
}

/// The first files with their sizes, and how many of `all` these leave out.
fn sized(files: &[(String, u64)], all: usize) -> String {
    let names: Vec<String> = files
        .iter()
        .take(NAMES)
        .map(|(path, size)| format!("{} ({})", plain(path), bytes(*size)))
        .collect();
    match all.saturating_sub(names.len()) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

/// The first names, and the number of the others.
fn shortened(names: &[String]) -> String {
    let list = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}
