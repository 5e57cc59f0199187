//! Encrypts what Kubernetes keeps in etcd, by a key that never leaves a Vault or OpenBao: a plugin of
//! the API server, in both versions of its interface.
//!
//! Invariants:
//!
//! * The identifier of a key is the same on every node, and never goes back: it names the version of
//!   the key and when that was made. A new one is announced only after encryption and decryption with
//!   it have worked.
//! * Encryption names the version that is announced. Decryption depends on nothing that was announced.
//! * A call ends within [`BOUND`], in less time than the API server waits.
//! * It starts without the API server: a login that needs it is refused.
//! * The socket is never open to others, not even for a moment.

#![cfg(unix)]

mod authority;
mod keeper;
mod messages;
mod server;

use std::path::PathBuf;
use std::time::Duration;

use coaming_vault::{Auth, StoreError, VaultConfig};
use serde::Deserialize;

pub use server::serve;

/// The longest that a call takes. The API server waits 3 s.
pub const BOUND: Duration = Duration::from_millis(2500);

/// Ends a server from another thread.
#[derive(Debug)]
pub struct End(tokio::sync::oneshot::Sender<()>);

impl End {
    /// Ends it.
    pub fn end(self) {
        // A server that is gone already needs no end.
        self.0.send(()).ok();
    }
}

/// What ends a server, and the future that [`serve`] waits for.
pub fn ending() -> (End, impl Future<Output = ()>) {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    (End(sender), async { drop(receiver.await) })
}

/// How the plugin is configured.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The Unix socket.
    pub socket: PathBuf,
    /// The server, and how to log in.
    pub vault: VaultConfig,
    /// Where the transit engine is mounted.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// The name of the key.
    pub key: String,
}

fn default_mount() -> String {
    "transit".to_owned()
}

/// Why the plugin cannot run.
#[derive(Debug, thiserror::Error)]
pub enum KmsError {
    /// The configuration does not have the form.
    #[error("{0}")]
    Form(#[from] serde_json::Error),
    /// The login needs the API server, which waits for this plugin.
    #[error(
        "the login by `kubernetes` needs the API server, which does not start without this plugin: use \
         `appRole`, `certificate` or `jwt`"
    )]
    NeedsApiServer,
    /// The server's address or certificates cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The socket cannot be made.
    #[error("{path}: {reason}")]
    Socket {
        /// The socket.
        path: String,
        /// Why.
        reason: String,
    },
    /// The server of requests ended.
    #[error("cannot serve: {0}")]
    Serve(String),
}

impl Config {
    /// Reads and checks a configuration.
    ///
    /// # Errors
    ///
    /// [`KmsError::Form`], [`KmsError::NeedsApiServer`].
    pub fn parse(value: serde_json::Value) -> Result<Self, KmsError> {
        let config: Self = serde_json::from_value(value)?;
        if matches!(config.vault.auth, Auth::Kubernetes { .. }) {
            return Err(KmsError::NeedsApiServer);
        }
        Ok(config)
    }
}
