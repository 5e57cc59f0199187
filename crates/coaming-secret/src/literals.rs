//! Finds literals in a text, in their own case or in any.
//!
//! At nearly all positions of a text no literal starts, and three bytes are enough to see that: a
//! table has one bit for each hash of three bytes, which tells whether a literal starts with them.
//! Where it does, a second table tells the same of four bytes. The tables stay in the processor's
//! first-level cache; an automaton of several hundred literals is a hundred times as large and
//! waits for memory at every byte. The first table is asked about eight positions at a time, which
//! do not wait for each other. Literals are compared only where both bits are set.
//!
//! Invariant: every literal is found at every position, even inside another one; a literal of two
//! bytes is found only if a byte of a token follows it. Time is linear in the text: few literals
//! start with the same bytes.

/// How many bytes are hashed.
const START: usize = 3;
/// How many positions are looked up at a time.
const BLOCK: usize = 8;

/// The case in which a literal is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    Any,
    Exact,
}

/// Literals to find in texts.
pub(crate) struct Literals {
    /// The first three bytes of literals, in each case in which they are found.
    starts: Bits,
    /// The first four bytes of literals that have as many.
    long_starts: Bits,
    /// The first three bytes of the other literals.
    short_starts: Bits,
    /// For each set bit of `starts`, where its entries begin; and where the last ones end.
    buckets: Vec<usize>,
    /// In the order of the bits, those with the same start together, the shorter literals first.
    entries: Vec<Entry>,
    literals: Vec<(Box<str>, Case)>,
}

/// A literal by one of the cases of its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    slot: Slot,
    start: u32,
    length: usize,
    /// The index of the literal.
    index: usize,
}

impl Literals {
    /// Builds the tables of literals, which are known by their indices. All have at least two
    /// bytes.
    pub(crate) fn new<'t>(texts: impl Iterator<Item = (&'t str, Case)>) -> Self {
        let mut all = Self {
            starts: Bits::new(),
            long_starts: Bits::new(),
            short_starts: Bits::new(),
            buckets: Vec::new(),
            entries: Vec::new(),
            literals: texts.map(|(text, case)| (text.into(), case)).collect(),
        };
        for index in 0..all.literals.len() {
            all.add(index);
        }
        all.entries.sort_unstable();
        all.entries.dedup();
        let mut last = None;
        for (at, entry) in all.entries.iter().enumerate() {
            if last.replace(entry.slot) != Some(entry.slot) {
                all.buckets.push(at);
            }
        }
        all.buckets.push(all.entries.len());
        all.starts.count();
        all
    }

    /// Adds the starts of a literal to the tables.
    fn add(&mut self, index: usize) {
        let Some((text, case)) = self.literals.get(index) else { return };
        let (length, case) = (text.len(), *case);
        let all: Vec<u32> = if let &[first, second] = text.as_bytes() {
            // There are few of them, and any of these bytes may follow.
            let thirds = (0..=u8::MAX).filter(|third| is_of_token(*third));
            thirds.filter_map(|third| short(&[first, second, third])).collect()
        } else {
            short(text.as_bytes()).into_iter().collect()
        };
        if let Some(long) = text.as_bytes().first_chunk() {
            let long = u32::from_le_bytes(*long);
            cases(long, case).for_each(|start| self.long_starts.set(start));
        } else {
            let starts = all.iter().flat_map(|start| cases(*start, case));
            starts.for_each(|start| self.short_starts.set(start));
        }
        for start in all.into_iter().flat_map(|start| cases(start, case)) {
            self.starts.set(start);
            self.entries.push(Entry { slot: Slot::of(start), start, length, index });
        }
    }

    /// The positions of literals in a text with the literals' indices, in the order of the text.
    pub(crate) fn find<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, usize)> + 't {
        Hits { all: self, text, block: 0, pending: 0, at: 0, candidates: &[] }
    }

    /// The positions of a block at which a literal may start, as bits.
    fn positions(&self, block: &[u8; BLOCK + START]) -> u32 {
        let mut positions = 0;
        for at in 0..BLOCK {
            let &[a, b, c, _] = block[at..].first_chunk().unwrap_or(&[0; START + 1]);
            let start = u32::from_le_bytes([a, b, c, 0]);
            positions |= u32::from(self.starts.has(start)) << at;
        }
        positions
    }

    /// The literals that may start at this position.
    fn candidates(&self, rest: &[u8]) -> &[Entry] {
        let Some(start) = short(rest) else { return &[] };
        let long = rest.first_chunk().map(|long| u32::from_le_bytes(*long));
        let is_long = long.is_some_and(|long| self.long_starts.has(long));
        if !is_long && !self.short_starts.has(start) {
            return &[];
        }
        let bucket = self.starts.rank(start);
        let range = self.buckets.get(bucket).zip(self.buckets.get(bucket + 1));
        let alike = range.and_then(|(&from, &to)| self.entries.get(from..to)).unwrap_or_default();
        // Different starts may have the same bit.
        let from = alike.partition_point(|entry| entry.start < start);
        let to = alike.partition_point(|entry| entry.start <= start);
        alike.get(from..to).unwrap_or_default()
    }

    /// Whether a literal is at the start of a text.
    fn is_at_start(&self, index: usize, text: &[u8]) -> bool {
        let Some((literal, case)) = self.literals.get(index) else { return false };
        let own = text.get(..literal.len());
        own.is_some_and(|own| match case {
            Case::Any => own.eq_ignore_ascii_case(literal.as_bytes()),
            Case::Exact => own == literal.as_bytes(),
        })
    }
}

/// Goes through a text.
struct Hits<'t> {
    all: &'t Literals,
    text: &'t [u8],
    /// Where the block after the current one starts.
    block: usize,
    /// The positions of the current block that are still to be looked at, as bits.
    pending: u32,
    /// The current position, and the literals that may start there.
    at: usize,
    candidates: &'t [Entry],
}

impl Hits<'_> {
    /// Continues with the next block in which a literal may start; `None` at the end of the text.
    fn next_block(&mut self) -> Option<()> {
        while self.pending == 0 {
            let rest = self.text.get(self.block..).filter(|rest| !rest.is_empty())?;
            self.pending = if let Some(block) = rest.first_chunk() {
                self.all.positions(block)
            } else {
                let mut block = [0; BLOCK + START];
                block.iter_mut().zip(rest).for_each(|(own, byte)| *own = *byte);
                self.all.positions(&block)
            };
            self.block += BLOCK;
        }
        Some(())
    }
}

impl Iterator for Hits<'_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            while let Some((entry, others)) = self.candidates.split_first() {
                self.candidates = others;
                if self.all.is_at_start(entry.index, rest) {
                    return Some((self.at, entry.index));
                }
            }
            self.next_block()?;
            self.at = self.block - BLOCK + self.pending.trailing_zeros() as usize;
            self.pending &= self.pending - 1;
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.candidates = self.all.candidates(rest);
        }
    }
}

/// Whether a byte may follow the first two of a token.
fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte)
}

/// The first bytes of a text.
fn short(text: &[u8]) -> Option<u32> {
    let &[a, b, c] = text.first_chunk::<START>()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// The first bytes of a literal in each case in which it is found.
fn cases(start: u32, case: Case) -> impl Iterator<Item = u32> {
    let bytes = start.to_le_bytes();
    let letters = bytes.map(|byte| case == Case::Any && byte.is_ascii_alphabetic());
    (0..1_u8 << bytes.len()).filter_map(move |flipped| {
        let mut own = bytes;
        for (at, byte) in own.iter_mut().enumerate().filter(|(at, _)| flipped >> at & 1 != 0) {
            if !letters[at] {
                return None;
            }
            *byte ^= b'a' ^ b'A';
        }
        Some(u32::from_le_bytes(own))
    })
}

/// How many words a table has: few enough for the cache, many enough that few texts have the hash
/// of another one.
const WORDS: usize = 1 << 11;

/// Of sixty numbers that were tried, the one by which the fewest positions of source code have the
/// hash of a literal by chance: 1 %, and none where the code is indented. By another number, these
/// are 13 %.
const FACTOR: u32 = 0x4F90_CF95;

/// A bit for each hash of first bytes.
struct Bits {
    words: Box<[u64; WORDS]>,
    /// For each word, how many bits are set in the words before it.
    counts: Vec<u32>,
}

/// The position of a bit: the word, and the bit in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Slot(usize, u32);

impl Slot {
    fn of(start: u32) -> Self {
        let hash = start.wrapping_mul(FACTOR) >> (u32::BITS - WORDS.ilog2() - u64::BITS.ilog2());
        Self((hash >> 6) as usize, hash & 63)
    }
}

impl Bits {
    fn new() -> Self {
        Self { words: Box::new([0; WORDS]), counts: Vec::new() }
    }

    fn set(&mut self, start: u32) {
        let Slot(word, bit) = Slot::of(start);
        self.words[word] |= 1 << bit;
    }

    fn has(&self, start: u32) -> bool {
        let Slot(word, bit) = Slot::of(start);
        self.words[word] >> bit & 1 != 0
    }

    /// Counts the bits, so that [`Self::rank`] is right.
    fn count(&mut self) {
        let before = self.words.iter().scan(0, |sum, word| {
            let before = *sum;
            *sum += word.count_ones();
            Some(before)
        });
        self.counts = before.collect();
    }

    /// How many bits are set before that of this start.
    fn rank(&self, start: u32) -> usize {
        let Slot(word, bit) = Slot::of(start);
        let before = self.counts.get(word).copied().unwrap_or_default();
        (before + (self.words[word] & ((1 << bit) - 1)).count_ones()) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(literals: &[&str], text: &str) -> Vec<(usize, usize)> {
        Literals::new(literals.iter().map(|literal| (*literal, Case::Any)))
            .find(text.as_bytes())
            .collect()
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

    #[test]
    fn some_have_a_case() {
        let all = [("SK", Case::Exact), ("sk", Case::Any), ("Pat.", Case::Exact)];
        let all = Literals::new(all.into_iter());
        let found = |text: &str| all.find(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("SK1 sk1 Sk1 sk!"), [(0, 0), (0, 1), (4, 1), (8, 1)]);
        assert_eq!(found("pat.Pat.PAT."), [(4, 2)]);
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
                    let is_followed = literal.len() > 2
                        || text.as_bytes().get(at + 2).is_some_and(|third| is_of_token(*third));
                    let is_there =
                        own.is_some_and(|own| own.eq_ignore_ascii_case(literal.as_bytes()));
                    if is_there && is_followed {
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
