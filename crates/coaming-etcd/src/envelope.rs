//! How Kubernetes encodes an object before it writes it to etcd: with an encryption provider's
//! prefix, in the envelope of the protobuf encoding, or as JSON.
//!
//! Values are borrowed from the page they are in, never copied into anything that lives longer or
//! could be printed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize as _;

use super::mvcc::Resource;
use super::protobuf::{Fields, bytes_of, text_of};

/// The prefix of what an encryption provider wrote: `k8s:enc:PROVIDER:VERSION:KEYNAME:`.
const ENCRYPTED: &[u8] = b"k8s:enc:";
/// The prefix of an object in the protobuf encoding.
pub(super) const PROTOBUF: &[u8] = b"k8s\0";
/// Names of keys and plugins are not longer.
const MAX_NAME_BYTES: usize = 256;

/// How an object was encrypted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Encryption {
    /// `aescbc`, `aesgcm`, `secretbox` or `kms`.
    pub provider: String,
    /// The version of the provider's format: `v1`.
    pub version: String,
    /// The name of the key in the API server's configuration; for `kms`, of the plugin.
    pub key: String,
}

/// A value of etcd, by what it shows.
pub(super) enum Stored<'v> {
    /// Nothing.
    Empty,
    /// It has the prefix of an encryption provider.
    Encrypted(Encryption),
    /// An object that anyone can read.
    Plain(PlainObject<'v>),
    /// Neither.
    Unknown,
}

/// An object in plain text. It is not `Debug`: it holds values.
pub(super) struct PlainObject<'v> {
    /// `None` for an object that is neither Secret nor ConfigMap.
    pub(super) resource: Option<Resource>,
    pub(super) namespace: Cow<'v, str>,
    pub(super) name: Cow<'v, str>,
    /// A Secret's type: `kubernetes.io/tls`.
    pub(super) secret_type: Cow<'v, str>,
    /// The entries of `data` and `binaryData`, in order.
    pub(super) entries: Vec<Entry<'v>>,
}

/// An entry of an object's data.
pub(super) struct Entry<'v> {
    /// `data` or `binaryData`.
    pub(super) field: &'static str,
    pub(super) name: Cow<'v, str>,
    /// The value; where an object is in JSON, binary values are still in base64.
    pub(super) value: Cow<'v, [u8]>,
}

/// Decodes a value; one whose end is missing is read as far as it goes.
pub(super) fn open(value: &[u8]) -> Stored<'_> {
    if value.is_empty() {
        return Stored::Empty;
    }
    if let Some(rest) = value.strip_prefix(ENCRYPTED) {
        return encryption(rest).map_or(Stored::Unknown, Stored::Encrypted);
    }
    let object = match value.strip_prefix(PROTOBUF) {
        Some(envelope) => protobuf_object(envelope),
        None => json_object(value),
    };
    object.map_or(Stored::Unknown, Stored::Plain)
}

fn encryption(rest: &[u8]) -> Option<Encryption> {
    let mut parts = rest.splitn(4, |byte| *byte == b':');
    let [provider, version, key] = [parts.next()?, parts.next()?, parts.next()?];
    // Without a fourth part, the colon after the key's name is missing.
    parts.next()?;
    let name = |bytes: &[u8]| {
        let text = str::from_utf8(bytes).ok()?;
        let printable = text.chars().all(|c| !c.is_control());
        (printable && text.len() <= MAX_NAME_BYTES).then(|| text.to_owned())
    };
    let (provider, version) = (name(provider)?, name(version)?);
    let named = !provider.is_empty() && version.starts_with('v');
    named.then_some(Encryption { provider, version, key: name(key)? })
}

/// Reads `runtime.Unknown`, and in it the object.
fn protobuf_object(envelope: &[u8]) -> Option<PlainObject<'_>> {
    let type_meta = bytes_of(envelope, 1)?;
    let (api_version, kind) = (text_of(type_meta, 1), text_of(type_meta, 2));
    if kind.is_empty() {
        return None;
    }
    let object = bytes_of(envelope, 2).unwrap_or_default();
    let metadata = bytes_of(object, 1).unwrap_or_default();
    let resource = Resource::of_kind(api_version, kind);
    let binary_field = match resource {
        Some(Resource::ConfigMap) => 3,
        _ => 0,
    };
    let mut entries = Vec::new();
    let mut secret_type = "";
    for field in Fields::new(object).filter(|_| resource.is_some()) {
        let Some(bytes) = field.bytes() else { continue };
        if field.number == 2 || field.number == binary_field {
            entries.push(Entry {
                field: if field.number == 2 { "data" } else { "binaryData" },
                name: Cow::Borrowed(text_of(bytes, 1)),
                value: Cow::Borrowed(bytes_of(bytes, 2).unwrap_or_default()),
            });
        } else if field.number == 3 {
            secret_type = str::from_utf8(bytes).unwrap_or_default();
        }
    }
    Some(PlainObject {
        resource,
        namespace: Cow::Borrowed(text_of(metadata, 3)),
        name: Cow::Borrowed(text_of(metadata, 1)),
        secret_type: Cow::Borrowed(secret_type),
        entries,
    })
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonObject {
    api_version: String,
    kind: String,
    #[serde(default)]
    metadata: JsonMetadata,
    #[serde(default)]
    r#type: Option<String>,
    // Other kinds may have data of any shape: it is read only where it is a map of texts.
    #[serde(default)]
    data: Option<serde_json::Value>,
    #[serde(default)]
    binary_data: Option<serde_json::Value>,
}

#[derive(Default, serde::Deserialize)]
struct JsonMetadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    namespace: String,
}

/// Reads an object as the API server writes it with `--storage-media-type=application/json`.
fn json_object(value: &[u8]) -> Option<PlainObject<'_>> {
    if value.first() != Some(&b'{') {
        return None;
    }
    // Whatever follows is ignored: in free pages, the end of an object is unknown. An error of
    // serde_json may quote what it read, so it must not leave this function.
    let mut json = serde_json::Deserializer::from_slice(value);
    let object = JsonObject::deserialize(&mut json).ok()?;
    let resource = Resource::of_kind(&object.api_version, &object.kind);
    let mut entries = Vec::new();
    let fields = [("data", object.data), ("binaryData", object.binary_data)];
    for (field, map) in fields.into_iter().filter(|_| resource.is_some()) {
        let map: BTreeMap<String, Option<String>> =
            map.and_then(|map| serde_json::from_value(map).ok()).unwrap_or_default();
        entries.extend(map.into_iter().map(|(name, value)| Entry {
            field,
            name: Cow::Owned(name),
            value: Cow::Owned(value.unwrap_or_default().into_bytes()),
        }));
    }
    Some(PlainObject {
        resource,
        namespace: Cow::Owned(object.metadata.namespace),
        name: Cow::Owned(object.metadata.name),
        secret_type: Cow::Owned(object.r#type.unwrap_or_default()),
        entries,
    })
}
