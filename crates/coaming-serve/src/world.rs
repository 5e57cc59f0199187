//! What rules need to know of the cluster: the objects that a workload refers to, and those that
//! refer to it. Pods, Secrets and ConfigMaps are not among them.

use std::sync::Arc;

use coaming_admission::source_name;
use coaming_kube::{Delta, ObjectKey, Origin, Source, World};
use kube::Client;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::cluster::{self, Change, Selection};
use crate::shared::Shared;

/// Group, version, kind and plural.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("", "v1", "Namespace", "namespaces"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
];

/// Annotations that repeat the whole object.
const COPY: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How many changes become one snapshot, at most.
const BATCH: usize = 1000;

struct Received {
    group: &'static str,
    kind: &'static str,
    change: Change,
}

/// Follows the cluster, and publishes a snapshot after each change, for ever.
pub(crate) async fn follow(client: Client, shared: Arc<Shared>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for &(group, version, kind, plural) in KINDS {
        shared.ready.miss(plural);
        let selection = Selection::all(group, version, kind, plural);
        let sender = sender.clone();
        tokio::spawn(cluster::follow(client.clone(), selection, move |change| {
            // The receiver lives as long as the process.
            drop(sender.send(Received { group, kind, change }));
        }));
    }
    let mut world = World::default();
    let mut batch = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        let mut known = Vec::new();
        for Received { group, kind, change } in batch.drain(..) {
            match change {
                Change::Put(value) => {
                    world.apply(Delta::Put(Box::new(source(kind, value))));
                }
                Change::Remove { namespace, name } => {
                    world.apply(Delta::Remove(key(group, kind, namespace, name)));
                }
                // Without a right, rules know less; without namespaces, modes would be wrong.
                Change::Unavailable(_) if kind == "Namespace" => {}
                Change::Synced | Change::Unavailable(_) => known.push(kind),
            }
        }
        shared.world.store(Arc::new(world.clone()));
        for kind in known {
            let plural = KINDS.iter().find(|entry| entry.2 == kind).map(|entry| entry.3);
            shared.ready.have(plural.unwrap_or_default());
        }
    }
}

fn key(group: &str, kind: &str, namespace: String, name: String) -> ObjectKey {
    let namespace = if namespace.is_empty() { "default".to_owned() } else { namespace };
    ObjectKey { group: group.to_owned(), kind: kind.to_owned(), namespace, name }
}

/// The object as a source, without what nobody reads.
fn source(kind: &str, mut value: Value) -> Source {
    if let Some(members) = value.as_object_mut() {
        members.remove("status");
    }
    if let Some(Value::Object(annotations)) = value.pointer_mut("/metadata/annotations") {
        annotations.remove(COPY);
    }
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let name = source_name(kind, text("/metadata/namespace"), text("/metadata/name"));
    let document = coaming_yaml::from_json(&value);
    Source::new(&name, Arc::from(""), vec![document]).with_origin(Origin::Cluster)
}
