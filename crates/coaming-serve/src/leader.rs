//! One writer at a time: the holder of a Lease.
//!
//! Invariant: a replica that cannot renew its Lease stops to lead before another one may take it.
//! All writes are conditional on what was read, too, so that a clock that is wrong harms nobody.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use tokio::sync::watch;

use crate::log;
use crate::shared::Shared;

/// How long a Lease lasts without a sign of its holder.
const DURATION: Duration = Duration::from_secs(15);
/// How often the holder renews it, and others look.
const INTERVAL: Duration = Duration::from_secs(4);
/// How long a holder leads without a renewal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Takes part in the election.
pub(crate) struct Candidate {
    client: Client,
    namespace: String,
    name: String,
    /// The name of this replica.
    identity: String,
    /// The last state of the Lease, and when it was first seen: clocks of nodes differ.
    seen: Option<(String, Instant)>,
    /// When this replica last renewed it.
    renewed: Option<Instant>,
}

impl Candidate {
    pub(crate) fn new(client: Client, namespace: &str, name: &str) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_default();
        // A container that is started again has the host name and the process id of before.
        let identity =
            format!("{host}-{}-{}", std::process::id(), Timestamp::now().as_millisecond());
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Self { client, namespace, name, identity, seen: None, renewed: None }
    }

    /// Takes part until `stop` says so, and then hands over.
    pub(crate) async fn run(
        mut self,
        leads: watch::Sender<bool>,
        mut stop: watch::Receiver<bool>,
        shared: Arc<Shared>,
    ) {
        loop {
            match self.try_lead().await {
                Ok(true) => self.renewed = Some(Instant::now()),
                Ok(false) => self.renewed = None,
                Err(error) => log::say(format_args!(
                    "cannot renew the Lease {}/{}: {}",
                    self.namespace,
                    self.name,
                    log::chain(&error)
                )),
            }
            let is_leader = self.renewed.is_some_and(|renewed| renewed.elapsed() < PATIENCE);
            if leads.send_replace(is_leader) != is_leader {
                shared.metrics.leader(is_leader);
            }
            let stopped = tokio::time::timeout(INTERVAL, stop.wait_for(|stop| *stop)).await;
            if stopped.is_ok() {
                break;
            }
        }
        if leads.send_replace(false) {
            self.hand_over().await;
        }
    }

    fn api(&self) -> Api<Lease> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Whether this replica holds the Lease now.
    async fn try_lead(&mut self) -> Result<bool, Error> {
        let Some(lease) = self.api().get_opt(&self.name).await? else {
            let mut lease = Lease::default();
            lease.metadata.name = Some(self.name.clone());
            lease.spec = Some(self.spec(None));
            return taken(self.api().create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.clone().unwrap_or_default();
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        if self.seen.as_ref().is_none_or(|(seen, _)| *seen != version) {
            self.seen = Some((version, Instant::now()));
        }
        let is_silent = self.seen.as_ref().is_some_and(|(_, since)| since.elapsed() >= DURATION);
        if holder != self.identity && !holder.is_empty() && !is_silent {
            return Ok(false);
        }
        let mut mine = lease;
        mine.spec = Some(self.spec(Some(spec)));
        taken(self.api().replace(&self.name, &PostParams::default(), &mine).await)
    }

    fn spec(&self, before: Option<LeaseSpec>) -> LeaseSpec {
        let before = before.unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let is_mine = before.holder_identity.as_deref() == Some(self.identity.as_str());
        let transitions = before.lease_transitions.unwrap_or_default();
        LeaseSpec {
            acquire_time: before.acquire_time.filter(|_| is_mine).or_else(|| Some(now.clone())),
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            lease_transitions: Some(transitions.saturating_add(i32::from(!is_mine))),
            renew_time: Some(now),
            ..before
        }
    }

    /// Lets another replica lead at once.
    async fn hand_over(&self) {
        let Ok(Some(mut lease)) = self.api().get_opt(&self.name).await else { return };
        let Some(spec) = &mut lease.spec else { return };
        if spec.holder_identity.as_deref() == Some(self.identity.as_str()) {
            spec.holder_identity = Some(String::new());
            drop(self.api().replace(&self.name, &PostParams::default(), &lease).await);
        }
    }
}

/// Whether a write of the Lease succeeded; somebody else may have been faster.
fn taken(result: Result<Lease, Error>) -> Result<bool, Error> {
    match result {
        Ok(_) => Ok(true),
        Err(Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
