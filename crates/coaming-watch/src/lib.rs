//! The background of a cluster: follows its objects, judges what changes, and writes a policy report
//! for each workload that has findings.
//!
//! Reports are of `openreports.io` or, where that is not installed, of `wgpolicyk8s.io`; where neither
//! is, findings are only counted. Invariants:
//!
//! * One report for each workload at the top of its chain of owners: failures only, owned by it, in
//!   its namespace, with at most [`MAX_RESULTS`] results and [`MAX_BYTES`].
//! * A report is written only if it differs from what the API server has, also after a restart.
//!   Nothing else is written, and never more than [`Options::writes_per_second`].
//! * No work is done while nothing changes. A change is judged with what it touches: a workload by
//!   itself; a Service, a policy, an account, a Secret or a role with the workloads of its namespace;
//!   what belongs to no namespace with all workloads.
//! * What a controller made of a template is not kept: the template says it all.
//! * Only what rules about workloads read, and what leads to them from outside, is followed
//!   ([`FOLLOWED`]): each right that is missing is one failure. Secrets and custom resources are followed
//!   where the rights allow it, and are counted where they do not. Kinds that are installed later are
//!   followed from then on.
//! * No value of a Secret is kept or written.

mod followed;
mod report;
mod reviews;
mod status;
mod view;
mod writer;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use coaming_cluster::{Change, Feed};
use coaming_rules::Images;
use coaming_scan::Engine;
use kube::Client;
use time::Date;
use tokio::sync::mpsc::{self, Receiver};
use tokio::time::Instant;

pub use followed::FOLLOWED;
pub use report::{Api, MAX_BYTES, MAX_RESULTS};
pub use status::{FindingKey, Status, StatusSnapshot};
pub use view::{KindFacts, Snapshot, View};

use reviews::Reviews;
use writer::Writer;

/// How the cluster is watched.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only this namespace, and what is in none; `None` for all.
    pub namespace: Option<String>,
    /// Whether reports are written.
    pub writes: bool,
    /// How many requests that write are sent in a second at most.
    pub writes_per_second: u32,
    /// How long to wait for more changes before what changed is judged: a roll-out changes an object
    /// several times.
    pub settle: Duration,
    /// What is known of images.
    pub images: Arc<Images>,
    /// Today, to know what has expired.
    pub today: fn() -> Option<Date>,
    /// Where to count what is done.
    pub status: Arc<Status>,
    /// Where to show what is known, for those who read it.
    pub view: Option<Arc<View>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: None,
            writes: true,
            writes_per_second: 5,
            settle: Duration::from_millis(500),
            images: Arc::new(Images::default()),
            today: || None,
            status: Arc::new(Status::default()),
            view: None,
        }
    }
}

/// How many changes wait to be taken in.
const WAITING: usize = 1024;
/// How often what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// Follows a cluster until `shutdown` completes. What fails is counted in [`Options::status`], and
/// tried again.
pub async fn run(
    client: Client,
    engine: Arc<Engine>,
    options: Options,
    shutdown: impl Future<Output = ()> + Send,
) {
    let feed = Feed::new(client.clone(), options.namespace.clone(), followed::wanted).await;
    let (sender, changes) = mpsc::channel(WAITING);
    let writer = Writer::new(client, &options).await;
    let reviews = Reviews::new(engine, &options, feed.kinds());
    let follow = feed.run(sender);
    let work = work(reviews, writer, changes, &options);
    // Whichever ends first ends the others: they hold nothing that has to be finished.
    tokio::select! {
        () = follow => {}
        () = work => {}
        () = shutdown => {}
    }
}

/// Takes in changes, and judges and writes what they touch.
async fn work(
    mut reviews: Reviews,
    mut writer: Writer,
    mut changes: Receiver<Change>,
    options: &Options,
) {
    loop {
        // Sleeps while nothing changes.
        let first = if writer.has_failures() {
            match tokio::time::timeout(RETRY, changes.recv()).await {
                Ok(change) => change,
                Err(_) => {
                    writer.retry().await;
                    continue;
                }
            }
        } else {
            changes.recv().await
        };
        let Some(first) = first else { return };
        reviews.take(first);
        gather(&mut reviews, &mut changes, options.settle).await;
        if !reviews.is_complete() {
            continue;
        }
        if let Some(view) = &options.view {
            view.show(reviews.snapshot());
        }
        if options.writes {
            let Some(reports) = reviews.judge().await else { return };
            writer.write(reports).await;
        } else {
            reviews.pass();
        }
        options.status.looked();
    }
}

/// Takes in the changes of the next moments.
async fn gather(reviews: &mut Reviews, changes: &mut Receiver<Change>, settle: Duration) {
    let end = Instant::now() + settle;
    while let Ok(Some(change)) = tokio::time::timeout_at(end, changes.recv()).await {
        reviews.take(change);
    }
}
