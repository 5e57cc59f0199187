//! The agent: keeps the files of its grants as the stores have them.
//!
//! One thread does everything, in steps: each grant has a time at which it is due, and the program
//! sleeps until the earliest. What a grant last read stays in memory (in zeroed buffers), so that a
//! leased secret is not made again because another file of the grant changed.

mod harden;
mod job;
mod listener;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

pub use harden::{Hardening, harden};
pub use listener::serve_status;
pub use status::Status;

use crate::cloud;
use crate::config::{Config, StoreConfig};
use crate::local::LocalStore;
use crate::vault::VaultStore;
use crate::{Store, StoreError};
use job::Job;

/// What wakes an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Ask the stores now.
    Reload,
    /// End: the container is being stopped.
    Terminate,
}

/// How the wait for the first files ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Started {
    /// All files are there.
    Ready,
    /// The agent was asked to end before.
    Terminated,
}

/// The first files did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("not all secrets are there after {} s: {}", .seconds, .reasons.join("; "))]
pub struct Late {
    /// How long the agent waited.
    pub seconds: u64,
    /// What each grant waits for.
    pub reasons: Vec<String>,
}

/// Where the agent's messages go. None contains a value.
pub type Messages = Box<dyn Fn(&str) + Send>;

/// Delivers grants.
pub struct Agent {
    stores: BTreeMap<String, Box<dyn Store>>,
    jobs: Vec<Job>,
    status: Arc<Status>,
    messages: Messages,
}

impl Agent {
    /// An agent for a configuration that was checked. Nothing is read or written yet.
    ///
    /// # Errors
    ///
    /// [`StoreError::Setting`] or [`StoreError::File`] if a store's configuration cannot be used.
    pub fn new(
        config: &Config,
        status: Arc<Status>,
        messages: Messages,
    ) -> Result<Self, StoreError> {
        let open = |(name, store): (&String, &StoreConfig)| {
            let store: Box<dyn Store> = match store {
                StoreConfig::Vault(config) => Box::new(VaultStore::new(config.clone())?),
                StoreConfig::Age { file, identity } => {
                    Box::new(LocalStore::open(file.clone(), identity)?)
                }
                other => cloud::open(other)?,
            };
            Ok((name.clone(), store))
        };
        let stores = config.stores.iter().map(open).collect::<Result<_, StoreError>>()?;
        let jobs: Vec<Job> = config.grants.iter().map(Job::new).collect();
        for job in &jobs {
            status.add(job.name());
        }
        Ok(Self { stores, jobs, status, messages })
    }

    /// Does what is due, and returns when something is due next.
    pub fn step(&mut self, now: Instant) -> Instant {
        for job in self.jobs.iter_mut().filter(|job| job.is_due(now)) {
            let Some(store) = self.stores.get_mut(job.store()) else { continue };
            let outcome = job.serve(store.as_mut(), now);
            let logins = store.session();
            self.status.record(job.name(), job.store(), logins, job.is_delivered(), &outcome);
            match outcome {
                Ok(true) => (self.messages)(&format!("{}: the files are written", job.name())),
                Ok(false) => {}
                Err(error) => {
                    let kept = if job.is_delivered() { "; the last files stay" } else { "" };
                    let wait = job.pause(now).as_secs_f32();
                    let text =
                        format!("{}: {error}{kept}; next attempt in {wait:.1} s", job.name());
                    (self.messages)(&text);
                }
            }
        }
        let hour = now + Duration::from_secs(3600);
        self.jobs.iter().map(Job::due).min().unwrap_or(hour).min(hour)
    }

    /// Waits until all files are there.
    ///
    /// # Errors
    ///
    /// [`Late`] at the deadline.
    pub fn start(&mut self, events: &Receiver<Event>, deadline: Duration) -> Result<Started, Late> {
        let end = Instant::now() + deadline;
        loop {
            let next = self.step(Instant::now());
            if self.jobs.iter().all(Job::is_delivered) {
                return Ok(Started::Ready);
            }
            if Instant::now() >= end {
                let waiting = self.jobs.iter().filter(|job| !job.is_delivered());
                let reasons = waiting.map(|job| self.status.reason(job.name())).collect();
                return Err(Late { seconds: deadline.as_secs(), reasons });
            }
            if self.wait(events, next.min(end)) {
                return Ok(Started::Terminated);
            }
        }
    }

    /// Keeps the files as the stores have them, until the agent is asked to end.
    pub fn run(&mut self, events: &Receiver<Event>) {
        loop {
            let next = self.step(Instant::now());
            if self.wait(events, next) {
                return;
            }
        }
    }

    /// Waits; `true` if the agent is asked to end.
    fn wait(&mut self, events: &Receiver<Event>, until: Instant) -> bool {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Terminate) | Err(RecvTimeoutError::Disconnected) => true,
            Ok(Event::Reload) => {
                self.jobs.iter_mut().for_each(Job::reload);
                false
            }
            Err(RecvTimeoutError::Timeout) => false,
        }
    }

    /// Ends: the files stay for the grace period, which a second request to end cuts short; then they
    /// are removed, and the sessions revoked.
    pub fn end(mut self, events: &Receiver<Event>, grace: Duration) {
        let end = Instant::now() + grace;
        while Instant::now() < end {
            match events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Event::Reload) => {}
                Ok(Event::Terminate) | Err(_) => break,
            }
        }
        for job in &mut self.jobs {
            if let Err(error) = job.clear() {
                (self.messages)(&format!("{}: cannot remove the files: {error}", job.name()));
            }
        }
        self.close();
    }

    /// Ends, and leaves the files where they are: for a container that runs before another. Sessions
    /// whose secrets end with them are not revoked.
    pub fn leave(mut self) {
        let leased: Vec<&str> =
            self.jobs.iter().filter(|job| job.has_lease()).map(Job::store).collect();
        self.stores.retain(|name, _| !leased.contains(&name.as_str()));
        self.close();
    }

    fn close(&mut self) {
        for (name, store) in &mut self.stores {
            if let Err(error) = store.close() {
                (self.messages)(&format!("{name}: cannot revoke the session: {error}"));
            }
        }
    }
}
