//! Excuses: vulnerabilities that somebody looked at and decided to live with, each with a reason and a
//! last day.

use crate::vex::{Document, Product, Status};
use crate::{Vulnerability, purl};

/// A vulnerability that is excused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excuse {
    /// Its name, by any of its aliases.
    pub vulnerability: String,
    /// The package, by its name or its package URL; all where empty.
    pub package: String,
    /// Why it is excused.
    pub reason: String,
    /// The last day on which it holds, as `YYYY-MM-DD`; for ever where empty.
    pub expires: String,
}

/// Vulnerabilities, with those apart that are excused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Excused {
    /// What is left to look at.
    pub kept: Vec<Vulnerability>,
    /// What is excused, and why.
    pub excused: Vec<(Vulnerability, String)>,
    /// Excuses that have expired or lack a reason, and so excuse nothing; each says what is wrong.
    pub void: Vec<String>,
}

/// Sets apart what the excuses and the documents speak of; of two documents the later one counts, as of
/// two statements. `today` is a day as `YYYY-MM-DD`, `product` the image.
#[must_use]
pub fn excuse(
    vulnerabilities: Vec<Vulnerability>,
    excuses: &[Excuse],
    documents: &[Document],
    product: &Product,
    today: &str,
) -> Excused {
    let (valid, void): (Vec<_>, Vec<_>) =
        excuses.iter().partition(|excuse| fault(excuse, today).is_none());
    let mut result = Excused {
        void: void
            .iter()
            .filter_map(|excuse| {
                Some(format!("{}: {}", excuse.vulnerability, fault(excuse, today)?))
            })
            .collect(),
        ..Excused::default()
    };
    for vulnerability in vulnerabilities {
        let own = valid.iter().find(|excuse| excuse.covers(&vulnerability));
        let reason = own.map(|excuse| excuse.reason.clone()).or_else(|| {
            let said = documents
                .iter()
                .rev()
                .find_map(|each| Some((each, each.verdict(&vulnerability, product)?)));
            let (document, statement) = said?;
            let what = match statement.status {
                Status::NotAffected => "not affected",
                Status::Fixed => "fixed",
                Status::Affected | Status::UnderInvestigation => return None,
            };
            Some(worded(what, &statement.reason, &document.speaker()))
        });
        match reason {
            Some(reason) => result.excused.push((vulnerability, reason)),
            None => result.kept.push(vulnerability),
        }
    }
    result
}

/// `not affected: no input of users reaches it (says shop.openvex.json, by Alice)`
fn worded(what: &str, reason: &str, speaker: &str) -> String {
    let mut text = what.to_owned();
    if !reason.is_empty() {
        text = format!("{text}: {reason}");
    }
    if speaker.is_empty() { text } else { format!("{text} (says {speaker})") }
}

/// Why an excuse excuses nothing.
fn fault(excuse: &Excuse, today: &str) -> Option<String> {
    if excuse.reason.trim().is_empty() {
        return Some("has no reason".to_owned());
    }
    (!excuse.expires.is_empty() && excuse.expires.as_str() < today)
        .then(|| format!("expired on {}", excuse.expires))
}

impl Excuse {
    fn covers(&self, vulnerability: &Vulnerability) -> bool {
        let named = self.vulnerability == vulnerability.id
            || vulnerability.aliases.contains(&self.vulnerability);
        named
            && (self.package.is_empty()
                || self.package == vulnerability.package.name
                || purl::covers(&self.package, &vulnerability.package.purl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(excuse_: Excuse) -> (usize, usize) {
        let vulnerability = Vulnerability {
            aliases: vec!["GHSA-jf85-cpcp-j695".to_owned()],
            ..Vulnerability::example("CVE-2019-10744", "pkg:npm/lodash@4.17.4")
        };
        let result =
            excuse(vec![vulnerability], &[excuse_], &[], &Product::default(), "2026-01-15");
        (result.kept.len(), result.void.len())
    }

    #[test]
    fn an_excuse_needs_a_reason_and_is_not_for_ever() {
        let good = Excuse {
            vulnerability: "GHSA-jf85-cpcp-j695".to_owned(),
            package: "lodash".to_owned(),
            reason: "no user input".to_owned(),
            expires: "2026-01-15".to_owned(),
        };
        assert_eq!(left(good.clone()), (0, 0));
        assert_eq!(left(Excuse { expires: "2026-01-14".to_owned(), ..good.clone() }), (1, 1));
        assert_eq!(left(Excuse { reason: " ".to_owned(), ..good.clone() }), (1, 1));
        assert_eq!(left(Excuse { package: "pkg:npm/lodash@4".to_owned(), ..good }), (1, 0));
    }
}
