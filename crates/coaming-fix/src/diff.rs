//! A unified diff with the reasons above it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use coaming_secret::places::in_file;
use coaming_secret::{detector, may_hold_secret};
use similar::TextDiff;

use crate::Change;

/// A change as a unified diff; lines that start with `#` say what is done and why. `git apply` and
/// `patch` take it, unless a secret stands right beside a change: such a line is not shown.
#[must_use]
pub fn diff(change: &Change) -> String {
    let mut out = String::new();
    for made in &change.made {
        // Writing to a string can't fail.
        let _ = writeln!(out, "# {made} ({})", made.rule);
    }
    let (name, before, after) = (change.file.as_str(), &*change.before, &*change.after);
    let secret: BTreeSet<&str> =
        [before, after].into_iter().flat_map(|text| secret_lines(name, text)).collect();
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let _ = write!(
        out,
        "{}",
        unified.header(&format!("a/{name}"), &format!("b/{name}")).missing_newline_hint(true)
    );
    hidden(&out, &secret)
}

/// The lines on which secrets stand, without their indentation.
fn secret_lines<'t>(name: &str, text: &'t str) -> BTreeSet<&'t str> {
    let lines = |start: u32, end: u32| {
        let from = text.get(..start as usize).and_then(|before| before.rfind('\n'));
        let from = from.map_or(0, |place| place + 1);
        text.get(from..end as usize).map_or(0..0, |part| from..from + part.len())
    };
    in_file(detector(), name, text)
        .into_iter()
        .flat_map(|place| {
            let range = lines(place.span.start, place.span.end);
            let rest = text.get(range.end..).and_then(|rest| rest.find('\n'));
            let end = rest.map_or(text.len(), |place| range.end + place);
            text.get(range.start..end).unwrap_or_default().lines().map(str::trim)
        })
        .filter(|line| !line.is_empty())
        .collect()
}

/// The diff without the lines that may hold a secret.
fn hidden(diff: &str, secret: &BTreeSet<&str>) -> String {
    let mut out = String::with_capacity(diff.len());
    for line in diff.split_inclusive('\n') {
        let body = line.get(1..).unwrap_or_default().trim();
        let is_text = line.starts_with([' ', '+', '-'])
            && !line.starts_with("+++ ")
            && !line.starts_with("--- ");
        if is_text && (secret.contains(body) || may_hold_secret(body)) {
            out.push_str(line.get(..1).unwrap_or_default());
            out.push_str("(a line that may hold a secret is not shown)\n");
        } else {
            out.push_str(line);
        }
    }
    out
}
