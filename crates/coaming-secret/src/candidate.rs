//! What was found, before overlaps are settled.

use std::ops::Range;

use coaming_finding::Confidence;

use crate::judge::Judgement;

/// A detection on its way.
pub(crate) struct Candidate {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) range: Range<usize>,
    pub(crate) confidence: Confidence,
    /// Whether a format says that a machine made it.
    pub(crate) made: bool,
    /// Of two that overlap, the lower one stays.
    pub(crate) rank: u8,
}

impl Candidate {
    /// What a machine made.
    pub(crate) fn made(
        kind: &'static str,
        title: &'static str,
        range: Range<usize>,
        rank: u8,
    ) -> Self {
        Self { kind, title, range, confidence: Confidence::High, made: true, rank }
    }

    /// What somebody may have chosen.
    pub(crate) fn chosen(
        kind: &'static str,
        title: &'static str,
        range: Range<usize>,
        rank: u8,
    ) -> Self {
        Self { made: false, ..Self::made(kind, title, range, rank) }
    }

    /// What is known by its name, in a value that starts at `offset`.
    pub(crate) fn named(judgement: Judgement, offset: usize) -> Self {
        let range = judgement.range.start + offset..judgement.range.end + offset;
        let rank = if judgement.made { 2 } else { 4 };
        let Judgement { kind, title, confidence, made, .. } = judgement;
        Self { kind, title, range, confidence, made, rank }
    }
}

/// One of those that overlap, the best by rank, in the order of the text.
pub(crate) fn settle(mut found: Vec<Candidate>) -> Vec<Candidate> {
    if found.len() < 2 {
        found.retain(|candidate| !candidate.range.is_empty());
        return found;
    }
    found.sort_by_key(|candidate| {
        (candidate.rank, candidate.range.start, std::cmp::Reverse(candidate.range.end))
    });
    let mut kept: Vec<Candidate> = Vec::new();
    let mut taken = std::collections::BTreeMap::new();
    for candidate in found {
        let range = candidate.range.clone();
        let overlaps = taken
            .range(..range.end)
            .next_back()
            .is_some_and(|(_, &end): (&usize, &usize)| end > range.start);
        if !overlaps && !range.is_empty() {
            taken.insert(range.start, range.end);
            kept.push(candidate);
        }
    }
    kept.sort_by_key(|candidate| candidate.range.start);
    kept
}
