//! The key: which version is announced, and calls to the server that has it.

use std::sync::{PoisonError, RwLock};
use std::time::Instant;

use coaming_vault::vault::{Client, Session, Transit, TransitKey};
use coaming_vault::{StoreError, Value};
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::{BOUND, Config};

/// The longest identifier that the API server takes.
const MAX_KEY_ID: usize = 1024;
/// What is encrypted and decrypted before a version is announced.
const PROBE: &[u8] = b"coaming";

/// A version of the key that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    pub(crate) key: TransitKey,
    pub(crate) id: String,
}

/// The key, for any number of calls at once.
pub(crate) struct Keeper {
    transit: Transit,
    session: Mutex<Session>,
    name: String,
    announced: RwLock<Option<Announced>>,
}

/// An operation on the key.
enum Operation<'o> {
    Newest,
    Encrypt(&'o Value, u64),
    Decrypt(&'o str),
}

/// Its result.
enum Outcome {
    Newest(TransitKey),
    Encrypted(String),
    Decrypted(Value),
}

impl Keeper {
    pub(crate) fn new(config: Config) -> Result<Self, StoreError> {
        let name = format!("{}/{}", config.mount, config.key);
        let session = Mutex::new(Session::new(config.vault.auth.clone()));
        let transit = Transit::new(Client::new(config.vault)?, config.mount, config.key);
        Ok(Self { transit, session, name, announced: RwLock::new(None) })
    }

    /// The version that is announced.
    pub(crate) fn announced(&self) -> Option<Announced> {
        self.announced.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for the newest version of the key, and announces it if it works.
    pub(crate) async fn refresh(&self) -> Result<Announced, StoreError> {
        bounded(async {
            let newest = self.newest().await?;
            if let Some(before) = self.announced() {
                not_back(&before.key, &newest)?;
            }
            let probe = Value::new(PROBE.to_vec());
            let text = self.encrypt_by(&probe, newest.version).await?;
            if self.decrypt_text(&text).await? != probe {
                return Err(StoreError::Answer("it decrypts to something else".to_owned()));
            }
            let announced = Announced { id: self.id(&newest), key: newest };
            let mut current = self.announced.write().unwrap_or_else(PoisonError::into_inner);
            // Another refresh may have seen a newer one.
            match &*current {
                Some(there) if there.key.version > announced.key.version => Ok(there.clone()),
                _ => Ok(current.insert(announced).clone()),
            }
        })
        .await
    }

    /// Encrypts by the version that is announced.
    pub(crate) async fn encrypt(&self, plain: &Value) -> Result<(Vec<u8>, String), StoreError> {
        let announced = match self.announced() {
            Some(announced) => announced,
            None => self.refresh().await?,
        };
        let text = bounded(self.encrypt_by(plain, announced.key.version)).await?;
        Ok((text.into_bytes(), announced.id))
    }

    /// Decrypts, by whatever version it was encrypted.
    pub(crate) async fn decrypt(&self, encrypted: &[u8]) -> Result<Value, StoreError> {
        let text = std::str::from_utf8(encrypted).ok().filter(|text| text.starts_with("vault:v"));
        let text = text.ok_or_else(|| {
            StoreError::Rejected("it was not encrypted by a key of the transit engine".to_owned())
        })?;
        bounded(self.decrypt_text(text)).await
    }

    /// Renews the token in time, so that no call waits for that.
    pub(crate) async fn keep_alive(&self) -> Result<(), StoreError> {
        bounded(async { self.token().await.map(drop) }).await
    }

    /// Ends the session.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        bounded(async { self.session.lock().await.close(self.transit.client()).await }).await
    }

    /// The identifier of a version: the same wherever the same key is used.
    fn id(&self, key: &TransitKey) -> String {
        let mut id = format!("{}/v{}/{}", self.name, key.version, key.created);
        if id.len() > MAX_KEY_ID {
            let from = id.len() - MAX_KEY_ID;
            let from = (from..id.len()).find(|at| id.is_char_boundary(*at)).unwrap_or(from);
            id = id.split_off(from);
        }
        id
    }

    async fn newest(&self) -> Result<TransitKey, StoreError> {
        match self.call(Operation::Newest).await? {
            Outcome::Newest(key) => Ok(key),
            _ => Err(unexpected()),
        }
    }

    async fn encrypt_by(&self, plain: &Value, version: u64) -> Result<String, StoreError> {
        match self.call(Operation::Encrypt(plain, version)).await? {
            Outcome::Encrypted(text) => Ok(text),
            _ => Err(unexpected()),
        }
    }

    async fn decrypt_text(&self, text: &str) -> Result<Value, StoreError> {
        match self.call(Operation::Decrypt(text)).await? {
            Outcome::Decrypted(value) => Ok(value),
            _ => Err(unexpected()),
        }
    }

    /// Does something, and once more after a new login if the token is not accepted anymore.
    async fn call(&self, operation: Operation<'_>) -> Result<Outcome, StoreError> {
        let token = self.token().await?;
        match self.call_as(&token, &operation).await {
            Err(StoreError::Denied(_)) if !self.transit.client().accepts(&token).await? => {
                self.forget(&token).await;
                let token = self.token().await?;
                self.call_as(&token, &operation).await
            }
            outcome => outcome,
        }
    }

    async fn call_as(
        &self,
        token: &Value,
        operation: &Operation<'_>,
    ) -> Result<Outcome, StoreError> {
        match operation {
            Operation::Newest => self.transit.newest(token).await.map(Outcome::Newest),
            Operation::Encrypt(plain, version) => {
                self.transit.encrypt(token, plain, *version).await.map(Outcome::Encrypted)
            }
            Operation::Decrypt(text) => {
                self.transit.decrypt(token, text).await.map(Outcome::Decrypted)
            }
        }
    }

    async fn token(&self) -> Result<Value, StoreError> {
        let mut session = self.session.lock().await;
        session.keep_alive(self.transit.client(), Instant::now()).await?;
        session.token().cloned().ok_or_else(|| StoreError::Login("there is no token".to_owned()))
    }

    /// Drops a token, unless another call has replaced it already.
    async fn forget(&self, token: &Value) {
        let mut session = self.session.lock().await;
        if session.token() == Some(token) {
            session.forget();
        }
    }
}

fn unexpected() -> StoreError {
    StoreError::Answer("it answers another question".to_owned())
}

/// A key must not go back: what was encrypted by a newer version could not be read, and the API
/// server would take an old identifier for a new key.
fn not_back(before: &TransitKey, newest: &TransitKey) -> Result<(), StoreError> {
    let is_same = newest.version == before.version && newest.created == before.created;
    if newest.version > before.version || is_same {
        return Ok(());
    }
    Err(StoreError::Rejected(format!(
        "the key's version {} was announced, and the server now has version {}: was it restored or \
         made again?",
        before.version, newest.version
    )))
}

async fn bounded<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = || StoreError::Unavailable(format!("no answer in {} ms", BOUND.as_millis()));
    timeout(BOUND, work).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(version: u64, created: &str) -> TransitKey {
        TransitKey { version, created: created.to_owned() }
    }

    #[test]
    fn a_key_never_goes_back() {
        assert!(not_back(&key(2, "a"), &key(2, "a")).is_ok());
        assert!(not_back(&key(2, "a"), &key(3, "b")).is_ok());
        assert!(not_back(&key(2, "a"), &key(1, "a")).is_err());
        assert!(not_back(&key(2, "a"), &key(2, "b")).is_err(), "another key of the same name");
    }
}
