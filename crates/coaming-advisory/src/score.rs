//! Severities: scores of CVSS vectors, and the words of the databases.

use std::str::FromStr as _;

use coaming_finding::Severity;
use serde::{Deserialize, Serialize};

use crate::osv::Rating;

/// A vector with its score, which is computed once, when the database is built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Score {
    /// `CVSS:3.1/AV:N/…`
    pub(crate) vector: String,
    /// From 0 to 100: CVSS scores have one decimal place.
    tenths: u8,
}

impl Score {
    /// Scores a vector; `None` if it is malformed.
    pub(crate) fn of(vector: &str) -> Option<Self> {
        let value = cvss::Cvss::from_str(vector).ok()?.score();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0 to 100"
        )]
        let tenths = (value.clamp(0.0, 10.0) * 10.0).round() as u8;
        Some(Self { vector: vector.to_owned(), tenths })
    }

    /// From 0 to 10.
    pub(crate) fn value(&self) -> f64 {
        f64::from(self.tenths) / 10.0
    }
}

/// The score of the newest version: CVSS 4 before 3 before 2.
pub(crate) fn best(scores: impl IntoIterator<Item = Score>) -> Option<Score> {
    scores.into_iter().max_by_key(|score| match score.vector.as_bytes() {
        [b'C', b'V', b'S', b'S', b':', major, ..] => *major,
        _ => b'2',
    })
}

/// The vectors among the ratings.
pub(crate) fn vectors(ratings: &[Rating]) -> impl Iterator<Item = &str> {
    ratings
        .iter()
        .filter(|rating| rating.system.starts_with("CVSS") && rating.score.len() <= 512)
        .map(|rating| rating.score.as_str())
}

/// The severity of a score, by CVSS's own scale; `None` for a score of zero.
pub(crate) fn severity(score: f64) -> Option<Severity> {
    Some(match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score > 0.0 => Severity::Low,
        _ => return None,
    })
}

/// The severity that a database's word stands for.
pub(crate) fn word(word: &str) -> Option<Severity> {
    Some(match word.to_ascii_lowercase().as_str() {
        "critical" => Severity::Critical,
        "high" | "important" => Severity::High,
        "medium" | "moderate" => Severity::Medium,
        "low" | "negligible" | "unimportant" | "minor" => Severity::Low,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_scored_as_first_org_does() {
        for (vector, expected) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
            ("CVSS:3.0/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N", 2.2),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
        ] {
            let score = Score::of(vector).unwrap();
            assert!((score.value() - expected).abs() < 1e-9, "{vector}: {}", score.value());
        }
        assert_eq!(["CVSS:9.9/X:Y", "nonsense", ""].map(Score::of), [None, None, None]);
    }

    #[test]
    fn the_newest_vector_counts() {
        let three = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        let four = "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";
        let scores = [four, three].map(|vector| Score::of(vector).unwrap());
        assert_eq!(best(scores).unwrap().vector, four);
    }

    #[test]
    fn scales_are_firsts() {
        assert_eq!(severity(0.0), None);
        assert_eq!(severity(3.9), Some(Severity::Low));
        assert_eq!(severity(7.0), Some(Severity::High));
        assert_eq!(severity(9.0), Some(Severity::Critical));
        assert_eq!(word("MODERATE"), Some(Severity::Medium));
        assert_eq!(word("whatever"), None);
    }
}
