//! The leader's part: certificates are made and replaced, and the webhooks know what to trust.

use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, PostParams};
use tokio::sync::watch;

use super::rotation::State;
use super::{rotation, secret};
use crate::shared::now;
use crate::{Lifetimes, log, webhooks};

/// How often the leader looks after certificates, at least.
const INTERVAL: Duration = Duration::from_secs(30);

/// How long API servers take to see what webhooks trust.
const SPREAD: Duration = Duration::from_secs(3);

/// Looks after the certificates in a Secret.
pub(crate) struct Keeper {
    pub(crate) client: Client,
    /// The namespace of the Secret.
    pub(crate) namespace: String,
    /// The name of the Secret.
    pub(crate) secret: String,
    /// The name of the webhook configurations.
    pub(crate) webhooks: String,
    /// What the server's certificate is for.
    pub(crate) names: Vec<String>,
    pub(crate) lifetimes: Lifetimes,
}

impl Keeper {
    /// Looks after the certificates while this replica is the leader.
    pub(crate) async fn run(self, mut leads: watch::Receiver<bool>) {
        let interval = INTERVAL.min(self.lifetimes.settling() / 2).max(Duration::from_secs(1));
        loop {
            if leads.wait_for(|leads| *leads).await.is_err() {
                return;
            }
            if let Err(error) = self.tend().await {
                log::say(format_args!("cannot look after the certificates: {error}"));
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// Makes what is there known, and then at most one step.
    async fn tend(&self) -> Result<(), String> {
        let shown = |error: kube::Error| log::chain(&error);
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let before = api.get_opt(&self.secret).await.map_err(shown)?;
        let state = before.as_ref().and_then(secret::read);
        if let Some(state) = &state {
            // Only what everybody trusts is followed by a next step.
            webhooks::trust(&self.client, &self.webhooks, &state.bundle()).await.map_err(shown)?;
        }
        let next = rotation::next(state.as_ref(), now(), self.lifetimes, &self.names);
        let Some(mut next) = next.map_err(|error| error.to_string())? else { return Ok(()) };
        if state.is_none() {
            next = self.first(next).await.map_err(shown)?;
        }
        let is_new = before.is_none();
        let written = secret::write(&next, &self.secret, before);
        let parameters = PostParams::default();
        // The resource version in it makes this fail if somebody else was faster.
        match is_new {
            true => api.create(&parameters, &written).await.map_err(shown)?,
            false => api.replace(&self.secret, &parameters, &written).await.map_err(shown)?,
        };
        log::say("the certificates were replaced");
        webhooks::trust(&self.client, &self.webhooks, &next.bundle()).await.map_err(shown)
    }

    /// The first state, after everybody trusts it. If the Secret was deleted, replicas still show what
    /// was in it: what was trusted stays so until the next step.
    async fn first(&self, mut first: State) -> Result<State, kube::Error> {
        first.previous = webhooks::trusted(&self.client, &self.webhooks).await?;
        if first.previous.is_some() {
            webhooks::trust(&self.client, &self.webhooks, &first.bundle()).await?;
            tokio::time::sleep(SPREAD).await;
        }
        Ok(first)
    }
}
