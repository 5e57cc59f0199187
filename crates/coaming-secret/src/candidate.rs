//! What was found, before overlaps are resolved.

use std::ops::Range;

use coaming_finding::Confidence;

use crate::classify::Classification;

/// A possible detection: other candidates may overlap it.
pub(crate) struct Candidate {
    pub(crate) kind: &'static str,
    pub(crate) title: &'static str,
    pub(crate) range: Range<usize>,
    pub(crate) confidence: Confidence,
    /// Whether its format proves that it was randomly generated.
    pub(crate) generated: bool,
    /// Of two that overlap, the one with the lower rank is kept.
    pub(crate) rank: u8,
}

impl Candidate {
    /// A value that was randomly generated.
    pub(crate) fn generated(
        kind: &'static str,
        title: &'static str,
        range: Range<usize>,
        rank: u8,
    ) -> Self {
        Self { kind, title, range, confidence: Confidence::High, generated: true, rank }
    }

    /// A value that a person may have chosen.
    pub(crate) fn human(
        kind: &'static str,
        title: &'static str,
        range: Range<usize>,
        rank: u8,
    ) -> Self {
        Self { generated: false, ..Self::generated(kind, title, range, rank) }
    }

    /// A value that was classified by its name and starts at `offset`.
    pub(crate) fn named(classification: Classification, offset: usize) -> Self {
        let range = classification.range.start + offset..classification.range.end + offset;
        let rank = if classification.generated { 2 } else { 4 };
        let Classification { kind, title, confidence, generated, .. } = classification;
        Self { kind, title, range, confidence, generated, rank }
    }
}

/// The best candidates by rank that do not overlap, in the order of the text.
pub(crate) fn resolve_overlaps(mut found: Vec<Candidate>) -> Vec<Candidate> {
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
