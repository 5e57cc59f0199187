//! Moves the Secrets of manifests to a store: their values, the manifests without them, and what the
//! program has to change.
//!
//! Pure: values and new texts are returned, and the caller writes them, in this order: nothing leaves
//! a manifest before it can be read back from the store. A Secret is moved as a whole or not at all:
//! one that something other than a container uses stays, with the reason.

mod apply;
mod edits;
mod read;

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_kube::{SecretUse, SecretUseKind, SourceId, Workload, World};
use coaming_yaml::edit::EditError;

use crate::Fields;
use crate::grant::StoreReference;
pub use apply::MoveError;
use edits::Rewrite;

/// Where the values go, and how containers get them.
#[derive(Clone, Debug)]
pub struct Target {
    /// The mount of the key/value engine; the rest of a path is namespace and name.
    pub mount: String,
    /// The store that the grants name.
    pub store: StoreReference,
    /// The role of the login; by default the name of the service account.
    pub role: Option<String>,
}

/// What has to be done.
#[derive(Debug, Default)]
pub struct Migration {
    /// The values, by their paths in the store.
    pub secrets: BTreeMap<String, Fields>,
    /// The files' new texts.
    pub files: BTreeMap<SourceId, Arc<str>>,
    /// What people have to change: in the program, or in a pod.
    pub steps: Vec<String>,
    /// Which Secrets stay, and why.
    pub left: Vec<String>,
}

/// A file that is written in a way that cannot be edited.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {source}")]
pub struct MigrateError {
    /// The file.
    pub file: String,
    /// Why.
    pub source: EditError,
}

/// Plans the migration of all Secrets whose manifests and users are among these objects.
///
/// # Errors
///
/// See [`MigrateError`].
pub fn migrate(world: &World, target: &Target) -> Result<Migration, MigrateError> {
    let mut migration = Migration::default();
    let mut rewrite = Rewrite::new(world, target);
    let mut seen = std::collections::BTreeSet::new();
    for secret in world.of_kind("Secret").filter(|object| object.group().is_empty()) {
        let (namespace, name) = (secret.namespace_or_default(), secret.name());
        let title = format!("Secret {namespace}/{name}");
        let uses = uses(world, namespace, name);
        let fields = match movable(world, secret, &uses) {
            Ok(fields) if seen.insert((namespace, name)) => fields,
            Ok(_) => {
                migration.left.push(format!("{title}: it is there more than once"));
                continue;
            }
            Err(reason) => {
                migration.left.push(format!("{title}: {reason}"));
                continue;
            }
        };
        let path = format!("{}/{namespace}/{name}", target.mount);
        if !crate::config::is_path(&path) {
            migration.left.push(format!("{title}: `{path}` is not a path in a store"));
            continue;
        }
        match rewrite.secret(secret, &path, &fields, &uses) {
            Ok(steps) => {
                migration.steps.extend(steps);
                migration.secrets.insert(path, fields);
            }
            Err(reason) => migration.left.push(format!("{title}: {reason}")),
        }
    }
    migration.files = rewrite.texts()?;
    migration.steps.sort();
    migration.steps.dedup();
    Ok(migration)
}

/// How the pods of a namespace use a Secret.
fn uses<'w>(world: &'w World, namespace: &str, name: &str) -> Vec<(Workload<'w>, SecretUse<'w>)> {
    let here = world
        .all_workloads()
        .filter(|workload| workload.object.namespace_or_default() == namespace);
    here.flat_map(|workload| {
        let uses = workload.pod().secret_uses().into_iter();
        uses.filter(|found| found.secret == name).map(move |found| (workload, found))
    })
    .collect()
}

/// The values of a Secret that only containers use.
fn movable(
    world: &World,
    secret: coaming_kube::Object<'_>,
    uses: &[(Workload<'_>, SecretUse<'_>)],
) -> Result<Fields, String> {
    let source = world.source(secret.source());
    let is_file = source.is_some_and(|source| {
        source.origin.is_writable() && source.rendering.is_none() && source.written.is_none()
    });
    if !is_file || !secret.node().path().is_root() {
        return Err("it is not a document of its own in a file".to_owned());
    }
    if uses.is_empty() {
        return Err("no pod among these files uses it".to_owned());
    }
    if uses.iter().any(|(_, found)| matches!(found.kind, SecretUseKind::Node)) {
        return Err("the kubelet or a volume's driver uses it".to_owned());
    }
    let (namespace, name) = (secret.namespace_or_default(), secret.name());
    let ingress = world.of_kind("Ingress").find(|ingress| {
        ingress.namespace_or_default() == namespace
            && ingress.node().descendants().any(|node| {
                node.as_str() == Some(name)
                    && node.path().last() == Some(&coaming_yaml::Step::from("secretName"))
            })
    });
    if let Some(ingress) = ingress {
        return Err(format!("Ingress {} uses it", ingress.name()));
    }
    read::fields(secret)
}
