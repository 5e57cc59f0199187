//! A store in one file, encrypted with `age`: no server is needed.
//!
//! The file is a JSON object of secrets by path, each an object of texts, encrypted to the first key
//! of the identity file. Invariants:
//!
//! * Both files are replaced atomically, and readable by their owner alone.
//! * Who changes the store holds a lock from reading it to replacing it: of two programs that write at
//!   once, neither loses what the other wrote. Readers need no lock.
//! * After a crash at any point of [`LocalStore::rotate`], the secrets can be read with the identity
//!   file as it then is.

use std::collections::{BTreeMap, BTreeSet};
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
        let store = Self { file, identity: identity.to_path_buf() };
        store.save(&Secrets::new(), &key)?;
        Ok(store)
    }

    /// Opens a store. Both files are read at each call: others may change them.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the identity file cannot be read, or has no key.
    pub fn open(file: PathBuf, identity: &Path) -> Result<Self, StoreError> {
        read_keys(identity)?;
        Ok(Self { file, identity: identity.to_path_buf() })
    }

    /// The paths of all secrets.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`] if the store cannot be read or decrypted.
    pub fn paths(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.load()?.0.into_keys().collect())
    }

    /// All secrets as JSON, for an editor.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::paths`].
    pub fn export(&self) -> Result<Value, StoreError> {
        let (secrets, _) = self.load()?;
        let mut buffer = Buffer::default();
        serde_json::to_writer_pretty(&mut buffer, &all_exposed(&secrets))
            .map_err(|error| StoreError::file(&self.file, &error))?;
        buffer.push(b"\n");
        Ok(buffer.into_value())
    }

    /// Applies what an editor changed: `edited` is what became of `exported`. Secrets that others changed
    /// since then stay as they are now.
    ///
    /// # Errors
    ///
    /// [`StoreError::Rejected`] if `edited` does not have the form of [`LocalStore::export`], or changes a
    /// secret that others also changed. Then nothing is written.
    pub fn import(&self, exported: &Value, edited: &Value) -> Result<(), StoreError> {
        let read = |json: &Value| {
            parse(json).ok_or_else(|| {
                let reason = "it is not an object of objects of texts, by path";
                StoreError::Rejected(reason.to_owned())
            })
        };
        let (before, mut after) = (read(exported)?, read(edited)?);
        self.change(|secrets| {
            let paths: BTreeSet<String> = before.keys().chain(after.keys()).cloned().collect();
            for path in &paths {
                if before.get(path) == after.get(path) {
                    continue;
                }
                if secrets.get(path) != before.get(path) {
                    return Err(StoreError::Rejected(format!(
                        "`{path}` was also changed by another program meanwhile: nothing was written"
                    )));
                }
                match after.remove(path) {
                    Some(fields) => secrets.insert(path.clone(), fields),
                    None => secrets.remove(path),
                };
            }
            Ok(())
        })
    }

    /// Makes a new key, and encrypts everything with it. The former key opens only former copies.
    ///
    /// # Errors
    ///
    /// As for [`LocalStore::paths`].
    pub fn rotate(&mut self) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let (secrets, keys) = self.load()?;
        let newest = Identity::generate();
        let all: Vec<&Identity> = std::iter::once(&newest).chain(&keys).collect();
        write_keys(&self.identity, &all)?;
        self.save(&secrets, &newest)?;
        write_keys(&self.identity, &[&newest])
    }

    /// Changes the secrets, alone among all programs. After an error nothing is written.
    fn change(
        &self,
        change: impl FnOnce(&mut Secrets) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let (mut secrets, keys) = self.load()?;
        change(&mut secrets)?;
        let key = keys.first().ok_or_else(|| StoreError::file(&self.identity, &"has no key"))?;
        self.save(&secrets, key)
    }

    /// Waits until no other program changes the store; until the file is closed, none does.
    fn lock(&self) -> Result<File, StoreError> {
        // The file itself is replaced by each change. Where a directory can be locked, nothing is left.
        let path = if cfg!(unix) {
            directory(&self.file).to_path_buf()
        } else {
            self.file.with_added_extension("lock")
        };
        let failed = |error: io::Error| StoreError::file(&path, &error);
        let lock = if cfg!(unix) { File::open(&path) } else { File::create(&path) };
        let lock = lock.map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(lock)
    }

    /// The secrets, and the keys that the identity file has.
    fn load(&self) -> Result<(Secrets, Vec<Identity>), StoreError> {
        let mut keys = read_keys(&self.identity)?;
        loop {
            match self.decrypt(&keys) {
                Ok(secrets) => return Ok((secrets, keys)),
                // Between the two reads, another program may have made a new key.
                Err(error) => {
                    let now = read_keys(&self.identity)?;
                    if public(&now) == public(&keys) {
                        return Err(error);
                    }
                    keys = now;
                }
            }
        }
    }

    fn decrypt(&self, keys: &[Identity]) -> Result<Secrets, StoreError> {
        let failed = |reason: &dyn std::fmt::Display| StoreError::file(&self.file, reason);
        let file = File::open(&self.file).map_err(|error| failed(&error))?;
        let decryptor =
            age::Decryptor::new(file.take(MAX_BYTES)).map_err(|error| failed(&error))?;
        let keys = keys.iter().map(|key| key as &dyn age::Identity);
        let mut reader = decryptor.decrypt(keys).map_err(|error| failed(&error))?;
        let mut buffer = Buffer::with_capacity(64 << 10);
        io::copy(&mut reader, &mut buffer).map_err(|error| failed(&error))?;
        parse(&buffer.into_value()).ok_or_else(|| failed(&"is not a store of secrets"))
    }

    fn save(&self, secrets: &Secrets, key: &Identity) -> Result<(), StoreError> {
        let failed = |reason: &dyn std::fmt::Display| StoreError::file(&self.file, reason);
        let plain =
            Buffer::json(&all_exposed(secrets)).map_err(|_| failed(&"only text can be stored"))?;
        let encrypted =
            age::encrypt(&key.to_public(), plain.as_bytes()).map_err(|error| failed(&error))?;
        replace(&self.file, &encrypted)
    }
}

impl Store for LocalStore {
    fn read(&mut self, path: &str) -> Result<Secret, StoreError> {
        let fields = self.load()?.0.remove(path);
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
        self.change(|secrets| {
            secrets.insert(path.to_owned(), fields.clone());
            Ok(())
        })
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

/// The directory of a file.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn public(keys: &[Identity]) -> Vec<String> {
    keys.iter().map(|key| key.to_public().to_string()).collect()
}

/// Replaces a file, or makes it, for its owner alone.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::file(path, &error);
    // A temporary file is its owner's alone.
    let mut temporary = tempfile::Builder::new()
        .prefix(".coaming-")
        .tempfile_in(directory(path))
        .map_err(failed)?;
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
        store.import(&json, &json).unwrap();
        assert_eq!(store.read("shop/db").unwrap().fields, fields());
        for bad in ["[]", "{\"a\": 1}", "{\"../a\": {}}", "{"] {
            assert!(store.import(&json, &Value::new(bad.into())).is_err(), "{bad}");
        }
        assert_eq!(store.paths().unwrap(), ["shop/db"], "what is refused changes nothing");
    }

    #[test]
    fn an_editor_does_not_undo_what_others_wrote_meanwhile() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = store(directory.path());
        store.write("shop/db", &fields()).unwrap();
        let exported = store.export().unwrap();
        store.write("shop/cache", &fields()).unwrap();
        let edited = Value::new(b"{\"shop/queue\": {\"user\": \"a\"}}".to_vec());
        store.import(&exported, &edited).unwrap();
        assert_eq!(store.paths().unwrap(), ["shop/cache", "shop/queue"]);
        let error = store.import(&exported, &Value::new(b"{}".to_vec())).unwrap_err();
        assert!(error.to_string().contains("`shop/db` was also changed"), "{error}");
    }

    #[test]
    fn programs_that_write_at_once_lose_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (file, key) = (directory.path().join("secrets.age"), directory.path().join("key"));
        store(directory.path());
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let (file, key) = (&file, &key);
                scope.spawn(move || {
                    // Each has opened the files by itself, as a program has.
                    let mut store = LocalStore::open(file.clone(), key).unwrap();
                    for turn in 0..8 {
                        if writer == 0 && turn % 4 == 3 {
                            store.rotate().unwrap();
                        }
                        store.write(&format!("writer-{writer}/{turn}"), &fields()).unwrap();
                        store.read(&format!("writer-{writer}/{turn}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(LocalStore::open(file, &key).unwrap().paths().unwrap().len(), 32);
        assert_eq!(read_keys(&key).unwrap().len(), 1);
    }
}
