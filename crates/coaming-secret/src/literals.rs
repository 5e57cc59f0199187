//! Finds literals in a text, ignoring case.
//!
//! At nearly all positions of a text no literal starts, and three bytes are enough to see that: a
//! table has one bit for each hash of three bytes, which tells whether a literal starts with them.
//! The table stays in the processor's first-level cache; an automaton of several hundred literals
//! is a hundred times as large and waits for memory at every byte. Literals are compared only where
//! the bit is set.
//!
//! Invariant: every literal is found at every position, even inside another one; a literal of two
//! bytes is found only if another byte follows it. Time is linear in the text: few literals start
//! with the same bytes.

/// How many bytes are hashed.
const START: usize = 3;

/// Literals to find in texts.
pub(crate) struct Literals {
    /// A bit for each hash of the start of a literal.
    starts: Box<[u64; 1 << 10]>,
    /// Sorted by how they start, the shorter ones first.
    literals: Vec<Literal>,
}

struct Literal {
    /// Its first bytes ([`folded`]).
    start: u32,
    text: Box<str>,
    /// Its index among all literals.
    index: usize,
}

impl Literals {
    /// Builds the table of literals, which are known by their indices. All have at least two bytes.
    pub(crate) fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut all = Self { starts: Box::new([0; 1 << 10]), literals: Vec::new() };
        for (index, text) in texts.enumerate() {
            if let &[first, second] = text.as_bytes() {
                // Any byte may follow a literal of two bytes: there are few of them.
                let thirds = (0..=u8::MAX).filter(|third| third & FOLD != 0);
                thirds.for_each(|third| all.add(&[first, second, third], text, index));
            } else {
                all.add(text.as_bytes(), text, index);
            }
        }
        all.literals.sort_by_key(|literal| (literal.start, literal.text.len(), literal.index));
        all
    }

    /// Adds a literal with these first bytes.
    fn add(&mut self, start: &[u8], text: &str, index: usize) {
        let Some(start) = folded(start) else { return };
        let (word, bit) = slot(start);
        self.starts[word] |= bit;
        self.literals.push(Literal { start, text: text.into(), index });
    }

    /// The positions of literals in a text with the literals' indices, in the order of the text.
    pub(crate) fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
        let may_start = |window: &[u8]| {
            folded(window).is_some_and(|start| {
                let (word, bit) = slot(start);
                self.starts[word] & bit != 0
            })
        };
        let windows = text.windows(START).enumerate();
        let starts = windows.filter(move |(_, window)| may_start(window)).map(|(at, _)| at);
        starts.flat_map(move |at| self.at(text, at).map(move |index| (at, index)))
    }

    /// The indices of the literals that start at this position.
    fn at<'t>(&'t self, text: &'t [u8], at: usize) -> impl Iterator<Item = usize> + 't {
        let rest = text.get(at..).unwrap_or_default();
        let start = folded(rest).unwrap_or_default();
        let first = self.literals.partition_point(|literal| literal.start < start);
        let alike = self.literals.get(first..).unwrap_or_default().iter();
        alike
            .take_while(move |literal| literal.start == start)
            .filter(move |literal| {
                let own = rest.get(..literal.text.len());
                own.is_some_and(|own| own.eq_ignore_ascii_case(literal.text.as_bytes()))
            })
            .map(|literal| literal.index)
    }
}

/// The bit in which small letters differ from capitals.
const FOLD: u8 = 0x20;

/// The first bytes of a text, with letters in one case; some other bytes become equal too, which
/// only costs a comparison.
fn folded(text: &[u8]) -> Option<u32> {
    let &[a, b, c] = text.first_chunk::<START>()?;
    Some(u32::from_le_bytes([a | FOLD, b | FOLD, c | FOLD, 0]))
}

/// The position of a start's bit: the word, and the bit in it.
fn slot(start: u32) -> (usize, u64) {
    let hash = start.wrapping_mul(0x9E37_79B1) >> 16;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        Literals::new(literals.iter().copied()).find(text.as_bytes()).collect()
    }

    #[test]
    fn finds_every_position() {
        let literals = ["key", "api-key", "Token", "://", "keys"];
        assert_eq!(found(&literals, "API-KEYS"), [(0, 1), (4, 0), (4, 4)]);
        assert_eq!(found(&literals, "s://keytoken"), [(1, 3), (4, 0), (7, 2)]);
        assert_eq!(found(&["0.", "key"], "0.key 0."), [(0, 0), (2, 1)]);
        assert_eq!(found(&literals, "ke"), []);
        assert_eq!(found(&literals, ""), []);
        assert_eq!(found(&literals, "toke"), []);
    }

    proptest! {
        /// The same as comparing every literal at every position.
        #[test]
        fn none_is_missed(
            literals in proptest::collection::vec("[a-cA-C_\\x7f:é]{2,5}", 1..8),
            text in "[a-cA-C_\\x7f:é]{0,60}",
        ) {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let mut expected = Vec::new();
            for at in 0..text.len().saturating_sub(START - 1) {
                for (index, literal) in literals.iter().enumerate() {
                    let own = text.as_bytes().get(at..at + literal.len());
                    if own.is_some_and(|own| own.eq_ignore_ascii_case(literal.as_bytes())) {
                        expected.push((at, index));
                    }
                }
            }
            let mut all = found(&literals, &text);
            all.sort_unstable();
            prop_assert_eq!(all, expected);
        }
    }
}
