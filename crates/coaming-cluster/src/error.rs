//! Why a cluster, or a part of it, could not be read.

use kube::config::KubeconfigError;

/// Why a cluster could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no kubeconfig, it is not valid, or it does not have the context; and this is not a
    /// pod with a service account.
    #[error(
        "no kubeconfig can be used: {}; set KUBECONFIG, or choose with --context",
        first_line(source)
    )]
    Kubeconfig {
        /// What is wrong with it.
        source: Box<KubeconfigError>,
    },
    /// The kubeconfig contains certificates or credentials that cannot be used.
    #[error("cannot connect to {server}: {}", reason(source))]
    Client {
        /// The address of the API server.
        server: String,
        /// What is wrong with them.
        source: Box<kube::Error>,
    },
    /// The API server cannot be reached, or refuses the credentials.
    #[error("{server} does not answer: {}", reason(source))]
    NoAnswer {
        /// The address of the API server.
        server: String,
        /// What happened.
        source: Box<kube::Error>,
    },
}

impl ClusterError {
    pub(crate) fn kubeconfig(source: KubeconfigError) -> Self {
        Self::Kubeconfig { source: Box::new(source) }
    }
}

/// Why the objects of one resource are missing or incomplete. All other resources were read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The user does not have the right to list the resource: one entry per missing right.
    #[error("cannot list {resource}: {reason}; other resources were read")]
    Forbidden {
        /// The resource, with its API group: `deployments.apps`.
        resource: String,
        /// The namespace that was asked for; `None` for the whole cluster.
        namespace: Option<String>,
        /// The API server's own words.
        reason: String,
    },
    /// The user has the right to list the resource, but not to watch it: what was listed grows old.
    #[error("cannot watch {resource}: {reason}; it is listed again once a minute")]
    Unwatched {
        /// The resource, with its API group: `deployments.apps`.
        resource: String,
        /// The API server's own words.
        reason: String,
    },
    /// The API server could not answer, or the connection broke.
    #[error("cannot list {resource}: {}; other resources were read", reason(source))]
    Request {
        /// The resource, with its API group.
        resource: String,
        /// What happened.
        source: Box<kube::Error>,
    },
    /// The connection broke in the middle of an answer.
    #[error("cannot list {resource}: {source}; other resources were read")]
    Broken {
        /// The resource, with its API group.
        resource: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The answer is not a list of objects in JSON.
    #[error("cannot list {resource}: the answer is not valid: {source}; other resources were read")]
    Malformed {
        /// The resource, with its API group.
        resource: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// One page of the list is larger than the largest that is read.
    #[error(
        "cannot list {resource}: the answer is larger than {} MiB; other resources were read",
        limit >> 20
    )]
    TooLarge {
        /// The resource, with its API group.
        resource: String,
        /// The limit, in bytes.
        limit: u64,
    },
    /// There are more objects than are read of one resource.
    #[error("only the first {count} {resource} were read")]
    TooMany {
        /// The resource, with its API group.
        resource: String,
        /// How many were read.
        count: usize,
    },
    /// The resources of an API group are unknown: its own server is down, or may not be asked.
    #[error("cannot list the resources of {group}: {}; other resources were read", reason(source))]
    Discovery {
        /// The group.
        group: String,
        /// What happened.
        source: Box<kube::Error>,
    },
}

/// The first line of an error: the lines below quote the file, with its credentials.
fn first_line(error: &KubeconfigError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The server's own words if there are any, else the whole chain of causes.
pub(crate) fn reason(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
