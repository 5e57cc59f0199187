//! Puts the agent into pods that ask for secrets and are granted them.
//!
//! No store can tell containers apart: a token names account and pod. Mounts can, so a file is in a
//! volume of its own for each container and grant, which that container alone mounts, read-only; the
//! token with which secrets are read is in the agent alone. Invariants:
//!
//! * Pure: the same pod, grants, stores and server give the same patch.
//! * Idempotent: the patched pod gets an empty patch. Every field that the API server would default
//!   is set, so that an injected pod stays as it is.
//! * What a pod brings along under our names is replaced, or the pod is refused.

mod check;
mod delivery;
mod launcher;
mod mistakes;
mod pod;
mod refusal;

use std::collections::BTreeSet;
use std::sync::Arc;

use json_patch::PatchOperation;
use serde_json::Value;

pub use launcher::{EntryPoint, EntryPoints, launcher_warning};
pub use refusal::Refusal;

use crate::grant::{ClusterSecretStore, SecretGrant, SecretStore, Server};

/// The annotation of a pod that asks for secrets: names of grants, separated by commas.
pub const ANNOTATION: &str = "coaming.dev/secrets";
/// The annotation that says how the agent was put into the pod.
const FORM: &str = "coaming.dev/agent";
/// The annotation of a pod whose own containers use the API server's token.
const API_ACCESS: &str = "coaming.dev/api-access";
/// What the names of our volumes begin with.
const PREFIX: &str = "coaming-secret-";
/// The path of this program in its image.
pub const PROGRAM: &str = "/usr/bin/coaming";
/// The path of the launcher, `coaming-launch`, in the same image.
pub const LAUNCHER: &str = "/usr/bin/coaming-launch";
/// The volume of the agent's token.
const TOKEN: &str = "coaming-token";
/// The agent's container, and its first run where the server knows no native sidecars.
const AGENT: &str = "coaming-agent";
const FIRST: &str = "coaming-agent-first";

/// All stores that the server knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stores<'s> {
    /// Those of namespaces.
    pub namespaced: &'s [SecretStore],
    /// Those of the cluster.
    pub cluster: &'s [ClusterSecretStore],
}

impl<'s> Stores<'s> {
    /// The audiences of all of them.
    fn audiences(self) -> BTreeSet<&'s str> {
        let namespaced = self.namespaced.iter().map(|store| &store.spec.provider);
        let cluster = self.cluster.iter().map(|store| &store.spec.provider);
        let servers = namespaced.chain(cluster).filter_map(|provider| provider.server());
        servers.map(Server::audience).collect()
    }
}

/// What is known of the server and its agent.
#[derive(Clone, Debug)]
pub struct ServerFacts {
    /// Whether an init container may have `restartPolicy: Always`, by the server's OpenAPI: an older
    /// one drops the field, and a pod hangs whose init container never ends.
    pub native_sidecars: bool,
    /// The agent's image.
    pub agent_image: String,
    /// What images start, for the launcher.
    pub entry_points: Arc<dyn EntryPoints>,
}

/// Puts the agent into a pod. A pod that does not ask for secrets gets an empty patch.
///
/// `grants` are those of all namespaces or of this one. On updates the same question is asked again:
/// a pod's images can change.
///
/// # Errors
///
/// See [`Refusal`]: the pod must not be admitted.
pub fn inject(
    pod: &Value,
    grants: &[SecretGrant],
    stores: Stores<'_>,
    namespace: &str,
    facts: &ServerFacts,
) -> Result<Vec<PatchOperation>, Refusal> {
    let spec = pod.get("spec").filter(|spec| spec.get("containers").is_some_and(Value::is_array));
    let spec = spec.ok_or(Refusal::Form)?;
    let wanted = wanted(pod);
    check::audiences(spec, &stores.audiences(), !wanted.is_empty())?;
    if wanted.is_empty() && !annotation(pod).is_empty() {
        return Err(Refusal::NoNames);
    }
    if wanted.is_empty() {
        return check::is_not_ours(spec).map(|()| Vec::new());
    }
    check::pod(spec)?;
    let deliveries = delivery::plan(spec, &wanted, grants, stores, namespace)?;
    let patched = pod::patched(pod, &deliveries, facts)?;
    check::mounts(&patched, &deliveries)?;
    Ok(json_patch::diff(pod, &patched).0)
}

/// Whether pods can use a grant of this namespace, as far as that does not depend on the pod.
///
/// # Errors
///
/// [`Refusal::NoStore`] or [`Refusal::Grant`].
pub fn check_grant(
    grant: &SecretGrant,
    stores: Stores<'_>,
    namespace: &str,
) -> Result<(), Refusal> {
    delivery::usable(grant, stores, namespace).map(drop)
}

/// What a pod says of the secrets that it wants.
fn annotation(pod: &Value) -> &str {
    let annotations = pod.pointer("/metadata/annotations");
    let own = annotations.and_then(|all| all.get(ANNOTATION)).and_then(Value::as_str);
    own.unwrap_or_default().trim()
}

/// The grants that a pod asks for, in its order.
fn wanted(pod: &Value) -> Vec<&str> {
    let names = annotation(pod).split(',').map(str::trim);
    let mut seen = BTreeSet::new();
    names.filter(|name| !name.is_empty() && seen.insert(*name)).collect()
}

/// The items of a list; none if it is absent.
fn items<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// A text field; empty if it is absent.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// All containers of a pod, of every kind.
fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|key| items(spec, key))
}
