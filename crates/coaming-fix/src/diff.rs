//! A unified diff, preceded by the reasons.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use coaming_secret::detector;
use coaming_secret::gate::hidden_lines;
use coaming_secret::structured::in_file;
use similar::TextDiff;

use crate::Change;

/// The numbers of context lines to try: the usual number, then fewer to keep secrets out.
const CONTEXTS: [usize; 3] = [3, 2, 1];

/// A change as a unified diff; lines that start with `#` say what is changed and why. `git apply`
/// and `patch` accept it, unless a secret is changed or is right next to a change: such a line is
/// not shown.
#[must_use]
pub fn diff(change: &Change) -> String {
    let mut out = String::new();
    for made in &change.made {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {made} ({})", made.rule);
    }
    let (name, before, after) = (change.file.as_str(), &*change.before, &*change.after);
    let secret: BTreeSet<&str> =
        [before, after].into_iter().flat_map(|text| secret_lines(name, text)).collect();
    let diff = TextDiff::from_lines(before, after);
    let hunks = |context: usize| {
        let mut unified = diff.unified_diff();
        unified.context_radius(context).missing_newline_hint(true).to_string()
    };
    let _ = writeln!(out, "--- a/{name}\n+++ b/{name}");
    let whole = CONTEXTS.iter().find_map(|&context| {
        let hunks = hunks(context);
        (!hunks.lines().any(|line| is_hidden(line, &secret))).then_some(hunks)
    });
    out + &whole.unwrap_or_else(|| hidden(&hunks(CONTEXTS[0]), &secret))
}

/// The lines that contain secrets, without their indentation.
fn secret_lines<'t>(name: &str, text: &'t str) -> BTreeSet<&'t str> {
    let lines = |start: u32, end: u32| {
        let from = text.get(..start as usize).and_then(|before| before.rfind('\n'));
        let from = from.map_or(0, |place| place + 1);
        text.get(from..end as usize).map_or(0..0, |part| from..from + part.len())
    };
    let by_gate = hidden_lines(text);
    let by_gate = text.split('\n').zip(by_gate).filter(|(_, hidden)| *hidden);
    in_file(detector(), name, text)
        .into_iter()
        .flat_map(|place| {
            let range = lines(place.span.start, place.span.end);
            let rest = text.get(range.end..).and_then(|rest| rest.find('\n'));
            let end = rest.map_or(text.len(), |place| range.end + place);
            text.get(range.start..end).unwrap_or_default().lines().map(str::trim)
        })
        .chain(by_gate.map(|(line, _)| line.trim()))
        .filter(|line| !line.is_empty())
        .collect()
}

/// Whether a line of a hunk may contain a secret.
fn is_hidden(line: &str, secret: &BTreeSet<&str>) -> bool {
    let body = line.get(1..).unwrap_or_default().trim();
    line.starts_with([' ', '+', '-']) && secret.contains(body)
}

/// Hunks without the lines that may contain a secret.
fn hidden(hunks: &str, secret: &BTreeSet<&str>) -> String {
    let mut out = String::with_capacity(hunks.len());
    for line in hunks.split_inclusive('\n') {
        if is_hidden(line, secret) {
            out.push_str(line.get(..1).unwrap_or_default());
            out.push_str("(a line that may contain a secret is not shown)\n");
        } else {
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(before: &str, after: &str) -> String {
        let text = |text: &str| text.to_owned().into();
        diff(&Change {
            file: "a.yaml".to_owned(),
            before: text(before),
            after: text(after),
            made: Vec::new(),
        })
    }

    #[test]
    fn fewer_lines_around_a_change_keep_the_patch_whole() {
        let text = "password: Kq7pZx4w91\na: 1\nb: 1\nc: 1\nd: 1\n";
        assert_eq!(
            shown(text, &text.replace("b: 1", "b: 2")),
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -2,3 +2,3 @@\n a: 1\n-b: 1\n+b: 2\n c: 1\n"
        );
    }

    #[test]
    fn secrets_are_not_shown() {
        for text in ["a: 1\npassword: Kq7pZx4w91\n", "a: 1\n-- password: Kq7pZx4w91\n"] {
            for after in
                [text.replace("a: 1", "a: 2"), text.replace("91", "92"), "a: 1\n".to_owned()]
            {
                let shown = shown(text, &after);
                assert!(!shown.contains("Kq7pZx4w"), "{shown}");
                assert!(shown.contains("is not shown"), "{shown}");
            }
        }
    }
}
