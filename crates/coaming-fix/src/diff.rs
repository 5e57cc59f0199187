//! A unified diff, preceded by the reasons.
//!
//! Invariants: `git apply` accepts every diff; no line that may contain a secret is in one. A part
//! of a change that cannot be shown without such a line is left out, and a comment says so.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use coaming_secret::detector;
use coaming_secret::gate::{hidden_lines, masked, masked_names};
use coaming_secret::structured::in_file;
use similar::{DiffOp, capture_diff_slices};

use crate::Change;

/// The number of unchanged lines on each side of a change.
const CONTEXT: usize = 3;

/// A change as a unified diff; lines that start with `#` say what is changed and why. `git apply`
/// and `patch` accept it. Parts that are next to a secret are left out, with a comment.
#[must_use]
pub fn diff(change: &Change) -> String {
    let mut out = String::new();
    for made in &change.made {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "# {} ({})", masked_names(&masked(&made.to_string())), made.rule);
    }
    if let Some(variants) = change.several_variants() {
        let _ = writeln!(out, "# changes {}", coaming_text::Printable(&variants));
    }
    let Change { file, before, after, .. } = change;
    let secret: BTreeSet<&str> =
        [before, after].into_iter().flat_map(|text| secret_lines(file, text)).collect();
    let lines = Lines {
        before: before.split_inclusive('\n').collect(),
        after: after.split_inclusive('\n').collect(),
        secret,
    };
    let (hunks, hidden) = lines.hunks();
    if hidden > 0 {
        let _ = writeln!(
            out,
            "# {hidden} {} of {} not shown, next to a line that may contain a secret; \
             `coaming fix` makes {}",
            if hidden == 1 { "change" } else { "changes" },
            if hidden == 1 { "this file is" } else { "this file are" },
            if hidden == 1 { "it" } else { "them" },
        );
    }
    if !hunks.is_empty() {
        let _ = writeln!(out, "--- {}\n+++ {}", quoted("a/", file), quoted("b/", file));
        hunks.iter().for_each(|hunk| lines.write(hunk, &mut out));
    }
    out
}

/// A file's name as git writes it: with escapes where a line could not hold it.
fn quoted(side: &str, name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let is_plain = |c: char| !c.is_control() && !matches!(c, '"' | '\\');
    if name.chars().all(is_plain) {
        // A tab ends a name with spaces.
        let end = if name.contains(' ') { "\t" } else { "" };
        return format!("{side}{name}{end}");
    }
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'"' => "\\\"".to_owned(),
            b'\\' => "\\\\".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            byte => format!("\\{byte:03o}"),
        })
        .collect();
    format!("\"{side}{escaped}\"")
}

/// Consecutive lines that change together, with the lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hunk {
    /// The unchanged lines before the first change.
    leading: usize,
    /// The changed parts, in order: lines of the old text, and of the new one.
    parts: Vec<(Range<usize>, Range<usize>)>,
    /// The unchanged lines after the last change.
    trailing: usize,
    /// How many lines the hunks before it add (minus those they remove).
    shift: isize,
}

struct Lines<'t> {
    before: Vec<&'t str>,
    after: Vec<&'t str>,
    secret: BTreeSet<&'t str>,
}

impl Lines<'_> {
    /// The hunks to show, and the number of changed parts that are left out.
    fn hunks(&self) -> (Vec<Hunk>, usize) {
        let mut hunks: Vec<Hunk> = Vec::new();
        let (mut hidden, mut shift) = (0, 0);
        // The first line of the old text that no earlier hunk shows.
        let mut free = 0;
        let parts = self.parts();
        for (index, part) in parts.iter().enumerate() {
            let (old, new) = part;
            let next = parts.get(index + 1).map_or(self.before.len(), |(old, _)| old.start);
            let room = (next - old.end).min(CONTEXT);
            let trailing =
                (0..room).take_while(|it| !self.hides(self.before[old.end + it])).count();
            let ends = old.end == self.before.len();
            let changed = self.before[old.clone()].iter().chain(&self.after[new.clone()]);
            // `git apply` takes a hunk without lines after the change for one at the file's end.
            if changed.clone().any(|line| self.hides(line)) || trailing == 0 && !ends && room > 0 {
                hidden += 1;
                continue;
            }
            let leading = (1..=CONTEXT.min(old.start - free))
                .take_while(|it| !self.hides(self.before[old.start - it]))
                .count();
            let joins = hunks.last().is_some_and(|hunk| {
                let end = hunk.parts.last().map_or(0, |(old, _)| old.end);
                end + hunk.trailing + leading >= old.start
                    && !self.before[end..old.start].iter().any(|line| self.hides(line))
            });
            match hunks.last_mut().filter(|_| joins) {
                Some(hunk) => {
                    hunk.parts.push(part.clone());
                    hunk.trailing = trailing;
                }
                None => hunks.push(Hunk { leading, parts: vec![part.clone()], trailing, shift }),
            }
            shift += new.len().cast_signed() - old.len().cast_signed();
            free = old.end + trailing;
        }
        (hunks, hidden)
    }

    /// The parts of the texts that differ.
    fn parts(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let mut parts: Vec<(Range<usize>, Range<usize>)> = Vec::new();
        let operations = capture_diff_slices(similar::Algorithm::Myers, &self.before, &self.after);
        for operation in operations.iter().filter(|it| !matches!(it, DiffOp::Equal { .. })) {
            let (old, new) = (operation.old_range(), operation.new_range());
            match parts.last_mut() {
                Some(last) if last.0.end == old.start && last.1.end == new.start => {
                    last.0.end = old.end;
                    last.1.end = new.end;
                }
                _ => parts.push((old, new)),
            }
        }
        parts
    }

    /// Whether a line may contain a secret.
    fn hides(&self, line: &str) -> bool {
        self.secret.contains(line.trim())
    }

    fn write(&self, hunk: &Hunk, out: &mut String) {
        let (Some(first), Some(last)) = (hunk.parts.first(), hunk.parts.last()) else { return };
        let start = first.0.start - hunk.leading;
        let end = last.0.end + hunk.trailing;
        let count = end - start;
        let added: isize = hunk
            .parts
            .iter()
            .map(|(old, new)| new.len().cast_signed() - old.len().cast_signed())
            .sum();
        let new_start = start.saturating_add_signed(hunk.shift);
        let new_count = count.saturating_add_signed(added);
        let _ = writeln!(out, "@@ -{} +{} @@", range(start, count), range(new_start, new_count));
        let mut at = start;
        for (old, new) in &hunk.parts {
            self.before[at..old.start].iter().for_each(|text| line(out, ' ', text));
            self.before[old.clone()].iter().for_each(|text| line(out, '-', text));
            self.after[new.clone()].iter().for_each(|text| line(out, '+', text));
            at = old.end;
        }
        self.before[at..end].iter().for_each(|text| line(out, ' ', text));
    }
}

/// `3,2`, `3`, or the line before an empty range.
fn range(start: usize, count: usize) -> String {
    match count {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

fn line(out: &mut String, sign: char, text: &str) {
    out.push(sign);
    out.push_str(text);
    if !text.ends_with('\n') {
        out.push_str("\n\\ No newline at end of file\n");
    }
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
            variants: Vec::new(),
        })
    }

    #[test]
    fn fewer_lines_around_a_change_keep_the_patch_whole() {
        let text = "password: Kq7pZx4w91\na: 1\nb: 1\nc: 1\nd: 1\n";
        assert_eq!(
            shown(text, &text.replace("b: 1", "b: 2")),
            "--- a/a.yaml\n+++ b/a.yaml\n@@ -2,4 +2,4 @@\n a: 1\n-b: 1\n+b: 2\n c: 1\n d: 1\n"
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
                assert!(shown.contains("not shown"), "{shown}");
                assert!(!shown.contains("---"), "{shown}");
            }
        }
    }

    #[test]
    fn what_is_next_to_a_secret_is_left_out_and_the_rest_applies() {
        let text = "a: 1\npassword: Kq7pZx4w91\nb: 1\nc: 1\nd: 1\ne: 1\n";
        let after = text.replace("a: 1", "a: 2\na2: 1").replace("b: 1", "b: 2");
        assert_eq!(
            shown(text, &after),
            "# 1 change of this file is not shown, next to a line that may contain a secret; \
             `coaming fix` makes it\n\
             --- a/a.yaml\n+++ b/a.yaml\n@@ -3,4 +3,4 @@\n-b: 1\n+b: 2\n c: 1\n d: 1\n e: 1\n"
        );
    }

    #[test]
    fn names_are_written_as_git_does() {
        assert_eq!(quoted("a/", "./x/y.yaml"), "a/x/y.yaml");
        assert_eq!(quoted("a/", "x y.yaml"), "a/x y.yaml\t");
        assert_eq!(quoted("b/", "x\ny\"z"), "\"b/x\\012y\\\"z\"");
    }
}
