//! The facts of images that were read before, by the identity of the image.
//!
//! Invariants: an entry appears whole or not at all; a broken entry, or one of another image, is
//! ignored; the number and size of entries are bounded, and the oldest are removed first; facts
//! hold no secret, so the cache holds none.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{Image, ImageFacts};

/// Must grow when the facts of the same image change, with a new analyser or another form.
const FORMAT: u32 = 4;
/// The largest entry.
const ENTRY_LIMIT: u64 = 32 << 20;
/// How many entries are kept.
const ENTRIES: usize = 200;

/// A directory of facts.
#[derive(Clone, Debug)]
pub struct Cache {
    directory: PathBuf,
}

#[derive(Deserialize)]
struct Stored {
    identity: String,
    facts: ImageFacts,
}

#[derive(Serialize)]
struct Storing<'a> {
    identity: &'a str,
    facts: &'a ImageFacts,
}

impl Cache {
    /// The user's cache: `$XDG_CACHE_HOME/coaming/images`, else `~/.cache/coaming/images`. `None`
    /// if neither variable is set.
    #[must_use]
    pub fn of_user() -> Option<Self> {
        let absolute = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
        };
        let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
        Some(Self::at(&base.join("coaming").join("images")))
    }

    /// A cache in a directory, which is created when the first entry is stored.
    #[must_use]
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The image's facts: from the cache, or read and then stored. It is not an error if they
    /// cannot be stored: they are read again next time.
    #[must_use]
    pub fn read(&self, image: &Image) -> ImageFacts {
        let Some(identity) = image.identity.as_deref() else { return image.read() };
        let path = self.path(identity);
        if let Some(facts) = load(&path, identity) {
            return facts;
        }
        let facts = image.read();
        // A layer that could not be read may be readable next time: a registry's answer that broke
        // off.
        let whole = facts.problems.iter().all(|problem| !problem.place.path.is_empty());
        if whole && self.store(&path, identity, &facts).is_ok() {
            // An error here is harmless: eviction is tried again after the next image.
            drop(self.evict());
        }
        facts
    }

    /// The facts of an image that is not available, by the identity it was read with, see
    /// [`Image::identified_by`].
    #[must_use]
    pub fn find(&self, identity: &str) -> Option<ImageFacts> {
        load(&self.path(identity), identity)
    }

    fn path(&self, identity: &str) -> PathBuf {
        let version = env!("CARGO_PKG_VERSION");
        let key = Sha256::digest(format!("{FORMAT} {version} {identity}"));
        self.directory.join(format!("{key:x}.json"))
    }

    fn store(&self, path: &Path, identity: &str, facts: &ImageFacts) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Storing { identity, facts })?;
        if bytes.len() as u64 > ENTRY_LIMIT {
            return Err(io::Error::other("too large to keep"));
        }
        fs::create_dir_all(&self.directory)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
        file.write_all(&bytes)?;
        file.persist(path)?;
        Ok(())
    }

    /// Removes the oldest entries, and temporary files of runs that were killed.
    fn evict(&self) -> io::Result<()> {
        let mut entries: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            entries.push((entry.metadata()?.modified()?, entry.path()));
        }
        entries.sort();
        let surplus = entries.len().saturating_sub(ENTRIES);
        for (_, path) in entries.into_iter().take(surplus) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

fn load(path: &Path, identity: &str) -> Option<ImageFacts> {
    let mut bytes = Vec::new();
    fs::File::open(path).ok()?.take(ENTRY_LIMIT + 1).read_to_end(&mut bytes).ok()?;
    let stored: Stored = serde_json::from_slice(&bytes).ok()?;
    (stored.identity == identity).then_some(stored.facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(identity: Option<&str>, user: &str) -> Image {
        let config = serde_json::json!({"config": {"User": user}}).to_string();
        Image {
            digest: "sha256:0".into(),
            config: config.into_bytes(),
            layers: Vec::new(),
            identity: identity.map(str::to_owned),
            notes: Vec::new(),
        }
    }

    #[test]
    fn keeps_whole_facts_by_the_image() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(&directory.path().join("new"));
        assert_eq!(cache.read(&image(Some("one"), "a")).config.user, "a");
        // The image is not read again.
        assert_eq!(cache.read(&image(Some("one"), "b")).config.user, "a");
        assert_eq!(cache.read(&image(Some("two"), "b")).config.user, "b");
        assert_eq!(cache.read(&image(None, "c")).config.user, "c");
        let path = cache.path("one");
        let whole = fs::read(&path).unwrap();
        for broken in [&whole[..whole.len() / 2], b"", b"{}", b"\xff"] {
            fs::write(&path, broken).unwrap();
            assert_eq!(cache.read(&image(Some("one"), "d")).config.user, "d");
        }
        // An entry of another image in its place is ignored.
        fs::copy(cache.path("two"), &path).unwrap();
        assert_eq!(cache.read(&image(Some("one"), "e")).config.user, "e");
    }

    #[test]
    fn bounds_the_number_of_entries() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path());
        for number in 0..ENTRIES + 5 {
            let _ = cache.read(&image(Some(&number.to_string()), ""));
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), ENTRIES);
    }
}
