//! What the background knows of the cluster at one moment, for those who show it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use coaming_kube::World;

/// A kind that is followed, as an API server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindFacts {
    /// The name of the resource: `deployments`.
    pub plural: String,
    /// Whether its objects belong to namespaces.
    pub namespaced: bool,
}

/// The cluster at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its objects. What a controller made of a template is not among them.
    pub world: World,
    /// The kinds that were read, by API group and kind.
    pub kinds: Arc<BTreeMap<(String, String), KindFacts>>,
}

/// The latest snapshot, shared between the background and those who show it.
#[derive(Debug, Default)]
pub struct View(Mutex<Option<Arc<Snapshot>>>);

impl View {
    /// The latest snapshot; `None` before everything was read.
    #[must_use]
    pub fn latest(&self) -> Option<Arc<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn show(&self, snapshot: Snapshot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
    }
}
