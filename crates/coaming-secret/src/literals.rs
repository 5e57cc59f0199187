//! All literals in one pass over a text, by an automaton that is quick to make and, once many texts
//! were looked at, by one that is quick to run.
//!
//! A scan of manifests looks at little text: making the quick automaton would be a good part of its
//! time, and of its memory. Both find the same, in the same order.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use aho_corasick::{
    AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, FindOverlappingIter, MatchKind,
};

/// After so many bytes of text the quick automaton has paid for itself.
const MANY_BYTES: usize = 2 << 20;

/// Looks for many literals at once, in any case of letters.
pub(crate) struct Literals {
    literals: Vec<String>,
    small: AhoCorasick,
    quick: OnceLock<Option<AhoCorasick>>,
    seen: AtomicUsize,
}

impl Literals {
    /// `None` if there are more literals than any automaton holds.
    pub(crate) fn new(literals: impl Iterator<Item = String>) -> Option<Self> {
        let literals: Vec<String> = literals.collect();
        let small = automaton(AhoCorasickKind::ContiguousNFA, &literals)?;
        Some(Self { literals, small, quick: OnceLock::new(), seen: AtomicUsize::new(0) })
    }

    /// Every place of every literal in the text, also those in others.
    pub(crate) fn find_in<'l, 't>(&'l self, text: &'t [u8]) -> FindOverlappingIter<'l, 't> {
        let seen = self.seen.fetch_add(text.len(), Ordering::Relaxed).saturating_add(text.len());
        let quick = (seen > MANY_BYTES)
            .then(|| self.quick.get_or_init(|| automaton(AhoCorasickKind::DFA, &self.literals)))
            .and_then(Option::as_ref);
        quick.unwrap_or(&self.small).find_overlapping_iter(text)
    }
}

fn automaton(kind: AhoCorasickKind, literals: &[String]) -> Option<AhoCorasick> {
    AhoCorasickBuilder::new()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(kind))
        .build(literals)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_same_before_and_after_many_texts() {
        let words = ["pass", "password", "word", "://", "SECRET"].map(str::to_owned);
        let literals = Literals::new(words.into_iter()).unwrap();
        let text = b"Password: x, secretpass, passwordsecret://";
        let find = || -> Vec<_> {
            literals.find_in(text).map(|hit| (hit.pattern().as_usize(), hit.range())).collect()
        };
        let before = find();
        assert!(literals.quick.get().is_none(), "not yet worth it");
        literals.find_in(&vec![b' '; MANY_BYTES]);
        assert_eq!(find(), before);
        assert!(literals.quick.get().is_some(), "worth it now");
        assert_eq!(before.len(), 10);
    }
}
