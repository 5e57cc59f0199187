//! `.helmignore`.

use std::collections::HashMap;

use super::pattern::Pattern;
use crate::failure::Failure;

/// One line of `.helmignore`.
struct Rule {
    pattern: Pattern,
    negate: bool,
    only_directories: bool,
    /// Whether the pattern is compared with the whole path, not with the last name.
    whole_path: bool,
}

/// The rules of a chart.
pub(super) struct Rules {
    rules: Vec<Rule>,
}

impl Rules {
    /// Reads the rules, after Helm's own. A line that Helm refuses is an error, for Helm then does not
    /// load the chart.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let mut rules = Vec::new();
        rules.extend(rule("templates/.?*").ok().flatten());
        for (line, number) in text.lines().zip(1..) {
            let read = rule(line).map_err(|message| Failure::Place {
                file: ".helmignore".to_owned(),
                line: number,
                column: 1,
                message: message.to_owned(),
                is_malformed: true,
            })?;
            rules.extend(read);
        }
        Ok(Self { rules })
    }

    /// The files that are not ignored.
    pub(super) fn kept(&self, contents: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
        // Many files are in the same directory.
        let mut directories = HashMap::new();
        contents.into_iter().filter(|(path, _)| !self.ignores(path, &mut directories)).collect()
    }

    /// Whether a file, or a directory that it is in, is ignored; `directories` are those that are
    /// known.
    fn ignores(&self, path: &str, directories: &mut HashMap<String, bool>) -> bool {
        let is_inside = path.match_indices('/').any(|(end, _)| {
            let directory = path.get(..end).unwrap_or_default();
            if let Some(is_ignored) = directories.get(directory) {
                return *is_ignored;
            }
            let is_ignored = self.matches(directory, true);
            directories.insert(directory.to_owned(), is_ignored);
            is_ignored
        });
        is_inside || self.matches(path, false)
    }

    fn matches(&self, path: &str, is_directory: bool) -> bool {
        let name = path.rsplit('/').next().unwrap_or_default();
        for rule in &self.rules {
            let subject = if rule.whole_path { path } else { name };
            let fits = rule.pattern.fits(subject);
            if rule.negate {
                if (rule.only_directories && !is_directory) || !fits {
                    return true;
                }
            } else if fits && (is_directory || !rule.only_directories) {
                return true;
            }
        }
        false
    }
}

fn rule(line: &str) -> Result<Option<Rule>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    if line.contains("**") {
        return Err("Helm does not support `**` here: name each directory, or use `*`");
    }
    let (negate, pattern) = match line.strip_prefix('!') {
        Some(pattern) => (true, pattern),
        None => (false, line),
    };
    let (only_directories, pattern) = match pattern.strip_suffix('/') {
        Some(pattern) => (true, pattern),
        None => (false, pattern),
    };
    let whole_path = pattern.contains('/');
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let pattern = Pattern::parse(pattern).ok_or("the pattern is not valid")?;
    Ok(Some(Rule { pattern, negate, only_directories, whole_path }))
}
