//! Text for people: without control characters, in lines of limited length.

use std::collections::BTreeSet;

use coaming_finding::{Finding, InputError};

use crate::Report;

/// How wide running text is set.
pub(crate) const WIDTH: usize = 92;

/// Text that can't move the cursor, change colours, or hide other text by writing backwards.
pub(crate) fn plain(text: &str) -> String {
    coaming_text::Printable(text).to_string()
}

/// A clause as a sentence: with a capital letter and a full stop.
pub(crate) fn sentence(clause: &str) -> String {
    let clause = clause.trim_end_matches('.');
    let mut letters = clause.chars();
    let first = letters.next().map(|c| c.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// What is wrong, why it matters and what to do, as one paragraph.
pub(crate) fn paragraph(finding: &Finding) -> String {
    let message = sentence(&finding.message);
    let way =
        finding.way.as_ref().map_or_else(String::new, |way| sentence(&format!("it is {way}")));
    let parts = [message.as_str(), &way, &finding.why, &finding.help];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// The variants that have a finding, for people: `in overlays/prod, overlays/test`.
pub(crate) fn variants(finding: &Finding) -> Option<String> {
    let names: Vec<&str> = finding.variants.iter().map(|name| &**name).collect();
    (!names.is_empty()).then(|| plain(&format!("in {}", names.join(", "))))
}

/// Breaks text into lines at spaces.
pub(crate) fn wrapped(text: &str) -> String {
    wrapped_to(text, WIDTH)
}

/// Breaks text at spaces into lines of at most `limit` characters.
pub(crate) fn wrapped_to(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut column = 0;
    for word in text.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > limit {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

/// `Deployment shop/web`, or what of it is known.
pub(crate) fn object(finding: &Finding) -> String {
    let Some(object) = &finding.object else { return String::new() };
    let name = match (object.namespace.as_str(), object.name.as_str()) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    plain(format!("{} {name}", object.kind).trim_end())
}

/// The object, and the container in it.
pub(crate) fn subject(finding: &Finding) -> String {
    let object = object(finding);
    match finding.container.as_deref() {
        Some(container) if !container.is_empty() => format!("{object} [{}]", plain(container)),
        _ => object,
    }
}

/// Text with a line break of HTML behind it, unless there is none.
pub(crate) fn above(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{text}<br>") }
}

/// `1 finding`, `2 findings`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `charts/a, charts/b and 3 more` of the inputs that could not be handled; `None` if all were.
pub(crate) fn unread(report: &Report<'_>) -> Option<String> {
    const MOST: usize = 5;
    let names: BTreeSet<&str> = report.errors.iter().map(|error| error.file.as_str()).collect();
    let shown: Vec<String> = names.iter().take(MOST).map(|name| plain(name)).collect();
    let rest = names.len() - shown.len();
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let inputs = counted(names.len(), "input");
    (!names.is_empty())
        .then(|| format!("{inputs} could not be handled: {}{more}", shown.join(", ")))
}

/// `charts/a:3:1`, or what of it is known.
pub(crate) fn place_of(error: &InputError) -> String {
    let position = error.position.map(|(line, column)| format!(":{line}:{column}"));
    plain(&format!("{}{}", error.file, position.unwrap_or_default()))
}

/// Text for XML and HTML, in elements and attributes.
pub(crate) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
