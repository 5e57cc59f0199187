//! Single objects of a live cluster, for charts that look them up while they are rendered.
//!
//! Unlike a scan, a chart sees whole objects, with their status. The values of Secrets are withheld:
//! a chart may copy what it sees into anything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coaming_kube::WITHHELD;
use kube::Client;
use kube::api::{DynamicObject, GetParams, ListParams, Request};
use kube::core::Resource as _;
use kube::discovery::{ApiResource, Scope};
use serde_json::Value;

use crate::{ClusterError, ClusterOptions, Connected, connect, discover, list, redact};

/// How large an answer may be: a chart looks at a few objects.
const MAX_BYTES: u64 = 32 << 20;

/// Why an object cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The cluster has no such kind in this version of its API.
    #[error("the cluster does not serve {kind} of {api_version}")]
    NotServed {
        /// The API version.
        api_version: String,
        /// The kind.
        kind: String,
    },
    /// The namespace or name would be more than one part of the path of a request: it could name
    /// another object, such as a Secret whose values are then not withheld.
    #[error("`{0}` is not a valid name of an object or namespace")]
    Name(String),
    /// The cluster refuses, or does not answer.
    #[error("{kind} `{name}` cannot be looked up in the cluster: {source}")]
    Request {
        /// The kind.
        kind: String,
        /// The name; empty for a list.
        name: String,
        /// What the client says.
        source: Box<kube::Error>,
    },
    /// The answer is larger than a chart may look at.
    #[error("the answer about {kind} is larger than {} MiB", MAX_BYTES >> 20)]
    TooLarge {
        /// The kind.
        kind: String,
    },
    /// The answer is not JSON.
    #[error("the answer about {kind} is not understood: {source}")]
    Malformed {
        /// The kind.
        kind: String,
        /// What the decoder says.
        source: serde_json::Error,
    },
}

/// A cluster in which objects are looked up.
pub struct Lookup {
    client: Client,
    /// By API version and kind.
    resources: BTreeMap<(String, String), (ApiResource, bool)>,
    api_versions: Vec<String>,
    minor: Option<u32>,
}

impl std::fmt::Debug for Lookup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Lookup").field("minor", &self.minor).finish_non_exhaustive()
    }
}

impl Lookup {
    /// Connects to a cluster, and asks what it serves.
    ///
    /// # Errors
    ///
    /// As [`crate::read`].
    pub async fn connect(options: &ClusterOptions) -> Result<Self, ClusterError> {
        let Connected { client, minor, .. } = connect(options).await?;
        let (mut resources, mut api_versions) = (BTreeMap::new(), Vec::new());
        // A group that does not answer is not served.
        let groups = discover::groups(&client, &mut Vec::new()).await;
        for group in groups.iter().flat_map(kube::Discovery::groups) {
            for version in group.versions() {
                let served = group.versioned_resources(version);
                api_versions.extend(served.first().map(|(api, _)| api.api_version.clone()));
                for (api, capabilities) in served {
                    api_versions.push(format!("{}/{}", api.api_version, api.kind));
                    let is_namespaced = capabilities.scope == Scope::Namespaced;
                    let key = (api.api_version.clone(), api.kind.clone());
                    resources.entry(key).or_insert((api, is_namespaced));
                }
            }
        }
        api_versions.sort();
        api_versions.dedup();
        Ok(Self { client, resources, api_versions, minor })
    }

    /// The API versions that the cluster serves, alone and with each kind, sorted.
    #[must_use]
    pub fn api_versions(&self) -> &[String] {
        &self.api_versions
    }

    /// The minor version of the API server; `None` if its answer is not understood.
    #[must_use]
    pub fn minor(&self) -> Option<u32> {
        self.minor
    }

    /// An object, or the list of all objects if `name` is empty; in all namespaces if `namespace` is.
    /// `None` if it is not there. The values of Secrets are withheld.
    ///
    /// # Errors
    ///
    /// As [`LookupError`] says.
    pub async fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, LookupError> {
        if let Some(wrong) = [namespace, name].into_iter().find(|name| !is_one_part(name)) {
            return Err(LookupError::Name(wrong.to_owned()));
        }
        let key = (api_version.to_owned(), kind.to_owned());
        let Some((api, is_namespaced)) = self.resources.get(&key) else {
            let (api_version, kind) = key;
            return Err(LookupError::NotServed { api_version, kind });
        };
        let failed = |source: kube::Error| LookupError::Request {
            kind: kind.to_owned(),
            name: name.to_owned(),
            source: source.into(),
        };
        let namespace = Some(namespace).filter(|name| *is_namespaced && !name.is_empty());
        let request = Request::new(DynamicObject::url_path(api, namespace));
        let request = if name.is_empty() {
            request.list(&ListParams::default())
        } else {
            request.get(name, &GetParams::default())
        };
        let request = request.map_err(|error| failed(kube::Error::BuildRequest(error)))?;
        let bytes = match list::read_bounded(&self.client, request, MAX_BYTES + 1).await {
            Ok(bytes) => bytes,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(LookupError::TooLarge { kind: kind.to_owned() });
        }
        let mut found: Value = serde_json::from_slice(&bytes)
            .map_err(|source| LookupError::Malformed { kind: kind.to_owned(), source })?;
        if api_version == "v1" && kind == "Secret" {
            match found.get_mut("items").and_then(Value::as_array_mut) {
                Some(items) => items.iter_mut().for_each(withhold),
                None => withhold(&mut found),
            }
        }
        Ok(Some(found))
    }
}

/// Whether a name, if it is not empty, is one part of a path: the client does not escape names.
fn is_one_part(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:@".contains(&byte);
    !matches!(name, "." | "..") && name.bytes().all(is_plain)
}

/// Removes the values of a Secret: its keys stay, as charts look for them.
fn withhold(secret: &mut Value) {
    for (name, field) in secret.as_object_mut().into_iter().flatten() {
        if !redact::has_values(name) {
            continue;
        }
        match field.as_object_mut() {
            Some(values) => values.values_mut().for_each(|value| {
                let is_empty = value.as_str().is_none_or(str::is_empty);
                if !is_empty {
                    *value = STANDARD.encode(WITHHELD).into();
                }
            }),
            None => *field = Value::Null,
        }
    }
    let annotations = secret.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    for (name, value) in annotations.into_iter().flatten() {
        let text = value.as_str().and_then(|text| redact::annotation(name, text));
        if let Some(text) = text {
            *value = text.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_cannot_lead_to_other_objects() {
        for name in ["", "db", "system:controller:x", "a.b-c_d@e"] {
            assert!(is_one_part(name), "{name}");
        }
        for name in [".", "..", "shop/secrets/db?x=", "a/log", "a%2flog", "a?b", "a#b", "a b", "ä"]
        {
            assert!(!is_one_part(name), "{name}");
        }
    }

    #[test]
    fn values_of_secrets_are_withheld_and_keys_stay() {
        let copy = json!({"kind": "Secret", "data": {"password": "aHVudGVyMg=="}}).to_string();
        let mut secret = json!({
            "kind": "Secret",
            "metadata": {
                "name": "db",
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": copy, "team": "a"},
            },
            "data": {"password": "aHVudGVyMg==", "empty": ""},
        });
        withhold(&mut secret);
        assert!(!secret.to_string().contains("aHVudGVyMg"), "{secret}");
        assert_eq!(secret["data"]["empty"], "");
        assert_eq!(secret["metadata"]["annotations"]["team"], "a");
        let withheld = STANDARD.decode(secret["data"]["password"].as_str().unwrap()).unwrap();
        assert_eq!(withheld, WITHHELD.as_bytes());
    }
}
