//! Matching packages with advisories: one result per vulnerability and package.
//!
//! Invariants:
//!
//! * A package is matched only within its own ecosystem and release, by that ecosystem's order.
//! * The distribution overrides upstream: a package of a distribution is matched only with the
//!   distribution's advisories.
//! * Advisories that name the same vulnerability give one result.
//! * A package that could not be matched is counted with its reason; silence always means that
//!   nothing is known.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::Severity;
use coaming_image::{Distribution, Package, PackageKind};
use coaming_sbom::vex::AffectedPackage;

use crate::advisory::Entry;
use crate::database::{Database, DatabaseError};
use crate::group::Groups;
use crate::owned::Owned;
use crate::query::{self, Query, Unmatched};
use crate::{Order, RunsOn, Version, module, priority};

/// A known vulnerability of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Vulnerability {
    /// Its best known name: `CVE-…`, else `GHSA-…`, else the advisory's own.
    pub id: String,
    /// Its other names and the bulletins about it, each sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: Arc<Package>,
    /// The first fixed version of the package (of its source package, if the distribution publishes
    /// that one); `None` if there is no fix.
    pub fixed: Option<String>,
    /// Its severity; `None` if nobody rated it.
    pub severity: Option<Severity>,
    /// The CVSS score, from 0 to 10.
    pub score: Option<f64>,
    /// The CVSS vector of the score; may be empty.
    pub vector: String,
    /// EPSS: the probability that it is exploited within 30 days, from 0 to 1.
    pub probability: Option<f64>,
    /// The day on which CISA listed it as exploited, as `YYYY-MM-DD`.
    pub exploited: Option<String>,
    /// What it is, in one line; may be empty.
    pub summary: String,
    /// Whether the image's entry point uses the package; `None` if that is unknown.
    pub used: Option<bool>,
    /// The priority, from 0 to 100; higher ones come first.
    pub priority: u8,
}

/// The known vulnerabilities of packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches {
    /// The vulnerabilities, those with the highest priority first.
    pub vulnerabilities: Vec<Vulnerability>,
    /// The number of packages that were matched.
    pub judged: usize,
    /// The number of packages that could not be matched, by the reason.
    pub unmatched: BTreeMap<Unmatched, usize>,
    /// The number of packages in ecosystems that the database does not cover.
    pub uncovered: BTreeMap<String, usize>,
    /// Packages whose version is not valid in their ecosystem: `name version`.
    pub unordered: BTreeSet<String>,
}

/// Where packages run, which makes their vulnerabilities more or less severe than in general.
/// `None` means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeploymentContext {
    /// Whether the container runs as root.
    pub root: Option<bool>,
    /// Whether it can be reached from outside the cluster.
    pub exposed: Option<bool>,
    /// Whether it starts another command than the image's entry point. What such a command uses is
    /// unknown.
    pub other_command: bool,
    /// The operating system and the processor.
    pub runs_on: RunsOn,
}

impl Vulnerability {
    /// A vulnerability without details.
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

    /// Whether a name is one of its names.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        std::iter::once(&self.id).chain(&self.aliases).any(|own| own.eq_ignore_ascii_case(name))
    }

    /// What a VEX document states about it.
    #[must_use]
    pub fn to_vex(&self) -> AffectedPackage<'_> {
        AffectedPackage {
            id: &self.id,
            aliases: &self.aliases,
            summary: &self.summary,
            purl: &self.package.purl,
            package: &self.package.name,
            fixed: self.fixed.as_deref(),
            severity: self.severity.map(Severity::as_str),
            score: self.score,
            vector: &self.vector,
        }
    }

    /// Its priority in such a container, from 0 to 100; higher ones come first.
    #[must_use]
    pub fn priority_in(&self, deployment: DeploymentContext) -> u8 {
        priority::of(self, deployment)
    }

    /// Whether the command of such a container uses the package.
    #[must_use]
    pub fn used_in(&self, deployment: DeploymentContext) -> Option<bool> {
        self.used.filter(|_| !deployment.other_command)
    }

    /// Its severity in such a container.
    #[must_use]
    pub fn severity_in(&self, deployment: DeploymentContext) -> Severity {
        priority::severity(self.priority_in(deployment))
    }
}

impl Matches {
    /// Adds the results for other packages, in one order.
    pub fn merge(&mut self, other: Self) {
        self.vulnerabilities.extend(other.vulnerabilities);
        self.judged += other.judged;
        for (reason, count) in other.unmatched {
            *self.unmatched.entry(reason).or_default() += count;
        }
        for (ecosystem, count) in other.uncovered {
            *self.uncovered.entry(ecosystem).or_default() += count;
        }
        self.unordered.extend(other.unordered);
        self.sort();
    }

    /// The packages that could not be checked, and why, in sentences for the user: silence must not
    /// be mistaken for safety.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let packages = |count: usize| match count {
            1 => "1 package".to_owned(),
            count => format!("{count} packages"),
        };
        let mut notes = Vec::new();
        for (ecosystem, count) in &self.uncovered {
            let name = ecosystem.split(':').next().unwrap_or(ecosystem);
            notes.push(format!(
                "{} not checked: the database contains nothing about {ecosystem}; run `coaming db \
                 update --ecosystem '{name}'`",
                packages(*count)
            ));
        }
        for (reason, count) in &self.unmatched {
            let reason = match reason {
                Unmatched::UnknownDistribution => {
                    "no advisories are known for this distribution, or its release is unknown"
                }
                Unmatched::NoVersion => "built from a working tree, without a version",
                Unmatched::UnknownEcosystem => "no advisories are known for packages of this kind",
                Unmatched::UnknownGroup => {
                    "Java archives whose Maven group is unknown, which advisories name them by; the index \
                     of `coaming db java-index` knows those of Maven Central"
                }
                Unmatched::KernelHeaders => {
                    "headers or tools of Linux; the kernel that containers run on is the node's"
                }
            };
            notes.push(format!("{} not checked: {reason}", packages(*count)));
        }
        for package in self.unordered.iter().take(5) {
            let reason = "its version is not valid in its ecosystem";
            notes.push(format!("{package} not checked: {reason}"));
        }
        notes
    }

    /// Sets the priority of each vulnerability by the container and by whether its package is used.
    pub fn weigh(
        &mut self,
        deployment: DeploymentContext,
        used: impl Fn(&Package) -> Option<bool>,
    ) {
        for vulnerability in &mut self.vulnerabilities {
            vulnerability.used = used(&vulnerability.package);
            vulnerability.priority = priority::of(vulnerability, deployment);
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
    /// If the database is damaged.
    pub fn matches(
        &self,
        packages: &[Package],
        distribution: Option<&Distribution>,
        deployment: DeploymentContext,
    ) -> Result<Matches, DatabaseError> {
        let mut matches = Matches::default();
        let owned = Owned::new(packages);
        let mut seen = BTreeSet::new();
        for package in packages {
            if owned.covers(package) || !seen.insert(identity(package)) {
                continue;
            }
            // An SBOM may list packages of several distributions.
            let own = own_distribution(package, distribution);
            let distribution = own.as_ref().or(distribution);
            let queries = match query::queries(package, distribution, |name| self.covers(name)) {
                Ok(queries) => queries,
                Err(reason) => {
                    *matches.unmatched.entry(reason).or_default() += 1;
                    continue;
                }
            };
            self.match_package(package, &queries, deployment, &mut matches)?;
        }
        matches.sort();
        Ok(matches)
    }

    /// Matches one package.
    fn match_package(
        &self,
        package: &Package,
        queries: &[Query],
        deployment: DeploymentContext,
        matches: &mut Matches,
    ) -> Result<(), DatabaseError> {
        let Some(ecosystem) = queries.first().map(|query| query.ecosystem.as_str()) else {
            return Ok(());
        };
        if !queries.iter().any(|query| self.covers(&query.ecosystem)) {
            *matches.uncovered.entry(ecosystem.to_owned()).or_default() += 1;
            return Ok(());
        }
        matches.judged += 1;
        let mut groups = Groups::default();
        // What a release's own advisory decides, those for subscribers only repeat.
        let mut decided = BTreeSet::new();
        for query in queries {
            let version = Version::parse(query.order, &query.version);
            if version.is_none() {
                matches.unordered.insert(format!("{} {}", query.name, query.version));
            }
            let entries = self.entries(&query.ecosystem, &query.name)?;
            let entries = entries.list().ok_or_else(|| self.damaged_package(&query.name))?;
            for entry in &entries {
                if query.ecosystem == ecosystem {
                    decided.insert(entry.advisory);
                } else if decided.contains(&entry.advisory) {
                    continue;
                }
                if !deployment.runs_on.is_among(&entry.systems, &entry.processors) {
                    continue;
                }
                if let Some(fixed) = affected(query, version.as_ref(), entry) {
                    let advisory = self.advisory(entry.advisory)?;
                    groups.add(&advisory, entry, fixed, query);
                }
            }
        }
        matches.vulnerabilities.extend(groups.finish(package, deployment));
        Ok(())
    }
}

/// The distribution of a package whose URL names another release than that of the image; `None` if
/// it is the image's.
fn own_distribution(package: &Package, image: Option<&Distribution>) -> Option<Distribution> {
    if !package.kind.is_distribution() || !package.purl.contains("distro=") {
        return None;
    }
    // Most packages of an image name the image's release, as it is written there.
    if let Some(image) = image
        && package.purl.split_once("distro=").is_some_and(|(_, distro)| {
            let distro = distro.split('&').next().unwrap_or(distro);
            distro.strip_prefix(image.id.as_str()).and_then(|rest| rest.strip_prefix('-'))
                == Some(image.version.as_str())
        })
    {
        return None;
    }
    let named = crate::parse_purl(&package.purl)?.distribution?;
    let is_same = |image: &Distribution| {
        named.id == image.id && (named.version.is_empty() || named.version == image.version)
    };
    (!image.is_some_and(is_same)).then_some(named)
}

/// Identifies a package: several files may list the same one.
fn identity(package: &Package) -> (PackageKind, &str, &str, Option<&str>) {
    let source = package.source.as_ref().map(|source| source.name.as_str());
    (package.kind, &package.name, &package.version, source)
}

/// Whether a version is affected; `Some(None)` means affected and not fixed. A version that is not
/// valid is affected only if the entry lists it.
fn affected(
    query: &Query,
    version: Option<&Version>,
    entry: &Entry<&str>,
) -> Option<Option<String>> {
    let Some(version) = version else {
        return entry.versions.contains(&query.version.as_str()).then_some(None);
    };
    let ranges = if version.is_ordered() { entry.intervals.as_slice() } else { &[] };
    for interval in ranges {
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

/// Whether a version is in a list, which is sorted by the order.
fn is_listed(query: &Query, version: &Version, listed: &[&str]) -> bool {
    let compare =
        |text: &str| Version::parse(query.order, text).and_then(|listed| listed.compare(version));
    if matches!(query.order, Order::Packagist | Order::Maven) {
        // These two orders are inconsistent on odd versions.
        return listed.iter().any(|text| compare(text) == Some(Ordering::Equal));
    }
    // Versions that are not valid come last.
    listed.binary_search_by(|text| compare(text).unwrap_or(Ordering::Greater)).is_ok()
}
