//! What a file of etcd holds, for people: what it is, how its Secrets lie in it, then the findings
//! of each rule together, as one repair serves them all.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use coaming_finding::{Finding, Severity};

use super::contents::{History, State};
use super::findings::counted;
use super::mvcc::Resource;
use super::read::{Checksum, Contents};
use super::rules;

/// How wide running text is set.
const WIDTH: usize = 92;

/// The report, without colours; names that could move the cursor are made harmless.
#[must_use]
pub fn to_text(contents: &Contents, findings: &[Finding]) -> String {
    let mut out = String::new();
    head(contents, &mut out);
    census(contents, &mut out);
    let mut rest = findings;
    while let Some(first) = rest.first() {
        let count = rest.iter().take_while(|finding| finding.rule.id == first.rule.id).count();
        let (of_rule, after) = rest.split_at(count);
        section(contents, of_rule, &mut out);
        rest = after;
    }
    out.push('\n');
    if findings.is_empty() {
        out.push_str("Nothing secret lies in it in plain text.\n");
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

/// Writing to a `String` can't fail.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _always_ok = out.write_fmt(text);
}

fn head(contents: &Contents, out: &mut String) {
    let kind = match contents.checksum {
        Checksum::Verified => "etcd snapshot, SHA-256 verified",
        Checksum::Wrong => "etcd snapshot, SHA-256 WRONG",
        Checksum::Absent => "etcd database, without a checksum",
    };
    let path = plain(&contents.path.display().to_string());
    push(out, format_args!("{path}: {kind}\n"));
    let compacted = match contents.compacted {
        0 => "never compacted".to_owned(),
        revision => format!("compacted up to {revision}"),
    };
    push(
        out,
        format_args!(
            "  revision {} ({compacted}), {} pages, {} of them free\n",
            contents.revision, contents.pages, contents.free_pages
        ),
    );
    for name in &contents.beside {
        push(out, format_args!("  also looked through: {}\n", plain(name)));
    }
}

/// How many objects lie there in which state.
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
    match contents.others.values().filter(|object| object.plain.is_some()).count() {
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

fn census_state(resource: Resource, history: &History) -> Option<(u8, String)> {
    Some(match (resource, &history.current()?.state) {
        (_, State::Deleted) => return None,
        (Resource::Secret, State::Plain(_)) => (0, "in plain text".to_owned()),
        (Resource::ConfigMap, State::Plain(_)) => (0, "with credentials, in plain text".to_owned()),
        (_, State::Unknown) => (1, "in no known encoding".to_owned()),
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
            let file = location
                .source
                .and_then(|source| usize::try_from(source.number()).ok()?.checked_sub(1));
            let file = file.and_then(|file| contents.beside.get(file));
            let file = file.map_or_else(String::new, |name| format!("{}: ", plain(name)));
            push(out, format_args!("      {file}{}: {}\n", location.path, plain(&location.label)));
        }
    }
    indented(out, "  = note: ", rules::why(rule));
    let mut repairs: Vec<_> = findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    repairs.dedup_by(|a, b| a.title == b.title);
    for fix in repairs {
        indented(out, "  = help: ", &fix.title);
        for line in fix.snippet.lines() {
            push(out, format_args!("      {line}\n"));
        }
    }
}

/// Text after a label, in lines of a bearable length.
fn indented(out: &mut String, label: &str, text: &str) {
    let mut column = label.len();
    out.push_str(label);
    for (position, word) in text.split(' ').enumerate() {
        if position > 0 && column + 1 + word.len() > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(label.len()));
            column = label.len();
        } else if position > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out.push('\n');
}

/// Text that can't move the cursor, change colours, or hide other text by writing backwards.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            let hides = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
            if c.is_control() || hides { '\u{fffd}' } else { c }
        })
        .collect()
}
