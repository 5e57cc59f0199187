//! A store in one file, encrypted with `age`: no server is needed.
//!
//! The file is a JSON object of secrets by path, each an object of texts, encrypted to the first key
//! of the identity file. Invariants:
//!
//! * Both files are replaced atomically, and readable by their owner alone.
//! * After a crash at any point of [`LocalStore::rotate`], the secrets can be read with the identity
//!   file as it then is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use age::secrecy::ExposeSecret as _;
use age::x25519::Identity;
use serde_json::value::RawValue;

use crate::value::{Buffer, Exposed, exposed};
use crate::{Fields, Lease, Secret, Store, StoreError, Value, config, json};

/// The largest file.
const MAX_BYTES: u64 = 64 << 20;

/// All secrets, by their paths.
type Secrets = BTreeMap<String, Fields>;

/// A store in one file.
pub struct LocalStore {
    file: PathBuf,
    identity: PathBuf,
    keys: Vec<Identity>,
}

impl LocalStore {
    /// Makes a key and an empty store.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if one of the files exists, or cannot be written.
    pub fn create(file: PathBuf, identity: &Path) -> Result<Self, StoreError> {
        for path in [&file, identity] {
            if path.exists() {
                return Err(StoreError::file(path, &"exists already"));
            }
        }
        let key = Identity::generate();
        write_keys(identity, &[&key])?;
        let store = Self { file, identity: identity.to_path_buf(), keys: vec![key] };
        store.save(&Secrets::new())?;
        Ok(store)
    }

    /// Opens a store. The file is read at each call: others may change it.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the identity file cannot be read, or has no key.
    pub fn open(file: PathBuf, identity: &Path) -> Result<Self, StoreError> {
        let keys = read_keys(identity)?;
        Ok(Self { file, identity: identity.to_path_buf(), keys })
    }

    /// The paths of all secrets.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the store cannot be read or decrypted.
    pub fn paths(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.load()?.into_keys().collect())
    }

    /// All secrets as JSON, for an editor.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::paths`].
    pub fn export(&self) -> Result<Value, StoreError> {
        let secrets = self.load()?;
        let mut buffer = Buffer::default();
        serde_json::to_writer_pretty(&mut buffer, &all_exposed(&secrets))
            .map_err(|error| StoreError::file(&self.file, &error))?;
        buffer.push(b"\n");
        Ok(buffer.into_value())
    }

    /// Replaces all secrets by those of this JSON.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rejected`] if it does not have the form of [`LocalStore::export`].
    pub fn import(&self, json: &Value) -> Result<(), StoreError> {
        let secrets = parse(json).ok_or_else(|| {
            StoreError::Rejected("it is not an object of objects of texts, by path".to_owned())
        })?;
        self.save(&secrets)
    }

    /// Makes a new key, and encrypts everything with it. The former key opens only former copies.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::paths`].
    pub fn rotate(&mut self) -> Result<(), StoreError> {
        let secrets = self.load()?;
        self.keys.insert(0, Identity::generate());
        let all: Vec<&Identity> = self.keys.iter().collect();
        write_keys(&self.identity, &all)?;
        self.save(&secrets)?;
        self.keys.truncate(1);
        let newest: Vec<&Identity> = self.keys.iter().collect();
        write_keys(&self.identity, &newest)
    }

    fn load(&self) -> Result<Secrets, StoreError> {
        let failed = |reason: &dyn std::fmt::Display| StoreError::file(&self.file, reason);
        let file = File::open(&self.file).map_err(|error| failed(&error))?;
        let decryptor =
            age::Decryptor::new(file.take(MAX_BYTES)).map_err(|error| failed(&error))?;
        let keys = self.keys.iter().map(|key| key as &dyn age::Identity);
        let mut reader = decryptor.decrypt(keys).map_err(|error| failed(&error))?;
        let mut buffer = Buffer::with_capacity(64 << 10);
        io::copy(&mut reader, &mut buffer).map_err(|error| failed(&error))?;
        parse(&buffer.into_value()).ok_or_else(|| failed(&"is not a store of secrets"))
    }

    fn save(&self, secrets: &Secrets) -> Result<(), StoreError> {
        let failed = |reason: &dyn std::fmt::Display| StoreError::file(&self.file, reason);
        let key = self.keys.first().ok_or_else(|| failed(&"there is no key"))?;
        let plain =
            Buffer::json(&all_exposed(secrets)).map_err(|_| failed(&"only text can be stored"))?;
        let encrypted =
            age::encrypt(&key.to_public(), plain.as_bytes()).map_err(|error| failed(&error))?;
        replace(&self.file, &encrypted)
    }
}

impl Store for LocalStore {
    fn read(&mut self, path: &str) -> Result<Secret, StoreError> {
        let fields = self.load()?.remove(path);
        let fields = fields.ok_or_else(|| StoreError::NotFound(path.to_owned()))?;
        Ok(Secret { fields, version: None, lease: None })
    }

    fn version(&mut self, _: &str) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn write(&mut self, path: &str, fields: &Fields) -> Result<(), StoreError> {
        if !config::is_path(path) {
            return Err(StoreError::Rejected(format!("`{path}` is not a path")));
        }
        let mut secrets = self.load()?;
        secrets.insert(path.to_owned(), fields.clone());
        self.save(&secrets)
    }

    fn renew(&mut self, _: &Lease) -> Result<Lease, StoreError> {
        Err(StoreError::Unsupported("renew leases"))
    }

    fn keep_alive(&mut self, _: Instant) -> Result<Option<Instant>, StoreError> {
        Ok(None)
    }

    fn session(&self) -> u64 {
        0
    }

    fn close(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The public key of an identity file, to which others can encrypt.
///
/// # Errors
///
/// [`StoreError::File`] if the file cannot be read, or has no key.
pub fn public_key(identity: &Path) -> Result<String, StoreError> {
    let keys = read_keys(identity)?;
    let key = keys.first().ok_or_else(|| StoreError::file(identity, &"has no key"))?;
    Ok(key.to_public().to_string())
}

fn parse(json: &Value) -> Option<Secrets> {
    let secrets: BTreeMap<String, &RawValue> = serde_json::from_slice(json.expose()).ok()?;
    let secrets = secrets.into_iter().map(|(path, raw)| {
        Some((path, json::fields(raw)?)).filter(|(path, _)| config::is_path(path))
    });
    secrets.collect()
}

fn all_exposed(secrets: &Secrets) -> BTreeMap<&str, BTreeMap<&str, Exposed<'_>>> {
    secrets.iter().map(|(path, fields)| (path.as_str(), exposed(fields))).collect()
}

fn read_keys(path: &Path) -> Result<Vec<Identity>, StoreError> {
    let failed = |reason: &dyn std::fmt::Display| StoreError::file(path, reason);
    let mut buffer = zeroize::Zeroizing::new(String::with_capacity(4096));
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(4096).read_to_string(&mut buffer).map_err(|error| failed(&error))?;
    let lines = buffer.lines().map(str::trim);
    let keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let keys: Result<Vec<Identity>, _> = keys.map(str::parse).collect();
    match keys {
        Ok(keys) if !keys.is_empty() => Ok(keys),
        Ok(_) => Err(failed(&"has no key")),
        Err(_) => Err(failed(&"has a line that is not an X25519 key of age")),
    }
}

fn write_keys(path: &Path, keys: &[&Identity]) -> Result<(), StoreError> {
    let mut buffer = Buffer::with_capacity(4096);
    for key in keys {
        buffer.push(key.to_string().expose_secret().as_bytes());
        buffer.push(b"\n");
    }
    replace(path, buffer.as_bytes())
}

/// Replaces a file, or makes it, for its owner alone.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::file(path, &error);
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    // A temporary file is its owner's alone.
    let mut temporary =
        tempfile::Builder::new().prefix(".coaming-").tempfile_in(directory).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PLANTED: &str = "planted \"value\" \u{1f600}\n";

    fn store(directory: &Path) -> LocalStore {
        LocalStore::create(directory.join("secrets.age"), &directory.join("key")).unwrap()
    }

    fn fields() -> Fields {
        Fields::from([("password".to_owned(), Value::new(PLANTED.into()))])
    }

    #[test]
    fn secrets_are_encrypted_and_come_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = store(directory.path());
        store.write("shop/db", &fields()).unwrap();
        assert_eq!(store.read("shop/db").unwrap().fields, fields());
        assert!(matches!(store.read("shop/other"), Err(StoreError::NotFound(_))));
        for name in ["secrets.age", "key"] {
            let path = directory.path().join(name);
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(7).any(|part| part == b"planted"), "{name}");
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again =
            LocalStore::create(directory.path().join("secrets.age"), &directory.path().join("k"));
        assert!(again.is_err(), "an existing store is never replaced");
    }

    #[test]
    fn after_a_rotation_the_former_key_opens_nothing_new() {
        let directory = tempfile::tempdir().unwrap();
        let (file, key) = (directory.path().join("secrets.age"), directory.path().join("key"));
        let mut store = store(directory.path());
        store.write("shop/db", &fields()).unwrap();
        std::fs::copy(&key, directory.path().join("former")).unwrap();
        store.rotate().unwrap();
        let mut reopened = LocalStore::open(file.clone(), &key).unwrap();
        assert_eq!(reopened.read("shop/db").unwrap().fields, fields());
        let mut former = LocalStore::open(file, &directory.path().join("former")).unwrap();
        assert!(former.read("shop/db").is_err());
        assert_eq!(read_keys(&key).unwrap().len(), 1);
    }

    #[test]
    fn an_editor_gets_what_it_gives_back() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = store(directory.path());
        store.write("shop/db", &fields()).unwrap();
        let json = store.export().unwrap();
        store.import(&json).unwrap();
        assert_eq!(store.read("shop/db").unwrap().fields, fields());
        for bad in ["[]", "{\"a\": 1}", "{\"../a\": {}}", "{"] {
            assert!(store.import(&Value::new(bad.into())).is_err(), "{bad}");
        }
        assert_eq!(store.paths().unwrap(), ["shop/db"], "what is refused changes nothing");
    }
}
