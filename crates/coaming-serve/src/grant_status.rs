//! What users see of their grants: whether pods can use them, and why not.
//!
//! Only the leader writes, at most a few objects each second, and only what differs.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use coaming_text::Printable;
use coaming_vault::{GrantStatus, SecretGrant, Stores, check_grant, launcher_warning};
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::json;
use tokio::sync::{Notify, watch};

use crate::cluster::Selection;
use crate::grants::Known;
use crate::log;

/// How long to wait between two writes, and for changes that follow a change.
const PACE: Duration = Duration::from_millis(200);
/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// The longest message in a status.
const MAX_MESSAGE: usize = 1024;

/// Writes the status of all grants for ever, while this replica is the leader.
pub(crate) async fn write(
    client: Client,
    known: Arc<ArcSwap<Known>>,
    changed: Arc<Notify>,
    mut leads: watch::Receiver<bool>,
) {
    loop {
        if leads.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        tokio::time::sleep(PACE).await;
        let current = known.load_full();
        let mut failed = false;
        // Before all stores are known, grants would look as if theirs were missing.
        for grant in current.grants.iter().filter(|_| current.is_listed()) {
            let wanted = wanted(grant, &current);
            if grant.status.as_ref() == Some(&wanted) {
                continue;
            }
            failed |= write_one(&client, grant, &wanted).await.is_err();
            tokio::time::sleep(PACE).await;
        }
        let wait = if failed { RETRY } else { Duration::from_secs(3600) };
        // A change that is missed is seen an hour later.
        drop(tokio::time::timeout(wait, changed.notified()).await);
    }
}

fn wanted(grant: &SecretGrant, known: &Known) -> GrantStatus {
    let stores = Stores { namespaced: &known.stores, cluster: &known.cluster_stores };
    let namespace = grant.metadata.namespace.as_deref().unwrap_or_default();
    let problem = check_grant(grant, stores, namespace).err();
    let message = problem.map(|problem| shortened(&problem.to_string()));
    let observed_generation = grant.metadata.generation;
    let warning = launcher_warning(grant).map(|warning| shortened(&warning));
    GrantStatus { observed_generation, usable: message.is_none(), message, warning }
}

/// What may be shown of a text.
fn shortened(text: &str) -> String {
    Printable(text).to_string().chars().take(MAX_MESSAGE).collect()
}

async fn write_one(
    client: &Client,
    grant: &SecretGrant,
    wanted: &GrantStatus,
) -> Result<(), kube::Error> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (namespace, name) = (text(&grant.metadata.namespace), text(&grant.metadata.name));
    let selection = Selection::all("coaming.dev", "v1alpha1", "SecretGrant", "secretgrants");
    let api: Api<DynamicObject> = selection.in_namespace(&namespace).api(client);
    // A message that is gone must be removed: absent fields of a merge stay.
    let patch = Patch::Merge(json!({"status": {
        "observedGeneration": wanted.observed_generation,
        "usable": wanted.usable,
        "message": wanted.message,
        "warning": wanted.warning,
    }}));
    let written = api.patch_status(&name, &PatchParams::default(), &patch).await;
    if let Err(error) = &written {
        let text = log::chain(error);
        log::say(format_args!("cannot write the status of SecretGrant {namespace}/{name}: {text}"));
    }
    written.map(drop)
}
