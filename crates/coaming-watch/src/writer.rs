//! Writes reports: only what differs from what the API server has, and never too fast.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde::Deserialize;
use tokio::time::Instant;

use crate::report::{self, Api, CHECKSUM, LABEL};
use crate::reviews::{Judged, Owner};
use crate::{Options, Status};

/// How many reports one request asks for.
const PAGE: usize = 500;
const MANAGER: &str = "coaming";
/// The APIs for reports, the preferred one first.
const APIS: &[Api] = &[Api::OpenReports, Api::PolicyReport];

/// The namespace and the name of a report.
type Place = (String, String);

pub(crate) struct Writer {
    client: Client,
    status: Arc<Status>,
    api: Option<Api>,
    /// The checksums of the reports in the API server, by namespace and name.
    written: BTreeMap<Place, String>,
    /// Whether nothing was written yet.
    is_first: bool,
    /// What could not be written, to be tried again.
    failed: Vec<Judged>,
    pace: Pace,
}

/// Spaces requests out.
struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    async fn wait(&mut self) {
        tokio::time::sleep_until(self.next).await;
        self.next = Instant::now() + self.interval;
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    metadata: ListMetadata,
    items: Vec<Item>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Item {
    metadata: ItemMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ItemMetadata {
    namespace: String,
    name: String,
    annotations: BTreeMap<String, String>,
}

impl Writer {
    /// Finds out which API is installed, and which reports there are.
    pub(crate) async fn new(client: Client, options: &Options) -> Self {
        let interval = Duration::from_secs(1) / options.writes_per_second.max(1);
        let mut writer = Self {
            client,
            status: Arc::clone(&options.status),
            api: None,
            written: BTreeMap::new(),
            is_first: true,
            failed: Vec::new(),
            pace: Pace { interval, next: Instant::now() },
        };
        let apis: &[Api] = if options.writes { APIS } else { &[] };
        for &api in apis {
            match writer.list(api, options.namespace.as_deref()).await {
                Ok(written) => {
                    writer.api = Some(api);
                    writer.written = written;
                    break;
                }
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => writer.status.failed(format!("cannot list reports: {error}")),
            }
        }
        writer
    }

    async fn list(
        &self,
        api: Api,
        namespace: Option<&str>,
    ) -> Result<BTreeMap<Place, String>, kube::Error> {
        let mut written = BTreeMap::new();
        let mut token = String::new();
        loop {
            let path = format!(
                "{}?labelSelector={}%3D{}&limit={PAGE}&continue={token}",
                api.path(namespace),
                LABEL.0,
                LABEL.1
            );
            let request = http_request("GET", &path, Vec::new())?;
            let list: List = self.client.request(request).await?;
            written.extend(list.items.into_iter().map(|Item { metadata }| {
                let checksum = metadata.annotations.get(CHECKSUM).cloned().unwrap_or_default();
                ((metadata.namespace, metadata.name), checksum)
            }));
            match list.metadata.continue_token.filter(|token| !token.is_empty()) {
                Some(next) => token = next,
                None => return Ok(written),
            }
        }
    }

    pub(crate) fn has_failures(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Tries again what could not be written.
    pub(crate) async fn retry(&mut self) {
        let failed = std::mem::take(&mut self.failed);
        self.write(failed).await;
    }

    /// Brings the reports about these workloads up to date. The first time, they are all there are:
    /// reports about others are left from before.
    pub(crate) async fn write(&mut self, judged: Vec<Judged>) {
        let Some(api) = self.api else { return };
        if std::mem::take(&mut self.is_first) {
            let current: BTreeSet<Place> = judged.iter().map(|it| place(&it.owner)).collect();
            let left: Vec<Place> =
                self.written.keys().filter(|place| !current.contains(*place)).cloned().collect();
            for place in left {
                if let Err(error) = self.delete(api, place).await {
                    self.status.failed(format!("cannot delete a report: {error}"));
                }
            }
        }
        for judged in judged {
            // A newer look at a workload replaces what could not be written.
            self.failed.retain(|failed| failed.owner.key != judged.owner.key);
            if let Err(error) = self.write_one(api, &judged).await {
                self.status.failed(format!("cannot write a report: {error}"));
                self.failed.push(judged);
            }
        }
    }

    async fn write_one(&mut self, api: Api, judged: &Judged) -> Result<(), kube::Error> {
        let place = place(&judged.owner);
        if judged.findings.is_empty() {
            return self.delete(api, place).await;
        }
        let report = report::report(api, judged);
        if self.written.get(&place) == Some(&report.checksum) {
            return Ok(());
        }
        let path =
            format!("{}/{}?fieldManager={MANAGER}&force=true", api.path(Some(&place.0)), place.1);
        self.send("PATCH", &path, report.body).await?;
        self.written.insert(place, report.checksum);
        Ok(())
    }

    /// Removes the report about a workload that is gone, or has no findings any more.
    async fn delete(&mut self, api: Api, place: Place) -> Result<(), kube::Error> {
        if !self.written.contains_key(&place) {
            return Ok(());
        }
        let path = format!("{}/{}", api.path(Some(&place.0)), place.1);
        match self.send("DELETE", &path, Vec::new()).await {
            // The garbage collector was faster.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => other?,
        }
        self.written.remove(&place);
        Ok(())
    }

    async fn send(&mut self, method: &str, path: &str, body: Vec<u8>) -> Result<(), kube::Error> {
        self.pace.wait().await;
        let request = http_request(method, path, body)?;
        self.client.request_text(request).await?;
        self.status.wrote();
        Ok(())
    }
}

fn place(owner: &Owner) -> Place {
    (owner.key.namespace.clone(), report::name(owner))
}

fn http_request(
    method: &str,
    path: &str,
    body: Vec<u8>,
) -> Result<http::Request<Vec<u8>>, kube::Error> {
    // Only a patch has a body.
    http::Request::builder()
        .method(method)
        .uri(path)
        .header(http::header::CONTENT_TYPE, "application/apply-patch+yaml")
        .header(http::header::ACCEPT, "application/json")
        .body(body)
        .map_err(kube::Error::HttpError)
}
