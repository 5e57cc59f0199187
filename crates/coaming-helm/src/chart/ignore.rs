//! `.helmignore`.

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

    /// Whether a file, or a directory that it is in, is ignored.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| (at, true));
        ends.chain([(path.len(), false)]).any(|(end, is_directory)| {
            self.matches(path.get(..end).unwrap_or_default(), is_directory)
        })
    }

    fn matches(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.rules {
            let name = path.rsplit('/').next().unwrap_or_default();
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
