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
//! * A resource that cannot be read is one [`ReadError`] per resource; all others are read.
//! * This crate starts no runtime and no thread: the front end that calls [`read`] owns both.

mod discover;
mod error;
mod filter;
mod list;
mod page;
mod redact;

use coaming_kube::Source;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

pub use error::{ClusterError, ReadError};

/// Which cluster to read, and which part of it.
#[derive(Clone, Debug, Default)]
pub struct ClusterOptions {
    /// The context of the kubeconfig; `None` takes the current one, or inside a pod the pod's
    /// service account.
    pub context: Option<String>,
    /// Read only this namespace, and the objects that belong to no namespace.
    pub namespace: Option<String>,
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
}

/// Reads all objects of a cluster.
///
/// # Errors
///
/// The cluster cannot be reached. Resources that cannot be read are part of the result
/// ([`ClusterObjects::errors`]).
pub async fn read(options: &ClusterOptions) -> Result<ClusterObjects, ClusterError> {
    let (client, name) = connect(options).await?;
    let mut objects = ClusterObjects { name, ..ClusterObjects::default() };
    let resources = discover::resources(&client, &mut objects.errors).await;
    let mut reader = list::Reader::new(client, options.namespace.as_deref());
    for resource in &resources {
        reader.read(resource, &mut objects).await;
    }
    objects.sources.sort_by(|a, b| a.name.cmp(&b.name));
    objects.errors.sort_by_cached_key(ToString::to_string);
    Ok(objects)
}

/// A client that the server has answered, and the display name of the cluster.
async fn connect(options: &ClusterOptions) -> Result<(Client, String), ClusterError> {
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
    client
        .apiserver_version()
        .await
        .map_err(|source| ClusterError::NoAnswer { server, source: source.into() })?;
    let name = format!("cluster/{}", name.unwrap_or_default());
    Ok((client, name.trim_end_matches('/').to_owned()))
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
