//! What users see of their policies: the status of each, and an event where one cannot be used.
//!
//! Only the leader writes, at most a few objects each second, and only what differs.

use std::collections::BTreeMap;
use std::time::Duration;

use coaming_admission::PolicyName;
use coaming_text::Printable;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::watch;

use crate::cluster::Selection;
use crate::log;
use crate::shared::now;

/// How long to wait between two writes.
const PACE: Duration = Duration::from_millis(200);
/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// The longest message in a status.
const MAX_MESSAGE: usize = 1024;
const CONDITION: &str = "Ready";
/// The reason of events about policies that cannot be used.
const INVALID: &str = "InvalidPolicy";

/// Which policies can be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reports {
    pub(crate) namespaced: BTreeMap<PolicyName, Report>,
    /// Why the cluster's policy cannot be used.
    pub(crate) cluster: Option<String>,
}

/// Whether a policy can be used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    pub(crate) generation: i64,
    /// Why not.
    pub(crate) error: Option<String>,
    /// What its status says.
    pub(crate) shown: Option<Shown>,
}

/// What the status of a policy says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    generation: i64,
    is_ready: bool,
    message: String,
}

impl Shown {
    /// Reads a status.
    pub(crate) fn read(status: &Value) -> Option<Self> {
        let conditions = status.get("conditions")?.as_array()?;
        let ready = conditions.iter().find(|condition| condition["type"] == CONDITION)?;
        Some(Self {
            generation: status.get("observedGeneration")?.as_i64()?,
            is_ready: ready["status"] == "True",
            message: ready["message"].as_str()?.to_owned(),
        })
    }

    fn wanted(report: &Report) -> Self {
        let message = match &report.error {
            None => "The policy is used.".to_owned(),
            Some(error) => format!(
                "The policy cannot be used, and the last one that could still is: {}",
                Printable(error)
            ),
        };
        let message = message.chars().take(MAX_MESSAGE).collect();
        Self { generation: report.generation, is_ready: report.error.is_none(), message }
    }

    fn status(&self, now: OffsetDateTime) -> Value {
        json!({"status": {
            "observedGeneration": self.generation,
            "conditions": [{
                "type": CONDITION,
                "status": if self.is_ready { "True" } else { "False" },
                "reason": if self.is_ready { "Accepted" } else { "Invalid" },
                "message": self.message,
                "observedGeneration": self.generation,
                "lastTransitionTime": timestamp(now),
            }],
        }})
    }
}

fn timestamp(now: OffsetDateTime) -> String {
    let whole = now.replace_nanosecond(0).unwrap_or(now);
    whole.format(&Rfc3339).unwrap_or_default()
}

/// The ConfigMap with the cluster's policy.
pub(crate) struct ClusterObject {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

/// Writes reports for ever, while this replica is the leader.
pub(crate) async fn write(
    client: Client,
    cluster: ClusterObject,
    mut reports: watch::Receiver<Reports>,
    mut leads: watch::Receiver<bool>,
) {
    let mut said = None;
    loop {
        if leads.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        let current = reports.borrow_and_update().clone();
        let mut failed = false;
        for (name, report) in &current.namespaced {
            let wanted = Shown::wanted(report);
            if report.shown.as_ref() == Some(&wanted) {
                continue;
            }
            if let Err(error) = write_one(&client, name, &wanted).await {
                failed = true;
                let text = log::chain(&error);
                log::say(format_args!("cannot write the status of CoamingPolicy {name}: {text}"));
            }
            tokio::time::sleep(PACE).await;
        }
        if current.cluster.is_some() && current.cluster != said {
            let message = current.cluster.clone().unwrap_or_default();
            let object = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "namespace": cluster.namespace, "name": cluster.name,
            });
            if let Err(error) = event(&client, &object, INVALID, &message).await {
                failed = true;
                log::say(format_args!("cannot write an event: {}", log::chain(&error)));
            }
        }
        said = current.cluster;
        let changed = reports.changed();
        let end = match failed {
            true => tokio::time::timeout(RETRY, changed).await.unwrap_or(Ok(())),
            false => changed.await,
        };
        if end.is_err() {
            return;
        }
    }
}

async fn write_one(client: &Client, name: &PolicyName, wanted: &Shown) -> Result<(), kube::Error> {
    let selection = Selection::all("coaming.dev", "v1alpha1", "CoamingPolicy", "coamingpolicies");
    let api: Api<DynamicObject> = selection.in_namespace(&name.namespace).api(client);
    let patch = Patch::Merge(wanted.status(now()));
    api.patch_status(&name.name, &PatchParams::default(), &patch).await?;
    if !wanted.is_ready {
        let object = json!({
            "apiVersion": "coaming.dev/v1alpha1", "kind": "CoamingPolicy",
            "namespace": name.namespace, "name": name.name,
        });
        event(client, &object, INVALID, &wanted.message).await?;
    }
    Ok(())
}

/// Writes a warning about an object, which has `apiVersion`, `kind`, `namespace` and `name`.
pub(crate) async fn event(
    client: &Client,
    object: &Value,
    reason: &str,
    message: &str,
) -> Result<(), kube::Error> {
    let text = |name: &str| object[name].as_str().unwrap_or_default();
    let (namespace, name) = (text("namespace"), text("name"));
    let now = now();
    let event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": format!("{name}.{:x}", now.unix_timestamp_nanos()),
            "namespace": namespace,
        },
        "involvedObject": object,
        "type": "Warning",
        "reason": reason,
        "message": message.chars().take(MAX_MESSAGE).collect::<String>(),
        "source": {"component": "coaming"},
        "firstTimestamp": timestamp(now),
        "lastTimestamp": timestamp(now),
        "count": 1,
    });
    let selection = Selection::all("", "v1", "Event", "events").in_namespace(namespace);
    let api: Api<DynamicObject> = selection.api(client);
    // Names of policies are at most 253 characters, and so are those of events: a long one has none.
    let Ok(event) = serde_json::from_value(event) else { return Ok(()) };
    api.create(&PostParams::default(), &event).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_it_was_written() {
        let report = Report { generation: 3, error: Some("mode: x".to_owned()), shown: None };
        let wanted = Shown::wanted(&report);
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let status = wanted.status(now);
        assert_eq!(Shown::read(&status["status"]), Some(wanted));
        assert_eq!(status["status"]["conditions"][0]["status"], "False");
        let time = &status["status"]["conditions"][0]["lastTransitionTime"];
        assert_eq!(time, "2027-01-15T08:00:00Z");
        assert_eq!(Shown::read(&json!({})), None);
    }
}
