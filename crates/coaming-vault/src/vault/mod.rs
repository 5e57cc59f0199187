//! Vault and OpenBao, by their HTTP interface.
//!
//! Invariants:
//!
//! * A token goes in the `Authorization` header alone, and redirects are not followed: neither it nor
//!   a login's credential reaches another host.
//! * An answer has at most [`MAX_ANSWER`] bytes, and comes within the configured time.
//! * No error has a text in which the token or the credential occurs.

mod answer;
mod client;
mod login;
mod session;
mod transit;

pub use crate::wire::MAX_ANSWER;
pub use client::Client;
pub use session::Session;
pub use transit::{Transit, TransitKey};

use std::collections::BTreeMap;
use std::time::Instant;

use coaming_http::Runtime;

use crate::config::VaultConfig;
use crate::value::exposed;
use crate::{Fields, Lease, Parameters, Secret, Store, StoreError};
use client::{Mount, Query};

/// Vault or OpenBao as a store.
pub struct VaultStore {
    runtime: Runtime,
    client: Client,
    session: Session,
    /// What is known of the mounts of paths: by the mount's path.
    mounts: BTreeMap<String, Mount>,
}

impl VaultStore {
    /// A store that has not logged in yet. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`StoreError::Setting`] if the address or the certificates cannot be used.
    pub fn new(config: VaultConfig) -> Result<Self, StoreError> {
        let runtime = Runtime::shared().map_err(|error| StoreError::Setting(error.to_string()))?;
        let session = Session::new(config.auth.clone());
        Ok(Self { runtime, client: Client::new(config)?, session, mounts: BTreeMap::new() })
    }

    /// The token, after a login if there is none.
    fn ready(&mut self) -> Result<crate::Value, StoreError> {
        self.keep_alive(Instant::now())?;
        self.session.token().cloned().ok_or_else(|| StoreError::Login("no token".to_owned()))
    }

    /// Sends a query, and once more after a new login if the token is not accepted anymore.
    fn send(&mut self, query: &Query<'_>) -> Result<client::Answer, StoreError> {
        let token = self.ready()?;
        let outcome = self.runtime.block_on(self.client.send(query, Some(&token)));
        match outcome {
            Err(StoreError::Denied(_))
                if !self.runtime.block_on(self.client.accepts(&token))? =>
            {
                self.session.forget();
                let token = self.ready()?;
                self.runtime.block_on(self.client.send(query, Some(&token)))
            }
            outcome => outcome,
        }
    }

    /// The mount of a path.
    fn mount(&mut self, path: &str) -> Result<Mount, StoreError> {
        let known = self.mounts.values().find(|mount| path.starts_with(&mount.path));
        if let Some(mount) = known {
            return Ok(mount.clone());
        }
        let segments = ["sys/internal/ui/mounts", path];
        let answer = self.send(&Query::get(&segments).about(path))?;
        let mount = answer.mount(path)?;
        self.mounts.insert(mount.path.clone(), mount.clone());
        Ok(mount)
    }
}

impl Store for VaultStore {
    fn read(&mut self, path: &str) -> Result<Secret, StoreError> {
        let mount = self.mount(path)?;
        let segments = mount.segments("data", path);
        let answer = self.send(&Query::get(&segments).about(path));
        let secret = answer.and_then(|answer| answer.secret(&mount, path));
        secret.map_err(|error| match (error, mount.without_data(path)) {
            (StoreError::Denied(_) | StoreError::NotFound(_), Some(meant)) => {
                StoreError::Setting(format!(
                    "the store has nothing at `{path}`, or does not allow to read it: write `{meant}`, as \
                     for `vault kv get`"
                ))
            }
            (error, _) => error,
        })
    }

    fn make(&mut self, path: &str, parameters: &Parameters) -> Result<Secret, StoreError> {
        let mount = self.mount(path)?;
        if mount.only_keeps {
            let reason = format!("`{path}` is only kept by the store: remove `parameters`");
            return Err(StoreError::Setting(reason));
        }
        let segments = [path];
        let query = Query::post(&segments).about(path).body(parameters)?;
        self.send(&query)?.secret(&mount, path)
    }

    fn version(&mut self, path: &str) -> Result<Option<u64>, StoreError> {
        let mount = self.mount(path)?;
        if !mount.has_versions {
            return Ok(None);
        }
        let segments = mount.segments("metadata", path);
        match self.send(&Query::get(&segments).about(path)) {
            Ok(answer) => answer.current_version(),
            Err(StoreError::Denied(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, path: &str, fields: &Fields) -> Result<(), StoreError> {
        let mount = self.mount(path)?;
        let fields = exposed(fields);
        let segments = mount.segments("data", path);
        let query = Query::post(&segments).about(path);
        let query = if mount.has_versions {
            query.body(&BTreeMap::from([("data", fields)]))?
        } else {
            query.body(&fields)?
        };
        self.send(&query).map(drop)
    }

    fn renew(&mut self, lease: &Lease) -> Result<Lease, StoreError> {
        let id = lease.id.as_ref().ok_or(StoreError::Unsupported("renew certificates"))?;
        let body = BTreeMap::from([("lease_id", id)]);
        let query = Query::post(&["sys/leases/renew"]).about("the lease").body(&body)?;
        let answer = self.send(&query)?;
        answer.lease().ok_or_else(|| StoreError::Answer("there is no lease in it".to_owned()))
    }

    fn keep_alive(&mut self, now: Instant) -> Result<Option<Instant>, StoreError> {
        self.runtime.block_on(self.session.keep_alive(&self.client, now))?;
        Ok(self.session.due())
    }

    fn session(&self) -> u64 {
        self.session.logins()
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.runtime.block_on(self.session.close(&self.client))
    }
}
