//! Resolves images to digests, each image once, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use coaming_oci::{Digest, Reference};
use coaming_registry::Registry;

use crate::Archives;
use crate::mention::{Mention, Pinned};
use crate::update::{Update, newest};

/// The number of concurrent requests.
const CONCURRENCY: usize = 8;

/// Where digests come from: local archives first, then registries if they may be asked.
#[derive(Debug, Default)]
pub struct Sources {
    /// Images in local files.
    pub archives: Archives,
    /// The registries; `None` when offline.
    pub registry: Option<Registry>,
}

/// Why an image could not be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unresolved {
    /// The reason, and what to do.
    pub(crate) reason: String,
    /// Whether a registry failed.
    pub(crate) failed: bool,
}

impl Unresolved {
    fn because(reason: &str) -> Self {
        Self { reason: reason.to_owned(), failed: false }
    }
}

/// The tag and digest for each image, by its reference.
pub(crate) type Answers = BTreeMap<Reference, Result<Pinned, Unresolved>>;

impl Sources {
    /// Resolves all mentions that are to be pinned.
    pub(crate) fn answers(&self, mentions: &[Mention], update: Option<&Update>) -> Answers {
        let images: BTreeSet<&Reference> = mentions
            .iter()
            .map(|mention| &mention.image)
            .filter(|image| update.is_some() || image.digest().is_none())
            .collect();
        let wanted = self.wanted_tags(&images, update);
        let tagged: BTreeSet<&Reference> =
            wanted.values().filter_map(|tagged| tagged.as_ref().ok()).collect();
        let digests = concurrently(&tagged, |tagged| self.digest(tagged));
        wanted
            .iter()
            .map(|(&image, tagged)| {
                let answer = tagged.clone().and_then(|tagged| {
                    let digest = digests.get(&tagged).cloned();
                    let digest = digest.unwrap_or_else(|| Err(Unresolved::because("not asked")))?;
                    Ok(Pinned { tag: tagged.tag().unwrap_or("latest").to_owned(), digest })
                });
                (image.clone(), answer)
            })
            .collect()
    }

    /// The reference to resolve: the image with its own tag or with a newer one.
    fn wanted_tags<'i>(
        &self,
        images: &BTreeSet<&'i Reference>,
        update: Option<&Update>,
    ) -> BTreeMap<&'i Reference, Result<Reference, Unresolved>> {
        let repositories: BTreeSet<Reference> =
            images.iter().filter(|_| update.is_some()).map(|image| image.without_tag()).collect();
        let lists = concurrently(&repositories.iter().collect(), |name| self.tags(name));
        let wanted = |image: &Reference| {
            let Some(tag) = image.tag() else {
                return Err(Unresolved::because(
                    "it has a digest and no tag, so a newer version cannot be determined",
                ));
            };
            let mut new = tag;
            let list = lists.get(&image.without_tag()).cloned().transpose()?;
            if let (Some(update), Some(list)) = (update, &list) {
                new = newest(tag, list, update).unwrap_or(tag);
            }
            image.with_tag(new).map_err(|error| Unresolved::because(&error.to_string()))
        };
        images.iter().map(|&image| (image, wanted(image))).collect()
    }

    fn digest(&self, image: &Reference) -> Result<Digest, Unresolved> {
        if let Some(digest) = self.archives.digest(image) {
            return Ok(digest);
        }
        self.registry()?
            .resolve(image)
            .map_err(|error| Unresolved { reason: error.to_string(), failed: true })
    }

    /// All known tags of a repository.
    fn tags(&self, name: &Reference) -> Result<Vec<String>, Unresolved> {
        let local = self.archives.tags(name);
        match self.registry() {
            Err(_) if !local.is_empty() => Ok(local),
            Err(unknown) => Err(unknown),
            Ok(registry) => registry
                .tags(name)
                .map(|tags| tags.into_iter().chain(local).collect())
                .map_err(|error| Unresolved { reason: error.to_string(), failed: true }),
        }
    }

    fn registry(&self) -> Result<&Registry, Unresolved> {
        self.registry.as_ref().ok_or_else(|| {
            Unresolved::because(
                "no archive has its digest, and `--offline` does not ask registries",
            )
        })
    }
}

/// Asks for each key once, several at a time.
fn concurrently<T: Send>(
    keys: &BTreeSet<&Reference>,
    ask: impl Fn(&Reference) -> T + Sync,
) -> BTreeMap<Reference, T> {
    let keys: Vec<&Reference> = keys.iter().copied().collect();
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..CONCURRENCY.min(keys.len()) {
            scope.spawn(|| {
                while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = ask(key);
                    if let Ok(mut answers) = answers.lock() {
                        answers.insert((*key).clone(), answer);
                    }
                }
            });
        }
    });
    answers.into_inner().unwrap_or_default()
}
