//! Ignored vulnerabilities: those that somebody examined and accepted, each with a reason and
//! possibly a last day, and those that a VEX document dismisses.

use std::fmt;

use coaming_sbom::purl;
use coaming_sbom::vex::{Document, Product, Status};
use time::Date;

use crate::Vulnerability;

/// A request to ignore a vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredVulnerability {
    /// Its name, by any of its aliases.
    pub vulnerability: String,
    /// The package, by its name or its package URL; empty means all packages.
    pub package: String,
    /// Why it is ignored.
    pub reason: String,
    /// The last day on which the entry holds; `None` if it does not expire.
    pub expires: Option<Date>,
}

/// Vulnerabilities, separated into those to act on and those to ignore.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Triaged {
    /// The vulnerabilities to act on.
    pub open: Vec<Vulnerability>,
    /// The ignored vulnerabilities.
    pub ignored: Vec<Ignored>,
    /// Entries without effect.
    pub invalid: Vec<InvalidEntry>,
}

/// A vulnerability that is ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignored {
    /// The vulnerability.
    pub vulnerability: Vulnerability,
    /// Why it is ignored, and according to which document.
    pub reason: String,
}

/// A request to ignore a vulnerability that has no effect. It is displayed as
/// `CVE-2019-10744: has no reason`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvalidEntry {
    /// The vulnerability.
    pub vulnerability: String,
    /// Why the entry has no effect.
    pub fault: Fault,
}

/// Why a request to ignore a vulnerability has no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It gives no reason.
    NoReason,
    /// This day was its last one.
    Expired(Date),
}

impl fmt::Display for InvalidEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.vulnerability)?;
        match self.fault {
            Fault::NoReason => formatter.write_str("has no reason"),
            Fault::Expired(date) => write!(formatter, "expired on {date}"),
        }
    }
}

/// Separates the vulnerabilities that the entries or the documents ignore from all others. Of two
/// documents the later one counts, as of two statements in a document. `product` is the image;
/// without `today` nothing expires.
#[must_use]
pub fn triage(
    vulnerabilities: Vec<Vulnerability>,
    entries: &[IgnoredVulnerability],
    documents: &[Document],
    product: &Product,
    today: Option<Date>,
) -> Triaged {
    let mut result = Triaged::default();
    let mut valid = Vec::new();
    for entry in entries {
        match entry.fault(today) {
            None => valid.push(entry),
            Some(fault) => {
                let vulnerability = entry.vulnerability.clone();
                result.invalid.push(InvalidEntry { vulnerability, fault });
            }
        }
    }
    for vulnerability in vulnerabilities {
        let own = valid.iter().find(|entry| entry.covers(&vulnerability));
        let reason = own
            .map(|entry| entry.reason.clone())
            .or_else(|| dismissal(&vulnerability, documents, product));
        match reason {
            Some(reason) => result.ignored.push(Ignored { vulnerability, reason }),
            None => result.open.push(vulnerability),
        }
    }
    result
}

/// Why a document dismisses a vulnerability; `None` if none does.
fn dismissal(
    vulnerability: &Vulnerability,
    documents: &[Document],
    product: &Product,
) -> Option<String> {
    let purl = &vulnerability.package.purl;
    let is_named = |name: &str| vulnerability.is_named(name);
    let (document, statement) = documents
        .iter()
        .rev()
        .find_map(|each| Some((each, each.verdict(is_named, purl, product)?)))?;
    let what = match statement.status {
        Status::NotAffected => "not affected",
        Status::Fixed => "fixed",
        Status::Affected | Status::UnderInvestigation => return None,
    };
    Some(worded(what, &statement.reason, &document.attribution()))
}

/// `not affected: no user input reaches it (says shop.openvex.json, by Alice)`
fn worded(what: &str, reason: &str, source: &str) -> String {
    let mut text = what.to_owned();
    if !reason.is_empty() {
        text = format!("{text}: {reason}");
    }
    if source.is_empty() { text } else { format!("{text} (says {source})") }
}

impl IgnoredVulnerability {
    fn fault(&self, today: Option<Date>) -> Option<Fault> {
        if self.reason.trim().is_empty() {
            return Some(Fault::NoReason);
        }
        let last = self.expires.filter(|last| today.is_some_and(|today| *last < today));
        last.map(Fault::Expired)
    }

    fn covers(&self, vulnerability: &Vulnerability) -> bool {
        vulnerability.is_named(&self.vulnerability)
            && (self.package.is_empty()
                || self.package == vulnerability.package.name
                || purl::covers(&self.package, &vulnerability.package.purl))
    }
}

#[cfg(test)]
mod tests {
    use time::Month;

    use super::*;

    fn january(day: u8) -> Option<Date> {
        Date::from_calendar_date(2026, Month::January, day).ok()
    }

    fn vulnerability() -> Vulnerability {
        Vulnerability {
            aliases: vec!["GHSA-jf85-cpcp-j695".to_owned()],
            ..Vulnerability::example("CVE-2019-10744", "pkg:npm/lodash@4.17.4")
        }
    }

    fn triage_one(entry: IgnoredVulnerability) -> (usize, Vec<String>) {
        let product = Product::default();
        let result = triage(vec![vulnerability()], &[entry], &[], &product, january(15));
        (result.open.len(), result.invalid.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_entry_needs_a_reason_and_may_expire() {
        let good = IgnoredVulnerability {
            vulnerability: "GHSA-jf85-cpcp-j695".to_owned(),
            package: "lodash".to_owned(),
            reason: "no user input".to_owned(),
            expires: january(15),
        };
        assert_eq!(triage_one(good.clone()), (0, Vec::new()));
        let without_end = IgnoredVulnerability { expires: None, ..good.clone() };
        assert_eq!(triage_one(without_end), (0, Vec::new()));
        let expired = IgnoredVulnerability { expires: january(14), ..good.clone() };
        let message = "GHSA-jf85-cpcp-j695: expired on 2026-01-14".to_owned();
        assert_eq!(triage_one(expired), (1, vec![message]));
        let unfounded = IgnoredVulnerability { reason: " ".to_owned(), ..good.clone() };
        let message = "GHSA-jf85-cpcp-j695: has no reason".to_owned();
        assert_eq!(triage_one(unfounded), (1, vec![message]));
        let other = IgnoredVulnerability { package: "pkg:npm/lodash@4".to_owned(), ..good };
        assert_eq!(triage_one(other), (1, Vec::new()));
    }

    #[test]
    fn the_later_document_counts() {
        let document = |status, name: &str| Document {
            statements: vec![coaming_sbom::vex::Statement {
                names: vec!["GHSA-jf85-cpcp-j695".to_owned()],
                subjects: Vec::new(),
                status,
                justification: String::new(),
                reason: "no user input".to_owned(),
            }],
            name: name.to_owned(),
            ..Document::default()
        };
        let fixed = document(Status::Fixed, "fixed.json");
        let affected = document(Status::Affected, "affected.json");
        let with = |documents: &[Document]| {
            triage(vec![vulnerability()], &[], documents, &Product::default(), None)
        };
        let result = with(&[affected.clone(), fixed.clone()]);
        assert_eq!(result.ignored[0].reason, "fixed: no user input (says fixed.json)");
        assert_eq!(with(&[fixed, affected]).open.len(), 1);
    }
}
