//! The entry points of images, for pods whose programs a launcher starts and that name no command.
//!
//! Invariants:
//!
//! * A question never waits: what is not known yet is asked of the registry in the background, a few
//!   images at a time.
//! * Only images that a SecretGrant names are asked for.
//! * What is remembered is bounded, and a tag is asked for again after a few minutes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use coaming_oci::{Platform, Reference};
use coaming_registry::{Options, RegistryClient};
use coaming_vault::{EntryPoint, EntryPoints};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How long the answer about a tag is used; that about a digest never changes.
const FRESH: Duration = Duration::from_secs(300);
/// How long a registry is not asked again after an error.
const RETRY: Duration = Duration::from_secs(15);
/// How long a registry may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many images are asked for at once.
const AT_ONCE: usize = 8;
/// How many images are remembered.
const MAX_IMAGES: usize = 1024;
/// The largest configuration of an image.
const MAX_CONFIG: u64 = 1 << 20;

/// The entry points that are known.
#[derive(Clone, Debug)]
pub(crate) struct KnownEntryPoints(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: OnceLock<Result<RegistryClient, String>>,
    runtime: Handle,
    images: Mutex<BTreeMap<String, State>>,
    /// Who waits for answers.
    answered: Notify,
}

#[derive(Clone, Debug)]
enum State {
    Asked,
    Known(EntryPoint, Option<Instant>),
    Failed(String, Instant),
}

impl State {
    fn is_asked(&self) -> bool {
        matches!(self, Self::Asked)
    }

    fn is_over(&self, now: Instant) -> bool {
        match self {
            Self::Asked | Self::Known(_, None) => false,
            Self::Known(_, Some(end)) | Self::Failed(_, end) => *end <= now,
        }
    }
}

impl KnownEntryPoints {
    /// Nothing is known yet. Registries are asked with the credentials of Docker's configuration.
    pub(crate) fn new(runtime: Handle) -> Self {
        let (registry, images) = (OnceLock::new(), Mutex::default());
        Self(Arc::new(Inner { registry, runtime, images, answered: Notify::new() }))
    }

    /// Waits until all registries have answered that are asked now, but not longer than this. Returns
    /// whether any was asked.
    pub(crate) async fn settle(&self, patience: Duration) -> bool {
        let is_busy = || self.0.images().values().any(State::is_asked);
        if !is_busy() {
            return false;
        }
        let all = async {
            loop {
                let answered = self.0.answered.notified();
                if !is_busy() {
                    return;
                }
                answered.await;
            }
        };
        drop(tokio::time::timeout(patience, all).await);
        true
    }
}

impl EntryPoints for KnownEntryPoints {
    fn entry_point(&self, image: &str) -> Result<EntryPoint, String> {
        let now = Instant::now();
        let mut images = self.0.images();
        images.retain(|_, state| !state.is_over(now));
        match images.get(image) {
            Some(State::Known(entry, _)) => return Ok(entry.clone()),
            Some(State::Failed(reason, _)) => return Err(format!("{reason}; name the `command`")),
            Some(State::Asked) => return Err(WAIT.to_owned()),
            None => {}
        }
        if images.values().filter(|state| state.is_asked()).count() >= AT_ONCE {
            return Err(WAIT.to_owned());
        }
        if images.len() >= MAX_IMAGES {
            images.retain(|_, state| state.is_asked());
        }
        images.insert(image.to_owned(), State::Asked);
        drop(images);
        let (inner, image) = (Arc::clone(&self.0), image.to_owned());
        self.0.runtime.spawn(async move { inner.ask(image).await });
        Err(WAIT.to_owned())
    }
}

/// Why an entry point is not known that is being asked for.
const WAIT: &str = "its registry is being asked; try again, or name the `command`";

impl Inner {
    fn images(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, image: String) {
        let (answer, has_digest) = match Reference::parse(&image) {
            Err(error) => (Err(error.to_string()), false),
            Ok(reference) => {
                let asked = tokio::time::timeout(TIMEOUT, self.read(&reference)).await;
                let late = || Err("its registry does not answer in time".to_owned());
                (asked.unwrap_or_else(|_| late()), reference.digest().is_some())
            }
        };
        let now = Instant::now();
        let state = match answer {
            Ok(entry) => State::Known(entry, (!has_digest).then_some(now + FRESH)),
            Err(reason) => State::Failed(reason, now + RETRY),
        };
        self.images().insert(image, state);
        self.answered.notify_waiters();
    }

    async fn read(&self, reference: &Reference) -> Result<EntryPoint, String> {
        let made = || RegistryClient::new(Options::default()).map_err(|error| error.to_string());
        let registry = self.registry.get_or_init(made).as_ref().map_err(Clone::clone)?;
        let shown = |error: coaming_registry::RegistryError| error.to_string();
        let image = registry.image(reference, Some(&Platform::host())).await.map_err(shown)?;
        let config = registry.small_blob(reference, &image.config, MAX_CONFIG).await;
        parse(&config.map_err(shown)?)
    }
}

/// The entry point in the configuration of an image.
fn parse(config: &[u8]) -> Result<EntryPoint, String> {
    #[derive(Default, Deserialize)]
    struct Document {
        config: Option<Settings>,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Settings {
        entrypoint: Option<Vec<String>>,
        cmd: Option<Vec<String>>,
    }
    let document: Document = serde_json::from_slice(config)
        .map_err(|error| format!("its configuration is not valid: {error}"))?;
    let settings = document.config.unwrap_or_default();
    Ok(EntryPoint {
        command: settings.entrypoint.unwrap_or_default(),
        arguments: settings.cmd.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use coaming_test::http_server::{self, Server};
    use sha2::{Digest as _, Sha256};

    use super::*;

    const CONFIG: &str = r#"{"architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/entry"], "Cmd": null}}"#;

    /// A registry with one image; it answers with errors while it is down.
    fn registry(down: Arc<AtomicBool>) -> Server {
        let digest = |text: &str| {
            let bytes = Sha256::digest(text);
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("sha256:{hex}")
        };
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        let manifest =
            serde_json::json!({"schemaVersion": 2, "mediaType": media_type, "layers": [],
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(CONFIG), "size": CONFIG.len()}})
            .to_string();
        Server::start(move |_, request, stream| {
            if down.load(Ordering::Relaxed) {
                http_server::reply(stream, 403, &[], b"{}");
            } else if request.path.contains("/blobs/") {
                http_server::reply(stream, 200, &[], CONFIG.as_bytes());
            } else if request.path.contains("/manifests/") {
                let kind = [("content-type", media_type)];
                http_server::reply(stream, 200, &kind, manifest.as_bytes());
            } else {
                http_server::reply(stream, 200, &[], b"{}");
            }
        })
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn registries_are_asked_once_and_nobody_waits() {
        let down = Arc::new(AtomicBool::new(false));
        let server = registry(Arc::clone(&down));
        let known = KnownEntryPoints::new(Handle::current());
        assert!(!known.settle(Duration::from_secs(60)).await, "nothing is asked");
        let image = format!("{}/shop/web:1", server.host);
        assert_eq!(known.entry_point(&image), Err(WAIT.to_owned()));
        assert!(known.settle(Duration::from_secs(60)).await);
        let entry = EntryPoint { command: vec!["/entry".to_owned()], arguments: Vec::new() };
        assert_eq!(known.entry_point(&image), Ok(entry.clone()));
        let asked = server.requests().len();
        assert_eq!(known.entry_point(&image), Ok(entry));
        assert!(!known.settle(Duration::from_secs(60)).await);
        assert_eq!(server.requests().len(), asked);
        down.store(true, Ordering::Relaxed);
        let other = format!("{}/shop/other:1", server.host);
        known.entry_point(&other).unwrap_err();
        known.settle(Duration::from_secs(60)).await;
        let failed = known.entry_point(&other).unwrap_err();
        assert!(failed.contains("shop/other") && failed.contains("name the `command`"), "{failed}");
    }

    #[tokio::test]
    async fn what_is_asked_at_once_is_bounded() {
        // Nothing is answered: the tasks do not run before the test waits.
        let known = KnownEntryPoints::new(Handle::current());
        for number in 0..AT_ONCE * 2 {
            known.entry_point(&format!("127.0.0.1:1/shop/web:{number}")).unwrap_err();
        }
        assert_eq!(known.0.images().len(), AT_ONCE);
    }

    #[test]
    fn configurations_are_read() {
        let read = |text: &str| parse(text.as_bytes());
        assert_eq!(read("{}"), Ok(EntryPoint::default()));
        assert_eq!(read(r#"{"config": null}"#), Ok(EntryPoint::default()));
        let both =
            read(r#"{"config": {"Entrypoint": ["/a"], "Cmd": ["b"], "User": "1"}}"#).unwrap();
        assert_eq!((both.command, both.arguments), (vec!["/a".into()], vec!["b".into()]));
        assert!(read(r#"{"config": {"Cmd": 7}}"#).unwrap_err().contains("not valid"));
    }
}
