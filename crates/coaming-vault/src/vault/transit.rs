//! Encryption by a key that never leaves the server: the transit engine.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::from_raw;
use super::client::{Answer, Client, Query};
use crate::StoreError;
use crate::json;
use crate::value::{Exposed, Value};

/// A key of the transit engine. Asynchronous, and without a session: a server of many requests at once
/// brings the token of its own.
#[derive(Clone, Debug)]
pub struct Transit {
    client: Client,
    mount: String,
    key: String,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitKey {
    /// Its newest version.
    pub version: u64,
    /// When that version was made, as the server says it: another key of the same name differs in it.
    pub created: String,
}

impl Transit {
    /// A key of the engine at `mount`. Nothing is sent yet.
    #[must_use]
    pub fn new(client: Client, mount: String, key: String) -> Self {
        Self { client, mount, key }
    }

    /// The server.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The newest version of the key.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn newest(&self, token: &Value) -> Result<TransitKey, StoreError> {
        let segments = [self.mount.as_str(), "keys", &self.key];
        let answer = self.send(Query::get(&segments), token).await?;
        let data = answer.data()?;
        let unknown = || StoreError::Answer("it does not say the key's newest version".to_owned());
        let version: Option<u64> = data.get("latest_version").and_then(|raw| from_raw(raw));
        let version = version.ok_or_else(unknown)?;
        let keys: Option<BTreeMap<String, serde_json::Value>> =
            data.get("keys").and_then(|raw| from_raw(raw));
        let newest = keys.and_then(|mut keys| keys.remove(&version.to_string()));
        // Symmetric keys have only the time, in seconds; the others an object.
        let created = newest.map(|newest| match newest.get("creation_time") {
            Some(time) => time.as_str().map_or_else(|| time.to_string(), str::to_owned),
            None => newest.to_string(),
        });
        Ok(TransitKey { version, created: created.unwrap_or_default() })
    }

    /// Encrypts bytes by this version of the key; the text names the version.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn encrypt(
        &self,
        token: &Value,
        plain: &Value,
        version: u64,
    ) -> Result<String, StoreError> {
        #[derive(Serialize)]
        struct Body<'b> {
            plaintext: Exposed<'b>,
            key_version: u64,
        }
        let encoded = base64::encode(plain);
        let body = Body { plaintext: Exposed(&encoded), key_version: version };
        let segments = [self.mount.as_str(), "encrypt", &self.key];
        let answer = self.send(Query::post(&segments).body(&body)?, token).await?;
        let data = answer.data()?;
        let text: Option<String> = data.get("ciphertext").and_then(|raw| from_raw(raw));
        text.filter(|text| text.starts_with(&format!("vault:v{version}:"))).ok_or_else(|| {
            StoreError::Answer(format!("it is not encrypted by version {version} of the key"))
        })
    }

    /// Decrypts what [`Transit::encrypt`] returned.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    pub async fn decrypt(&self, token: &Value, text: &str) -> Result<Value, StoreError> {
        #[derive(Serialize)]
        struct Body<'b> {
            ciphertext: &'b str,
        }
        let segments = [self.mount.as_str(), "decrypt", &self.key];
        let body = Body { ciphertext: text };
        let answer = self.send(Query::post(&segments).body(&body)?, token).await?;
        let missing = || StoreError::Answer("there is no plain text in it".to_owned());
        let data = answer.data()?;
        let encoded = data.get("plaintext").map(|raw| json::value(raw)).ok_or_else(missing)?;
        base64::decode(&encoded).ok_or_else(missing)
    }

    async fn send(&self, query: Query<'_>, token: &Value) -> Result<Answer, StoreError> {
        self.client.send(&query.about(&self.key), Some(token)).await
    }
}

/// Base64 between values that are zeroed.
mod base64 {
    use ::base64::Engine as _;
    use ::base64::engine::general_purpose::STANDARD;
    use zeroize::Zeroize as _;

    use crate::Value;

    pub(super) fn encode(value: &Value) -> Value {
        Value::new(STANDARD.encode(value.expose()).into_bytes())
    }

    pub(super) fn decode(text: &Value) -> Option<Value> {
        let mut bytes = vec![0; text.len() / 4 * 3 + 3];
        match STANDARD.decode_slice(text.expose(), &mut bytes) {
            Ok(length) => {
                bytes.truncate(length);
                Some(Value::new(bytes))
            }
            Err(_) => {
                bytes.zeroize();
                None
            }
        }
    }
}
