//! Allowlists: matches of a rule that are not reported.

use regex::bytes::Regex;

/// The part of a match that an allowlist's patterns apply to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// Matches that are not reported.
#[derive(Debug, Default)]
pub(super) struct Allowlist {
    pub(super) paths: Vec<Regex>,
    pub(super) regexes: Vec<Regex>,
    pub(super) target: Target,
    /// In lower case.
    pub(super) stopwords: Vec<String>,
    /// Whether all conditions must hold, instead of at least one.
    pub(super) all: bool,
    /// The rules that it applies to; empty for all.
    pub(super) rules: Vec<String>,
}

/// A match to decide on.
pub(super) struct Subject<'t> {
    pub(super) secret: &'t [u8],
    pub(super) whole: &'t [u8],
    pub(super) line: &'t [u8],
    pub(super) path: &'t str,
    pub(super) rule: &'t str,
}

impl Allowlist {
    /// Whether it applies to all rules.
    pub(super) fn is_global(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether it allows everything in a file with this path.
    pub(super) fn allows_path(&self, path: &str) -> bool {
        let path_decides = !self.all || self.regexes.is_empty() && self.stopwords.is_empty();
        path_decides && self.has_path(path)
    }

    fn has_path(&self, path: &str) -> bool {
        !path.is_empty() && self.paths.iter().any(|pattern| pattern.is_match(path.as_bytes()))
    }

    /// Whether it allows this match.
    pub(super) fn allows(&self, subject: &Subject<'_>) -> bool {
        if !self.is_global() && !self.rules.iter().any(|rule| rule == subject.rule) {
            return false;
        }
        let target = match self.target {
            Target::Secret => subject.secret,
            Target::Match => subject.whole,
            Target::Line => subject.line,
        };
        let secret = subject.secret.to_ascii_lowercase();
        let mut conditions = Vec::new();
        if !self.paths.is_empty() {
            conditions.push(self.has_path(subject.path));
        }
        if !self.regexes.is_empty() {
            conditions.push(self.regexes.iter().any(|pattern| pattern.is_match(target)));
        }
        if !self.stopwords.is_empty() {
            let has = |word: &String| crate::pem::find(&secret, word.as_bytes()).is_some();
            conditions.push(self.stopwords.iter().any(has));
        }
        if self.all {
            !conditions.is_empty() && conditions.iter().all(|&holds| holds)
        } else {
            conditions.contains(&true)
        }
    }
}
