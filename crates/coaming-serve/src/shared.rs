//! What all parts of the server share: snapshots that are replaced as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use coaming_admission::{Policies, Step};
use coaming_kube::World;
use coaming_watch::Status;
use kube::Client;
use time::{Date, OffsetDateTime};

use crate::metrics::Metrics;
use crate::ready::Readiness;

/// What all parts of the server share.
pub(crate) struct Shared {
    /// The policies.
    pub(crate) policies: ArcSwap<Policies>,
    /// What is known of the cluster.
    pub(crate) world: Arc<ArcSwap<World>>,
    /// What is still missing before requests can be answered.
    pub(crate) ready: Readiness,
    /// What is counted and measured.
    pub(crate) metrics: Metrics,
    /// Further steps of mutation.
    pub(crate) steps: Vec<Arc<dyn Step>>,
    /// Who may enter pods with secrets; `None` where none are delivered.
    #[cfg(all(feature = "vault", unix))]
    pub(crate) entry: Option<crate::entry::Entry>,
    /// What registries say about images.
    #[cfg(feature = "registry")]
    pub(crate) registries: Arc<crate::registries::Registries>,
    /// What tags point to, for policies that ask for digests.
    #[cfg(feature = "registry")]
    pub(crate) digests: crate::registries::Facts<coaming_oci::Digest>,
    /// What the background has done.
    pub(crate) background: Arc<Status>,
    /// The API server; `None` for a server that runs alone.
    pub(crate) client: Option<Client>,
}

/// The current time.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Today's date, for expiry dates.
pub(crate) fn today() -> Option<Date> {
    Some(now().date())
}
