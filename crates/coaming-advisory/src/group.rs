//! Groups the advisories about one package by vulnerability.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use coaming_finding::Severity;
use coaming_image::Package;

use crate::advisory::{Advisory, Entry};
use crate::query::Query;
use crate::score::Score;
use crate::{DeploymentContext, Version, Vulnerability, priority, score};

/// The advisories about one package, grouped by vulnerability.
#[derive(Default)]
pub(crate) struct Groups {
    /// The groups; `None` where one was joined with another.
    groups: Vec<Option<Group>>,
    /// The index of the group that has a name.
    by_name: HashMap<String, usize>,
}

/// One vulnerability.
#[derive(Default)]
struct Group {
    /// All its names.
    names: BTreeSet<String>,
    /// The bulletins about it and possibly others.
    bulletins: BTreeSet<String>,
    /// The first fixed version in each advisory.
    fixed: Vec<Option<String>>,
    scores: BTreeSet<Score>,
    severity: Option<Severity>,
    /// The distribution's own severity.
    word: Option<Severity>,
    probability: Option<u16>,
    exploited: Option<String>,
    summary: String,
    order: Option<crate::Order>,
}

impl Groups {
    /// Adds an advisory about the package, with the first fixed version.
    pub(crate) fn add(
        &mut self,
        advisory: &Advisory,
        entry: &Entry<&str>,
        fixed: Option<String>,
        query: &Query,
    ) {
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
        entry: &Entry<&str>,
        fixed: Option<String>,
        query: &Query,
    ) {
        let same: BTreeSet<usize> =
            names.iter().filter_map(|name| self.by_name.get(name).copied()).collect();
        let mut group = Group { order: Some(query.order), ..Group::default() };
        for index in same {
            if let Some(other) = self.groups.get_mut(index).and_then(Option::take) {
                group.absorb(other);
            }
        }
        let alone = advisory.upstream.len() <= 1;
        group.names.extend(names);
        if !advisory.upstream.is_empty() {
            group.bulletins.insert(advisory.id.clone());
        }
        group.fixed.push(fixed);
        group.word = group.word.max(entry.severity);
        // A bulletin about several vulnerabilities rates the most severe one, which may be another
        // one.
        if alone || group.scores.is_empty() {
            group.scores.extend(advisory.scores.iter().cloned());
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
        for name in &group.names {
            self.by_name.insert(name.clone(), self.groups.len());
        }
        self.groups.push(Some(group));
    }

    /// The vulnerabilities of the package.
    pub(crate) fn finish(
        self,
        package: &Package,
        deployment: DeploymentContext,
    ) -> Vec<Vulnerability> {
        if self.groups.is_empty() {
            return Vec::new();
        }
        let package = Arc::new(package.clone());
        self.groups.into_iter().flatten().map(|group| group.finish(&package, deployment)).collect()
    }
}

impl Group {
    fn absorb(&mut self, other: Self) {
        self.names.extend(other.names);
        self.bulletins.extend(other.bulletins);
        self.fixed.extend(other.fixed);
        self.scores.extend(other.scores);
        self.severity = self.severity.max(other.severity);
        self.word = self.word.max(other.word);
        self.probability = self.probability.max(other.probability);
        self.exploited = self.exploited.take().or(other.exploited);
        if self.summary.is_empty() {
            self.summary = other.summary;
        }
    }

    /// The first version that all advisories with a fix consider fixed.
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

    fn finish(mut self, package: &Arc<Package>, deployment: DeploymentContext) -> Vulnerability {
        let fixed = self.fixed();
        let rank = |name: &&String| {
            let known = ["CVE-", "GHSA-"].iter().position(|prefix| name.starts_with(prefix));
            (known.unwrap_or(usize::MAX), (*name).clone())
        };
        let id = self.names.iter().min_by_key(rank).cloned().unwrap_or_default();
        self.names.remove(&id);
        let score = score::best(self.scores);
        let scored = score.as_ref().and_then(|score| score::severity(score.value()));
        let severity = self.word.or(scored).or(self.severity);
        let mut vulnerability = Vulnerability {
            id,
            aliases: self.names.into_iter().chain(self.bulletins).collect(),
            package: Arc::clone(package),
            fixed,
            severity,
            score: score.as_ref().map(Score::value),
            vector: score.map(|score| score.vector).unwrap_or_default(),
            probability: self.probability.map(|points| f64::from(points) / 10_000.0),
            exploited: self.exploited,
            summary: self.summary,
            used: None,
            priority: 0,
        };
        vulnerability.priority = priority::of(&vulnerability, deployment);
        vulnerability
    }
}
