//! Whether requests can be answered, and if not, what is missing.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// What must be there before requests can be answered, or nothing more.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<BTreeSet<String>>);

/// What is missing once the server has been asked to stop.
const STOPPING: &str = "stopping";

impl Readiness {
    /// Says that something is missing.
    pub(crate) fn miss(&self, what: &str) {
        self.missing_set(|missing| missing.insert(what.to_owned()));
    }

    /// Says that something is there.
    pub(crate) fn have(&self, what: &str) {
        self.missing_set(|missing| missing.remove(what));
    }

    /// Says that the server stops: it is never ready again.
    pub(crate) fn stop(&self) {
        self.miss(STOPPING);
    }

    /// Whether the server has been asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(STOPPING)
    }

    /// What is missing, in order.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn missing_set(&self, change: impl FnOnce(&mut BTreeSet<String>) -> bool) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
