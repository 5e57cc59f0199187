//! What an answer says.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, RawFields};
use crate::value::{Buffer, Value};
use crate::{Fields, Lease, Secret, StoreError};

/// An answer.
pub(crate) struct Answer {
    body: Buffer,
    /// When it was sent, by the store's clock.
    sent: SystemTime,
}

/// The part of an answer that is the same for all requests.
#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    auth: Option<Authorization<'a>>,
    #[serde(default)]
    lease_id: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
    #[serde(default)]
    errors: Vec<String>,
}

/// What a login returns.
#[derive(Deserialize)]
struct Authorization<'a> {
    #[serde(borrow)]
    client_token: &'a RawValue,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

/// A token, and for how long.
pub(crate) struct Token {
    pub(crate) value: Value,
    /// Zero if it does not end.
    pub(crate) duration: Duration,
    pub(crate) renewable: bool,
}

/// A part of the store's tree of paths.
#[derive(Clone, Debug)]
pub(crate) struct Mount {
    /// With a slash at its end.
    pub(crate) path: String,
    /// Whether it is the second version of the key/value engine.
    pub(crate) has_versions: bool,
    /// Whether the engine only keeps what is written to it: a request with a body replaces that.
    pub(crate) only_keeps: bool,
}

impl Mount {
    /// The path that is meant where one is written as the interface has it, with `data/` in it.
    pub(crate) fn without_data(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.path)?.strip_prefix("data/")?;
        self.has_versions.then(|| format!("{}{rest}", self.path))
    }

    /// A path of this mount in the parts that a request needs; `part` is `data` or `metadata`.
    pub(crate) fn segments<'p>(&'p self, part: &'p str, path: &'p str) -> Vec<&'p str> {
        if !self.has_versions {
            return vec![path];
        }
        let rest = path.strip_prefix(&self.path).unwrap_or(path);
        vec![self.path.trim_end_matches('/'), part, rest]
    }
}

impl Answer {
    pub(crate) fn new(body: Buffer, sent: SystemTime) -> Self {
        Self { body, sent }
    }

    fn envelope(&self) -> Result<Envelope<'_>, StoreError> {
        if self.body.as_bytes().is_empty() {
            return Ok(Envelope::default());
        }
        // The parser's message may quote the answer.
        let malformed = |_| StoreError::Answer("it is not the JSON that was expected".to_owned());
        serde_json::from_slice(self.body.as_bytes()).map_err(malformed)
    }

    /// The server's messages.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.envelope().map(|envelope| envelope.errors).unwrap_or_default()
    }

    /// The token of a login or a renewal.
    pub(crate) fn token(&self) -> Result<Token, StoreError> {
        let missing = || StoreError::Answer("there is no token in it".to_owned());
        let auth = self.envelope()?.auth.ok_or_else(missing)?;
        let value = json::value(auth.client_token);
        let duration = Duration::from_secs(auth.lease_duration);
        Ok(Token { value, duration, renewable: auth.renewable })
    }

    /// The lease, if there is one.
    pub(crate) fn lease(&self) -> Option<Lease> {
        let envelope = self.envelope().ok().filter(|envelope| !envelope.lease_id.is_empty())?;
        Some(Lease {
            id: Some(envelope.lease_id),
            duration: Duration::from_secs(envelope.lease_duration),
            renewable: envelope.renewable,
        })
    }

    /// The fields of the data.
    pub(crate) fn data(&self) -> Result<RawFields<'_>, StoreError> {
        let missing = || StoreError::Answer("there is no data in it".to_owned());
        let data = self.envelope()?.data.ok_or_else(missing)?;
        serde_json::from_str(data.get()).map_err(|_| missing())
    }

    /// The secret.
    pub(crate) fn secret(&self, mount: &Mount, path: &str) -> Result<Secret, StoreError> {
        let not_found = || StoreError::NotFound(path.to_owned());
        if !mount.has_versions {
            let data = self.envelope()?.data.ok_or_else(not_found)?;
            let fields = json::fields(data).ok_or_else(not_found)?;
            let lease = self.lease().or_else(|| certificate_lease(&fields, self.sent));
            return Ok(Secret { fields, version: None, lease });
        }
        let data = self.data()?;
        let fields = data.get("data").and_then(|raw| json::fields(raw)).ok_or_else(not_found)?;
        let metadata = data.get("metadata").and_then(|raw| from_raw::<Metadata>(raw));
        Ok(Secret { fields, version: metadata.and_then(|metadata| metadata.version), lease: None })
    }

    /// The version that a read would return, by the metadata; `None` if that version was deleted.
    pub(crate) fn current_version(&self) -> Result<Option<u64>, StoreError> {
        let data = self.data()?;
        let current: Option<u64> = data.get("current_version").and_then(|raw| from_raw(raw));
        let versions: Option<BTreeMap<u64, VersionState>> =
            data.get("versions").and_then(|raw| from_raw(raw));
        let state = current.and_then(|current| versions?.remove(&current));
        let is_there =
            state.is_some_and(|state| !state.destroyed && state.deletion_time.is_empty());
        Ok(current.filter(|_| is_there))
    }

    /// The mount of a path.
    pub(crate) fn mount(&self, of: &str) -> Result<Mount, StoreError> {
        let data = self.data()?;
        let path: Option<String> = data.get("path").and_then(|raw| from_raw(raw));
        let unknown = || StoreError::Answer(format!("it does not say where `{of}` is mounted"));
        let path = path.filter(|path| path.ends_with('/') && of.starts_with(path.as_str()));
        let path = path.ok_or_else(unknown)?;
        let kind: Option<String> = data.get("type").and_then(|raw| from_raw(raw));
        let options: Option<MountOptions> = data.get("options").and_then(|raw| from_raw(raw));
        let version = options.and_then(|options| options.version);
        let has_versions = kind.as_deref() == Some("kv") && version.as_deref() == Some("2");
        let only_keeps = matches!(kind.as_deref(), Some("kv" | "generic" | "cubbyhole"));
        Ok(Mount { path, has_versions, only_keeps })
    }
}

/// The life of a certificate, which by default has no lease. By the clock of the store, which made it: that
/// of a node may be minutes off.
fn certificate_lease(fields: &Fields, now: SystemTime) -> Option<Lease> {
    fields.get("certificate")?;
    let ends: u64 = fields.get("expiration")?.expose_text()?.parse().ok()?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let duration = Duration::from_secs(ends).saturating_sub(now);
    Some(Lease { id: None, duration, renewable: false })
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    version: Option<u64>,
}

#[derive(Deserialize)]
struct VersionState {
    /// When it was deleted, or will be; empty if it is not.
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

#[derive(Deserialize)]
struct MountOptions {
    #[serde(default)]
    version: Option<String>,
}

/// A part that is not secret.
pub(crate) fn from_raw<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}
