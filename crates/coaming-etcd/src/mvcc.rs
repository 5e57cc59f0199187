//! The layer of etcd itself: keys with their revisions, and which Kubernetes object a key is for.
//!
//! In the bucket `key`, the key of bbolt is a revision, and its value a message with the key and
//! value of etcd: when an object changes, nothing is replaced, but a revision is added. A deletion
//! is a revision too, with a marker at its end and no value.

use super::bytes::{slice_at, u64_be_at};
use super::protobuf::{Fields, Value};

/// The bytes of a revision in bbolt's keys: main (8), `_`, sub (8).
const REVISION_BYTES: usize = 17;
/// What follows the revision of a deletion.
const TOMBSTONE: u8 = b't';

/// The longest key that a Kubernetes object can have: a prefix, and three names.
const MAX_KEY_BYTES: usize = 1024;

/// When something was written: the transaction, and the write within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Revision {
    pub(super) main: u64,
    pub(super) sub: u64,
}

/// Reads a revision, and whether it is a deletion.
pub(super) fn revision(key: &[u8]) -> Option<(Revision, bool)> {
    let deleted = match key.get(REVISION_BYTES..)? {
        [] => false,
        [TOMBSTONE] => true,
        _ => return None,
    };
    if slice_at(key, 8, 1)? != b"_" {
        return None;
    }
    Some((Revision { main: u64_be_at(key, 0)?, sub: u64_be_at(key, 9)? }, deleted))
}

/// What etcd stores for a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyValue<'b> {
    pub(super) key: &'b str,
    /// The revision at which the key was written; 0 where the message does not say.
    pub(super) modified: u64,
    pub(super) value: &'b [u8],
}

/// Reads the message `mvccpb.KeyValue`.
pub(super) fn key_value(message: &[u8]) -> Option<KeyValue<'_>> {
    let mut found = KeyValue { key: "", modified: 0, value: &[] };
    let mut fields = Fields::new(message);
    for field in fields.by_ref() {
        match (field.number, field.value) {
            (1, Value::Bytes(key)) => found.key = str::from_utf8(key).ok()?,
            (3, Value::Varint(revision)) => found.modified = revision,
            (5, Value::Bytes(value)) => found.value = value,
            _ => {}
        }
    }
    fields.is_whole().then_some(found)
}

/// The kinds of objects whose data is read entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// `secrets`.
    Secret,
    /// `configmaps`.
    ConfigMap,
}

impl Resource {
    /// The kind as objects name it: `Secret`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }

    /// The resource of this kind of the core group.
    pub(super) fn of_kind(api_version: &str, kind: &str) -> Option<Self> {
        let known = [Self::Secret, Self::ConfigMap];
        known.into_iter().find(|resource| api_version == "v1" && resource.kind() == kind)
    }
}

/// A Secret or ConfigMap, as its key in etcd names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EtcdKey {
    /// Its kind.
    pub resource: Resource,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What comes before the resource: `/registry`, unless the API server is configured
    /// otherwise.
    pub prefix: String,
}

impl EtcdKey {
    /// Reads a key: `PREFIX/secrets/NAMESPACE/NAME`.
    ///
    /// The key of a custom resource with the same name has its group before it
    /// (`/registry/example.com/secrets/shop/db`) and is not one of these.
    pub(super) fn parse(key: &str) -> Option<Self> {
        if key.len() > MAX_KEY_BYTES || key.chars().any(char::is_control) {
            return None;
        }
        let mut parts = key.rsplitn(4, '/');
        let (name, namespace, plural) = (parts.next()?, parts.next()?, parts.next()?);
        let prefix = parts.next()?;
        let known = [Resource::Secret, Resource::ConfigMap];
        let resource = known.into_iter().find(|resource| resource.plural() == plural)?;
        let group = prefix.trim_start_matches('/').rsplit_once('/');
        if name.is_empty() || namespace.is_empty() || group.is_some_and(|(_, g)| g.contains('.')) {
            return None;
        }
        let [name, namespace, prefix] = [name, namespace, prefix].map(str::to_owned);
        Some(Self { resource, namespace, name, prefix })
    }

    /// The key as it is in etcd.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/{}/{}/{}", self.prefix, self.resource.plural(), self.namespace, self.name)
    }
}
