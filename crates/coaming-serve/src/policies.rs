//! The policies of the cluster, followed; the last good ones stay.
//!
//! Invariants:
//!
//! * A policy that cannot be used never takes the place of one that could.
//! * The first set is complete: the server is not ready before it has seen all policies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coaming_admission::{ClusterPolicy, Guard, Policies, PolicyError, PolicyName, PolicySpec};
use kube::Client;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::cluster::{self, Change, Selection};
use crate::shared::Shared;
use crate::status::{Report, Reports, Shown};
use crate::{PolicySource, log};

/// The name in [`crate::ready::Readiness`] for the policies of namespaces.
const NAMESPACED: &str = "the policies of namespaces";
/// The same for the cluster's.
const CLUSTER: &str = "the policy of the cluster";
/// The keys of the ConfigMap.
const POLICY_KEY: &str = "policy.yaml";
const CONFIGURATION_KEY: &str = "coaming.yaml";
/// How long to wait for more changes before they are used.
const PAUSE: Duration = Duration::from_millis(100);

/// A policy of a namespace as it was last seen.
struct Seen {
    spec: Result<PolicySpec, PolicyError>,
    generation: i64,
    /// What its status says.
    shown: Option<Shown>,
}

/// Something that happened to policies.
enum Happened {
    Cluster(Change),
    Namespaced(Change),
}

/// Keeps the policies up to date.
pub(crate) struct PolicyKeeper {
    shared: Arc<Shared>,
    guard: Guard,
    seen: BTreeMap<PolicyName, Seen>,
    /// The last spec of each policy that could be used.
    good: BTreeMap<PolicyName, PolicySpec>,
    cluster: Result<ClusterPolicy, PolicyError>,
    good_cluster: ClusterPolicy,
    reports: watch::Sender<Reports>,
    /// What was last said about the cluster's policy.
    said: Option<String>,
}

impl PolicyKeeper {
    /// Policies that do not come from the cluster alone: `fixed` is used at once.
    ///
    /// # Errors
    ///
    /// `fixed` cannot be used.
    pub(crate) fn new(
        shared: Arc<Shared>,
        guard: Guard,
        fixed: Option<ClusterPolicy>,
    ) -> Result<(Self, watch::Receiver<Reports>), PolicyError> {
        let cluster = fixed.unwrap_or_default();
        let (reports, receiver) = watch::channel(Reports::default());
        let (policies, _) = Policies::new(guard.clone(), &cluster, &BTreeMap::new(), None)?;
        shared.metrics.policies(policies.hash(), 0);
        #[cfg(feature = "registry")]
        shared.registries.reach_by(&policies.cluster_engine().config().registry_access);
        shared.policies.store(Arc::new(policies));
        let keeper = Self {
            shared,
            guard,
            seen: BTreeMap::new(),
            good: BTreeMap::new(),
            cluster: Ok(cluster.clone()),
            good_cluster: cluster,
            reports,
            said: None,
        };
        Ok((keeper, receiver))
    }

    /// Follows policies for ever.
    pub(crate) async fn run(
        mut self,
        client: Client,
        namespace: &str,
        source: &PolicySource,
        name: &str,
    ) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.shared.ready.miss(NAMESPACED);
        let selection =
            Selection::all("coaming.dev", "v1alpha1", "CoamingPolicy", "coamingpolicies");
        let of_namespaces = sender.clone();
        tokio::spawn(cluster::follow(client.clone(), selection, move |change| {
            drop(of_namespaces.send(Happened::Namespaced(change)));
        }));
        if matches!(source, PolicySource::ConfigMap) {
            self.shared.ready.miss(CLUSTER);
            let selection = Selection::all("", "v1", "ConfigMap", "configmaps");
            let selection = selection.in_namespace(namespace).named(name);
            tokio::spawn(cluster::follow(client, selection, move |change| {
                drop(sender.send(Happened::Cluster(change)));
            }));
        }
        while let Some(happened) = receiver.recv().await {
            let mut known = self.take(happened);
            tokio::time::sleep(PAUSE).await;
            while let Ok(happened) = receiver.try_recv() {
                known.extend(self.take(happened));
            }
            self.publish();
            known.into_iter().for_each(|what| self.shared.ready.have(what));
        }
    }

    /// Notes what happened; returns what is completely known now.
    fn take(&mut self, happened: Happened) -> Vec<&'static str> {
        match happened {
            Happened::Cluster(Change::Put(value)) => self.cluster = cluster_policy(&value),
            Happened::Cluster(Change::Remove { .. }) => self.cluster = Ok(ClusterPolicy::default()),
            // A server without the right to read its ConfigMap would enforce something else.
            Happened::Cluster(Change::Unavailable(_)) => {}
            Happened::Cluster(Change::Synced) => return vec![CLUSTER],
            Happened::Namespaced(Change::Put(mut value)) => {
                let (name, seen) = seen(&mut value);
                self.seen.insert(name, seen);
            }
            Happened::Namespaced(Change::Remove { namespace, name }) => {
                let name = PolicyName { namespace, name };
                self.seen.remove(&name);
                self.good.remove(&name);
            }
            // Where the kind is not installed, there are none.
            Happened::Namespaced(Change::Synced | Change::Unavailable(_)) => {
                return vec![NAMESPACED];
            }
        }
        Vec::new()
    }

    /// Makes what was seen the policies, as far as it can be used.
    fn publish(&mut self) {
        let mut errors: BTreeMap<PolicyName, PolicyError> = BTreeMap::new();
        let mut specs: BTreeMap<PolicyName, PolicySpec> = BTreeMap::new();
        for (name, seen) in &self.seen {
            let spec = match &seen.spec {
                Ok(spec) => Some(spec.clone()),
                Err(error) => {
                    errors.insert(name.clone(), error.clone());
                    self.good.get(name).cloned()
                }
            };
            specs.extend(spec.map(|spec| (name.clone(), spec)));
        }
        let previous = self.shared.policies.load_full();
        let mut wanted = self.cluster.clone();
        let make = |cluster: &ClusterPolicy, specs: &BTreeMap<PolicyName, PolicySpec>| {
            Policies::new(self.guard.clone(), cluster, specs, Some(&previous))
        };
        let made = match &wanted {
            Ok(cluster) => make(cluster, &specs),
            Err(error) => Err(error.clone()),
        };
        let made = made.or_else(|error| {
            wanted = Err(error);
            make(&self.good_cluster, &specs)
        });
        let Ok((mut policies, unusable)) = made else { return };
        let cluster = wanted.as_ref().unwrap_or(&self.good_cluster).clone();
        if !unusable.is_empty() {
            for name in unusable.keys() {
                specs.remove(name);
                specs.extend(self.good.get(name).map(|spec| (name.clone(), spec.clone())));
            }
            if let Ok((again, still)) = make(&cluster, &specs) {
                policies = again;
                still.keys().for_each(|name| drop(specs.remove(name)));
            }
            errors.extend(unusable);
        }
        self.report(&errors, wanted.err());
        let count = errors.len() + usize::from(self.said.is_some());
        (self.good, self.good_cluster) = (specs, cluster);
        self.shared.metrics.policies(policies.hash(), count);
        #[cfg(feature = "registry")]
        self.shared.registries.reach_by(&policies.cluster_engine().config().registry_access);
        self.shared.policies.store(Arc::new(policies));
    }

    fn report(&mut self, errors: &BTreeMap<PolicyName, PolicyError>, cluster: Option<PolicyError>) {
        let said = cluster.map(|error| error.to_string());
        if said != self.said {
            match &said {
                Some(error) => {
                    log::say(format_args!("the policy of the cluster is not used: {error}"))
                }
                None => log::say("the policy of the cluster is used again"),
            }
        }
        self.said.clone_from(&said);
        let report = |(name, seen): (&PolicyName, &Seen)| {
            let error = errors.get(name).map(ToString::to_string);
            (name.clone(), Report { generation: seen.generation, error, shown: seen.shown.clone() })
        };
        let namespaced = self.seen.iter().map(report).collect();
        self.reports.send_replace(Reports { namespaced, cluster: said });
    }
}

/// The policy in a ConfigMap.
fn cluster_policy(value: &Value) -> Result<ClusterPolicy, PolicyError> {
    let data = value.get("data").and_then(Value::as_object);
    let text = |key: &str| data.and_then(|data| data.get(key)).and_then(Value::as_str);
    let known = [POLICY_KEY, CONFIGURATION_KEY];
    if let Some(other) =
        data.into_iter().flatten().map(|(key, _)| key).find(|key| !known.contains(&key.as_str()))
    {
        return Err(PolicyError::Invalid {
            field: format!("data.{other}"),
            reason: format!("only {POLICY_KEY} and {CONFIGURATION_KEY} are known"),
        });
    }
    Ok(ClusterPolicy {
        spec: PolicySpec::from_yaml(text(POLICY_KEY).unwrap_or_default())?,
        configuration: text(CONFIGURATION_KEY).map(str::to_owned),
    })
}

/// A policy of a namespace, by its object.
fn seen(value: &mut Value) -> (PolicyName, Seen) {
    let spec = value.get_mut("spec").map(Value::take).unwrap_or_default();
    let text =
        |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = PolicyName { namespace: text("/metadata/namespace"), name: text("/metadata/name") };
    let generation = value.pointer("/metadata/generation").and_then(Value::as_i64);
    let shown = value.get("status").and_then(Shown::read);
    let spec = PolicySpec::from_value(spec);
    (name, Seen { spec, generation: generation.unwrap_or_default(), shown })
}
