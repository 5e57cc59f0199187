//! Matching packages with advisories: one finding a vulnerability and package.
//!
//! Invariants:
//!
//! * A package is matched within its own ecosystem and release only, by that ecosystem's order.
//! * The distribution's word beats upstream's: what a distribution packaged is judged by the
//!   distribution's advisories alone.
//! * Advisories that name the same vulnerability are one finding.
//! * What could not be asked is counted with its reason; silence always means "nothing is known".

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::Severity;
use coaming_image::{Distribution, Package, PackageKind};

use crate::advisory::Entry;
use crate::database::{Database, DatabaseError};
use crate::group::Groups;
use crate::owned::Owned;
use crate::query::{self, Query, Unasked};
use crate::{Order, RunsOn, Version, module, priority};

/// A known vulnerability of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Vulnerability {
    /// Its best known name: `CVE-…`, else `GHSA-…`, else the advisory's own.
    pub id: String,
    /// Its other names, and the bulletins that speak of it; sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: Arc<Package>,
    /// The version of the package (of its source package, where the distribution says so) from which
    /// on it is fixed; `None` while nothing is fixed.
    pub fixed: Option<String>,
    /// How bad it is; `None` where nobody says.
    pub severity: Option<Severity>,
    /// CVSS's score, from 0 to 10.
    pub score: Option<f64>,
    /// The CVSS vector that the score is of; may be empty.
    pub vector: String,
    /// EPSS: the probability that it is exploited within 30 days, from 0 to 1.
    pub probability: Option<f64>,
    /// The day on which CISA listed it as exploited, as `YYYY-MM-DD`.
    pub exploited: Option<String>,
    /// What it is, in one line; may be empty.
    pub summary: String,
    /// Whether the image's entry point uses the package; `None` where that is not known.
    pub used: Option<bool>,
    /// What to look at first: from 0 to 100, higher first.
    pub priority: u8,
}

/// What is known of packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// The vulnerabilities, those to look at first come first.
    pub vulnerabilities: Vec<Vulnerability>,
    /// How many packages could be judged.
    pub judged: usize,
    /// How many packages could not be asked about, by the reason.
    pub unasked: BTreeMap<Unasked, usize>,
    /// How many packages are of ecosystems that the database holds nothing about.
    pub uncovered: BTreeMap<String, usize>,
    /// Packages whose version is none in their ecosystem: `name version`.
    pub unordered: BTreeSet<String>,
}

/// What makes vulnerabilities of these packages better or worse than they are in general. `None` is
/// where it is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Whether the container runs as root.
    pub root: Option<bool>,
    /// Whether it can be reached from outside of the cluster.
    pub exposed: Option<bool>,
    /// Whether it starts something else than the image's entry point, of which alone it is known what
    /// it uses.
    pub other_command: bool,
    /// The system and the processor.
    pub runs_on: RunsOn,
}

impl Vulnerability {
    /// One of a package of which nothing else is known.
    #[cfg(test)]
    pub(crate) fn example(id: &str, purl: &str) -> Self {
        Self {
            id: id.to_owned(),
            aliases: Vec::new(),
            package: Arc::new(crate::parse_purl(purl).unwrap().package),
            fixed: None,
            severity: None,
            score: None,
            vector: String::new(),
            probability: None,
            exploited: None,
            summary: String::new(),
            used: None,
            priority: 0,
        }
    }

    /// What it is worth to an attacker in a container like this: from 0 to 100, higher first.
    #[must_use]
    pub fn priority_in(&self, surroundings: Surroundings) -> u8 {
        priority::of(self, surroundings)
    }

    /// Whether what a container like this starts uses the package.
    #[must_use]
    pub fn used_in(&self, surroundings: Surroundings) -> Option<bool> {
        self.used.filter(|_| !surroundings.other_command)
    }

    /// How bad it is in a container like this.
    #[must_use]
    pub fn severity_in(&self, surroundings: Surroundings) -> Severity {
        priority::severity(self.priority_in(surroundings))
    }
}

impl Matches {
    /// Adds what is known of other packages, in one order.
    pub fn merge(&mut self, other: Self) {
        self.vulnerabilities.extend(other.vulnerabilities);
        self.judged += other.judged;
        for (reason, count) in other.unasked {
            *self.unasked.entry(reason).or_default() += count;
        }
        for (ecosystem, count) in other.uncovered {
            *self.uncovered.entry(ecosystem).or_default() += count;
        }
        self.unordered.extend(other.unordered);
        self.sort();
    }

    /// Weighs each vulnerability by what is known of whether its package is used, and of the container.
    pub fn weigh(&mut self, surroundings: Surroundings, used: impl Fn(&Package) -> Option<bool>) {
        for vulnerability in &mut self.vulnerabilities {
            vulnerability.used = used(&vulnerability.package);
            vulnerability.priority = priority::of(vulnerability, surroundings);
        }
        self.sort();
    }

    fn sort(&mut self) {
        self.vulnerabilities.sort_by(|left, right| {
            fn package(vulnerability: &Vulnerability) -> (&str, &str, &str) {
                let package = &vulnerability.package;
                (&package.name, &package.version, &package.path)
            }
            (right.priority.cmp(&left.priority))
                .then_with(|| right.severity.cmp(&left.severity))
                .then_with(|| left.id.cmp(&right.id))
                .then_with(|| package(left).cmp(&package(right)))
        });
    }
}

impl Database {
    /// Matches packages with the advisories.
    ///
    /// # Errors
    ///
    /// Where the database is damaged.
    pub fn matches(
        &self,
        packages: &[Package],
        distribution: Option<&Distribution>,
        surroundings: Surroundings,
    ) -> Result<Matches, DatabaseError> {
        let mut matches = Matches::default();
        let owned = Owned::new(packages);
        let mut seen = BTreeSet::new();
        for package in packages {
            if owned.covers(package) || !seen.insert(identity(package)) {
                continue;
            }
            let queries = match query::queries(package, distribution, |name| self.covers(name)) {
                Ok(queries) => queries,
                Err(reason) => {
                    *matches.unasked.entry(reason).or_default() += 1;
                    continue;
                }
            };
            self.ask(package, &queries, surroundings, &mut matches)?;
        }
        matches.sort();
        Ok(matches)
    }

    /// Asks about one package.
    fn ask(
        &self,
        package: &Package,
        queries: &[Query],
        surroundings: Surroundings,
        matches: &mut Matches,
    ) -> Result<(), DatabaseError> {
        let Some(ecosystem) = queries.first().map(|query| query.ecosystem.as_str()) else {
            return Ok(());
        };
        if !self.covers(ecosystem) {
            *matches.uncovered.entry(ecosystem.to_owned()).or_default() += 1;
            return Ok(());
        }
        matches.judged += 1;
        let mut groups = Groups::default();
        for query in queries {
            let version = Version::parse(query.order, &query.version);
            if version.is_none() {
                matches.unordered.insert(format!("{} {}", query.name, query.version));
            }
            let entries = self.entries(&query.ecosystem, &query.name)?;
            let entries = entries.list().ok_or_else(|| self.damaged_package(&query.name))?;
            for entry in &entries {
                if !surroundings.runs_on.is_among(&entry.systems, &entry.processors) {
                    continue;
                }
                if let Some(fixed) = affected(query, version.as_ref(), entry) {
                    let advisory = self.advisory(entry.advisory)?;
                    groups.add(&advisory, entry, fixed, query);
                }
            }
        }
        matches.vulnerabilities.extend(groups.finish(package, surroundings));
        Ok(())
    }
}

/// What makes two packages the same: several files may say that one is there.
fn identity(package: &Package) -> (PackageKind, &str, &str, Option<&str>) {
    let source = package.source.as_ref().map(|source| source.name.as_str());
    (package.kind, &package.name, &package.version, source)
}

/// Whether a version is affected; `Some(None)` is affected and not fixed. Of a text that has no order only
/// what names it is known.
fn affected(
    query: &Query,
    version: Option<&Version>,
    entry: &Entry<&str>,
) -> Option<Option<String>> {
    let Some(version) = version else {
        return entry.versions.contains(&query.version.as_str()).then_some(None);
    };
    for interval in &entry.intervals {
        if interval.contains(query.order, version) == Some(true)
            && (query.order != Order::Rpm || is_same_stream(query, interval.fixed(), entry))
        {
            return Some(interval.fixed().map(str::to_owned));
        }
    }
    is_listed(query, version, &entry.versions).then_some(None)
}

fn is_same_stream(query: &Query, fixed: Option<&str>, entry: &Entry<&str>) -> bool {
    module::is_same_stream(&query.version, query.stream.as_deref(), fixed, &entry.streams)
}

/// Whether a version is among these, which stand in their order.
fn is_listed(query: &Query, version: &Version, listed: &[&str]) -> bool {
    let compare =
        |text: &str| Version::parse(query.order, text).and_then(|listed| listed.compare(version));
    if matches!(query.order, Order::Packagist | Order::Maven) {
        // These two contradict themselves on odd versions.
        return listed.iter().any(|text| compare(text) == Some(Ordering::Equal));
    }
    // What has no order stands last.
    listed.binary_search_by(|text| compare(text).unwrap_or(Ordering::Greater)).is_ok()
}
