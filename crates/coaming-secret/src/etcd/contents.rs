//! What a file of etcd holds: each object with its history, and what is left of old ones.
//!
//! Nothing here holds a value: of an object in plain text only the names of its entries are kept,
//! and those are bounded in number and length.

use std::collections::BTreeMap;

use crate::{Confidence, Origin, detector};

use super::envelope::{Encryption, Entry, PlainObject, Stored};
use super::mvcc::{ObjectKey, Resource, Revision};

/// So many names of an object's entries are kept.
const MAX_NAMES: usize = 16;
/// Kubernetes allows no longer ones.
const MAX_NAME_BYTES: usize = 253;

/// Something that could be read, by where it is in the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryName {
    /// `data` or `binaryData`.
    pub field: &'static str,
    /// The entry's name.
    pub name: String,
    /// What was recognized in it, in words; empty for a Secret, of which everything is secret.
    pub title: String,
}

/// An object in plain text, without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plain {
    /// A Secret's type; empty where it has none.
    pub secret_type: String,
    /// Entries that hold something secret; the first of them if there are very many.
    pub entries: Vec<EntryName>,
    /// How many entries hold something secret.
    pub count: usize,
}

/// What a revision shows to whoever reads the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The object was deleted.
    Deleted,
    /// Nothing that is secret.
    Harmless,
    /// It is encrypted.
    Encrypted(Encryption),
    /// Secrets in plain text.
    Plain(Plain),
    /// Neither an object nor what a provider of Kubernetes writes.
    Unknown,
}

/// A revision of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRevision {
    /// The number of etcd's transaction.
    pub revision: u64,
    sub: u64,
    /// What it shows.
    pub state: State,
}

/// Where a remnant lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// In a page that nothing points to.
    FreePage(u64),
    /// In another file of the data directory: its name, below that.
    Beside(String),
}

/// Plain text of an object that no tree leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remnant {
    /// Where it lies.
    pub place: Place,
    /// The revision that wrote it; 0 where that can't be told.
    pub revision: u64,
    /// What it shows.
    pub plain: Plain,
}

/// An object through time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its revisions, oldest first.
    pub revisions: Vec<ObjectRevision>,
    /// What is left of it elsewhere, by place.
    pub remnants: Vec<Remnant>,
}

impl History {
    /// What it is now; `None` if etcd no longer knows it.
    #[must_use]
    pub fn current(&self) -> Option<&ObjectRevision> {
        self.revisions.last()
    }

    /// What shows in plain text now.
    #[must_use]
    pub fn plain_now(&self) -> Option<&Plain> {
        match &self.current()?.state {
            State::Plain(plain) => Some(plain),
            _ => None,
        }
    }

    /// Earlier revisions in plain text.
    pub fn plain_before(&self) -> impl Iterator<Item = (u64, &Plain)> {
        let earlier = self.revisions.split_last().map_or(&[][..], |(_, earlier)| earlier);
        plain(earlier)
    }
}

/// Those of these revisions that are in plain text.
fn plain(revisions: &[ObjectRevision]) -> impl Iterator<Item = (u64, &Plain)> {
    revisions.iter().filter_map(|revision| match &revision.state {
        State::Plain(plain) => Some((revision.revision, plain)),
        _ => None,
    })
}

/// So many revisions and remnants are kept of all objects together.
const MAX_KEPT: usize = 4_000_000;

/// All objects of a store.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    histories: BTreeMap<ObjectKey, History>,
    kept: usize,
}

impl Objects {
    /// Adds a revision; `false` if there are too many.
    pub(super) fn add(&mut self, key: ObjectKey, at: Revision, state: State) -> bool {
        self.kept += 1;
        if self.kept <= MAX_KEPT {
            let revision = ObjectRevision { revision: at.main, sub: at.sub, state };
            self.histories.entry(key).or_default().revisions.push(revision);
        }
        self.kept <= MAX_KEPT
    }

    /// Adds a remnant; `false` if there are too many.
    pub(super) fn add_remnant(&mut self, mut key: ObjectKey, remnant: Remnant) -> bool {
        self.kept += 1;
        if self.kept > MAX_KEPT {
            return false;
        }
        if key.prefix.is_empty() {
            // The remnant lost its key. That of the same object, if there is one, was the same.
            let same = self.histories.range(key.clone()..).next().map(|(known, _)| known);
            if let Some(known) = same.filter(|known| {
                (known.resource, &known.namespace, &known.name)
                    == (key.resource, &key.namespace, &key.name)
            }) {
                key = known.clone();
            }
        }
        self.histories.entry(key).or_default().remnants.push(remnant);
        true
    }

    /// All of them, in order, each without what is told twice.
    pub(super) fn into_histories(mut self) -> BTreeMap<ObjectKey, History> {
        for history in self.histories.values_mut() {
            // A page that was freed is most often a copy of what the tree still has.
            let of_tree: Vec<u64> =
                plain(&history.revisions).map(|(revision, _)| revision).collect();
            history.remnants.retain(|remnant| of_tree.binary_search(&remnant.revision).is_err());
            history.remnants.sort_unstable();
            history.remnants.dedup();
        }
        self.histories
    }

    /// Sorts the revisions, once all are known.
    pub(super) fn sort(&mut self) {
        for history in self.histories.values_mut() {
            history.revisions.sort_by_key(|revision| (revision.revision, revision.sub));
        }
    }
}

/// What a value shows, of an object with this key.
pub(super) fn state(key: &ObjectKey, value: &[u8]) -> Option<State> {
    match super::envelope::open(value) {
        Stored::Empty => Some(State::Harmless),
        Stored::Encrypted(encryption) => Some(State::Encrypted(encryption)),
        Stored::Unknown => Some(State::Unknown),
        // A resource of another group that is called alike.
        Stored::Plain(object) if object.resource != Some(key.resource) => None,
        Stored::Plain(object) => Some(secrets_of(&object).map_or(State::Harmless, State::Plain)),
    }
}

/// What of an object is secret; `None` if nothing is.
pub(super) fn secrets_of(object: &PlainObject<'_>) -> Option<Plain> {
    let mut found = Plain { secret_type: name_of(&object.secret_type), ..Plain::default() };
    for entry in &object.entries {
        let titles = match object.resource {
            Some(Resource::Secret) if !entry.value.is_empty() => vec![String::new()],
            Some(Resource::ConfigMap) => credentials(entry),
            _ => Vec::new(),
        };
        for title in titles {
            found.count += 1;
            if found.entries.len() < MAX_NAMES {
                let name = name_of(&entry.name);
                found.entries.push(EntryName { field: entry.field, name, title });
            }
        }
    }
    (found.count > 0).then_some(found)
}

/// What the credentials in an entry of a `ConfigMap` are, each kind once.
fn credentials(entry: &Entry<'_>) -> Vec<String> {
    // A name with an ending is a file's: what it holds is more than one value.
    let origin = if entry.name.contains('.') {
        Origin::File(&entry.name)
    } else {
        Origin::Value(&entry.name)
    };
    let mut titles: Vec<String> = detector()
        .scan(&entry.value, origin)
        .into_iter()
        .filter(|detection| detection.confidence > Confidence::Low)
        .map(|detection| detection.title.into_owned())
        .collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}

/// A name as Kubernetes allows them. In damaged bytes a value may stand where a name should: what
/// does not look like a name is not shown.
pub(super) fn name_of(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.len() <= MAX_NAME_BYTES && text.chars().all(allowed) {
        text.to_owned()
    } else {
        "?".to_owned()
    }
}
