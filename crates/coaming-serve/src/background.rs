//! Follows the whole cluster in the background (`coaming_watch`).
//!
//! One replica, the holder of the Lease, writes policy reports. Every replica follows the cluster where
//! pages are shown: a request for one may reach any of them.

use std::sync::Arc;
use std::time::Duration;

use coaming_watch::View;
use kube::Client;
use tokio::sync::watch;

use crate::shared::{Shared, today};

/// How often a change of the policies is looked for: it makes everything be judged again.
const POLICY_CHECK: Duration = Duration::from_secs(5);

/// What the cluster is followed for.
pub(crate) struct Wanted {
    /// Reports, which are written by the replica that leads.
    pub(crate) reports: bool,
    /// Pages, which are made of this.
    pub(crate) view: Option<Arc<View>>,
}

/// Follows the cluster for as long as there is a reason, for ever.
pub(crate) async fn run(
    client: Client,
    shared: Arc<Shared>,
    wanted: Wanted,
    mut leads: watch::Receiver<bool>,
) {
    loop {
        let leading = *leads.borrow_and_update();
        if !leading && wanted.view.is_none() {
            if leads.changed().await.is_err() {
                return;
            }
            continue;
        }
        let policies = shared.policies.load_full();
        let options = coaming_watch::Options {
            writes: wanted.reports && leading,
            today,
            status: Arc::clone(&shared.background),
            view: wanted.view.clone(),
            ..coaming_watch::Options::default()
        };
        let end = end(&shared, &wanted, policies.hash(), leading, leads.clone());
        coaming_watch::run(client.clone(), policies.cluster_engine(), options, end).await;
    }
}

/// Ends when reports are to be written by another replica, or by other policies.
///
/// `leading` is what the run began with: it may have changed before this is asked for the first time.
async fn end(
    shared: &Shared,
    wanted: &Wanted,
    hash: &str,
    leading: bool,
    mut leads: watch::Receiver<bool>,
) {
    let changed = async {
        // Pages are judged when they are asked for.
        while !wanted.reports || shared.policies.load().hash() == hash {
            tokio::time::sleep(POLICY_CHECK).await;
        }
    };
    let handed_over = async {
        if leads.wait_for(|now| wanted.reports && *now != leading).await.is_err() {
            // The process ends.
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = changed => {}
        () = handed_over => {}
    }
}
