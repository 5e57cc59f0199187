//! The objects of a cluster by kind, kept up to date: a list, then a watch that goes on after every
//! interruption.
//!
//! Invariants:
//!
//! * After [`Change::Synced`], the receiver knows every object that there is, and after an
//!   interruption it gets the difference alone: an object that is gone meanwhile is removed.
//! * Errors never end a watch; they are reported, and it is tried again, more and more rarely.
//! * Managed fields are dropped: they are half of an object, and nobody reads them.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, TryStreamExt as _};
use kube::api::{Api, ApiResource, DynamicObject};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, Config};
use serde_json::Value;

use crate::log;
use crate::{ClusterAccess, ServeError};

/// Which objects are followed.
#[derive(Clone, Debug)]
pub struct Selection {
    /// The kind.
    pub resource: ApiResource,
    /// Only those of this namespace.
    pub namespace: Option<String>,
    /// Only that of this name.
    pub name: Option<String>,
}

impl Selection {
    /// All objects of a kind, which is in this group (empty for the core group) and version.
    #[must_use]
    pub fn all(group: &str, version: &str, kind: &str, plural: &str) -> Self {
        let api_version =
            if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
        let resource = ApiResource {
            group: group.to_owned(),
            version: version.to_owned(),
            api_version,
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        };
        Self { resource, namespace: None, name: None }
    }

    /// The same in one namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: &str) -> Self {
        Self { namespace: Some(namespace.to_owned()), ..self }
    }

    /// The same, but the one of this name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// The interface to these objects.
    pub(crate) fn api(&self, client: &Client) -> Api<DynamicObject> {
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        }
    }
}

/// What happens to the objects that are followed.
#[derive(Clone, Debug)]
pub enum Change {
    /// An object is new or has changed; with `apiVersion` and `kind`.
    Put(Value),
    /// An object is gone.
    Remove {
        /// Its namespace; empty for one in none.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Everything that there is has been reported.
    Synced,
    /// The API server refuses the list, or there is no such kind: what there is stays unknown for
    /// now.
    Unavailable(String),
}

/// Follows objects for ever, and passes on what happens to them.
pub async fn follow(client: Client, selection: Selection, mut receive: impl FnMut(Change)) {
    let mut config = watcher::Config::default();
    if let Some(name) = &selection.name {
        config = config.fields(&format!("metadata.name={name}"));
    }
    let mut events = watcher(selection.api(&client), config).default_backoff().boxed();
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    let mut listed: Option<BTreeSet<(String, String)>> = None;
    let mut failing = false;
    loop {
        let event = match events.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(error) => {
                // Watches are interrupted all the time; what lasts is said once.
                if !std::mem::replace(&mut failing, true) {
                    let text = log::chain(&error);
                    let plural = &selection.resource.plural;
                    log::say(format_args!("cannot follow {plural}, and tries again: {text}"));
                }
                if known.is_empty() {
                    receive(Change::Unavailable(log::chain(&error)));
                }
                continue;
            }
        };
        failing = false;
        match event {
            watcher::Event::Init => listed = Some(BTreeSet::new()),
            watcher::Event::InitApply(object) => {
                let key = key(&object);
                listed.get_or_insert_default().insert(key.clone());
                known.insert(key);
                receive(Change::Put(value(object, &selection.resource)));
            }
            watcher::Event::InitDone => {
                let listed = listed.take().unwrap_or_default();
                for (namespace, name) in known.difference(&listed).cloned() {
                    receive(Change::Remove { namespace, name });
                }
                known = listed;
                receive(Change::Synced);
            }
            watcher::Event::Apply(object) => {
                known.insert(key(&object));
                receive(Change::Put(value(object, &selection.resource)));
            }
            watcher::Event::Delete(object) => {
                let (namespace, name) = key(&object);
                known.remove(&(namespace.clone(), name.clone()));
                receive(Change::Remove { namespace, name });
            }
        }
    }
}

fn key(object: &DynamicObject) -> (String, String) {
    let metadata = &object.metadata;
    (metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

/// The object as JSON. Items of a list do not say what they are.
fn value(mut object: DynamicObject, resource: &ApiResource) -> Value {
    object.metadata.managed_fields = None;
    let mut value = serde_json::to_value(&object).unwrap_or_default();
    if let Value::Object(members) = &mut value {
        members.insert("apiVersion".to_owned(), resource.api_version.as_str().into());
        members.insert("kind".to_owned(), resource.kind.as_str().into());
    }
    value
}

/// A client for the API server; `None` for a server that has none to talk to.
///
/// # Errors
///
/// [`ServeError::Cluster`] if there are no credentials that can be used.
pub async fn connect(access: &ClusterAccess) -> Result<Option<Client>, ServeError> {
    let ClusterAccess::Connect { context } = access else { return Ok(None) };
    let failed = |error: &dyn std::error::Error| {
        // The lines below the first quote the file, with its credentials.
        let text = log::chain(error);
        ServeError::Cluster(text.lines().next().unwrap_or_default().to_owned())
    };
    // In a pod, the service account; elsewhere, as kubectl does.
    let config = match (context, Config::incluster()) {
        (None, Ok(config)) => config,
        _ => {
            let options =
                KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
            let file = Kubeconfig::read().map_err(|error| failed(&error))?;
            let config = Config::from_custom_kubeconfig(file, &options).await;
            config.map_err(|error| failed(&error))?
        }
    };
    Client::try_from(config).map(Some).map_err(|error| failed(&error))
}
