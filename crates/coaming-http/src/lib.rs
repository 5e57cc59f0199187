//! One HTTP client for everything that talks to servers: registries, mirrors, local daemons.
//!
//! Trusts the system's authorities and those of `--ca`, uses the proxies of the environment, and
//! talks TCP or a Unix socket. Invariants:
//!
//! * A request ends: connecting, each silence and (for short answers) the whole answer have time
//!   limits, [`Pace`] limits the total time of a stream, and [`Response::bytes`] its size.
//! * A busy server is retried as it asks (`Retry-After`), a broken connection with growing pauses,
//!   both only within [`Options::patience`].
//! * Plain HTTP is used only for loopback, for hosts in [`Options::plain_http`], and where the
//!   caller allows it for one request. A redirect never leaves TLS.
//! * Redirects are bounded, and no credential follows one to another host.
//! * Everything is asynchronous. A process has one runtime: an asynchronous program its own, the
//!   command line [`Runtime::shared`]. Nothing else in the workspace starts one.
//! * The TLS provider is installed in one place: [`install_tls_provider`].

mod client;
mod error;
mod options;
mod pace;
mod reader;
mod request;
mod response;
mod retry;
mod runtime;
pub mod sigv4;
mod tls;

pub use bytes::Bytes;
pub use client::Client;
pub use error::{Error, clean};
pub use options::{Options, is_loopback};
pub use pace::Pace;
pub use reader::{BlockingReader, ChunkSource};
pub use request::Request;
pub use reqwest::{Body, Method, StatusCode, Url, header};
pub use response::Response;
pub use retry::{Retries, retry_after, server_time};
pub use runtime::Runtime;
pub use tls::install_tls_provider;
