//! Texts with Go templates in them, which are not rendered: what is written out in them can still be
//! read as YAML.
//!
//! Invariant: every byte that is left is in its place.

use std::ops::Range;

/// An action in a template: `{{ … }}`.
#[derive(Clone, Debug)]
pub struct Action {
    /// Where it is.
    pub range: Range<usize>,
    word: Word,
}

/// What an action does, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Begins what depends on a condition: `if`, `with`.
    Condition,
    /// Begins another block: `range`, `define`, `block`.
    Block,
    /// `else`.
    Else,
    /// `end`.
    End,
    /// Writes something.
    Other,
}

impl Action {
    /// Whether it begins, splits or ends a block.
    #[must_use]
    pub fn is_control(&self) -> bool {
        self.word != Word::Other
    }
}

/// All actions of a template; `None` if one does not end.
#[must_use]
pub fn actions(template: &str) -> Option<Vec<Action>> {
    let mut actions = Vec::new();
    let mut from = 0;
    while let Some(found) = template.get(from..)?.find("{{") {
        let start = from + found;
        let rest = template.get(start..)?;
        let inner = rest.trim_start_matches(['{', '-']).trim_start();
        let end = if inner.starts_with("/*") {
            let comment = rest.find("*/")?;
            comment + rest.get(comment..)?.find("}}")? + 2
        } else {
            rest.find("}}")? + 2
        };
        let word = match inner.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
        {
            "if" | "with" => Word::Condition,
            "range" | "define" | "block" => Word::Block,
            "else" => Word::Else,
            "end" => Word::End,
            _ => Word::Other,
        };
        actions.push(Action { range: start..start + end, word });
        from = start + end;
    }
    Some(actions)
}

/// The template with its actions as plain text between `<<` and `>>`, and without those that are alone
/// on their lines.
#[must_use]
pub fn masked(template: &str, actions: &[Action]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut at = 0;
    for action in actions {
        let range = action.range.clone();
        out.push_str(template.get(at..range.start).unwrap_or_default());
        let text = template.get(range.clone()).unwrap_or_default();
        let line = template.get(..range.start).unwrap_or_default();
        let before = line.rsplit('\n').next().unwrap_or_default();
        let after = template.get(range.end..).unwrap_or_default();
        let after = after.split('\n').next().unwrap_or_default();
        let is_alone = before.trim().is_empty() && after.trim().is_empty();
        if is_alone || action.is_control() {
            push_blank(&mut out, text);
        } else {
            out.extend(text.chars().map(|c| match c {
                '{' => '<',
                '}' => '>',
                '"' | '\'' | ':' | '#' | '\\' | '[' | ']' | ',' | '\n' | '\t' => ' ',
                c => c,
            }));
        }
        at = range.end;
    }
    out.push_str(template.get(at..).unwrap_or_default());
    out
}

/// What a template of a manifest says whatever its values are: as [`masked`], and without what depends
/// on a condition, unless that is the whole manifest. `None` if it is not a template.
#[must_use]
pub fn unconditional(template: &str) -> Option<String> {
    let actions = actions(template)?;
    if actions.is_empty() {
        return None;
    }
    let masked = masked(template, &actions);
    let mut out = String::with_capacity(masked.len());
    let mut at = 0;
    for range in conditional(&actions) {
        let text = masked.get(range.clone()).unwrap_or_default();
        if range.start < at || text.lines().any(|line| line.starts_with("apiVersion:")) {
            continue;
        }
        out.push_str(masked.get(at..range.start).unwrap_or_default());
        push_blank(&mut out, text);
        at = range.end;
    }
    out.push_str(masked.get(at..).unwrap_or_default());
    (out.len() == template.len()).then_some(out)
}

/// What is in blocks that depend on a condition, the outer ones first.
fn conditional(actions: &[Action]) -> Vec<Range<usize>> {
    let mut open: Vec<(&Action, bool)> = Vec::new();
    let mut found = Vec::new();
    for action in actions {
        match action.word {
            Word::Condition => open.push((action, true)),
            Word::Block => open.push((action, false)),
            // What is done for an empty list depends on the list.
            Word::Else => open.last_mut().into_iter().for_each(|last| last.1 = true),
            Word::End => {
                if let Some((first, true)) = open.pop() {
                    found.push(first.range.end..action.range.start);
                }
            }
            Word::Other => {}
        }
    }
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    found
}

fn push_blank(out: &mut String, text: &str) {
    out.extend(text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
}

#[cfg(test)]
mod tests {
    use super::unconditional;

    #[test]
    fn what_depends_on_a_condition_is_left_out() {
        let text = "kind: Pod\n{{- if .a }}\nx: 1\n{{- else }}\nx: 2\n{{- end }}\nname: {{ .n }}\n{{ range .l }}\n- {{ . }}\n{{ end }}\n";
        let left = unconditional(text).unwrap();
        assert_eq!(left.len(), text.len());
        let words: Vec<&str> = left.split_whitespace().collect();
        assert_eq!(
            words,
            ["kind:", "Pod", "name:", "<<", ".n", ">>", "-", "<<", ".", ">>"],
            "{left}"
        );
    }

    #[test]
    fn a_condition_around_the_whole_manifest_is_none() {
        let text =
            "{{ if .a }}\napiVersion: v1\n{{ with .b }}\nx: 1\n{{ end }}\nkind: Pod\n{{ end }}\n";
        let left = unconditional(text).unwrap();
        assert_eq!(
            left.split_whitespace().collect::<Vec<_>>(),
            ["apiVersion:", "v1", "kind:", "Pod"]
        );
        assert_eq!(unconditional("kind: Pod\n"), None);
        assert_eq!(unconditional("kind: {{ .a"), None);
    }
}
