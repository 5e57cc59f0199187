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
mod platforms;
mod services;
mod tools;

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder};

use crate::check::{self, Verdict};

/// How a kind's tokens are found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// One of these literals, followed by the pattern.
    Prefixed(&'static [&'static str]),
    /// The pattern, which contains this literal.
    Around(&'static str),
    /// The pattern, as the whole value of something whose name contains one of these words.
    Named(&'static [&'static str]),
}

/// A kind of credential as the tables define it.
#[derive(Clone, Copy, Debug)]
struct Definition {
    name: &'static str,
    title: &'static str,
    form: Form,
    pattern: &'static str,
    check: fn(&[u8]) -> Verdict,
    before: usize,
}

impl Definition {
    /// At least this many characters of the token directly precede its inner literal.
    const fn after(mut self, before: usize) -> Self {
        self.before = before;
        self
    }

    /// Each token is also checked by this function.
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
    /// At least this many characters of the token directly precede its inner literal.
    pub(crate) before: usize,
    regex: OnceLock<Option<Regex>>,
}

impl From<&Definition> for Kind {
    fn from(definition: &Definition) -> Self {
        let &Definition { name, title, form, pattern, check, before } = definition;
        Self { name, title, form, pattern, check, before, regex: OnceLock::new() }
    }
}

impl Kind {
    /// The pattern, compiled when it is first needed, as a scan needs few of them. The tests
    /// compile all.
    pub(crate) fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| {
                // Anchored patterns with a group run on a one-pass automaton, with one step per
                // byte; without a group they backtrack, which is several times slower.
                let pattern = match self.form {
                    Form::Prefixed(_) => format!("^({})", self.pattern),
                    Form::Around(_) => self.pattern.to_owned(),
                    Form::Named(_) => format!("^({})$", self.pattern),
                };
                small_regex(&pattern)
            })
            .as_ref()
    }

    /// The result of the kind's own check of a whole token.
    pub(crate) fn check(&self, token: &[u8]) -> Verdict {
        (self.check)(token)
    }
}

/// Compiles a pattern for short texts: without the lazy automaton, which is fast on long texts and
/// takes many times the memory.
fn small_regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).dfa_size_limit(0).build().ok()
}

/// A UUID in either case.
const UUID: &str = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}";

/// A kind whose tokens start with a literal; `rest` is what follows it.
const fn prefixed(
    name: &'static str,
    title: &'static str,
    prefixes: &'static [&'static str],
    rest: &'static str,
) -> Definition {
    Definition {
        name,
        title,
        form: Form::Prefixed(prefixes),
        pattern: rest,
        check: check::none,
        before: 0,
    }
}

/// A kind whose tokens contain a literal.
const fn around(
    name: &'static str,
    title: &'static str,
    literal: &'static str,
    pattern: &'static str,
) -> Definition {
    Definition { name, title, form: Form::Around(literal), pattern, check: check::none, before: 0 }
}

/// A kind whose tokens are recognized by the provider's word in the name; all words in lower case.
const fn named(
    name: &'static str,
    title: &'static str,
    words: &'static [&'static str],
    value: &'static str,
) -> Definition {
    Definition {
        name,
        title,
        form: Form::Named(words),
        pattern: value,
        check: check::none,
        before: 0,
    }
}

/// All kinds in order: of two that match the same text, the first one counts.
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
            platforms::KINDS,
            tools::KINDS,
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
    fn every_kind_is_valid() {
        let mut names = BTreeSet::new();
        for kind in all() {
            assert!(kind.regex().is_some(), "{}: its pattern is not valid", kind.name);
            assert!(names.insert(kind.name), "{} is defined twice", kind.name);
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
