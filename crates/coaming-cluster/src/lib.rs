//! Read the objects of a live cluster through its API server, as the user's kubeconfig allows.
//!
//! Every kind that can be listed is listed, including custom resources, except for kinds that
//! change every second and are not relevant to security. Invariants:
//!
//! * Nothing is written: only `GET` requests are sent.
//! * No value of a Secret is kept, neither in `data` and `stringData` nor in the copies of the
//!   whole Secret that tools leave in its annotations (`redact`). Values are dropped while an
//!   answer is decoded: they never become part of a tree.
//! * An answer streams into the tree that the engines read; there is no second tree in between, and
//!   fields that nothing reads (`managedFields`, most of `status`) never take memory.
//! * What is not read by intention is counted in a note.
//! * A resource that cannot be read is one [`ReadError`] per resource; all others are read.
//! * This crate starts no runtime and no thread: the front end that calls [`read`] owns both.

mod discover;
mod error;
mod feed;
mod filter;
mod flagz;
mod kubelet;
mod list;
mod lookup;
mod metrics;
mod page;
mod redact;
mod watch;

use coaming_finding::Note;
use coaming_kube::Source;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use error::{ClusterError, ReadError};
pub use feed::Feed;
pub use lookup::{Lookup, LookupError};
pub use watch::{Change, Wanted};

/// Which cluster to read, and which part of it.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The context of the kubeconfig; `None` takes the current one, or inside a pod the pod's
    /// service account.
    pub context: Option<String>,
    /// Read only this namespace, and the objects that belong to no namespace.
    pub namespace: Option<String>,
    /// Whether to ask the kubelet of each node for its configuration, through the API server. Not
    /// with a namespace.
    pub kubelets: bool,
}

/// Everything that was read of a cluster.
#[derive(Debug, Default)]
pub struct ClusterObjects {
    /// The display name of the cluster: `cluster/` and the context.
    pub name: String,
    /// One source per object, named `cluster/CONTEXT/NAMESPACE/KIND/NAME`, sorted by name.
    pub sources: Vec<Source>,
    /// The resources that could not be read, sorted by message.
    pub errors: Vec<ReadError>,
    /// What was not read by intention, or is not there to be read, sorted.
    pub notes: Vec<Note>,
    /// The minor version of the API server: 30 for 1.30. `None` if its answer is not understood.
    pub minor: Option<u32>,
}

/// Reads all objects of a cluster.
///
/// # Errors
///
/// The cluster cannot be reached. Resources that cannot be read are part of the result
/// ([`ClusterObjects::errors`]).
pub async fn read(options: &ClusterOptions) -> Result<ClusterObjects, ClusterError> {
    let Connected { client, name, minor } = connect(options).await?;
    let mut objects = ClusterObjects { name, minor, ..ClusterObjects::default() };
    let resources = discover::resources(&client, &mut objects.errors).await;
    let mut reader = list::Reader::new(client.clone(), options.namespace.as_deref());
    for resource in &resources.read {
        reader.read(resource, &mut objects).await;
    }
    if options.kubelets && options.namespace.is_none() {
        kubelet::read(&client, &mut objects).await;
    }
    if options.namespace.is_none() && !flagz::read(&client, &mut objects).await {
        metrics::read(&client, &mut objects).await;
    }
    note_what_is_not_read(options, &resources.left_out, &mut objects);
    objects.sources.sort_by(|a, b| a.name.cmp(&b.name));
    objects.errors.sort_by_cached_key(ToString::to_string);
    objects.notes.sort();
    Ok(objects)
}

/// A client of the cluster, which has answered it.
///
/// # Errors
///
/// As [`read`].
pub async fn client(options: &ClusterOptions) -> Result<Client, ClusterError> {
    Ok(connect(options).await?.client)
}

fn note_what_is_not_read(
    options: &ClusterOptions,
    left_out: &[String],
    objects: &mut ClusterObjects,
) {
    if let Some(namespace) = &options.namespace {
        let message = format!("other namespaces than `{namespace}` are not read");
        objects.notes.push(Note { message, count: 1 });
    }
    if !left_out.is_empty() {
        let message = format!(
            "objects that change all the time, or repeat others, are not read: {}",
            left_out.join(", ")
        );
        objects.notes.push(Note { message, count: left_out.len() });
    }
    let is_secret = |source: &&Source| source.name.contains("/Secret/");
    let count = objects.sources.iter().filter(is_secret).count();
    if count > 0 {
        let message = match count {
            1 => "the values of 1 Secret are not read".to_owned(),
            _ => format!("the values of {count} Secrets are not read"),
        };
        objects.notes.push(Note { message, count });
    }
}

/// A server that has answered.
struct Connected {
    client: Client,
    /// The display name of the cluster.
    name: String,
    minor: Option<u32>,
}

/// A client that the server has answered, and the display name of the cluster.
async fn connect(options: &ClusterOptions) -> Result<Connected, ClusterError> {
    let with_kubeconfig =
        KubeConfigOptions { context: options.context.clone(), ..Default::default() };
    let config = match Config::from_kubeconfig(&with_kubeconfig).await {
        Ok(config) => config,
        Err(error) => match options.context {
            // Inside a pod there is no kubeconfig, but a service account.
            None => Config::incluster().map_err(|_| ClusterError::kubeconfig(error))?,
            Some(_) => return Err(ClusterError::kubeconfig(error)),
        },
    };
    let name = options.context.clone().or_else(current_context);
    let server = address(&config.cluster_url);
    let client = Client::try_from(config)
        .map_err(|source| ClusterError::Client { server: server.clone(), source: source.into() })?;
    let version = client
        .apiserver_version()
        .await
        .map_err(|source| ClusterError::NoAnswer { server, source: source.into() })?;
    let name = format!("cluster/{}", name.unwrap_or_default());
    let name = name.trim_end_matches('/').to_owned();
    Ok(Connected { client, name, minor: minor(&version.minor) })
}

/// The number in a minor version, which distributions decorate: `28+`.
fn minor(text: &str) -> Option<u32> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The address of a server, without the credentials that it may contain.
fn address(server: &http::Uri) -> String {
    let host = server.authority().map_or("", |authority| authority.as_str());
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{}://{host}{}", server.scheme_str().unwrap_or("https"), server.path())
}

fn current_context() -> Option<String> {
    Kubeconfig::read().ok()?.current_context
}
