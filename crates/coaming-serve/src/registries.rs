//! What registries say about images, asked in the background.
//!
//! Invariants:
//!
//! * A question never waits: what is not known yet is asked of the registry in the background, a few
//!   images at a time, and fewer of one host: a slow one keeps out no other.
//! * What is remembered is bounded, and a tag is asked for again after a while.
//! * Only hosts in the names of images are asked, or their mirrors in the configuration of the cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use coaming_config::RegistryAccess;
use coaming_oci::Reference;
use coaming_registry::{Options, RegistryClient};
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How long a registry is not asked again after an error.
const RETRY: Duration = Duration::from_secs(15);
/// How long a registry may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many images are asked for at once.
const AT_ONCE: usize = 64;
/// How many of them are in one registry.
const AT_ONCE_OF_HOST: usize = 8;
/// How many images are remembered.
const MAX_IMAGES: usize = 1024;

/// Something that a registry knows of an image.
pub(crate) trait Fact: Clone + Send + Sync + 'static {
    /// How long the answer about a tag is used; that about a digest never changes.
    const FRESH: Duration;

    /// Asks the registry.
    fn read(
        registry: &RegistryClient,
        image: &Reference,
    ) -> impl Future<Output = Result<Self, String>> + Send;
}

/// The registries.
#[derive(Debug)]
pub(crate) struct Registries {
    runtime: Handle,
    /// Files of authorities to trust beside those of the system.
    ca: Vec<PathBuf>,
    client: Mutex<Client>,
    /// How many images are being asked for.
    asked: AtomicUsize,
    /// Who waits for answers.
    answered: Notify,
}

#[derive(Debug)]
struct Client {
    access: RegistryAccess,
    /// Made when it is needed.
    made: Option<Result<Arc<RegistryClient>, String>>,
}

impl Registries {
    /// Registries are asked with the credentials of Docker's configuration.
    pub(crate) fn new(runtime: Handle, ca: Vec<PathBuf>) -> Arc<Self> {
        let client = Mutex::new(Client { access: RegistryAccess::default(), made: None });
        Arc::new(Self { runtime, ca, client, asked: AtomicUsize::new(0), answered: Notify::new() })
    }

    /// From now on, registries are reached like this.
    pub(crate) fn reach_by(&self, access: &RegistryAccess) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if client.access != *access {
            *client = Client { access: access.clone(), made: None };
        }
    }

    /// Waits until all registries have answered that are asked now, but not longer than this. Returns
    /// whether any was asked.
    pub(crate) async fn settle(&self, patience: Duration) -> bool {
        let is_busy = || self.asked.load(Ordering::Acquire) > 0;
        if !is_busy() {
            return false;
        }
        let all = async {
            loop {
                let mut answered = std::pin::pin!(self.answered.notified());
                // From here on, no answer is missed.
                answered.as_mut().enable();
                if !is_busy() {
                    return;
                }
                answered.await;
            }
        };
        drop(tokio::time::timeout(patience, all).await);
        true
    }

    fn client(&self) -> Result<Arc<RegistryClient>, String> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let Client { access, made } = &mut *client;
        let make = || {
            let plain_http = access.plain_http.iter().cloned().collect();
            let http =
                coaming_http::Options { plain_http, ca: self.ca.clone(), ..Default::default() };
            let mirrors = access.mirrors.clone();
            RegistryClient::new(Options { http, mirrors, ..Options::default() })
                .map(Arc::new)
                .map_err(|error| error.to_string())
        };
        made.get_or_insert_with(make).clone()
    }
}

/// What is known of one kind.
#[derive(Debug)]
pub(crate) struct Facts<T>(Arc<Inner<T>>);

impl<T> Clone for Facts<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<T> {
    registries: Arc<Registries>,
    images: Mutex<BTreeMap<Reference, State<T>>>,
}

#[derive(Clone, Debug)]
enum State<T> {
    Asked,
    Known(T, Option<Instant>),
    Failed(String, Instant),
}

/// Why a fact is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is being asked for, or too much else is.
    Asked,
    /// The registry has failed.
    Failed(String),
}

impl<T> State<T> {
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

impl<T: Fact> Facts<T> {
    /// Nothing is known yet.
    pub(crate) fn new(registries: Arc<Registries>) -> Self {
        Self(Arc::new(Inner { registries, images: Mutex::default() }))
    }

    /// What is known of an image; what is not is asked for.
    pub(crate) fn get(&self, image: &Reference) -> Result<T, Missing> {
        let now = Instant::now();
        let mut images = self.0.images();
        images.retain(|_, state| !state.is_over(now));
        match images.get(image) {
            Some(State::Known(fact, _)) => return Ok(fact.clone()),
            Some(State::Failed(reason, _)) => return Err(Missing::Failed(reason.clone())),
            Some(State::Asked) => return Err(Missing::Asked),
            None => {}
        }
        let asked = images.iter().filter(|(_, state)| state.is_asked());
        let (mut all, mut of_host) = (0, 0);
        for (other, _) in asked {
            all += 1;
            of_host += usize::from(other.registry() == image.registry());
        }
        if all >= AT_ONCE || of_host >= AT_ONCE_OF_HOST {
            return Err(Missing::Asked);
        }
        if images.len() >= MAX_IMAGES {
            images.retain(|_, state| state.is_asked());
        }
        images.insert(image.clone(), State::Asked);
        drop(images);
        let registries = &self.0.registries;
        registries.asked.fetch_add(1, Ordering::AcqRel);
        let (inner, image) = (Arc::clone(&self.0), image.clone());
        registries.runtime.spawn(async move { inner.ask(image).await });
        Err(Missing::Asked)
    }
}

impl<T: Fact> Inner<T> {
    fn images(&self) -> MutexGuard<'_, BTreeMap<Reference, State<T>>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, image: Reference) {
        let read = async { T::read(&*self.registries.client()?, &image).await };
        let late = |_| Err("its registry does not answer in time".to_owned());
        let answer = tokio::time::timeout(TIMEOUT, read).await.unwrap_or_else(late);
        let now = Instant::now();
        let state = match answer {
            Ok(fact) => State::Known(fact, image.digest().is_none().then_some(now + T::FRESH)),
            Err(reason) => State::Failed(reason, now + RETRY),
        };
        self.images().insert(image, state);
        self.registries.asked.fetch_sub(1, Ordering::AcqRel);
        self.registries.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use coaming_admission::{Digests as _, Unresolved};
    use coaming_oci::Digest;
    use coaming_test::http_server::{self, Server};
    use coaming_vault::{EntryPoint, EntryPoints as _};
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

    fn image(server: &Server, name: &str) -> Reference {
        Reference::parse(&format!("{}/shop/{name}", server.host)).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn registries_are_asked_once_and_nobody_waits() {
        let down = Arc::new(AtomicBool::new(false));
        let server = registry(Arc::clone(&down));
        let registries = Registries::new(Handle::current(), Vec::new());
        let known = Facts::<EntryPoint>::new(Arc::clone(&registries));
        let patience = Duration::from_secs(60);
        assert!(!registries.settle(patience).await, "nothing is asked");
        let image = format!("{}/shop/web:1", server.host);
        assert!(known.entry_point(&image).unwrap_err().contains("is being asked"));
        assert!(registries.settle(patience).await);
        let entry = EntryPoint { command: vec!["/entry".to_owned()], arguments: Vec::new() };
        assert_eq!(known.entry_point(&image), Ok(entry.clone()));
        let asked = server.requests().len();
        assert_eq!(known.entry_point(&image), Ok(entry));
        assert!(!registries.settle(patience).await);
        assert_eq!(server.requests().len(), asked);
        down.store(true, Ordering::Relaxed);
        let other = format!("{}/shop/other:1", server.host);
        known.entry_point(&other).unwrap_err();
        registries.settle(patience).await;
        let failed = known.entry_point(&other).unwrap_err();
        assert!(failed.contains("shop/other") && failed.contains("name the `command`"), "{failed}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn tags_are_resolved() {
        let server = registry(Arc::default());
        let registries = Registries::new(Handle::current(), Vec::new());
        let known = Facts::<Digest>::new(Arc::clone(&registries));
        let image = image(&server, "web:1");
        assert_eq!(known.digest(&image), Err(Unresolved::Asked));
        assert!(registries.settle(Duration::from_secs(60)).await);
        assert!(known.digest(&image).unwrap().starts_with("sha256:"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn mirrors_of_the_configuration_are_asked() {
        let server = registry(Arc::default());
        let registries = Registries::new(Handle::current(), Vec::new());
        let mirrors = [("r.example.com".to_owned(), vec![server.host.clone()])].into();
        registries.reach_by(&RegistryAccess { mirrors, ..RegistryAccess::default() });
        let known = Facts::<Digest>::new(Arc::clone(&registries));
        let image = Reference::parse("r.example.com/shop/web:1").unwrap();
        known.digest(&image).unwrap_err();
        assert!(registries.settle(Duration::from_secs(60)).await);
        assert!(known.digest(&image).unwrap().starts_with("sha256:"));
    }

    #[tokio::test]
    async fn what_is_asked_at_once_is_bounded() {
        // Nothing is answered: the tasks do not run before the test waits.
        let known = Facts::<Digest>::new(Registries::new(Handle::current(), Vec::new()));
        let ask = |host: usize, number: usize| {
            let text = format!("127.0.0.1:{}/shop/web:{number}", host + 1);
            known.get(&Reference::parse(&text).unwrap()).unwrap_err();
        };
        (0..AT_ONCE_OF_HOST * 2).for_each(|number| ask(0, number));
        assert_eq!(known.0.images().len(), AT_ONCE_OF_HOST, "others have room");
        (1..AT_ONCE * 2).for_each(|host| ask(host, 0));
        assert_eq!(known.0.images().len(), AT_ONCE);
    }
}
