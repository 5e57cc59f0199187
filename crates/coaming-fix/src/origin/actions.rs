//! Reads the actions of a template (`{{ … }}`) as far as an edit has to know them.

/// How far below a mapping's first line conditions are searched for, in bytes.
const MAX_SEARCH: usize = 16 << 10;

/// The start of the line with this byte.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The end of the line with this byte, after its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// Whether every block that a part of a template opens ends in it, and no other.
pub(super) fn is_balanced(part: &str) -> bool {
    let mut depth = 0_u32;
    for action in actions(part) {
        match word(action) {
            "if" | "with" | "range" | "block" | "define" => depth += 1,
            "end" => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            "else" if depth == 0 => return false,
            _ => {}
        }
    }
    depth == 0
}

/// Whether a part of a template has an action that begins, divides or ends a block.
pub(super) fn has_block(part: &str) -> bool {
    const WORDS: [&str; 7] = ["if", "with", "range", "block", "define", "else", "end"];
    actions(part).any(|action| WORDS.contains(&word(action)))
}

/// What is between the braces of each action, without trim markers.
fn actions(text: &str) -> impl Iterator<Item = &str> {
    text.split("{{").skip(1).filter_map(|rest| {
        let (action, _) = rest.split_once("}}")?;
        let action = action.strip_prefix('-').unwrap_or(action);
        Some(action.strip_suffix('-').unwrap_or(action).trim())
    })
}

fn word(action: &str) -> &str {
    action.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

/// Whether lines that are inserted at a byte come between a key and the actions that may write its
/// value: directly below a line that ends with a colon, and not deeper than that.
pub(super) fn splits_key(text: &str, at: usize, lines: &str) -> bool {
    let before = text.get(..at).unwrap_or_default().trim_end_matches('\n');
    let above = before.rsplit('\n').next().unwrap_or_default();
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = lines.trim_start_matches('\n');
    above.trim_end().ends_with(':') && indentation(first) <= indentation(above)
}

/// The paths of the values on which the lines with this key depend, from `start` on: each such line
/// is directly below `{{- with .Values.a.b }}` or `{{- if .Values.a.b }}`.
pub(super) fn conditions_of_key(text: &str, start: usize, key: &str) -> Vec<Vec<String>> {
    let end = text.len().min(start.saturating_add(MAX_SEARCH));
    let mut before = "";
    let mut found = Vec::new();
    for line in text.get(start..end).unwrap_or_default().lines() {
        let line = line.trim();
        let is_key = line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
        if let Some(path) = is_key.then(|| condition(before)).flatten()
            && !found.contains(&path)
        {
            found.push(path);
        }
        if !line.is_empty() {
            before = line;
        }
    }
    found
}

/// Whether the mapping whose fields start at a column, from `start` on, has a line with this key.
pub(super) fn has_key(text: &str, start: usize, column: usize, key: &str) -> bool {
    let rest = text.get(line_start(text, start)..).unwrap_or_default();
    // The first line may be that of an item, with its dash.
    for (number, line) in rest.lines().enumerate() {
        let whole = line.trim_start();
        let is_item = number == 0 && whole.starts_with("- ");
        let written = if is_item { whole.trim_start_matches("- ") } else { whole };
        let at = line.len() - written.len();
        if written.is_empty() || written.starts_with(['#', '{']) {
            continue;
        }
        if at < column || (at == column && written.starts_with("- ")) {
            return false;
        }
        if at == column && written.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')) {
            return true;
        }
    }
    false
}

/// The path of a condition that is nothing but one of the chart's values.
fn condition(line: &str) -> Option<Vec<String>> {
    let mut all = actions(line);
    let (action, None) = (all.next()?, all.next()) else { return None };
    let what = action.strip_prefix("with ").or_else(|| action.strip_prefix("if "))?.trim();
    let path = what.strip_prefix('$').unwrap_or(what).strip_prefix(".Values.")?;
    let is_plain =
        |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
    keys.iter().all(|key| is_plain(key)).then_some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_with_the_actions_below_it() {
        let text = "spec:\n  volumes:\n  {{- if .a }}\n    - x\n  {{- end }}\n";
        let at = text.find("  {{").unwrap();
        assert!(splits_key(text, at, "  b: c\n"));
        assert!(splits_key(text, at - 1, "\n  b: c"));
        assert!(!splits_key(text, at, "    b: c\n"));
        assert!(!splits_key("a: b\n", 5, "c: d\n"));
    }

    #[test]
    fn blocks_are_balanced_if_each_ends() {
        assert!(is_balanced("a: {{ .Values.a }}\n{{- if .b }}\nc: d\n{{- else }}\n{{- end }}\n"));
        assert!(is_balanced("{{/* if */}}"));
        for open in ["{{- if .a }}", "{{ end }}", "{{ else }}", "{{ with .a }}{{ end }}{{ end }}"] {
            assert!(!is_balanced(open), "{open}");
        }
    }

    #[test]
    fn keys_are_searched_to_the_end_of_the_mapping() {
        let text = "  - name: a\n    {{- if .x }}\n    image: b\n    {{- end }}\n    env:\n    \
                    - name: c\n  - name: d\n    args: []\n";
        assert!(has_key(text, 4, 4, "image") && has_key(text, 4, 4, "name"));
        assert!(has_key(text, 4, 4, "env"));
        assert!(!has_key(text, 4, 4, "args"));
    }

    #[test]
    fn conditions_name_values() {
        let text = "name: web\n{{- with .Values.pod.security }}\nsecurityContext:\n  {{- toYaml . }}\n\
                    {{- end }}\n{{- if and .Values.a .Values.b }}\nsecurityContext: {}\n{{- end }}\n";
        let expected = vec![vec!["pod".to_owned(), "security".to_owned()]];
        assert_eq!(conditions_of_key(text, 0, "securityContext"), expected);
        assert!(conditions_of_key(text, 0, "name").is_empty());
    }
}
