//! The facts of an image: a page of text, and JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use coaming_image::{
    Credential, ImageFacts, PackageKind, PrivilegedFile, Utility, UtilityKind, Verdict,
};

use coaming_secret::gate::{is_shown_value, masked};

use crate::text::{WIDTH, counted, plain, wrapped, wrapped_to};

/// The most lines of a section of the page; JSON has all.
const LINES: usize = 30;

/// Writes a page: the verdict, the user, credentials, utilities, privileged files, packages.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn render(facts: &ImageFacts, name: &str, color: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { facts, color, out };
    page.head(name)?;
    if !facts.sbom {
        page.user()?;
        page.start()?;
    }
    page.packages()?;
    page.credentials()?;
    page.utilities()?;
    page.privileged()?;
    page.writable()?;
    page.problems()
}

/// What is known about an image in addition to its facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct RelatedInfo<'a> {
    /// The known vulnerabilities, if they were looked up.
    pub vulnerabilities: Option<&'a serde_json::Value>,
    /// What the registry reports, if it was asked.
    pub registry: Option<&'a serde_json::Value>,
}

/// Writes the facts as JSON: `{"version": 1, "image": "…", "facts": {…}}`, with related
/// information.
///
/// # Errors
///
/// What writing to `out` gives.
pub fn json(
    facts: &ImageFacts,
    name: &str,
    related: RelatedInfo<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    #[derive(serde::Serialize)]
    struct Document<'a> {
        version: u32,
        image: &'a str,
        facts: &'a ImageFacts,
        #[serde(skip_serializing_if = "Option::is_none")]
        vulnerabilities: Option<&'a serde_json::Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        registry: Option<&'a serde_json::Value>,
    }
    let RelatedInfo { vulnerabilities, registry } = related;
    let facts = &*gated(facts);
    let document = Document { version: 1, image: name, facts, vulnerabilities, registry };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)
}

/// What a walk over a registry found in an image, for one line of JSON; `names` are all that lead to
/// it. A contract.
#[must_use]
pub fn walked(
    facts: &ImageFacts,
    name: &str,
    names: &[String],
    vulnerabilities: Option<&serde_json::Value>,
) -> serde_json::Value {
    let mut line = serde_json::json!({
        "version": 1, "image": name, "names": names, "facts": &*gated(facts),
    });
    if let Some(vulnerabilities) = vulnerabilities {
        line["vulnerabilities"] = vulnerabilities.clone();
    }
    line
}

/// An image of a walk that was not read: `why` is `error` or `skipped`. A contract.
#[must_use]
pub fn not_read(name: &str, names: &[String], why: &str, reason: &str) -> serde_json::Value {
    let mut line = serde_json::json!({"version": 1, "image": name, "names": names});
    line[why] = serde_json::json!(reason);
    line
}

/// The digest of the image that a line of a walk is about; `None` if the image must be read again.
#[must_use]
pub fn walked_digest(line: &[u8]) -> Option<String> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    if line.get("error").is_some() {
        return None;
    }
    if let Some(digest) = line.pointer("/metadata/annotations/coaming.dev~1digest") {
        return digest.as_str().map(str::to_owned);
    }
    let (_, digest) = line.get("image")?.as_str()?.rsplit_once('@')?;
    Some(digest.to_owned())
}

/// The facts without settings that may be secret: of a variable, only the name remains.
fn gated(facts: &ImageFacts) -> Cow<'_, ImageFacts> {
    let is_hidden = |name: &str, value: &str| !is_shown_value(name, value);
    let in_environment = |(name, value): &(String, Option<String>)| {
        value.as_ref().is_some_and(|value| is_hidden(name, value))
    };
    let in_words = |words: &[String]| words.iter().any(|word| masked(word) != *word);
    let config = &facts.config;
    let in_labels = config.labels.iter().any(|(_, value)| masked(value) != *value);
    let in_layers = facts.layers.iter().any(|layer| masked(&layer.created_by) != layer.created_by);
    let is_shown = !config.environment.iter().any(in_environment)
        && !in_words(&config.entrypoint)
        && !in_words(&config.command)
        && !in_labels
        && !in_layers;
    if is_shown {
        return Cow::Borrowed(facts);
    }
    let mut facts = facts.clone();
    for variable in &mut facts.config.environment {
        if in_environment(variable) {
            variable.1 = None;
        }
    }
    let config = &mut facts.config;
    let labels = config.labels.iter_mut().map(|(_, value)| value);
    let words = config.entrypoint.iter_mut().chain(&mut config.command).chain(labels);
    for text in words.chain(facts.layers.iter_mut().map(|layer| &mut layer.created_by)) {
        *text = masked(text).into_owned();
    }
    Cow::Owned(facts)
}

struct Page<'a> {
    facts: &'a ImageFacts,
    color: bool,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn bold(&self, text: &str) -> String {
        if self.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn title(&mut self, text: &str) -> io::Result<()> {
        let title = self.bold(text);
        writeln!(self.out, "\n{title}")
    }

    /// Lines under a title, indented, up to a limit.
    fn lines(&mut self, lines: &[String]) -> io::Result<()> {
        for line in lines.iter().take(LINES) {
            for part in line.lines() {
                writeln!(self.out, "  {part}")?;
            }
        }
        if lines.len() > LINES {
            let more = lines.len() - LINES;
            writeln!(self.out, "  … and {more} more; --format json has all")?;
        }
        Ok(())
    }

    fn head(&mut self, name: &str) -> io::Result<()> {
        let facts = self.facts;
        let name = self.bold(&plain(name));
        let mut what: Vec<String> = Vec::new();
        if let Some(distribution) = &facts.distribution {
            let named = if distribution.name.is_empty() {
                format!("{} {}", distribution.id, distribution.version)
            } else {
                distribution.name.clone()
            };
            what.push(plain(named.trim()));
        }
        if !facts.config.os.is_empty() {
            what.push(plain(&format!("{}/{}", facts.config.os, facts.config.architecture)));
        }
        if !facts.layers.is_empty() {
            let size: u64 = facts.layers.iter().map(|layer| layer.size).sum();
            what.push(format!("{}, {}", counted(facts.layers.len(), "layer"), bytes(size)));
        }
        writeln!(self.out, "{name}  {}", what.join(" · "))?;
        if !facts.digest.is_empty() {
            writeln!(self.out, "{}", plain(&facts.digest))?;
        }
        writeln!(self.out, "\n{}", wrapped(&self.verdict()))
    }

    fn verdict(&self) -> String {
        let facts = self.facts;
        if facts.sbom {
            return "An SBOM: it lists the packages. Only the image itself shows what else an \
                    attacker finds."
                .to_owned();
        }
        let others = counted(facts.utilities.len(), "program");
        match facts.verdict {
            Verdict::Distroless if facts.utilities.is_empty() => {
                "Distroless: no shell, no package manager, no other program for an attacker to run."
                    .to_owned()
            }
            Verdict::Distroless => format!(
                "Distroless: no shell and no package manager; {others} that an attacker could use."
            ),
            Verdict::Minimal => {
                format!(
                    "Minimal: not a full distribution, but {others} that an attacker could use."
                )
            }
            Verdict::Full => format!(
                "A full distribution: {others} that an attacker could use, and a package manager \
                 to get more."
            ),
        }
    }

    fn user(&mut self) -> io::Result<()> {
        let user = &self.facts.user;
        let written = &self.facts.config.user;
        let text = match (user.is_root(), written.is_empty()) {
            (Some(true), true) => "root (no USER is set): an attacker owns every file in the \
                                   container and is one kernel bug away from the node."
                .to_owned(),
            (Some(true), false) => format!(
                "root (USER {}): an attacker owns every file in the container and is one kernel \
                 bug away from the node.",
                plain(written)
            ),
            (Some(false), _) => {
                let id = user.uid.map_or_else(String::new, |uid| uid.to_string());
                let name = if user.name.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", plain(&user.name))
                };
                format!("user {id}{name}, not root.")
            }
            (None, _) => format!(
                "USER {}, which is not in the image's /etc/passwd: set a numeric user, so that \
                 Kubernetes can verify that it is not root.",
                plain(written)
            ),
        };
        self.title("Runs as")?;
        self.lines(&[wrapped(&text)])
    }

    fn packages(&mut self) -> io::Result<()> {
        let mut counts: BTreeMap<PackageKind, usize> = BTreeMap::new();
        for package in &self.facts.packages {
            *counts.entry(package.kind).or_default() += 1;
        }
        let kinds: Vec<String> = counts
            .iter()
            .map(|(kind, count)| format!("{count} {}", format!("{kind:?}").to_lowercase()))
            .collect();
        self.title("Packages")?;
        match kinds.is_empty() {
            true => self.lines(&["no packages are recorded in the image".to_owned()]),
            false => self.lines(&[kinds.join(", ")]),
        }
    }

    fn credentials(&mut self) -> io::Result<()> {
        if self.facts.credentials.is_empty() {
            return Ok(());
        }
        self.title("Credentials in the image")?;
        let mut shown: Vec<&Credential> = self.facts.credentials.iter().collect();
        // Credentials that the container's user can read come first.
        shown.sort_by_key(|credential| match (credential.deleted, credential.readable) {
            (false, Some(true)) => 0,
            (false, None) => 1,
            (true, _) => 2,
            (false, Some(false)) => 3,
        });
        let lines: Vec<String> =
            shown.iter().map(|credential| self.credential(credential)).collect();
        self.lines(&lines)
    }

    /// A credential, and who can read it: together they are one finding.
    fn credential(&self, credential: &Credential) -> String {
        let mut place = plain(&credential.place.path);
        if !credential.label.is_empty() {
            let label = plain(&credential.label);
            place = if place.is_empty() { label } else { format!("{place}, {label}") };
        }
        let exposure = self.exposure(credential);
        format!("{place}: {}\n{}", plain(&credential.kind), indented(&exposure))
    }

    fn exposure(&self, credential: &Credential) -> String {
        let remedy = remedy(credential);
        if credential.deleted && !credential.place.path.is_empty() {
            return format!(
                "deleted by a later layer, but still in the image: everyone who may pull it can \
                 extract it. {remedy}"
            );
        }
        if credential.place.path.is_empty() {
            return match credential.readable {
                Some(true) => "in the image's configuration: everyone who may pull the image can \
                               read it, and so can every process in the container. Rotate it, and \
                               provide it at run time."
                    .to_owned(),
                _ => "in the image's configuration: everyone who may pull the image can read it. \
                      Rotate it, and use a secret mount to build the image."
                    .to_owned(),
            };
        }
        let readers: Vec<&str> =
            self.facts.readers().map(|utility| utility.name.as_str()).collect();
        match (credential.readable, readers.as_slice()) {
            (Some(false), _) => format!(
                "not readable by the container's user, but by everyone who may pull the image. \
                 {remedy}"
            ),
            (_, []) => format!(
                "readable by the container's user, but no program in the image can show it: only a \
                 flaw in the application that reads files can. {remedy}"
            ),
            (readable, readers) => {
                let mut named: Vec<String> = Vec::new();
                for reader in ["cat", "sh", "head", "busybox"].iter().chain(readers) {
                    let reader = plain(reader);
                    if readers.contains(&reader.as_str()) && !named.contains(&reader) {
                        named.push(reader);
                    }
                }
                let more = named.len().saturating_sub(3);
                named.truncate(3);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let may = if readable.is_some() { "readable" } else { "possibly readable" };
                format!(
                    "{may} by the container's user, and {}{more} can show it: one injected command \
                     reveals it. {remedy}",
                    named.join(", ")
                )
            }
        }
    }

    /// What the image starts, and how little of the image that needs.
    fn start(&mut self) -> io::Result<()> {
        let Some(start) = &self.facts.entry_point else { return Ok(()) };
        let programs: Vec<String> = start.programs.iter().map(|path| plain(path)).collect();
        let [first, others @ ..] = programs.as_slice() else { return Ok(()) };
        let others = match others {
            [] => String::new(),
            others => format!(", which starts {}", others.join(", ")),
        };
        let files = counted(usize::try_from(start.files).unwrap_or(usize::MAX), "file");
        let all = self.facts.packages.len();
        let of = match all {
            0 => String::new(),
            _ => format!(" from {} of the {}", start.packages.len(), counted(all, "package")),
        };
        let text = format!(
            "{first}{others}. As far as the files show, that needs {files}{of}; \
             `coaming image slim` writes an image with only these."
        );
        self.title("Starts")?;
        self.lines(&[wrapped(&text)])
    }

    fn utilities(&mut self) -> io::Result<()> {
        if self.facts.utilities.is_empty() {
            return Ok(());
        }
        let mut kinds: BTreeMap<UtilityKind, BTreeMap<&str, &Utility>> = BTreeMap::new();
        for utility in &self.facts.utilities {
            let programs = kinds.entry(utility.kind).or_default();
            let shown = programs.entry(utility.program()).or_insert(utility);
            // Of `python3` and `python3.11`, the shorter name is enough.
            if (utility.name.len(), &utility.name) < (shown.name.len(), &shown.name) {
                *shown = utility;
            }
        }
        self.title("Tools available to an attacker")?;
        let lines: Vec<String> = kinds
            .into_iter()
            .map(|(kind, programs)| {
                let kind_line = format!("{}: {}", self.bold(kind.plural()), kind.misuse());
                let programs: Vec<&Utility> = programs.into_values().collect();
                format!("{kind_line}\n{}", described(&programs))
            })
            .collect();
        self.lines(&lines)
    }

    fn privileged(&mut self) -> io::Result<()> {
        if self.facts.privileged_files.is_empty() {
            return Ok(());
        }
        self.title("Setuid, setgid and file-capability programs")?;
        let mut by_rights: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for file in &self.facts.privileged_files {
            by_rights.entry(rights(file)).or_default().push(plain(&file.place.path));
        }
        let lines: Vec<String> = by_rights
            .iter()
            .map(|(rights, paths)| format!("{rights}:\n{}", indented(&shortened(paths))))
            .collect();
        self.lines(&lines)?;
        writeln!(self.out, "  `allowPrivilegeEscalation: false` in the pod disables them.")
    }

    fn writable(&mut self) -> io::Result<()> {
        if self.facts.world_writable.is_empty() {
            return Ok(());
        }
        self.title("World-writable paths")?;
        let lines: Vec<String> = self.facts.world_writable.iter().map(|path| plain(path)).collect();
        self.lines(&lines)
    }

    fn problems(&mut self) -> io::Result<()> {
        if self.facts.problems.is_empty() {
            return Ok(());
        }
        self.title("Problems while reading the image")?;
        let lines: Vec<String> = self
            .facts
            .problems
            .iter()
            .map(|problem| {
                let mut place = plain(&problem.place.path);
                if let Some(layer) = problem.place.layer.filter(|_| place.is_empty()) {
                    place = format!("layer {layer}");
                }
                let colon = if place.is_empty() { "" } else { ": " };
                wrapped(&format!("{place}{colon}{}", plain(&problem.message)))
            })
            .collect();
        self.lines(&lines)
    }
}

/// Programs of one kind: those that stand out, each with its use to an attacker; then the names of
/// the others.
fn described(programs: &[&Utility]) -> String {
    let mut of_note: Vec<(String, &str)> = Vec::new();
    for (name, misuse) in programs.iter().filter_map(|it| Some((plain(&it.name), it.notable()?))) {
        match of_note.iter_mut().find(|(_, other)| *other == misuse) {
            Some((names, _)) => *names = format!("{names}, {name}"),
            None => of_note.push((name, misuse)),
        }
    }
    let width = of_note.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (name, misuse) in &of_note {
        let hanging = wrapped_to(misuse, WIDTH.saturating_sub(width + 4));
        for (index, line) in hanging.lines().enumerate() {
            let name = if index == 0 { name.as_str() } else { "" };
            lines.push(format!("  {name:width$}  {line}"));
        }
    }
    let others: Vec<String> =
        programs.iter().filter(|it| it.notable().is_none()).map(|it| plain(&it.name)).collect();
    if !others.is_empty() {
        let also = if of_note.is_empty() { "" } else { "also " };
        lines.push(indented(&format!("{also}{}", shortened(&others))));
    }
    lines.join("\n")
}

/// What to do about a credential in a file.
fn remedy(credential: &Credential) -> &'static str {
    match credential.kind.as_str() {
        "git-repository" => {
            "A repository contains everything that was ever committed: exclude it with \
             `.dockerignore`, and rotate the secrets in its history."
        }
        "shell-history" => {
            "A history contains passwords that were typed: rotate them, and build the image with a \
             Dockerfile, not by hand."
        }
        _ if credential.deleted => "Rotate it, and use a secret mount to build the image.",
        _ => "Rotate it, and mount it at run time.",
    }
}

fn rights(file: &PrivilegedFile) -> String {
    let mut rights = Vec::new();
    if file.mode & 0o4000 != 0 {
        rights.push(if file.uid == 0 {
            "setuid root".to_owned()
        } else {
            format!("setuid {}", file.uid)
        });
    }
    if file.mode & 0o2000 != 0 {
        rights.push(format!("setgid {}", file.gid));
    }
    rights.extend(file.capabilities.iter().map(|capability| plain(capability)));
    rights.join(", ")
}

/// The first names, and the number of the others.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 14;
    let list = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{list} and {more} more"),
        _ => list,
    }
}

fn indented(text: &str) -> String {
    wrapped(text).lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1_000_000 => format!("{} kB", count.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{} MB", count / 1_000_000),
        _ => format!("{}.{} GB", count / 1_000_000_000, count / 100_000_000 % 10),
    }
}
