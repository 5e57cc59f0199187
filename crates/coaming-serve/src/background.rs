//! Looks at the whole cluster in the background, and writes policy reports (`coaming_watch`): one
//! replica, the holder of the Lease.

use std::sync::Arc;
use std::time::Duration;

use coaming_watch::Status;
use kube::Client;
use tokio::sync::watch;

use crate::shared::{Shared, today};

/// How often a change of the policies is looked for: it makes everything be judged again.
const POLICY_CHECK: Duration = Duration::from_secs(5);

/// Follows the cluster while this replica leads, for ever.
pub(crate) async fn run(
    client: Client,
    shared: Arc<Shared>,
    status: Arc<Status>,
    mut leads: watch::Receiver<bool>,
) {
    loop {
        if leads.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        let policies = shared.policies.load_full();
        let options = coaming_watch::Options {
            today,
            status: Arc::clone(&status),
            ..coaming_watch::Options::default()
        };
        let end = end(Arc::clone(&shared), policies.hash().to_owned(), leads.clone());
        coaming_watch::run(client.clone(), policies.cluster_engine(), options, end).await;
    }
}

/// Ends when this replica no longer leads, or the policies are others.
async fn end(shared: Arc<Shared>, hash: String, mut leads: watch::Receiver<bool>) {
    let changed = async {
        while shared.policies.load().hash() == hash {
            tokio::time::sleep(POLICY_CHECK).await;
        }
    };
    tokio::select! {
        () = changed => {}
        _ = leads.wait_for(|leads| !leads) => {}
    }
}
