//! How bad a vulnerability is: CVSS vectors scored, and the words of the databases.

use std::str::FromStr as _;

use coaming_finding::Severity;

use crate::osv::Rating;

/// A score from a vector, with the vector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Score {
    /// From 0 to 10.
    pub(crate) value: f64,
    /// `CVSS:3.1/AV:N/…`
    pub(crate) vector: String,
}

/// Scores the newest vector that can be read: CVSS 4 before 3 before 2.
pub(crate) fn best<'a>(vectors: impl Iterator<Item = &'a str>) -> Option<Score> {
    vectors
        .filter_map(|vector| {
            let score = cvss::Cvss::from_str(vector).ok()?.score();
            let version = match vector.as_bytes() {
                [b'C', b'V', b'S', b'S', b':', major, ..] => *major,
                _ => b'2',
            };
            Some((version, Score { value: score, vector: vector.to_owned() }))
        })
        .max_by_key(|(version, _)| *version)
        .map(|(_, score)| score)
}

/// The vectors among the ratings.
pub(crate) fn vectors(ratings: &[Rating]) -> impl Iterator<Item = &str> {
    ratings
        .iter()
        .filter(|rating| rating.system.starts_with("CVSS") && rating.score.len() <= 512)
        .map(|rating| rating.score.as_str())
}

/// The severity of a score, by CVSS's own scale; nothing for a score of zero.
pub(crate) fn severity(score: f64) -> Option<Severity> {
    Some(match score {
        score if score >= 9.0 => Severity::Critical,
        score if score >= 7.0 => Severity::High,
        score if score >= 4.0 => Severity::Medium,
        score if score > 0.0 => Severity::Low,
        _ => return None,
    })
}

/// The severity that a database's word means.
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
            let score = best(std::iter::once(vector)).unwrap();
            assert!((score.value - expected).abs() < 1e-9, "{vector}: {}", score.value);
        }
        assert_eq!(best(["CVSS:9.9/X:Y", "nonsense", ""].into_iter()), None);
    }

    #[test]
    fn the_newest_vector_counts() {
        let three = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
        let four = "CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N";
        assert_eq!(best([three, four].into_iter()).unwrap().vector, four);
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
