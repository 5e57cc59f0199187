//! Whether API servers reach this server: a dry run that the webhook must refuse.
//!
//! A webhook that is never asked looks like a cluster in which nothing is wrong. The leader asks its
//! API server to create a ConfigMap, as a dry run, and whichever replica is asked about it refuses.
//! Nothing is ever stored.

use std::sync::Arc;
use std::time::Duration;

use coaming_admission::{MODE_LABEL, Mode, Request, Verdict};
use coaming_kube::Fields as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, PostParams};
use serde_json::json;
use tokio::sync::watch;

use crate::log;
use crate::shared::Shared;
use crate::status::{self, ClusterObject};

/// The name of what is never created.
const NAME: &str = "coaming-self-test";
/// What the refusal says.
const ANSWER: &str = "this is a self-test: the webhook is reached";
/// The time until the webhook is trusted after the start, and between tests that fail.
const SOON: Duration = Duration::from_secs(10);
/// The time between tests that succeed.
const LATER: Duration = Duration::from_secs(600);
/// How often it must fail in a row: a server that stops is not reached for a moment.
const PATIENCE: u32 = 3;

/// What a test finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Reached,
    NotReached,
    /// The test is not possible: nothing is judged in the namespace, or a right is missing.
    Unknown,
}

/// The answer to a self-test; `None` for every other request.
pub(crate) fn verdict(request: &Request) -> Option<Verdict> {
    let is_test = request.dry_run
        && request.kind == "ConfigMap"
        && request.group.is_empty()
        && request.name == NAME;
    is_test.then(|| Verdict { refusal: Some(ANSWER.to_owned()), ..Verdict::default() })
}

/// Tests for ever, while this replica leads; says what is found out when it changes.
pub(crate) async fn run(
    client: Client,
    namespace: String,
    service: ClusterObject,
    shared: Arc<Shared>,
    mut leads: watch::Receiver<bool>,
) {
    let (mut said, mut failures, mut obstacle) = (None, 0, String::new());
    loop {
        if !*leads.borrow() {
            // Another replica tests from now on.
            (said, failures) = (None, 0);
            shared.metrics.self_test(None);
        }
        if leads.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        let is_ready = shared.ready.missing().is_empty();
        let outcome = match is_ready && is_judged(&shared, &namespace) {
            true => test(&client, &namespace).await.unwrap_or_else(|error| {
                let text = format!("cannot test itself: {}", log::chain(&error));
                if text != obstacle {
                    log::say(&text);
                    obstacle = text;
                }
                Outcome::Unknown
            }),
            false => Outcome::Unknown,
        };
        failures = if outcome == Outcome::NotReached { failures + 1 } else { 0 };
        let is_certain = outcome == Outcome::Reached || failures >= PATIENCE;
        if is_certain || outcome == Outcome::Unknown {
            shared.metrics.self_test(is_certain.then_some(outcome == Outcome::Reached));
        }
        if is_certain && said != Some(outcome) {
            said = Some(outcome);
            say(&client, &service, outcome).await;
        }
        tokio::time::sleep(if outcome == Outcome::Reached { LATER } else { SOON }).await;
    }
}

/// Whether API servers ask about objects of this namespace at all.
fn is_judged(shared: &Shared, namespace: &str) -> bool {
    let world = shared.world.load();
    let object = world.find("Namespace", "", namespace);
    let label = object.and_then(|object| object.metadata().mapping("labels").string(MODE_LABEL));
    let is_excluded = shared.policies.load().guard.excluded_namespaces.contains(namespace);
    !is_excluded && label != Some(Mode::Disabled.as_str())
}

async fn test(client: &Client, namespace: &str) -> Result<Outcome, kube::Error> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut object = ConfigMap::default();
    object.metadata.name = Some(NAME.to_owned());
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&dry_run, &object).await {
        // Nobody was asked, and it would have been created.
        Ok(_) => Ok(Outcome::NotReached),
        Err(kube::Error::Api(status)) if status.message.contains(ANSWER) => Ok(Outcome::Reached),
        Err(kube::Error::Api(status)) if is_unreached(&status.message) => Ok(Outcome::NotReached),
        Err(error) => Err(error),
    }
}

/// Whether an API server says that it cannot ask this server: others have webhooks, too.
fn is_unreached(message: &str) -> bool {
    message
        .split_once("failed calling webhook \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .is_some_and(|(name, _)| name.ends_with(".coaming.dev"))
}

async fn say(client: &Client, service: &ClusterObject, outcome: Outcome) {
    if outcome == Outcome::Reached {
        return log::say("API servers reach this server");
    }
    let version = client.apiserver_version().await.map(|version| version.git_version);
    let advice = advice(&version.unwrap_or_default());
    let message = format!("API servers do not reach this server, so nothing is judged: {advice}");
    log::say(&message);
    let object = json!({
        "apiVersion": "v1", "kind": "Service",
        "namespace": service.namespace, "name": service.name,
    });
    if let Err(error) = status::event(client, &object, "NotReached", &message).await {
        log::say(format_args!("cannot write an event: {}", log::chain(&error)));
    }
}

/// What keeps API servers away, by whose they are.
fn advice(version: &str) -> &'static str {
    if version.contains("-gke.") {
        "on private clusters of GKE, allow TCP from the control plane's range to port 8443 of the \
         nodes by a firewall rule"
    } else if version.contains("-eks-") {
        "on EKS, the control plane does not reach pods of another network plugin than Amazon's: run \
         these pods with `hostNetwork`; and allow port 8443 from the cluster's security group"
    } else {
        "allow TCP from the API servers to port 8443 of these pods, by firewalls and network \
         policies, and check that the webhook configurations and the Service exist"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_webhooks_count() {
        let failed = |name: &str| {
            format!("Internal error occurred: failed calling webhook \"{name}\": Post: refused")
        };
        assert!(is_unreached(&failed("validate-or-fail.coaming.dev")));
        assert!(!is_unreached(&failed("validate.policies.example")));
        assert!(!is_unreached("configmaps is forbidden"));
    }

    #[test]
    fn advice_is_for_the_provider() {
        assert!(advice("v1.30.5-gke.1443001").contains("GKE"));
        assert!(advice("v1.30.4-eks-a737599").contains("hostNetwork"));
        assert!(advice("v1.30.4").contains("firewalls"));
    }
}
