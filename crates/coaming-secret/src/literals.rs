//! Where literals stand in a text, whatever the case of their letters.
//!
//! Nearly all places of a text are the start of no literal, and that is told by three bytes: a bit for
//! each of their hashes says whether a literal starts so. The bits stay in a processor's nearest cache,
//! where an automaton of several hundred literals, a hundred times as large, waits for memory at every
//! byte. Only where the bit is set, literals are compared.
//!
//! Invariant: every literal is found wherever it stands, also within another one; one of two bytes, where
//! another byte follows it. Time is linear in the text: few literals start with the same bytes.

/// How many bytes are looked at first.
const START: usize = 3;

/// Literals to be found in texts.
pub(crate) struct Literals {
    /// A bit for each hash of how a literal starts.
    starts: Box<[u64; 1 << 10]>,
    /// Sorted by how they start, the shorter ones first.
    literals: Vec<Literal>,
}

struct Literal {
    /// How it starts ([`folded`]).
    start: u32,
    text: Box<str>,
    /// Its place among all.
    place: usize,
}

impl Literals {
    /// Literals by their places. None has less than two bytes.
    pub(crate) fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut all = Self { starts: Box::new([0; 1 << 10]), literals: Vec::new() };
        for (place, text) in texts.enumerate() {
            if let &[first, second] = text.as_bytes() {
                // One of two bytes may go on with any byte: there are few such literals.
                let thirds = (0..=u8::MAX).filter(|third| third & FOLD != 0);
                thirds.for_each(|third| all.add(&[first, second, third], text, place));
            } else {
                all.add(text.as_bytes(), text, place);
            }
        }
        all.literals.sort_by_key(|literal| (literal.start, literal.text.len(), literal.place));
        all
    }

    /// Adds a literal that starts so.
    fn add(&mut self, start: &[u8], text: &str, place: usize) {
        let Some(start) = folded(start) else { return };
        let (word, bit) = slot(start);
        self.starts[word] |= bit;
        self.literals.push(Literal { start, text: text.into(), place });
    }

    /// Where literals start in a text, with their places among all, in the order of the text.
    pub(crate) fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
        let may_start = |window: &[u8]| {
            folded(window).is_some_and(|start| {
                let (word, bit) = slot(start);
                self.starts[word] & bit != 0
            })
        };
        let windows = text.windows(START).enumerate();
        let starts = windows.filter(move |(_, window)| may_start(window)).map(|(at, _)| at);
        starts.flat_map(move |at| self.at(text, at).map(move |place| (at, place)))
    }

    /// The literals that start at this place.
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
            .map(|literal| literal.place)
    }
}

/// The bit in which small letters differ from capitals.
const FOLD: u8 = 0x20;

/// How a text starts, letters in one case; some other bytes fall together too, which costs a comparison.
fn folded(text: &[u8]) -> Option<u32> {
    let &[a, b, c] = text.first_chunk::<START>()?;
    Some(u32::from_le_bytes([a | FOLD, b | FOLD, c | FOLD, 0]))
}

/// The bit of a start: its word, and the bit in it.
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
    fn wherever_they_stand() {
        let literals = ["key", "api-key", "Token", "://", "keys"];
        assert_eq!(found(&literals, "API-KEYS"), [(0, 1), (4, 0), (4, 4)]);
        assert_eq!(found(&literals, "s://keytoken"), [(1, 3), (4, 0), (7, 2)]);
        assert_eq!(found(&["0.", "key"], "0.key 0."), [(0, 0), (2, 1)]);
        assert_eq!(found(&literals, "ke"), []);
        assert_eq!(found(&literals, ""), []);
        assert_eq!(found(&literals, "toke"), []);
    }

    proptest! {
        /// As by comparing every literal at every place.
        #[test]
        fn none_is_missed(
            literals in proptest::collection::vec("[a-cA-C_\\x7f:é]{2,5}", 1..8),
            text in "[a-cA-C_\\x7f:é]{0,60}",
        ) {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let mut expected = Vec::new();
            for at in 0..text.len().saturating_sub(START - 1) {
                for (place, literal) in literals.iter().enumerate() {
                    let own = text.as_bytes().get(at..at + literal.len());
                    if own.is_some_and(|own| own.eq_ignore_ascii_case(literal.as_bytes())) {
                        expected.push((at, place));
                    }
                }
            }
            let mut all = found(&literals, &text);
            all.sort_unstable();
            prop_assert_eq!(all, expected);
        }
    }
}
