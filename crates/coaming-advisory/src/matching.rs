//! Matching packages with advisories: one finding a vulnerability and package.
//!
//! Invariants:
//!
//! * A package is matched within its own ecosystem and release only, by that ecosystem's order.
//! * The distribution's word beats upstream's: what a distribution packaged is judged by the
//!   distribution's advisories alone.
//! * Advisories that name the same vulnerability are one finding.
//! * What could not be asked is counted with its reason; silence always means "nothing is known".

use std::collections::{BTreeMap, BTreeSet};

use coaming_finding::Severity;
use coaming_image::{Distribution, Package, PackageKind};

use crate::advisory::{Advisory, Entry};
use crate::database::{Database, DatabaseError};
use crate::query::{self, Query, Unasked};
use crate::{Version, priority, score};

/// A known vulnerability of a package.
#[derive(Clone, Debug, PartialEq)]
pub struct Vulnerability<'a> {
    /// Its best known name: `CVE-…`, else `GHSA-…`, else the advisory's own.
    pub id: String,
    /// Its other names, and the bulletins that speak of it; sorted.
    pub aliases: Vec<String>,
    /// The package.
    pub package: &'a Package,
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
    /// What to look at first: from 0 to 100, higher first.
    pub priority: u8,
}

/// What is known of packages.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches<'a> {
    /// The vulnerabilities, those to look at first come first.
    pub vulnerabilities: Vec<Vulnerability<'a>>,
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
}

impl<'a> Matches<'a> {
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

    fn sort(&mut self) {
        self.vulnerabilities.sort_by(|left, right| {
            let key = |vulnerability: &Vulnerability<'a>| {
                let package = vulnerability.package;
                (&package.name, &package.version, &package.path)
            };
            (right.priority.cmp(&left.priority))
                .then_with(|| right.severity.cmp(&left.severity))
                .then_with(|| left.id.cmp(&right.id))
                .then_with(|| key(left).cmp(&key(right)))
        });
    }
}

impl Database {
    /// Matches packages with the advisories.
    ///
    /// # Errors
    ///
    /// Where the database is damaged.
    pub fn matches<'a>(
        &self,
        packages: &'a [Package],
        distribution: Option<&Distribution>,
        surroundings: Surroundings,
    ) -> Result<Matches<'a>, DatabaseError> {
        let mut matches = Matches::default();
        let owned = Owned::new(packages);
        let mut seen = BTreeSet::new();
        for package in packages {
            if owned.covers(package) || !seen.insert(identity(package)) {
                continue;
            }
            let queries = match query::queries(package, distribution) {
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
    fn ask<'a>(
        &self,
        package: &'a Package,
        queries: &[Query],
        surroundings: Surroundings,
        matches: &mut Matches<'a>,
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
            let Some(version) = Version::parse(query.order, &query.version) else {
                matches.unordered.insert(format!("{} {}", query.name, query.version));
                continue;
            };
            for entry in self.entries(&query.ecosystem, &query.name)? {
                if let Some(fixed) = affected(query, &version, &entry) {
                    let advisory = self.advisory(entry.advisory)?;
                    if let Some(advisory) = advisory.get() {
                        groups.add(advisory, &entry, fixed, query);
                    }
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

/// Whether a version is affected; `Some(None)` is affected and not fixed.
fn affected(query: &Query, version: &Version, entry: &Entry) -> Option<Option<String>> {
    for interval in &entry.intervals {
        if interval.contains(query.order, version) == Some(true)
            && same_stream(query, interval.fixed())
        {
            return Some(interval.fixed().map(str::to_owned));
        }
    }
    let listed = entry.versions.iter().any(|text| {
        *text == query.version
            || Version::parse(query.order, text)
                .and_then(|listed| listed.compare(version))
                .is_some_and(std::cmp::Ordering::is_eq)
    });
    listed.then_some(None)
}

/// Red Hat builds one package in several module streams and outside of modules, each with fixes of its
/// own: a fix in a module says nothing of a package outside.
fn same_stream(query: &Query, fixed: Option<&str>) -> bool {
    let module = |version: &str| version.contains(".module+") || version.contains(".module_");
    fixed.is_none_or(|fixed| module(fixed) == module(&query.version))
}

/// Packages of languages that the distribution packaged: its advisories judge them.
struct Owned<'a> {
    /// The names of the distribution's packages, and of their sources.
    names: BTreeSet<&'a str>,
}

impl<'a> Owned<'a> {
    fn new(packages: &'a [Package]) -> Self {
        let system = |package: &&Package| {
            matches!(package.kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm)
        };
        let names = packages.iter().filter(system).flat_map(|package| {
            std::iter::once(package.name.as_str())
                .chain(package.source.as_ref().map(|source| source.name.as_str()))
        });
        Self { names: names.collect() }
    }

    /// Whether a package lies where the distribution puts its own, and the distribution has one of this
    /// name.
    fn covers(&self, package: &Package) -> bool {
        let prefixes: &[&str] = match package.kind {
            PackageKind::PyPi if is_system_python(&package.path) => {
                &["python3-", "python-", "py3-", "python3.", ""]
            }
            PackageKind::Gem if package.path.starts_with("/usr/") => &["ruby-", "rubygem-", ""],
            PackageKind::Npm if package.path.starts_with("/usr/share/") => {
                &["node-", "nodejs-", ""]
            }
            _ => return false,
        };
        if package.path.starts_with("/usr/local/") {
            return false;
        }
        let name = crate::place::package("PyPI", &package.name);
        let stem = name.strip_prefix("python-").unwrap_or(&name);
        prefixes.iter().any(|prefix| {
            self.names.contains(format!("{prefix}{name}").as_str())
                || self.names.contains(format!("{prefix}{stem}").as_str())
        })
    }
}

/// Debian's `dist-packages` and the system Python's `site-packages`.
fn is_system_python(path: &str) -> bool {
    path.contains("/dist-packages/")
        || path.starts_with("/usr/lib") && path.contains("/site-packages/")
}

/// Advisories about one package, those of one vulnerability together.
#[derive(Default)]
struct Groups(Vec<Group>);

/// One vulnerability.
#[derive(Default)]
struct Group {
    /// All the names it has.
    names: BTreeSet<String>,
    /// The bulletins that speak of it among others.
    bulletins: BTreeSet<String>,
    /// From where on it is fixed, as far as each advisory says.
    fixed: Vec<Option<String>>,
    vectors: BTreeSet<String>,
    severity: Option<Severity>,
    /// The distribution's own word.
    word: Option<Severity>,
    probability: Option<u16>,
    exploited: Option<String>,
    summary: String,
    order: Option<crate::Order>,
}

impl Groups {
    fn add(&mut self, advisory: &Advisory, entry: &Entry, fixed: Option<String>, query: &Query) {
        if advisory.upstream.is_empty() {
            let names = std::iter::once(&advisory.id).chain(&advisory.aliases).cloned().collect();
            self.join(names, advisory, entry, fixed, query);
            return;
        }
        for name in &advisory.upstream {
            let names = BTreeSet::from([name.clone()]);
            self.join(names, advisory, entry, fixed.clone(), query);
        }
    }

    /// Joins all groups that share a name with the advisory, and adds it.
    fn join(
        &mut self,
        names: BTreeSet<String>,
        advisory: &Advisory,
        entry: &Entry,
        fixed: Option<String>,
        query: &Query,
    ) {
        let (same, others) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|group| !group.names.is_disjoint(&names));
        self.0 = others;
        let mut group = Group { order: Some(query.order), ..Group::default() };
        for other in same {
            group.absorb(other);
        }
        let alone = advisory.upstream.len() <= 1;
        group.names.extend(names);
        if !advisory.upstream.is_empty() {
            group.bulletins.insert(advisory.id.clone());
        }
        group.fixed.push(fixed);
        group.word = group.word.max(entry.severity);
        // A bulletin about many vulnerabilities rates the worst of them, and so says nothing of one.
        if alone || group.vectors.is_empty() {
            group.vectors.extend(advisory.vectors.iter().cloned());
        }
        group.severity = group.severity.max(advisory.severity);
        if group.summary.is_empty() || alone && advisory.summary.len() > group.summary.len() {
            group.summary.clone_from(&advisory.summary);
        }
        for exploit in &advisory.exploits {
            if group.names.contains(&exploit.cve) {
                group.probability = group.probability.max(exploit.probability);
                group.exploited = group.exploited.take().or_else(|| exploit.exploited.clone());
            }
        }
        self.0.push(group);
    }

    fn finish(self, package: &Package, surroundings: Surroundings) -> Vec<Vulnerability<'_>> {
        self.0.into_iter().map(|group| group.finish(package, surroundings)).collect()
    }
}

impl Group {
    fn absorb(&mut self, other: Self) {
        self.names.extend(other.names);
        self.bulletins.extend(other.bulletins);
        self.fixed.extend(other.fixed);
        self.vectors.extend(other.vectors);
        self.severity = self.severity.max(other.severity);
        self.word = self.word.max(other.word);
        self.probability = self.probability.max(other.probability);
        self.exploited = self.exploited.take().or(other.exploited);
        if self.summary.is_empty() {
            self.summary = other.summary;
        }
    }

    /// The version that all advisories hold for fixed; where some say none, what the others say.
    fn fixed(&mut self) -> Option<String> {
        let order = self.order?;
        let mut best: Option<(Version, String)> = None;
        for text in std::mem::take(&mut self.fixed).into_iter().flatten() {
            let Some(version) = Version::parse(order, &text) else { continue };
            let newer = best.as_ref().is_none_or(|(best, _)| {
                version.compare(best).is_some_and(std::cmp::Ordering::is_gt)
            });
            if newer {
                best = Some((version, text));
            }
        }
        best.map(|(_, text)| text)
    }

    fn finish(mut self, package: &Package, surroundings: Surroundings) -> Vulnerability<'_> {
        let fixed = self.fixed();
        let rank = |name: &&String| {
            let known = ["CVE-", "GHSA-"].iter().position(|prefix| name.starts_with(prefix));
            (known.unwrap_or(usize::MAX), (*name).clone())
        };
        let id = self.names.iter().min_by_key(rank).cloned().unwrap_or_default();
        self.names.remove(&id);
        let score = score::best(self.vectors.iter().map(String::as_str));
        let scored = score.as_ref().and_then(|score| score::severity(score.value));
        let severity = self.word.or(scored).or(self.severity);
        let mut vulnerability = Vulnerability {
            id,
            aliases: self.names.into_iter().chain(self.bulletins).collect(),
            package,
            fixed,
            severity,
            score: score.as_ref().map(|score| score.value),
            vector: score.map(|score| score.vector).unwrap_or_default(),
            probability: self.probability.map(|points| f64::from(points) / 10_000.0),
            exploited: self.exploited,
            summary: self.summary,
            priority: 0,
        };
        vulnerability.priority = priority::of(&vulnerability, surroundings);
        vulnerability
    }
}
