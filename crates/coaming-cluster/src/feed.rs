//! Follow a cluster: each kind that is wanted by a [`Follower`] of its own.
//!
//! Kinds come and go while it is followed, as definitions of custom resources are installed. The server
//! is asked every few seconds whether what it serves has changed; as long as it has not, its answer has
//! no body. Servers before 1.27 cannot say so, and are asked for all they serve a few times an hour.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kube::Client;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;

use crate::ReadError;
use crate::discover::{self, Resource, Served};
use crate::watch::{Change, Follower, Wanted};

/// How many resources are listed at once: a list is the most that the server is asked for.
const LISTS_AT_ONCE: usize = 4;
/// How often a server is asked whether it serves other kinds, if its answer is short.
const SHORT_LOOK: Duration = Duration::from_secs(15);
/// The same where every answer is a long one.
const LONG_LOOK: Duration = Duration::from_secs(600);
/// Kinds that change all the time, or that are written by programs like this one.
const NOT_FOLLOWED: &[&str] = &[
    "CertificateSigningRequest",
    "ClusterPolicyReport",
    "ClusterReport",
    "HorizontalPodAutoscaler",
    "PolicyReport",
    "Report",
];

/// What is followed.
pub struct Feed {
    client: Client,
    namespace: Option<String>,
    wanted: fn(&str, &str) -> Wanted,
    resources: Vec<(Resource, Wanted)>,
    /// Marks what the server served when it was asked.
    served: Option<String>,
    /// What could not be found out at the beginning.
    errors: Vec<ReadError>,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("resources", &self.resources).finish_non_exhaustive()
    }
}

impl Feed {
    /// Finds out what the cluster has, and follows what is `wanted` of it by API group and kind. Only
    /// objects of `namespace` are followed if there is one.
    pub async fn new(
        client: Client,
        namespace: Option<String>,
        wanted: fn(&str, &str) -> Wanted,
    ) -> Self {
        let mut errors = Vec::new();
        // Asked for first: what is served later is noticed.
        let served = match discover::served(&client, None).await {
            Ok(Served::Other(mark)) => mark,
            Ok(Served::Same) | Err(_) => None,
        };
        let resources = wanted_of(&client, wanted, &mut errors).await;
        Self { client, namespace, wanted, resources, served, errors }
    }

    /// How many kinds are followed: as many lists come first.
    #[must_use]
    pub fn kinds(&self) -> usize {
        self.resources.len()
    }

    /// Sends all changes, until the receiver is gone.
    pub async fn run(mut self, changes: Sender<Change>) {
        for error in std::mem::take(&mut self.errors) {
            let failed = Change::Failed { group: String::new(), kind: String::new(), error };
            if changes.send(failed).await.is_err() {
                return;
            }
        }
        let lists = Arc::new(Semaphore::new(LISTS_AT_ONCE));
        let (mut running, mut followed) = (FuturesUnordered::new(), BTreeSet::new());
        let mut found = std::mem::take(&mut self.resources);
        loop {
            for (resource, wanted) in found.drain(..) {
                let follower = Follower {
                    wanted,
                    client: self.client.clone(),
                    namespace: self.namespace.clone().filter(|_| resource.namespaced),
                    resource,
                    changes: changes.clone(),
                    lists: Arc::clone(&lists),
                };
                if followed.insert(follower.kind()) {
                    running.push(async move {
                        follower.run().await;
                        follower.kind()
                    });
                }
            }
            let pause = if self.served.is_some() { SHORT_LOOK } else { LONG_LOOK };
            tokio::select! {
                // It is not served any more; that another version may be is found out.
                Some(ended) = running.next() => {
                    followed.remove(&ended);
                    self.served = self.served.take().map(|_| String::new());
                }
                () = tokio::time::sleep(pause) => found = self.look_again().await,
                () = changes.closed() => return,
            }
        }
    }

    /// What is wanted of the cluster now, if it serves other kinds than before.
    async fn look_again(&mut self) -> Vec<(Resource, Wanted)> {
        match discover::served(&self.client, self.served.as_deref()).await {
            Ok(Served::Other(mark)) => self.served = mark,
            // A server that is down is asked again.
            Ok(Served::Same) | Err(_) => return Vec::new(),
        }
        // What cannot be found out for now was said at the beginning, or is when it is listed.
        wanted_of(&self.client, self.wanted, &mut Vec::new()).await
    }
}

async fn wanted_of(
    client: &Client,
    wanted: fn(&str, &str) -> Wanted,
    errors: &mut Vec<ReadError>,
) -> Vec<(Resource, Wanted)> {
    let resources = discover::resources(client, errors).await.read.into_iter();
    resources
        .filter(|resource| !NOT_FOLLOWED.contains(&resource.api.kind.as_str()))
        .map(|resource| {
            let wanted = wanted(&resource.api.group, &resource.api.kind);
            (resource, wanted)
        })
        .filter(|(_, wanted)| *wanted != Wanted::No)
        .collect()
}
