//! The state of the cluster, and which of its workloads have to be judged again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_cluster::Change;
use coaming_finding::{Finding, RuleRef};
use coaming_kube::{Delta, Fields as _, Object, ObjectKey, Source, World};
use coaming_rules::Images;
use coaming_scan::Engine;
use time::Date;

use crate::status::FindingKey;
use crate::view::{KindFacts, Snapshot};
use crate::{Options, Status};

/// The kinds that decide about workloads of their namespace; about all where they are in none.
const DECIDING: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "Namespace",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
];
/// The kinds in no namespace whose change touches every workload.
const OF_CLUSTER: &[&str] = &["ClusterRole", "ClusterRoleBinding"];

/// What a workload's report says.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) owner: Owner,
    /// Ranked; empty if there is nothing to report.
    pub(crate) findings: Vec<Finding>,
}

/// The workload that a report is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) key: ObjectKey,
    pub(crate) api_version: String,
    /// Empty once the workload is gone.
    pub(crate) uid: String,
}

pub(crate) struct Reviews {
    engine: Arc<Engine>,
    images: Arc<Images>,
    today: fn() -> Option<Date>,
    status: Arc<Status>,
    world: World,
    /// How many kinds are not listed yet.
    missing: usize,
    listed: BTreeSet<(String, String)>,
    /// The kinds that were listed, as the API server knows them.
    kinds: Arc<BTreeMap<(String, String), KindFacts>>,
    /// The keys of all objects by group and kind, to know what a new list no longer has.
    known: BTreeMap<(String, String), BTreeSet<ObjectKey>>,
    /// The objects that hold workloads.
    workloads: BTreeSet<ObjectKey>,
    dirty: BTreeSet<ObjectKey>,
    /// The namespaces whose workloads are all dirty.
    dirty_namespaces: BTreeSet<String>,
    all_dirty: bool,
    /// The workloads that have findings, each with the rules that found something.
    findings: BTreeMap<ObjectKey, Vec<RuleRef>>,
}

impl Reviews {
    /// Knows nothing yet: the lists of this many kinds come first.
    pub(crate) fn new(engine: Arc<Engine>, options: &Options, kinds: usize) -> Self {
        Self {
            engine,
            images: Arc::clone(&options.images),
            today: options.today,
            status: Arc::clone(&options.status),
            world: World::default(),
            missing: kinds,
            listed: BTreeSet::new(),
            kinds: Arc::default(),
            known: BTreeMap::new(),
            workloads: BTreeSet::new(),
            dirty: BTreeSet::new(),
            dirty_namespaces: BTreeSet::new(),
            all_dirty: false,
            findings: BTreeMap::new(),
        }
    }

    /// Whether every kind was listed, or cannot be: before that, a review would miss what decides.
    pub(crate) fn is_complete(&self) -> bool {
        self.listed.len() >= self.missing
    }

    /// What is known now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { world: self.world.clone(), kinds: Arc::clone(&self.kinds) }
    }

    /// Takes in a change.
    pub(crate) fn take(&mut self, change: Change) {
        match change {
            Change::Put(source) => self.put(*source),
            Change::Removed(key) => self.remove(&key),
            Change::Listed { group, kind, plural, namespaced, sources } => {
                let facts = KindFacts { plural, namespaced };
                Arc::make_mut(&mut self.kinds).insert((group.clone(), kind.clone()), facts);
                self.replace(group, kind, sources);
            }
            Change::NotAllowed { group, kind } => {
                self.status.not_read(&group, &kind);
                self.listed.insert((group, kind));
            }
            Change::Failed { group, kind, error } => {
                // What cannot be read is not waited for.
                if !kind.is_empty() {
                    self.listed.insert((group, kind));
                }
                self.status.failed(error.to_string());
            }
        }
    }

    fn put(&mut self, source: Source) {
        for key in self.world.apply(Delta::Put(Box::new(source))) {
            let kind = (key.group.clone(), key.kind.clone());
            self.known.entry(kind).or_default().insert(key.clone());
            self.touch(key);
        }
    }

    fn remove(&mut self, key: &ObjectKey) {
        if let Some(known) = self.known.get_mut(&(key.group.clone(), key.kind.clone())) {
            known.remove(key);
        }
        for key in self.world.apply(Delta::Remove(key.clone())) {
            self.touch(key);
        }
    }

    fn replace(&mut self, group: String, kind: String, sources: Vec<Source>) {
        let mut gone = self.known.get(&(group.clone(), kind.clone())).cloned().unwrap_or_default();
        for source in sources {
            for object in source.objects(Engine::SUBJECT) {
                gone.remove(&object.key());
            }
            if !self.has(&source) {
                self.put(source);
            }
        }
        gone.iter().for_each(|key| self.remove(key));
        self.status.read(&group, &kind);
        self.listed.insert((group, kind));
    }

    /// Whether the same version of an object is known already: a second list repeats most of it.
    fn has(&self, source: &Source) -> bool {
        let version =
            |object: Object<'_>| object.metadata().string("resourceVersion").map(str::to_owned);
        source.objects(Engine::SUBJECT).all(|object| {
            let known = self.world.get(&object.key());
            known.is_some_and(|known| version(known).is_some_and(|it| Some(it) == version(object)))
        })
    }

    /// Notes which workloads a changed object touches.
    fn touch(&mut self, key: ObjectKey) {
        let object = self.world.get(&key);
        if object.is_some_and(|object| self.world.workloads_of(object).next().is_some()) {
            self.workloads.insert(key.clone());
        } else {
            self.workloads.remove(&key);
        }
        let kind = key.kind.as_str();
        if OF_CLUSTER.contains(&kind) {
            self.all_dirty = true;
        } else if kind == "Namespace" {
            self.dirty_namespaces.insert(key.name.clone());
        } else if DECIDING.contains(&kind) {
            self.dirty_namespaces.insert(key.namespace.clone());
        }
        self.dirty.insert(key);
    }

    /// Forgets what was touched: nobody asks for reports.
    pub(crate) fn pass(&mut self) {
        self.dirty.clear();
        self.dirty_namespaces.clear();
        self.all_dirty = false;
        self.show_counts();
    }

    fn show_counts(&self) {
        let objects = self.known.values().map(BTreeSet::len).sum();
        self.status.keeps(objects, self.workloads.len(), self.counts());
    }

    /// Judges everything that was touched; `None` if the process ends.
    pub(crate) async fn judge(&mut self) -> Option<Vec<Judged>> {
        let dirty = self.dirty_workloads();
        let gone = std::mem::take(&mut self.dirty)
            .into_iter()
            .filter(|key| self.findings.contains_key(key) && !dirty.contains(key));
        let mut judged: Vec<Judged> = gone.map(Judged::gone).collect();
        self.dirty_namespaces.clear();
        self.all_dirty = false;
        self.status.reviewed(dirty.len());
        // Built here once, the index is kept up to date; a snapshot would build its own each time.
        drop(self.world.bindings_to_role("ClusterRole", "", ""));
        let (world, engine, images) =
            (self.world.clone(), Arc::clone(&self.engine), Arc::clone(&self.images));
        let today = (self.today)();
        // Many reviews take longer than others on this thread should wait.
        let reviewed = tokio::task::spawn_blocking(move || {
            let review = |key: &ObjectKey| review(&world, &engine, &images, key, today);
            dirty.iter().filter_map(review).collect::<Vec<_>>()
        });
        judged.extend(reviewed.await.ok()?);
        for report in &judged {
            let rules: Vec<RuleRef> = report.findings.iter().map(|it| it.rule.clone()).collect();
            if rules.is_empty() {
                self.findings.remove(&report.owner.key);
            } else {
                self.findings.insert(report.owner.key.clone(), rules);
            }
        }
        self.show_counts();
        Some(judged)
    }

    /// How many findings there are of each rule in each namespace.
    fn counts(&self) -> BTreeMap<FindingKey, u64> {
        let mut counts: BTreeMap<_, u64> = BTreeMap::new();
        for (workload, rules) in &self.findings {
            for rule in rules {
                let key = (rule.category.as_str(), rule.id.as_str(), workload.namespace.as_str());
                *counts.entry(key).or_default() += 1;
            }
        }
        let named = |((category, rule, namespace), count): ((_, &str, &str), _)| {
            let (rule, namespace) = (rule.to_owned(), namespace.to_owned());
            (FindingKey { category, rule, namespace }, count)
        };
        counts.into_iter().map(named).collect()
    }

    /// The keys of the workloads to judge again.
    fn dirty_workloads(&self) -> BTreeSet<ObjectKey> {
        if !self.all_dirty && self.dirty_namespaces.is_empty() {
            return self.dirty.intersection(&self.workloads).cloned().collect();
        }
        let is_dirty = |key: &&ObjectKey| {
            self.all_dirty
                || self.dirty_namespaces.contains(&key.namespace)
                || self.dirty.contains(*key)
        };
        self.workloads.iter().filter(is_dirty).cloned().collect()
    }
}

impl Judged {
    /// Nothing is left to report about a workload that is gone.
    fn gone(key: ObjectKey) -> Self {
        let owner = Owner { key, api_version: String::new(), uid: String::new() };
        Self { owner, findings: Vec::new() }
    }
}

fn review(
    world: &World,
    engine: &Engine,
    images: &Images,
    key: &ObjectKey,
    today: Option<Date>,
) -> Option<Judged> {
    let object = world.get(key)?;
    let source = world.source_arc(object.source())?;
    let is_judged = !coaming_rules::is_provided(world, object) && !coaming_rules::is_going(object);
    let mut findings =
        if is_judged { engine.review(world, images, source, today).findings } else { Vec::new() };
    findings.retain(|finding| finding.suppressed.is_none());
    let owner = Owner {
        key: key.clone(),
        api_version: object.api_version().to_owned(),
        uid: object.metadata().string("uid").unwrap_or_default().to_owned(),
    };
    Some(Judged { owner, findings })
}
