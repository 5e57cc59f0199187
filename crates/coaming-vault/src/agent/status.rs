//! What an agent has done, for readiness and metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::StoreError;

/// The state of all grants.
#[derive(Debug, Default)]
pub struct Status(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    grants: BTreeMap<String, Grant>,
    /// By store.
    logins: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
struct Grant {
    delivered: bool,
    attempts: u64,
    changes: u64,
    failures: BTreeMap<&'static str, u64>,
    last_success: Option<SystemTime>,
    /// What the last attempt failed with.
    error: Option<String>,
}

impl Status {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, grant: &str) {
        self.lock().grants.insert(grant.to_owned(), Grant::default());
    }

    pub(super) fn record(
        &self,
        grant: &str,
        store: &str,
        logins: u64,
        delivered: bool,
        outcome: &Result<bool, StoreError>,
    ) {
        let mut inner = self.lock();
        inner.logins.insert(store.to_owned(), logins);
        let Some(grant) = inner.grants.get_mut(grant) else { return };
        grant.attempts += 1;
        grant.delivered = delivered;
        match outcome {
            Ok(changed) => {
                grant.changes += u64::from(*changed);
                grant.last_success = Some(SystemTime::now());
                grant.error = None;
            }
            Err(error) => {
                *grant.failures.entry(error.kind()).or_default() += 1;
                grant.error = Some(error.to_string());
            }
        }
    }

    /// What a grant waits for.
    pub(super) fn reason(&self, name: &str) -> String {
        let inner = self.lock();
        let error = inner.grants.get(name).and_then(|grant| grant.error.as_deref());
        format!("{name}: {}", error.unwrap_or("it was not tried yet"))
    }

    /// Why the agent is not ready, one line for each grant; empty if it is.
    #[must_use]
    pub fn not_ready(&self) -> String {
        let mut text = String::new();
        for (name, grant) in &self.lock().grants {
            let state = if grant.delivered { "stale" } else { "missing" };
            match &grant.error {
                Some(error) => text += &format!("{name}: {state}: {error}\n"),
                None if !grant.delivered => text += &format!("{name}: missing\n"),
                None => {}
            }
        }
        text
    }

    /// The metrics, in Prometheus' text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        let inner = self.lock();
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, lines: Vec<(String, u64)>| {
            let name = format!("coaming_agent_{name}");
            text += &format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
            for (labels, value) in lines {
                text += &format!("{name}{{{labels}}} {value}\n");
            }
        };
        let each = |of: &dyn Fn(&Grant) -> u64| -> Vec<(String, u64)> {
            inner.grants.iter().map(|(name, grant)| (label("grant", name), of(grant))).collect()
        };
        let delivered = each(&|grant| u64::from(grant.delivered));
        family("delivered", "gauge", "Whether the files of the grant are there.", delivered);
        let stale = each(&|grant| u64::from(grant.error.is_some()));
        family("stale", "gauge", "Whether the last attempt to ask the store failed.", stale);
        let attempts = each(&|grant| grant.attempts);
        family("attempts_total", "counter", "How often the store was asked.", attempts);
        let changes = each(&|grant| grant.changes);
        family("changes_total", "counter", "How often the files were written.", changes);
        let since =
            |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let success = each(&|grant| grant.last_success.map_or(0, since));
        let help = "When the store last answered, in seconds since 1970.";
        family("last_success_timestamp_seconds", "gauge", help, success);
        let failure = |(name, grant): (&String, &Grant)| -> Vec<(String, u64)> {
            let kinds = grant.failures.iter();
            let name = label("grant", name);
            kinds.map(|(kind, count)| (format!("{name},{}", label("kind", kind)), *count)).collect()
        };
        let failures = inner.grants.iter().flat_map(failure).collect();
        family("failures_total", "counter", "Failed attempts, by kind.", failures);
        let logins = inner.logins.iter().map(|(name, count)| (label("store", name), *count));
        family("logins_total", "counter", "Logins.", logins.collect());
        text
    }
}

/// A label, with the escapes of the format.
fn label(name: &str, value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}
