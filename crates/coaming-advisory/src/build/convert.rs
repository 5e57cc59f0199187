//! Converts records in OSV's schema to the form in which the database stores them.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::advisory::{Advisory, Entry};
use crate::osv::{Affected, Range, Rating, Record, Skip, is_plain};
use crate::range::{self, Interval};
use crate::score::Score;
use crate::{Ecosystem, Order, Version, canonical, module, platform, score};

/// Longer summaries are cut, in characters.
const MAX_SUMMARY: usize = 200;
/// The most names of one vulnerability that are kept.
const MAX_NAMES: usize = 500;

/// A record, ready for the database.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// When it was last changed.
    pub(crate) modified: String,
    /// The advisory; exploits are added later.
    pub(crate) advisory: Advisory,
    /// The packages that it is about.
    pub(crate) entries: Vec<PackageEntry>,
}

/// A package that a record is about.
#[derive(Debug)]
pub(crate) struct PackageEntry {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) package: String,
    pub(crate) entry: Entry,
}

impl Parsed {
    /// What records are sorted by: the first package, then the name.
    pub(crate) fn sort_key(&self) -> (Option<(&Ecosystem, &str)>, &str) {
        let first = self.entries.first().map(|entry| (&entry.ecosystem, entry.package.as_str()));
        (first, &self.advisory.id)
    }
}

/// Converts a record.
///
/// # Errors
///
/// Why nothing of it can be used.
pub(crate) fn convert(record: Record) -> Result<Parsed, Skip> {
    if record.affected.iter().any(is_informational) {
        return Err(Skip::Informational);
    }
    let own = own_severity(&record.severity);
    let streams = module::streams_in(&record.summary);
    let mut entries = Vec::new();
    let mut reason = Skip::UnknownEcosystem;
    let mut distribution = false;
    for affected in &record.affected {
        let ecosystem = canonical::ecosystem(&affected.package.ecosystem);
        let name = &affected.package.name;
        let Some(order) = ecosystem.order() else { continue };
        if name.is_empty() || !is_plain(name) {
            continue;
        }
        distribution |= matches!(order, Order::Dpkg | Order::Apk | Order::Rpm);
        let mut entry = match entry(order, affected, own) {
            Ok(entry) => entry,
            Err(skip) => {
                reason = skip;
                continue;
            }
        };
        if entry.intervals.iter().any(|it| it.fixed().is_some_and(module::is_modular)) {
            let own = module::of_url(&affected.package.purl);
            entry.streams = own.map_or_else(|| streams.clone(), |stream| vec![stream]);
        }
        let package = canonical::package(&ecosystem.name, name);
        entries.push(PackageEntry { package, ecosystem, entry });
    }
    if entries.is_empty() {
        return Err(reason);
    }
    let (aliases, upstream) = names(&record, distribution);
    let vectors = score::vectors(&record.severity)
        .chain(record.affected.iter().flat_map(|affected| score::vectors(&affected.severity)));
    let scores: BTreeSet<Score> = vectors.filter_map(Score::of).take(8).collect();
    Ok(Parsed {
        advisory: Advisory {
            aliases,
            upstream,
            summary: summary(&record),
            scores: scores.into_iter().collect(),
            severity: score::word(&record.database_specific.severity).or(own),
            exploits: Vec::new(),
            id: record.id,
        },
        modified: record.modified,
        entries,
    })
}

/// Whether a record is a notice, such as that a package is unmaintained, which no attacker can use.
fn is_informational(affected: &Affected) -> bool {
    matches!(affected.database_specific.informational.as_str(), "unmaintained" | "notice")
}

/// The rating in a distribution's own words.
fn own_severity(ratings: &[Rating]) -> Option<coaming_finding::Severity> {
    ratings
        .iter()
        .filter(|rating| !rating.system.starts_with("CVSS"))
        .find_map(|rating| score::word(&rating.score))
}

/// Splits a record's names into those of the same vulnerability and, for a distribution's bulletin,
/// the vulnerabilities that it is about.
fn names(record: &Record, distribution: bool) -> (Vec<String>, Vec<String>) {
    let plain = |name: &&String| {
        !name.is_empty() && name.len() <= 128 && is_plain(name) && **name != record.id
    };
    let cve = |name: &&String| name.starts_with("CVE-");
    let sorted = |names: BTreeSet<String>| names.into_iter().take(MAX_NAMES).collect();
    let aliases = record.aliases.iter().filter(plain);
    if !distribution {
        return (sorted(aliases.cloned().collect()), Vec::new());
    }
    let all = record.aliases.iter().chain(&record.upstream).chain(&record.related);
    let upstream = all.filter(plain).filter(cve).cloned().collect();
    (sorted(aliases.filter(|name| !cve(name)).cloned().collect()), sorted(upstream))
}

/// The summary, else the first sentence of the details, on one line.
fn summary(record: &Record) -> String {
    let text = if record.summary.trim().is_empty() { &record.details } else { &record.summary };
    let text: String = text.chars().take(4 * MAX_SUMMARY).collect();
    let words: Vec<&str> = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let mut line = words.join(" ");
    if let Some(end) = line.find(". ") {
        line.truncate(end);
    }
    if line.chars().count() > MAX_SUMMARY {
        line = line.chars().take(MAX_SUMMARY - 1).chain(['…']).collect();
    }
    line
}

/// The affected versions of a package.
///
/// # Errors
///
/// If there are none, or none of its ranges and versions is valid.
fn entry(
    order: Order,
    affected: &Affected,
    own: Option<coaming_finding::Severity>,
) -> Result<Entry, Skip> {
    let ranges = affected.ranges.iter().filter(|range| range.kind != "GIT");
    let ranges: Vec<Vec<Interval>> =
        ranges.filter_map(|range: &Range| range::intervals(order, range)).collect();
    let is_valid = !ranges.is_empty();
    let intervals: Vec<Interval> = ranges.into_iter().flatten().collect();
    let versions = versions(order, &affected.versions, &intervals);
    if intervals.is_empty() && versions.is_empty() {
        return Err(if is_valid { Skip::NothingAffected } else { Skip::InvalidRange });
    }
    let specific = [
        &affected.ecosystem_specific.urgency,
        &affected.ecosystem_specific.severity,
        &affected.database_specific.severity,
        &affected.database_specific.urgency,
    ];
    let severity = specific
        .into_iter()
        .find_map(|word| score::word(word))
        .or_else(|| own_severity(&affected.severity))
        .or(own);
    let (systems, processors) = platform::limits(affected);
    Ok(Entry {
        advisory: 0,
        intervals,
        versions,
        severity,
        streams: Vec::new(),
        systems,
        processors,
    })
}

/// The listed versions outside all intervals: valid ones in their order, then the rest.
fn versions(order: Order, listed: &[String], intervals: &[Interval]) -> Vec<String> {
    let versions: Vec<(Option<Version>, &String)> = listed
        .iter()
        .filter(|text| text.len() <= 256 && is_plain(text))
        .map(|text| (Version::parse(order, text), text))
        .filter(|(version, _)| {
            let covers = |interval: &Interval| {
                let version = version.as_ref();
                version.and_then(|version| interval.contains(order, version)) == Some(true)
            };
            !intervals.iter().any(covers)
        })
        .collect();
    let versions = range::sorted(versions, &|(left, left_text), (right, right_text)| {
        let by_order = match (left, right) {
            // Branches of Composer's packages cannot be ordered.
            (Some(left), Some(right)) => left.compare(right).unwrap_or(Ordering::Equal),
            (left, right) => right.is_some().cmp(&left.is_some()),
        };
        by_order.then_with(|| left_text.cmp(right_text))
    });
    let mut versions: Vec<String> = versions.into_iter().map(|(_, text)| text.clone()).collect();
    versions.dedup();
    versions
}
