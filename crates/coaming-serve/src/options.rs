//! What the server is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coaming_admission::{ClusterPolicy, Guard, Step};

/// What the server is started with.
#[derive(Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The name of its Service, ConfigMap, Lease and webhook configurations.
    pub name: String,
    /// The namespace that it runs in.
    pub namespace: String,
    /// The API server, if there is one.
    pub cluster: ClusterAccess,
    /// Where its certificate comes from.
    pub tls: TlsSource,
    /// Where the cluster's policy comes from.
    pub policy: PolicySource,
    /// What is never judged or never refused.
    pub guard: Guard,
    /// Further steps of mutation, after the safe fixes.
    pub steps: Vec<Arc<dyn Step>>,
    /// The image of the agent that delivers secrets; without one, no pod gets any.
    pub agent_image: Option<String>,
    /// Files of authorities (PEM) that registries are trusted by, beside those of the system.
    pub registry_ca: Vec<PathBuf>,
    /// Whether the whole cluster is judged in the background, and policy reports are written.
    pub reports: bool,
    /// Whether what is known of the cluster is shown, to those who may read it.
    pub pages: Option<PageOptions>,
    /// The namespace in which a dry run finds out whether API servers reach the server.
    pub self_test: Option<String>,
    /// How long an answer may take; the webhook's own timeout is longer.
    pub deadline: Duration,
    /// How long it still answers after it was asked to stop, so that others notice.
    pub drain: Duration,
}

/// How pages are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageOptions {
    /// How many bytes of memory a page may take; `None` for what the container's limit leaves.
    pub memory: Option<u64>,
}

/// Whether there is an API server to talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterAccess {
    /// None: requests are judged by themselves. Certificate and policy must be files.
    Standalone,
    /// The pod's service account, or the kubeconfig's context.
    Connect {
        /// The context; `None` for the current one.
        context: Option<String>,
    },
}

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// An authority of its own, in a Secret, rotated.
    Own {
        /// How long certificates live.
        lifetimes: Lifetimes,
        /// Names and addresses of the certificate beside those of the Service.
        names: Vec<String>,
    },
    /// Files, which are read again when they change.
    Files {
        /// The certificate, with those that it is signed by.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// How long certificates live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// The server's certificate. It is replaced when a third of this is left.
    pub certificate: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { certificate: Duration::from_secs(90 * 24 * 60 * 60) }
    }
}

impl Lifetimes {
    /// The authority's certificate.
    pub(crate) fn authority(self) -> Duration {
        self.certificate * 4
    }

    /// The rest of the server's certificate at which it is replaced.
    pub(crate) fn renewal(self) -> Duration {
        self.certificate / 3
    }

    /// The rest of the authority's certificate at which there is a new one. It outlives what it
    /// signs.
    pub(crate) fn succession(self) -> Duration {
        self.certificate + self.certificate / 2
    }

    /// How long a change takes to reach everybody.
    pub(crate) fn settling(self) -> Duration {
        (self.certificate / 12).min(Duration::from_secs(60 * 60))
    }
}

/// Where the cluster's policy comes from.
#[derive(Clone, Debug)]
pub enum PolicySource {
    /// The ConfigMap of the server's name in its namespace, with the keys `policy.yaml` and
    /// `coaming.yaml`.
    ConfigMap,
    /// What it was started with.
    Fixed(Box<ClusterPolicy>),
}
