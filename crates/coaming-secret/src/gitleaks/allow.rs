//! Allowlists: what a rule finds and what is fine nevertheless.

use regex::bytes::Regex;

/// What of a match an allowlist's patterns look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Target {
    #[default]
    Secret,
    Match,
    Line,
}

/// What is fine.
#[derive(Debug, Default)]
pub(super) struct Allowlist {
    pub(super) paths: Vec<Regex>,
    pub(super) regexes: Vec<Regex>,
    pub(super) target: Target,
    /// In lower case.
    pub(super) stopwords: Vec<String>,
    /// Whether all that is said must hold, and not one of it.
    pub(super) all: bool,
    /// The rules it is for; all where empty.
    pub(super) rules: Vec<String>,
}

/// A match that is in question.
pub(super) struct Subject<'t> {
    pub(super) secret: &'t [u8],
    pub(super) whole: &'t [u8],
    pub(super) line: &'t [u8],
    pub(super) path: &'t str,
    pub(super) rule: &'t str,
}

impl Allowlist {
    /// Whether it is for all rules.
    pub(super) fn is_global(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether everything in a file of this path is fine.
    pub(super) fn allows_path(&self, path: &str) -> bool {
        let alone = !self.all || self.regexes.is_empty() && self.stopwords.is_empty();
        alone && self.has_path(path)
    }

    fn has_path(&self, path: &str) -> bool {
        !path.is_empty() && self.paths.iter().any(|pattern| pattern.is_match(path.as_bytes()))
    }

    /// Whether this match is fine.
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
        let mut said = Vec::new();
        if !self.paths.is_empty() {
            said.push(self.has_path(subject.path));
        }
        if !self.regexes.is_empty() {
            said.push(self.regexes.iter().any(|pattern| pattern.is_match(target)));
        }
        if !self.stopwords.is_empty() {
            let has = |word: &String| crate::pem::find(&secret, word.as_bytes()).is_some();
            said.push(self.stopwords.iter().any(has));
        }
        if self.all {
            !said.is_empty() && said.iter().all(|&holds| holds)
        } else {
            said.contains(&true)
        }
    }
}
