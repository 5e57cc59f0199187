//! Follow a resource: one list, then a watch that goes on from where the list ended.
//!
//! Invariants:
//!
//! * A watch that breaks goes on from the last version that was seen, bookmarks included. Only if the
//!   server has forgotten that version (410) is the resource listed again.
//! * After a list, the receiver knows exactly the objects of the list: [`Change::Listed`] replaces
//!   all that it had of the kind.
//! * A server that fails is asked again with growing pauses, and one that says how long to wait
//!   (`Retry-After`) is obeyed; a right that is missing is asked for once a minute.
//! * Objects are read as by [`crate::read`]: no value of a Secret, no managed fields. What a controller
//!   made of a template is left out: the template says it all. Of kinds that controllers make, the
//!   server sends metadata alone, which says the owner, and then what is not left out.

use std::sync::Arc;
use std::time::Duration;

use coaming_kube::{Fields as _, ObjectKey, Source};
use coaming_yaml::{Document, JsonTree};
use futures_util::io::{AsyncBufRead, AsyncBufReadExt as _};
use kube::Client;
use kube::api::{DynamicObject, Request, WatchParams};
use kube::core::Resource as _;
use serde::Deserialize;
use serde::de::DeserializeSeed as _;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use crate::discover::Resource;
use crate::filter::ObjectFilter;
use crate::list::{self, Reader};
use crate::{ClusterObjects, ReadError, error};

/// The kinds of which a controller makes objects by its template.
const MADE: &[&str] = &["Pod", "ReplicaSet", "Job"];
/// The API groups of these kinds.
const GROUPS_OF_MADE: &[&str] = &["", "apps", "batch"];
/// How many objects are asked for one by one after a list of metadata: a list of all is cheaper than
/// more of them.
const ONE_BY_ONE: usize = 50;
/// How long the server keeps a watch open: less than what balancers between allow.
const WATCH_SECONDS: u32 = 290;
/// The longest line: an object has at most 3 MiB in memory of the server.
const MAX_LINE: usize = 16 << 20;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a missing right, or a resource that is gone, is tried again.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// The same for a right that need not be given.
const NOT_ALLOWED_PAUSE: Duration = Duration::from_secs(600);
/// The server has forgotten the version to go on from.
const GONE: u16 = 410;
/// The server has no such resource.
const NOT_FOUND: u16 = 404;

/// Whether a kind is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is, and a right that is missing is an error.
    Yes,
    /// It is, where the rights allow it.
    IfAllowed,
    /// It is not.
    No,
}

/// A change of a cluster.
#[derive(Debug)]
pub enum Change {
    /// All objects of a kind, at the beginning and whenever the server has forgotten what was seen.
    Listed {
        /// The API group; empty for the core group.
        group: String,
        /// The kind.
        kind: String,
        /// The name of the resource.
        plural: String,
        /// Whether its objects belong to namespaces.
        namespaced: bool,
        /// The objects.
        sources: Vec<Source>,
    },
    /// An object is new, or has changed.
    Put(Box<Source>),
    /// An object is gone.
    Removed(ObjectKey),
    /// A kind that was wanted only if it is allowed may not be listed.
    NotAllowed {
        /// The API group.
        group: String,
        /// The kind.
        kind: String,
    },
    /// A resource cannot be read for now.
    Failed {
        /// The API group.
        group: String,
        /// The kind; empty if it is not known which kinds there are.
        kind: String,
        /// Why.
        error: ReadError,
    },
}

/// Follows one resource.
pub(crate) struct Follower {
    pub(crate) client: Client,
    pub(crate) namespace: Option<String>,
    pub(crate) resource: Resource,
    pub(crate) wanted: Wanted,
    pub(crate) changes: Sender<Change>,
    /// How many resources may be listed at once.
    pub(crate) lists: Arc<Semaphore>,
}

/// Why a watch is over.
enum End {
    /// It ran as long as was asked for, or broke: it goes on.
    Over,
    /// The version is not known any more.
    Forgotten,
    /// The server does not serve the resource any more.
    NotServed,
    /// The server refuses, or cannot for now.
    Failed(Box<kube::Error>),
    /// The receiver is gone.
    Unheard,
}

impl Follower {
    /// Follows until the receiver is gone, or the server does not serve the resource any more.
    pub(crate) async fn run(&self) {
        let mut pause = FIRST_PAUSE;
        while !self.changes.is_closed() {
            match self.list().await {
                Ok(version) => {
                    let start = Instant::now();
                    self.watch(version).await;
                    // A watch that always ends at once must not mean a list after the other.
                    let lasted = start.elapsed() > LONGEST_PAUSE;
                    pause = if lasted { FIRST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
                    tokio::time::sleep(pause).await;
                }
                // Who follows it knows that all of it is gone.
                Err(error) if is_not_served(&error) => return self.listed(Vec::new()).await,
                Err(error) => {
                    let is_optional = self.wanted == Wanted::IfAllowed;
                    let rest = match &error {
                        ReadError::Forbidden { .. } if is_optional => NOT_ALLOWED_PAUSE,
                        ReadError::Forbidden { .. } => REFUSED_PAUSE,
                        ReadError::Request { source, .. } => asked_pause(source).unwrap_or(pause),
                        _ => pause,
                    };
                    let (group, kind) = self.kind();
                    let change = match &error {
                        ReadError::Forbidden { .. } if is_optional => {
                            Change::NotAllowed { group, kind }
                        }
                        _ => Change::Failed { group, kind, error },
                    };
                    if self.changes.send(change).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(rest).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    pub(crate) fn kind(&self) -> (String, String) {
        (self.resource.api.group.clone(), self.resource.api.kind.clone())
    }

    /// Lists everything, and returns the version of the list.
    async fn list(&self) -> Result<String, ReadError> {
        let mut objects = ClusterObjects { name: "cluster".to_owned(), ..Default::default() };
        let mut reader = Reader::new(self.client.clone(), self.namespace.as_deref());
        let version = {
            // The semaphore is never closed.
            let _turn = self.lists.acquire().await;
            match self.is_made_by_controllers() {
                true => self.list_not_made(&mut reader, &mut objects).await?,
                false => reader.read(&self.resource, &mut objects).await,
            }
        };
        if let Some(error) = objects.errors.pop() {
            return Err(error);
        }
        objects.sources.retain(|source| !is_made(source));
        self.listed(objects.sources).await;
        Ok(version)
    }

    /// Whether most objects of the resource are made by controllers, and left out.
    fn is_made_by_controllers(&self) -> bool {
        let api = &self.resource.api;
        MADE.contains(&api.kind.as_str()) && GROUPS_OF_MADE.contains(&api.group.as_str())
    }

    /// Reads the objects that no controller made, by the metadata of all.
    async fn list_not_made(
        &self,
        reader: &mut Reader<'_>,
        objects: &mut ClusterObjects,
    ) -> Result<String, ReadError> {
        let version = reader.read_metadata(&self.resource, objects).await;
        objects.sources.retain(|source| !is_made(source));
        if !objects.errors.is_empty() {
            return Ok(version);
        }
        let found = std::mem::take(&mut objects.sources);
        if found.len() > ONE_BY_ONE {
            return Ok(reader.read(&self.resource, objects).await);
        }
        for key in found.iter().filter_map(key_of) {
            let whole = reader.read_one(&self.resource, &key.namespace, &key.name).await?;
            // One that is gone meanwhile is in the watch, too.
            objects.sources.extend(whole);
        }
        Ok(version)
    }

    async fn listed(&self, sources: Vec<Source>) {
        let (group, kind) = self.kind();
        let plural = self.resource.api.plural.clone();
        let namespaced = self.resource.namespaced;
        let listed = Change::Listed { group, kind, plural, namespaced, sources };
        // A receiver that is gone ends the loop around this.
        drop(self.changes.send(listed).await);
    }

    /// Watches from a version on, until the resource has to be listed again.
    async fn watch(&self, mut version: String) {
        let mut pause = FIRST_PAUSE;
        loop {
            let before = version.clone();
            match self.watch_once(&mut version).await {
                End::Unheard | End::Forgotten | End::NotServed => return,
                End::Failed(error) if is_refused(&error) => {
                    let (group, kind) = self.kind();
                    let (resource, reason) = (self.resource.full_name(), error::reason(&error));
                    let error = ReadError::Unwatched { resource, reason };
                    // A receiver that is gone ends the loop around this.
                    drop(self.changes.send(Change::Failed { group, kind, error }).await);
                    tokio::time::sleep(REFUSED_PAUSE).await;
                    return;
                }
                End::Failed(error) => {
                    tokio::time::sleep(asked_pause(&error).unwrap_or(pause)).await
                }
                End::Over => {
                    if version != before {
                        pause = FIRST_PAUSE;
                    }
                    tokio::time::sleep(pause).await;
                }
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn watch_once(&self, version: &mut String) -> End {
        let url = DynamicObject::url_path(&self.resource.api, self.namespace.as_deref());
        let parameters = WatchParams::default().timeout(WATCH_SECONDS);
        let request = match self.is_made_by_controllers() {
            true => Request::new(url).watch_metadata(&parameters, version),
            false => Request::new(url).watch(&parameters, version),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return End::Failed(Box::new(kube::Error::BuildRequest(error))),
        };
        let mut lines = match self.client.request_stream(request).await {
            Ok(lines) => Box::pin(lines),
            Err(kube::Error::Api(status)) if status.code == GONE => return End::Forgotten,
            Err(kube::Error::Api(status)) if status.code == NOT_FOUND => return End::NotServed,
            Err(error) => return End::Failed(Box::new(error)),
        };
        let mut line = Vec::new();
        loop {
            // A proxy may keep a connection open whose server is gone.
            let limit = Duration::from_secs(u64::from(WATCH_SECONDS) + 30);
            match tokio::time::timeout(limit, read_line(&mut lines, &mut line)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false) | Err(_)) | Err(_) => return End::Over,
            }
            let event = match self.event(&line) {
                Ok(event) => event,
                Err(end) => return end,
            };
            let change = match event.change {
                Some(Change::Put(metadata)) if self.is_made_by_controllers() => {
                    match self.whole(&metadata).await {
                        Ok(whole) => whole.map(|source| Change::Put(Box::new(source))),
                        // The event comes again: the version is that before it.
                        Err(_) => return End::Over,
                    }
                }
                change => change,
            };
            if let Some(seen) = event.version {
                *version = seen;
            }
            if let Some(change) = change
                && self.changes.send(change).await.is_err()
            {
                return End::Unheard;
            }
        }
    }

    /// The object that a source has the metadata of.
    async fn whole(&self, metadata: &Source) -> Result<Option<Source>, ReadError> {
        let Some(key) = key_of(metadata) else { return Ok(None) };
        let mut reader = Reader::new(self.client.clone(), None);
        reader.read_one(&self.resource, &key.namespace, &key.name).await
    }

    /// Reads one event.
    fn event(&self, line: &[u8]) -> Result<Read, End> {
        // An event that cannot be read means that the state is not known: a new list heals that.
        let event: Event<'_> = serde_json::from_slice(line).map_err(|_| End::Forgotten)?;
        let api = &self.resource.api;
        match event.kind {
            "ERROR" => {
                let status: Status = serde_json::from_str(event.object.get()).unwrap_or_default();
                return Err(if status.code == GONE { End::Forgotten } else { End::Over });
            }
            "BOOKMARK" => {
                let mark: Mark = serde_json::from_str(event.object.get()).unwrap_or_default();
                return Ok(Read { change: None, version: mark.metadata.resource_version });
            }
            _ => {}
        }
        let document =
            decode(event.object.get(), &api.api_version, &api.kind).map_err(|_| End::Forgotten)?;
        let root = document.root();
        let version = root.mapping("metadata").string("resourceVersion").map(str::to_owned);
        let source = list::source("cluster", document);
        let change = match event.kind {
            _ if is_made(&source) => None,
            "ADDED" | "MODIFIED" => Some(Change::Put(Box::new(source))),
            "DELETED" => key_of(&source).map(Change::Removed),
            _ => None,
        };
        Ok(Read { change, version })
    }
}

/// An event that was read.
struct Read {
    change: Option<Change>,
    /// The version of the resource after it.
    version: Option<String>,
}

#[derive(Deserialize)]
struct Event<'e> {
    #[serde(rename = "type")]
    kind: &'e str,
    #[serde(borrow)]
    object: &'e RawValue,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mark {
    metadata: MarkMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MarkMetadata {
    resource_version: Option<String>,
}

fn decode(text: &str, api_version: &str, kind: &str) -> Result<Document, serde_json::Error> {
    let mut filter = ObjectFilter::new(api_version, kind);
    let first = [("apiVersion", api_version), ("kind", kind)];
    let mut deserializer = serde_json::Deserializer::from_str(text);
    JsonTree { first: &first, filter: &mut filter }.deserialize(&mut deserializer)
}

/// Reads one line without its end; `false` at the end of the stream.
async fn read_line(
    lines: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> std::io::Result<bool> {
    line.clear();
    loop {
        let bytes = lines.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(false);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(bytes.len());
        if line.len() + taken > MAX_LINE {
            return Err(std::io::Error::other("an event is too large"));
        }
        line.extend(bytes.iter().take(taken));
        let consumed = end.map_or(taken, |end| end + 1);
        lines.consume_unpin(consumed);
        if end.is_some() {
            return Ok(true);
        }
    }
}

/// Whether a controller made the object by a template that is followed too.
fn is_made(source: &Source) -> bool {
    let Some(root) = source.documents().first().map(Document::root) else { return false };
    let is_template = |kind: &str| {
        let kinds = ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "StatefulSet"];
        kinds.contains(&kind) || kind == "ReplicationController"
    };
    root.string("kind").is_some_and(|kind| MADE.contains(&kind))
        && root.mapping("metadata").list("ownerReferences").any(|owner| {
            owner.boolean("controller") == Some(true)
                && owner.string("kind").is_some_and(is_template)
        })
}

fn key_of(source: &Source) -> Option<ObjectKey> {
    // The id does not matter for a key.
    source.objects(coaming_kube::SourceId::new(0)).next().map(coaming_kube::Object::key)
}

fn is_refused(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 405))
}

/// Whether the server has no such resource: its definition was deleted, or its version.
fn is_not_served(error: &ReadError) -> bool {
    let ReadError::Request { source, .. } = error else { return false };
    matches!(&**source, kube::Error::Api(status) if status.code == NOT_FOUND)
}

/// How long the server asks to wait.
fn asked_pause(error: &kube::Error) -> Option<Duration> {
    let kube::Error::Api(status) = error else { return None };
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)).min(REFUSED_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_controller_made_is_left_out() {
        let source = |kind: &str, owner: &str| {
            let text = format!(
                r#"{{"metadata": {{"name": "a", "ownerReferences": [{{"kind": "{owner}", "name": "b", "controller": true}}]}}}}"#
            );
            list::source("cluster", decode(&text, "v1", kind).unwrap())
        };
        assert!(is_made(&source("Pod", "ReplicaSet")));
        assert!(is_made(&source("ReplicaSet", "Deployment")));
        assert!(!is_made(&source("Pod", "Node")));
        assert!(!is_made(&source("Pod", "Etcd")));
        assert!(!is_made(&source("Deployment", "Deployment")));
    }

    #[test]
    fn lines_are_bounded() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut lines = futures_util::io::Cursor::new(b"one\ntwo\nrest".to_vec());
            let mut line = Vec::new();
            for expected in ["one", "two"] {
                assert!(read_line(&mut lines, &mut line).await.unwrap());
                assert_eq!(line, expected.as_bytes());
            }
            assert!(!read_line(&mut lines, &mut line).await.unwrap());
            let mut endless = futures_util::io::Cursor::new(vec![b'a'; MAX_LINE + 1]);
            assert!(read_line(&mut endless, &mut line).await.is_err());
        });
    }
}
