//! Finds the line of a template that writes a field, without rendering the template.
//!
//! Invariant: ambiguity is not guessed away. If two parts of a template may have made an object, no
//! line is returned.

use coaming_finding::ObjectRef;
use coaming_yaml::{Path, Step};

/// A line that writes something; lines with only a comment or an action are skipped.
struct Line<'s> {
    /// From 1.
    number: u32,
    text: &'s str,
    /// The column of its dash, if it starts an item.
    dash: Option<usize>,
    /// The column of its text, after the dash.
    column: usize,
}

impl<'s> Line<'s> {
    fn new(number: usize, line: &'s str) -> Option<Self> {
        let whole = line.trim();
        let is_silent = whole.is_empty() || whole.starts_with('#') || whole.starts_with("{{");
        let indentation = line.len() - line.trim_start().len();
        let text = whole.strip_prefix("- ").map_or(whole, str::trim_start);
        let dash = (text.len() < whole.len()).then_some(indentation);
        let column = indentation + whole.len() - text.len();
        let number = u32::try_from(number).ok()?;
        (!is_silent).then_some(Self { number, text, dash, column })
    }

    fn start(&self) -> usize {
        self.dash.unwrap_or(self.column)
    }

    /// The value of a key, if the line has that key.
    fn value(&self, key: &str) -> Option<&'s str> {
        Some(self.text.strip_prefix(key)?.strip_prefix(':')?.trim())
    }
}

/// The line (from 1) where a template writes a field or the nearest one above it, and its text.
pub(super) fn line(source: &str, object: &ObjectRef, path: &Path) -> Option<(u32, Option<String>)> {
    let part = part(source, object)?;
    let (found, scope, left) = walk(&part, path);
    // The value may be generated while the key is literal: `securityContext: {{- toYaml …`.
    let keys = left.iter().rev().filter_map(|step| match step {
        Step::Key(key) => Some(&**key),
        Step::Index(_) => None,
    });
    let mut keys = keys.filter(|key| !matches!(*key, "spec" | "name" | "value" | "metadata"));
    let named = keys.find_map(|key| scope.iter().find(|line| line.value(key).is_some()));
    let line = named.or(found)?;
    let dash = if line.dash.is_some() { "- " } else { "" };
    Some((line.number, Some(format!("{dash}{}", line.text))))
}

/// The part of the template that made the object: the only one of its kind whose name matches or
/// may match.
fn part<'s>(source: &'s str, object: &ObjectRef) -> Option<Vec<Line<'s>>> {
    let mut parts = vec![Vec::new()];
    for (position, line) in source.lines().enumerate() {
        if line.trim_end() == "---" {
            parts.push(Vec::new());
        } else if let Some(line) = Line::new(position + 1, line)
            && let Some(part) = parts.last_mut()
        {
            part.push(line);
        }
    }
    let is_kind = |line: &Line<'_>| line.column == 0 && line.value("kind") == Some(&*object.kind);
    parts.retain(|part| part.iter().any(is_kind));
    let name = |part: &[Line<'s>]| {
        let path = Path::root().join_keys(["metadata", "name"]);
        let (found, _, left) = walk(part, &path);
        found.filter(|_| left.is_empty()).and_then(|line| line.value("name"))
    };
    if parts.iter().any(|part| name(part) == Some(&*object.name)) {
        parts.retain(|part| name(part) == Some(&*object.name));
    } else {
        parts.retain(|part| name(part).is_none_or(|name| name.contains("{{")));
    }
    let only = parts.pop()?;
    parts.is_empty().then_some(only)
}

/// Follows a path as far as the lines contain it. Returns the last line that was reached, the lines
/// below it, and the remaining steps.
fn walk<'l, 's, 'p>(
    part: &'l [Line<'s>],
    path: &'p Path,
) -> (Option<&'l Line<'s>>, &'l [Line<'s>], &'p [Step]) {
    let (mut found, mut scope, mut left) = (None, part, path.steps());
    while let [step, rest @ ..] = left {
        let next = match step {
            Step::Key(key) => field(scope, key),
            Step::Index(index) => item(scope, *index),
        };
        let Some((line, below)) = next else { break };
        (found, scope, left) = (Some(line), below, rest);
    }
    (found, scope, left)
}

/// A field of the mapping in these lines, and the lines below it.
fn field<'l, 's>(lines: &'l [Line<'s>], key: &str) -> Option<(&'l Line<'s>, &'l [Line<'s>])> {
    let column = lines.first()?.column;
    let at = lines.iter().position(|line| line.column == column && line.value(key).is_some())?;
    let (line, rest) = lines.get(at..)?.split_first()?;
    let ends =
        |line: &Line<'_>| line.start() < column || line.start() == column && line.dash.is_none();
    let length = rest.iter().position(ends).unwrap_or(rest.len());
    Some((line, rest.get(..length)?))
}

/// An item of the list in these lines, and its lines.
fn item<'l, 's>(lines: &'l [Line<'s>], index: usize) -> Option<(&'l Line<'s>, &'l [Line<'s>])> {
    let dash = lines.first()?.dash?;
    let starts = lines.iter().enumerate().filter(|(_, line)| line.dash == Some(dash));
    let mut starts = starts.map(|(place, _)| place).skip(index);
    let (start, end) = (starts.next()?, starts.next().unwrap_or(lines.len()));
    let item = lines.get(start..end)?;
    Some((item.first()?, item))
}
