//! What the background has done, for metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Counts what is done. Shared between the background and those that show it.
#[derive(Debug, Default)]
pub struct Status {
    objects: AtomicU64,
    workloads: AtomicU64,
    reviews: AtomicU64,
    writes: AtomicU64,
    failures: AtomicU64,
    last: Mutex<Last>,
    say: Option<fn(&str)>,
}

/// How many different failures are said.
const MAX_SAID: usize = 1000;

#[derive(Debug, Default)]
struct Last {
    look: Option<Instant>,
    failure: Option<String>,
    findings: BTreeMap<FindingKey, u64>,
    not_read: BTreeSet<String>,
    said: BTreeSet<String>,
}

/// What findings are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FindingKey {
    /// The category of the rule.
    pub category: &'static str,
    /// The rule.
    pub rule: String,
    /// The namespace of the workload.
    pub namespace: String,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusSnapshot {
    /// How many objects are kept.
    pub objects: u64,
    /// How many workloads are judged.
    pub workloads: u64,
    /// How many findings they have, by rule and namespace.
    pub findings: BTreeMap<FindingKey, u64>,
    /// The kinds that may not be listed, which is no failure: `Rollout.argoproj.io`, `Secret`.
    pub not_read: BTreeSet<String>,
    /// How many reviews there were.
    pub reviews: u64,
    /// How many requests wrote or deleted a report.
    pub writes: u64,
    /// How many requests failed.
    pub failures: u64,
    /// Seconds since everything that had changed was judged and written; `None` before the first time.
    pub seconds_since_look: Option<u64>,
    /// What failed last.
    pub last_failure: Option<String>,
}

impl Status {
    /// Counts, and says each failure once, as long as it is the same.
    #[must_use]
    pub fn saying(say: fn(&str)) -> Self {
        Self { say: Some(say), ..Self::default() }
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> StatusSnapshot {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let last = self.last();
        StatusSnapshot {
            objects: get(&self.objects),
            workloads: get(&self.workloads),
            findings: last.findings.clone(),
            not_read: last.not_read.clone(),
            reviews: get(&self.reviews),
            writes: get(&self.writes),
            failures: get(&self.failures),
            seconds_since_look: last.look.map(|look| look.elapsed().as_secs()),
            last_failure: last.failure.clone(),
        }
    }

    pub(crate) fn looked(&self) {
        self.last().look = Some(Instant::now());
    }

    pub(crate) fn keeps(
        &self,
        objects: usize,
        workloads: usize,
        findings: BTreeMap<FindingKey, u64>,
    ) {
        self.objects.store(objects as u64, Ordering::Relaxed);
        self.workloads.store(workloads as u64, Ordering::Relaxed);
        self.last().findings = findings;
    }

    pub(crate) fn not_read(&self, group: &str, kind: &str) {
        self.last().not_read.insert(full_name(group, kind));
    }

    pub(crate) fn read(&self, group: &str, kind: &str) {
        self.last().not_read.remove(&full_name(group, kind));
    }

    pub(crate) fn reviewed(&self, count: usize) {
        self.reviews.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, reason: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last();
        let is_new = last.said.len() < MAX_SAID && last.said.insert(reason.clone());
        if let Some(say) = self.say.filter(|_| is_new) {
            say(&reason);
        }
        last.failure = Some(reason);
    }
}

fn full_name(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}
