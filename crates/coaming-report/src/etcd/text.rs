//! What an etcd store contains, for people: what it is, the state of its Secrets, then the findings
//! grouped by rule, as one repair serves all findings of a rule.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coaming_etcd::{Checksum, Contents, History, Resource, State};
use coaming_finding::{Finding, Severity};

use crate::text::{WIDTH, counted, plain, wrapped_to};

/// The report on the database of this name, without colors; control characters are replaced.
#[must_use]
pub fn text(database: &str, contents: &Contents, findings: &[Finding]) -> String {
    let mut out = String::new();
    head(database, contents, &mut out);
    census(contents, &mut out);
    for of_rule in findings.chunk_by(|a, b| a.rule.id == b.rule.id) {
        section(contents, of_rule, &mut out);
    }
    out.push('\n');
    if findings.is_empty() {
        out.push_str("It contains no secrets in plain text.\n");
        return out;
    }
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| (severity, findings.iter().filter(|f| f.severity == severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    push(&mut out, format_args!("{}: {}\n", counted(findings.len(), "finding"), counts.join(", ")));
    out
}

/// Appends text; writing to a `String` cannot fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _always_ok = out.write_fmt(text);
}

fn head(database: &str, contents: &Contents, out: &mut String) {
    let kind = match contents.checksum {
        Checksum::Verified => "etcd snapshot, SHA-256 verified",
        Checksum::Wrong => "etcd snapshot, SHA-256 WRONG",
        Checksum::Absent => "etcd database, without a checksum",
    };
    push(out, format_args!("{}: {kind}\n", plain(database)));
    let compacted = match contents.compacted {
        0 => "never compacted".to_owned(),
        revision => format!("compacted up to {revision}"),
    };
    let Contents { revision, pages, free_pages, .. } = contents;
    push(
        out,
        format_args!(
            "  revision {revision} ({compacted}), {pages} pages, {free_pages} of them free\n"
        ),
    );
    for name in &contents.other_files {
        push(out, format_args!("  also searched: {}\n", plain(name)));
    }
}

/// How many objects are in which state.
fn census(contents: &Contents, out: &mut String) {
    let mut counts: BTreeMap<(Resource, u8, String), usize> = BTreeMap::new();
    for (key, history) in &contents.objects {
        if let Some((rank, state)) = census_state(key.resource, history) {
            *counts.entry((key.resource, rank, state)).or_default() += 1;
        }
    }
    out.push('\n');
    for ((resource, _, state), count) in &counts {
        let noun = counted(*count, resource.kind());
        push(out, format_args!("  {noun:<16} {}\n", plain(state)));
    }
    match contents.others.values().filter(|object| object.plain_text.is_some()).count() {
        0 => {}
        count => {
            let noun = counted(count, "other object");
            push(out, format_args!("  {noun:<16} with credentials, in plain text\n"));
        }
    }
    if counts.is_empty() {
        out.push_str("  no Secrets and no ConfigMaps\n");
    }
}

/// The state of an object with its rank among the states; `None` if the object does not exist now.
fn census_state(resource: Resource, history: &History) -> Option<(u8, String)> {
    Some(match (resource, &history.current()?.state) {
        (_, State::Deleted) => return None,
        (Resource::Secret, State::Plain(_)) => (0, "in plain text".to_owned()),
        (Resource::ConfigMap, State::Plain(_)) => (0, "with credentials, in plain text".to_owned()),
        (_, State::Unknown) => (1, "in an unknown encoding".to_owned()),
        (_, State::Encrypted(encryption)) => {
            let (provider, version) = (&encryption.provider, &encryption.version);
            let what = if provider == "kms" { "plugin" } else { "key" };
            (2, format!("encrypted by {provider} {version}, {what} `{}`", encryption.key))
        }
        (Resource::Secret, State::Harmless) => (3, "empty".to_owned()),
        (Resource::ConfigMap, State::Harmless) => (3, "without credentials".to_owned()),
    })
}

/// The findings of one rule.
fn section(contents: &Contents, findings: &[Finding], out: &mut String) {
    let Some(first) = findings.first() else { return };
    let rule = &*first.rule;
    push(out, format_args!("\n{}[{}]: {}\n", first.severity, rule.id, rule.summary));
    for finding in findings {
        let Some(object) = &finding.object else { continue };
        let name = match object.namespace.as_str() {
            "" => plain(&object.name),
            namespace => plain(&format!("{namespace}/{}", object.name)),
        };
        push(out, format_args!("  {} {name}", object.kind));
        if let [location] = finding.locations.as_slice() {
            push(out, format_args!("   {}\n", plain(&location.label)));
            continue;
        }
        out.push('\n');
        for location in &finding.locations {
            let file = location.source.and_then(|source| usize::try_from(source.number()).ok());
            let file = file.and_then(|file| contents.other_files.get(file.checked_sub(1)?));
            let file = file.map_or_else(String::new, |name| format!("{}: ", plain(name)));
            push(out, format_args!("      {file}{}: {}\n", location.path, plain(&location.label)));
        }
    }
    indented(out, "  = note: ", &first.why);
    let mut repairs: Vec<_> = findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    repairs.dedup_by(|a, b| a.title == b.title);
    for fix in repairs {
        indented(out, "  = help: ", &fix.title);
        for line in fix.snippet.lines() {
            push(out, format_args!("      {line}\n"));
        }
    }
}

/// Text after a label, wrapped and aligned behind it.
fn indented(out: &mut String, label: &str, text: &str) {
    let margin = format!("\n{}", " ".repeat(label.len()));
    let wrapped = wrapped_to(text, WIDTH - label.len()).replace('\n', &margin);
    push(out, format_args!("{label}{wrapped}\n"));
}
