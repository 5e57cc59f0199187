//! Delivers secrets: a step of mutation that puts the agent into pods that ask for secrets and are
//! granted them (`coaming_vault::inject`).
//!
//! Invariants:
//!
//! * Only in namespaces with the label `coaming.dev/failure-policy: fail`: elsewhere, a pod would start
//!   without its secrets, and unchecked, while no server answers. Such a pod is refused.
//! * Until grants and stores are known, a pod that asks for secrets is refused; others are not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use coaming_admission::{Changes, FAILURE_POLICY_LABEL, Operation, Refusal, Request, Step};
use coaming_kube::{Fields as _, World};
use coaming_vault::{
    ANNOTATION, ClusterSecretStore, EntryPoint, SecretGrant, SecretStore, ServerFacts, Stores,
    inject,
};
use kube::Client;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::cluster::{self, Change, Selection};
use crate::registries::Facts;
use crate::{grant_status, log};

/// The release of Kubernetes since which an init container may be a sidecar.
const NATIVE_SIDECARS: u32 = 29;

/// What the step knows of the cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) grants: Vec<SecretGrant>,
    pub(crate) stores: Vec<SecretStore>,
    pub(crate) cluster_stores: Vec<ClusterSecretStore>,
    facts: Option<ServerFacts>,
    /// The kinds that have been listed.
    listed: [bool; 3],
}

impl Known {
    /// Whether all kinds have been listed.
    pub(crate) fn is_listed(&self) -> bool {
        self.listed.iter().all(|it| *it)
    }
}

/// What the server brings along for the agent.
pub(crate) struct AgentFacts {
    /// The agent's image: that of this program.
    pub(crate) image: String,
    pub(crate) entry_points: Facts<EntryPoint>,
}

/// Puts the agent into pods.
pub(crate) struct Grants {
    known: Arc<ArcSwap<Known>>,
    world: Arc<ArcSwap<World>>,
}

impl Grants {
    /// The step, whose knowledge is kept up to date as long as the process lives.
    pub(crate) fn follow(
        client: Client,
        world: Arc<ArcSwap<World>>,
        facts: AgentFacts,
        leads: watch::Receiver<bool>,
    ) -> Self {
        let known = Arc::new(ArcSwap::from_pointee(Known::default()));
        let changed = Arc::new(Notify::new());
        let (statuses, changes) = (Arc::clone(&known), Arc::clone(&changed));
        tokio::spawn(grant_status::write(client.clone(), statuses, changes, leads));
        tokio::spawn(ask_version(client.clone(), Arc::clone(&known), facts));
        let keeper = Keeper { client, known: Arc::clone(&known), changed };
        keeper.start("SecretGrant", "secretgrants", |known, grants| {
            (known.grants, known.listed[0]) = (grants, true);
        });
        keeper.start("SecretStore", "secretstores", |known, stores| {
            (known.stores, known.listed[1]) = (stores, true);
        });
        keeper.start("ClusterSecretStore", "clustersecretstores", |known, stores| {
            (known.cluster_stores, known.listed[2]) = (stores, true);
        });
        Self { known, world }
    }

    fn must_fail_closed(&self, namespace: &str) -> bool {
        let world = self.world.load();
        let found = world.find("Namespace", "", namespace);
        found.is_some_and(|object| {
            let labels = object.metadata().mapping("labels");
            labels.string(FAILURE_POLICY_LABEL) == Some("fail")
        })
    }
}

impl Step for Grants {
    fn name(&self) -> &'static str {
        "secret-grants"
    }

    fn run(&self, request: &Request, object: &Value) -> Result<Changes, Refusal> {
        if !request.group.is_empty() || request.kind != "Pod" {
            return Ok(Changes::default());
        }
        let asks = !annotation(object).trim().is_empty();
        match (request.subresource.as_str(), request.operation) {
            ("ephemeralcontainers", Operation::Update) if asks => {
                return Err(Refusal(DEBUGGER.to_owned()));
            }
            ("", Operation::Create) => {}
            // A running pod may get another image, or lose the annotation by which it was judged. All
            // else that is written to it goes on, whatever became of its grants.
            ("", Operation::Update) if is_other(request, object)? => {}
            _ => return Ok(Changes::default()),
        }
        if asks && !self.must_fail_closed(&request.namespace) {
            return Err(Refusal(format!(
                "pods get secrets only in namespaces that fail closed: kubectl label namespace {} \
                 {FAILURE_POLICY_LABEL}=fail",
                request.namespace
            )));
        }
        let known = self.known.load();
        let Some(facts) = known.facts.as_ref().filter(|_| known.is_listed()) else {
            let reason = "the grants of the cluster are not known yet; try again";
            return if asks { Err(Refusal(reason.to_owned())) } else { Ok(Changes::default()) };
        };
        let stores = Stores { namespaced: &known.stores, cluster: &known.cluster_stores };
        inject(object, &known.grants, stores, &request.namespace, facts)
            .map(Changes::from)
            .map_err(|refusal| Refusal(refusal.to_string()))
    }
}

/// Why a pod with secrets gets no debugger.
const DEBUGGER: &str = "a pod with secrets gets no ephemeral containers: they would see its files; \
                        debug a pod without the annotation coaming.dev/secrets";

/// The grants that a pod asks for.
pub(crate) fn annotation(pod: &Value) -> &str {
    let annotations = pod.pointer("/metadata/annotations");
    annotations.and_then(|all| all.get(ANNOTATION)).and_then(Value::as_str).unwrap_or_default()
}

/// Whether an update changes what a pod runs or asks for.
fn is_other(request: &Request, object: &Value) -> Result<bool, Refusal> {
    let old = request.old_object().map_err(|error| Refusal(error.to_string()))?;
    Ok(old.is_none_or(|old| {
        old.get("spec") != object.get("spec") || annotation(&old) != annotation(object)
    }))
}

/// Asks the server for its version, until it answers.
async fn ask_version(client: Client, known: Arc<ArcSwap<Known>>, agent: AgentFacts) {
    let minor = loop {
        match client.apiserver_version().await {
            // A provider's version may be `29+`.
            Ok(version) => {
                let digits: String =
                    version.minor.chars().take_while(char::is_ascii_digit).collect();
                break digits.parse::<u32>().unwrap_or_default();
            }
            Err(error) => {
                log::say(format_args!(
                    "cannot ask for the server's version: {}",
                    log::chain(&error)
                ));
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            }
        }
    };
    let facts = ServerFacts {
        native_sidecars: minor >= NATIVE_SIDECARS,
        agent_image: agent.image,
        entry_points: Arc::new(agent.entry_points),
    };
    known.rcu(|known| Known { facts: Some(facts.clone()), ..Known::clone(known) });
}

/// Keeps what is known up to date.
#[derive(Clone)]
struct Keeper {
    client: Client,
    known: Arc<ArcSwap<Known>>,
    /// Who waits for changes of it.
    changed: Arc<Notify>,
}

impl Keeper {
    fn start<T: DeserializeOwned + Clone + Send + 'static>(
        &self,
        kind: &str,
        plural: &str,
        set: fn(&mut Known, Vec<T>),
    ) {
        let selection = Selection::all("coaming.dev", "v1alpha1", kind, plural);
        tokio::spawn(keep(self.clone(), selection, set));
    }
}

/// The objects of a kind, by namespace and name.
struct Kept<T> {
    objects: BTreeMap<(String, String), T>,
    is_listed: bool,
}

impl<T: DeserializeOwned> Kept<T> {
    /// Applies a change; returns whether all objects are known now.
    fn settle(&mut self, change: Change, kind: &str) -> bool {
        match change {
            Change::Put(value) => self.put(&value, kind),
            Change::Remove { namespace, name } => {
                self.objects.remove(&(namespace, name));
            }
            Change::Synced => self.is_listed = true,
            // Without the definitions there are no grants.
            Change::Unavailable(_) => {
                self.objects.clear();
                self.is_listed = false;
                return true;
            }
        }
        self.is_listed
    }

    fn put(&mut self, value: &Value, kind: &str) {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let key = (text("/metadata/namespace").to_owned(), text("/metadata/name").to_owned());
        match serde_json::from_value(value.clone()) {
            Ok(object) => {
                self.objects.insert(key, object);
            }
            Err(error) => {
                let (namespace, name) = &key;
                log::say(format_args!("{kind} {namespace}/{name} is ignored: {error}"));
                self.objects.remove(&key);
            }
        }
    }
}

/// Follows the objects of a kind, and stores all of them once they are listed and after each change.
/// An object that is not understood is reported and left out.
async fn keep<T: DeserializeOwned + Clone + Send + 'static>(
    keeper: Keeper,
    selection: Selection,
    set: fn(&mut Known, Vec<T>),
) {
    let Keeper { client, known, changed } = keeper;
    let kind = selection.resource.kind.clone();
    let kept: Mutex<Kept<T>> = Mutex::new(Kept { objects: BTreeMap::new(), is_listed: false });
    cluster::follow(client, selection, move |change| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        // In the middle of the first list, what is still to come would look as if it did not exist.
        if !kept.settle(change, &kind) {
            return;
        }
        let all: Vec<T> = kept.objects.values().cloned().collect();
        known.rcu(|known| {
            let mut known = Known::clone(known);
            set(&mut known, all.clone());
            known
        });
        changed.notify_one();
    })
    .await;
}
