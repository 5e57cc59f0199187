//! Pod Security labels: the level that a namespace's pods pass today, and what keeps it from the
//! next.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use coaming_config::{KubernetesVersion, PodSecurityLevel};
use coaming_kube::{Fields as _, World};
use coaming_rules::pss;
use coaming_yaml::edit::Value;

use crate::render::mapping;

/// The prefix of the labels.
const PREFIX: &str = "pod-security.kubernetes.io/";
/// Namespaces whose pods manage the nodes: their level is privileged.
const SYSTEM: [&str; 2] = ["kube-node-lease", "kube-system"];

/// What each namespace can enforce.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The version of the policy.
    pub version: KubernetesVersion,
    /// The namespaces, by name.
    pub namespaces: Vec<Namespace>,
    /// The namespaces that are left out, as they belong to Kubernetes.
    pub skipped: Vec<String>,
}

/// What a namespace can enforce.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// The highest level that all its pods pass; `None` is `privileged`.
    pub enforce: Option<PodSecurityLevel>,
    /// The level to warn of and to record: the next one, or the highest.
    pub warn: PodSecurityLevel,
    /// The level that it enforces now, as its label says.
    pub current: Option<String>,
    /// How many workloads were judged.
    pub workloads: usize,
    /// What keeps it from the level of `warn`; empty if nothing does.
    pub blockers: Vec<Blocker>,
}

/// A violation of the next level.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// The kind of the workload, the topmost that is known.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The container; `None` where the pod itself violates it.
    pub container: Option<String>,
    /// The control, as Kubernetes names it.
    pub control: &'static str,
    /// What is wrong: a clause.
    pub reason: String,
    /// What to do: an imperative clause.
    pub remedy: String,
}

impl Namespace {
    /// The name of the level to enforce.
    #[must_use]
    pub fn enforced(&self) -> &'static str {
        self.enforce.map_or("privileged", PodSecurityLevel::as_str)
    }

    /// The labels, with their values.
    #[must_use]
    pub fn labels(&self, version: KubernetesVersion) -> Vec<(String, String)> {
        let version = version.to_string();
        [("audit", self.warn.as_str()), ("enforce", self.enforced()), ("warn", self.warn.as_str())]
            .into_iter()
            .flat_map(|(mode, level)| {
                [
                    (format!("{PREFIX}{mode}"), level.to_owned()),
                    (format!("{PREFIX}{mode}-version"), version.clone()),
                ]
            })
            .collect()
    }

    /// The namespace with its labels alone, for a server-side apply.
    fn object(&self, version: KubernetesVersion) -> Value {
        let labels = self.labels(version).into_iter();
        let labels = mapping(labels.map(|(name, value)| (name, value.into())));
        mapping([
            ("apiVersion", "v1".into()),
            ("kind", "Namespace".into()),
            ("metadata", mapping([("name", self.name.as_str().into()), ("labels", labels)])),
        ])
    }
}

impl Plan {
    /// Writes the plan for people, with the commands that set the labels.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        crate::render::plan_text(self, out)
    }

    /// Writes the namespaces with their labels, for `kubectl apply --server-side`.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_yaml(&self, out: &mut dyn Write) -> io::Result<()> {
        let objects: Vec<Value> =
            self.namespaces.iter().map(|it| it.object(self.version)).collect();
        crate::render::documents(&objects, out)
    }

    /// Writes the plan as JSON.
    ///
    /// # Errors
    ///
    /// What writing to `out` gives.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        crate::render::plan_json(self, out)
    }
}

/// Plans the labels of every namespace that the world has, or that has a workload in it.
#[must_use]
pub fn plan(world: &World, version: KubernetesVersion) -> Plan {
    let mut found: BTreeMap<&str, Found> = BTreeMap::new();
    for namespace in world.of_kind("Namespace").filter(|object| object.group().is_empty()) {
        let labels = namespace.metadata().mapping("labels");
        let current = labels.string(&format!("{PREFIX}enforce")).map(str::to_owned);
        found.entry(namespace.name()).or_default().current = current;
    }
    // What controllers made counts too: webhooks may have changed it.
    for workload in world.all_workloads() {
        let owner = world.top_owner(workload.object);
        let own = found.entry(workload.object.namespace_or_default()).or_default();
        own.workloads.insert((owner.kind(), owner.name()));
        for level in [PodSecurityLevel::Baseline, PodSecurityLevel::Restricted] {
            let violations = pss::check(workload.pod(), level, version);
            let blockers = violations.into_iter().map(|violation| Blocker {
                kind: owner.kind().to_owned(),
                name: owner.name().to_owned(),
                container: violation.container.map(str::to_owned),
                control: violation.control.id,
                reason: violation.reason,
                remedy: violation.remedy,
            });
            own.blockers.entry(level).or_default().extend(blockers);
        }
    }
    let (system, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|(name, _)| SYSTEM.contains(name));
    Plan {
        version,
        namespaces: others.into_iter().map(|(name, found)| found.plan(name)).collect(),
        skipped: system.into_iter().map(|(name, _)| name.to_owned()).collect(),
    }
}

/// What was found in a namespace.
#[derive(Default)]
struct Found<'w> {
    current: Option<String>,
    workloads: BTreeSet<(&'w str, &'w str)>,
    blockers: BTreeMap<PodSecurityLevel, BTreeSet<Blocker>>,
}

impl Found<'_> {
    fn plan(mut self, name: &str) -> Namespace {
        let mut of = |level| self.blockers.remove(&level).unwrap_or_default();
        let (baseline, restricted) =
            (of(PodSecurityLevel::Baseline), of(PodSecurityLevel::Restricted));
        let (enforce, warn, blockers) = if !baseline.is_empty() {
            (None, PodSecurityLevel::Baseline, baseline)
        } else if !restricted.is_empty() {
            (Some(PodSecurityLevel::Baseline), PodSecurityLevel::Restricted, restricted)
        } else {
            (Some(PodSecurityLevel::Restricted), PodSecurityLevel::Restricted, restricted)
        };
        Namespace {
            name: name.to_owned(),
            enforce,
            warn,
            current: self.current,
            workloads: self.workloads.len(),
            blockers: blockers.into_iter().collect(),
        }
    }
}
