//! The kinds of credentials that are known, as data: one table a field of business.
//!
//! A kind is found in one of three ways: by the literal that its tokens start with, by a literal
//! within them, or, where a token looks like any other random text, by the provider's word in the
//! name that it is assigned to. Patterns describe the formats as their providers publish or issue
//! them; they are ASCII and anchored, and run only where a literal was found.

mod cloud;
mod code;
mod infrastructure;
mod intelligence;
mod messaging;
mod observability;
mod packages;
mod payment;
mod services;

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use crate::check::{self, Verdict};

/// How a kind's tokens are found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// One of these literals, then what the pattern says.
    Prefixed(&'static [&'static str]),
    /// This literal, somewhere in what the pattern says.
    Around(&'static str),
    /// The pattern is the whole value of something whose name has one of these words.
    Named(&'static [&'static str]),
}

/// A kind of credential, as the tables have it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    name: &'static str,
    title: &'static str,
    form: Form,
    pattern: &'static str,
    check: fn(&[u8]) -> Verdict,
    before: usize,
}

impl Entry {
    /// At least so many characters of the token stand right before its inner literal.
    const fn after(mut self, before: usize) -> Self {
        self.before = before;
        self
    }

    /// Also asks `check` about each token.
    const fn checked(mut self, check: fn(&[u8]) -> Verdict) -> Self {
        self.check = check;
        self
    }
}

/// A kind of credential.
#[derive(Debug)]
pub(crate) struct Kind {
    /// In kebab case.
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) title: &'static str,
    pub(crate) form: Form,
    pattern: &'static str,
    check: fn(&[u8]) -> Verdict,
    /// How much of a token stands before its inner literal at least.
    pub(crate) before: usize,
    regex: OnceLock<Option<Regex>>,
}

impl From<&Entry> for Kind {
    fn from(entry: &Entry) -> Self {
        let &Entry { name, title, form, pattern, check, before } = entry;
        Self { name, title, form, pattern, check, before, regex: OnceLock::new() }
    }
}

impl Kind {
    /// The pattern, made when it is first needed: a scan needs few of them. The tests make all.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| {
                // Anchored patterns with a group are searched by a one-pass automaton, in a step for each
                // byte; without a group by backtracking, which is several times slower.
                let pattern = match self.form {
                    Form::Prefixed(_) => format!("^({})", self.pattern),
                    Form::Around(_) => self.pattern.to_owned(),
                    Form::Named(_) => format!("^({})$", self.pattern),
                };
                small_regex(&pattern)
            })
            .as_ref()
    }

    /// What the format's own check says of a whole token.
    pub(crate) fn check(&self, token: &[u8]) -> Verdict {
        (self.check)(token)
    }
}

/// A pattern for short texts that few scans need: without room for the automaton that is quick on long
/// ones, and takes many times its memory.
fn small_regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).dfa_size_limit(0).build().ok()
}

/// A kind whose tokens start with a literal; `rest` is what follows it.
const fn prefixed(
    name: &'static str,
    title: &'static str,
    prefixes: &'static [&'static str],
    rest: &'static str,
) -> Entry {
    Entry {
        name,
        title,
        form: Form::Prefixed(prefixes),
        pattern: rest,
        check: check::none,
        before: 0,
    }
}

/// A kind whose tokens have a literal in them.
const fn around(
    name: &'static str,
    title: &'static str,
    literal: &'static str,
    pattern: &'static str,
) -> Entry {
    Entry { name, title, form: Form::Around(literal), pattern, check: check::none, before: 0 }
}

/// A kind whose tokens are known by the provider's word in the name; all words in lower case.
const fn named(
    name: &'static str,
    title: &'static str,
    words: &'static [&'static str],
    value: &'static str,
) -> Entry {
    Entry { name, title, form: Form::Named(words), pattern: value, check: check::none, before: 0 }
}

/// All kinds, in their order: of two that match the same text, the first one counts.
pub(crate) fn all() -> &'static [Kind] {
    static ALL: LazyLock<Vec<Kind>> = LazyLock::new(|| {
        let tables = [
            cloud::KINDS,
            code::KINDS,
            packages::KINDS,
            infrastructure::KINDS,
            intelligence::KINDS,
            messaging::KINDS,
            payment::KINDS,
            observability::KINDS,
            services::KINDS,
        ];
        tables.into_iter().flatten().map(Kind::from).collect()
    });
    &ALL
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_sound() {
        let mut names = BTreeSet::new();
        for kind in all() {
            assert!(kind.regex().is_some(), "{}: its pattern is not valid", kind.name);
            assert!(names.insert(kind.name), "{} is there twice", kind.name);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(kind.name.chars().all(kebab), "{}", kind.name);
            assert!(!kind.title.is_empty() && !kind.title.ends_with('.'), "{}", kind.name);
            if let Form::Named(words) = kind.form {
                assert!(words.iter().all(|word| word.to_lowercase() == **word), "{}", kind.name);
            }
        }
        assert!(names.len() >= 120, "{}", names.len());
    }
}
