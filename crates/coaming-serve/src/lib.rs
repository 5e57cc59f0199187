//! The admission webhook of a cluster: what API servers ask over TLS is answered by
//! `coaming-admission`.
//!
//! This crate owns the process: the runtime, the sockets, the certificates, the connection to the
//! API server, the policies. It judges nothing itself. Invariants:
//!
//! * Nobody is locked out by it: a request that cannot be judged in time or is not understood is an
//!   HTTP error, and the webhook's `failurePolicy` decides.
//! * A policy that cannot be used changes nothing: the last good one stays, and its status says so.
//! * A certificate is trusted before it is used, and trusted until nobody uses it: no rotation
//!   drops a request.
//! * It is ready only when it has policies, a certificate, and what rules need to know of the
//!   cluster.
//! * One writer at a time, the holder of the Lease, writes Secrets, webhook configurations and
//!   status. Dry runs, like all reviews, change nothing.
//! * The bodies of requests, which may be Secrets, are never logged.

mod access;
mod background;
pub mod cluster;
mod connections;
#[cfg(feature = "registry")]
mod digests;
#[cfg(all(feature = "vault", unix))]
mod entry;
#[cfg(all(feature = "vault", unix))]
mod entry_points;
mod error;
#[cfg(all(feature = "vault", unix))]
mod grant_status;
#[cfg(all(feature = "vault", unix))]
mod grants;
mod handler;
mod leader;
mod log;
mod manifests;
mod metrics;
mod options;
#[cfg(feature = "otel")]
mod otel;
mod pages;
mod policies;
mod ready;
#[cfg(feature = "registry")]
mod registries;
mod self_test;
mod server;
mod shared;
mod status;
mod tls;
mod webhooks;
mod world;

pub use error::ServeError;
pub use manifests::{CHART, ManifestOptions, manifests};
pub use options::{ClusterAccess, Lifetimes, Options, PageOptions, PolicySource, TlsSource};
pub use server::run;
