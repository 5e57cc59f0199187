//! A Secret of another namespace of the cluster, read by the API. Weaker than a vault: it is in etcd, and
//! everyone who gets a token of the account reads it, too.

use std::collections::BTreeMap;
use std::time::Duration;

use coaming_http::Url;
use coaming_http::header::HeaderValue;
use serde_json::value::RawValue;

use super::{Call, Http, Provider, Reply, address, base64, below, is_segment, required, text};
use crate::config::ClusterConfig;
use crate::json::RawFields;
use crate::value::Value;
use crate::wire::{bearer, read_credential};
use crate::{Fields, Secret, StoreError};

/// The kubelet replaces the token's file; so it is read again and again.
const READ_AGAIN: Duration = Duration::from_secs(120);
/// The object's metadata alone.
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// The store.
pub(crate) struct Cluster {
    config: ClusterConfig,
    server: Url,
}

impl Cluster {
    pub(crate) fn new(config: &ClusterConfig) -> Result<Self, StoreError> {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let host = variable("KUBERNETES_SERVICE_HOST");
        // An address of IPv6 has brackets in a URL.
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let usual = format!("https://{host}:{}/", variable("KUBERNETES_SERVICE_PORT"));
        let server = address(config.address.as_deref(), &usual)?;
        Ok(Self { config: config.clone(), server })
    }

    fn get(
        &self,
        http: &Http,
        token: &Value,
        path: &str,
        kind: &'static str,
    ) -> Result<Reply, StoreError> {
        if !is_segment(path) {
            let reason = format!("`{path}` is not the name of a Secret");
            return Err(StoreError::Setting(reason));
        }
        let namespace = self.config.namespace.as_str();
        let url = below(&self.server, &["api", "v1", "namespaces", namespace, "secrets", path]);
        let call = Call::get(url).header("accept", HeaderValue::from_static(kind));
        http.send(call.header("authorization", bearer(token)?))?.accepted(path)
    }
}

impl Provider for Cluster {
    type Credential = Value;

    fn log_in(&self, _: &Http) -> Result<(Value, Duration), StoreError> {
        Ok((read_credential(&self.config.token_file)?, READ_AGAIN))
    }

    fn read(&self, http: &Http, token: &Value, path: &str) -> Result<Secret, StoreError> {
        let reply = self.get(http, token, path, "application/json")?;
        let object = reply.fields()?;
        let data: BTreeMap<String, &RawValue> = match object.get("data") {
            None => BTreeMap::new(),
            Some(raw) => serde_json::from_str::<Option<_>>(raw.get())
                .map_err(|_| StoreError::Answer("its data is not an object".to_owned()))?
                .unwrap_or_default(),
        };
        let decode = |(name, raw): (String, &RawValue)| Ok((name, base64(raw)?));
        let fields: Fields = data.into_iter().map(decode).collect::<Result<_, StoreError>>()?;
        Ok(Secret { fields, version: version(&object), lease: None })
    }

    fn version(&self, http: &Http, token: &Value, path: &str) -> Result<Option<u64>, StoreError> {
        Ok(version(&self.get(http, token, path, METADATA)?.fields()?))
    }
}

/// The object's version, where it is a number, as it is with etcd.
fn version(object: &RawFields<'_>) -> Option<u64> {
    let metadata = required(object, "metadata").ok()?;
    let metadata: RawFields<'_> = serde_json::from_str(metadata.get()).ok()?;
    text(&metadata, "resourceVersion")?.parse().ok()
}
