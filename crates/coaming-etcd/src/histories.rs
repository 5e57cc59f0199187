//! What Secrets and ConfigMaps contain: each object with its history, and its remnants.
//!
//! Nothing here keeps a value: of an object in plain text only the names of its entries are kept,
//! and those are bounded in number and length.

use std::collections::BTreeMap;

use coaming_secret::{Confidence, TextKind, detector};

use super::envelope::{Encryption, Entry, PlainObject, Stored};
use super::mvcc::{EtcdKey, Resource, Revision};

/// At most this many names of an object's entries are kept.
const MAX_NAMES: usize = 16;
/// Kubernetes allows no longer names.
const MAX_NAME_BYTES: usize = 253;

/// An entry that can be read, by its place in the object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExposedEntry {
    /// `data`, `binaryData` or `spec`.
    pub field: &'static str,
    /// The entry's name.
    pub name: String,
    /// What was recognized in it, in words; empty for a Secret, where everything is secret.
    pub title: String,
}

/// What is secret in an object in plain text, without its values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlainText {
    /// A Secret's type; empty where it has none.
    pub secret_type: String,
    /// Entries that contain something secret; only the first ones if there are very many.
    pub entries: Vec<ExposedEntry>,
    /// How many entries contain something secret.
    pub count: usize,
}

/// What anyone who reads the file learns from a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// The object was deleted.
    Deleted,
    /// Nothing secret.
    Harmless,
    /// The object is encrypted.
    Encrypted(Encryption),
    /// Secrets in plain text.
    Plain(PlainText),
    /// The value is neither an object nor the output of an encryption provider of Kubernetes.
    Unknown,
}

/// A revision of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectRevision {
    /// The number of etcd's transaction.
    pub revision: u64,
    /// The number of the write within the transaction.
    pub sub: u64,
    /// What it shows.
    pub state: State,
}

/// Where a remnant is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RemnantLocation {
    /// In a page that nothing points to.
    FreePage(u64),
    /// In another file of the data directory, by the name it was given.
    OtherFile(String),
}

/// Plain text of an object that no tree leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remnant {
    /// Where it is.
    pub location: RemnantLocation,
    /// The revision that wrote it; 0 where that is unknown.
    pub revision: u64,
    /// What it shows.
    pub plain_text: PlainText,
}

/// An object through time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Its revisions, oldest first.
    pub revisions: Vec<ObjectRevision>,
    /// What remains of it outside the tree, by location.
    pub remnants: Vec<Remnant>,
}

impl History {
    /// The newest revision; `None` if etcd no longer knows the object.
    #[must_use]
    pub fn current(&self) -> Option<&ObjectRevision> {
        self.revisions.last()
    }

    /// What the newest revision shows in plain text.
    #[must_use]
    pub fn current_plain_text(&self) -> Option<&PlainText> {
        match &self.current()?.state {
            State::Plain(plain_text) => Some(plain_text),
            _ => None,
        }
    }

    /// Earlier revisions in plain text.
    pub fn earlier_plain_texts(&self) -> impl Iterator<Item = (u64, &PlainText)> {
        let earlier = self.revisions.split_last().map_or(&[][..], |(_, earlier)| earlier);
        in_plain_text(earlier)
    }
}

/// The revisions that are in plain text.
fn in_plain_text(revisions: &[ObjectRevision]) -> impl Iterator<Item = (u64, &PlainText)> {
    revisions.iter().filter_map(|revision| match &revision.state {
        State::Plain(plain_text) => Some((revision.revision, plain_text)),
        _ => None,
    })
}

/// At most this many revisions and remnants are kept, of all objects together.
const MAX_KEPT: usize = 4_000_000;

/// The histories of all Secrets and ConfigMaps.
#[derive(Clone, Debug, Default)]
pub(super) struct Histories {
    histories: BTreeMap<EtcdKey, History>,
    kept: usize,
}

impl Histories {
    /// Adds a revision; `false` if there are too many.
    pub(super) fn add(&mut self, key: EtcdKey, at: Revision, state: State) -> bool {
        self.kept += 1;
        if self.kept <= MAX_KEPT {
            let revision = ObjectRevision { revision: at.main, sub: at.sub, state };
            self.histories.entry(key).or_default().revisions.push(revision);
        }
        self.kept <= MAX_KEPT
    }

    /// Adds a remnant; `false` if there are too many.
    pub(super) fn add_remnant(&mut self, mut key: EtcdKey, remnant: Remnant) -> bool {
        self.kept += 1;
        if self.kept > MAX_KEPT {
            return false;
        }
        if key.prefix.is_empty() {
            // The remnant lost its key. If the same object is in the tree, it has the same key.
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

    /// The histories in order of their keys, each without duplicate remnants.
    pub(super) fn into_map(mut self) -> BTreeMap<EtcdKey, History> {
        for history in self.histories.values_mut() {
            // Most freed pages are copies of what the tree still contains.
            let of_tree: Vec<u64> =
                in_plain_text(&history.revisions).map(|(revision, _)| revision).collect();
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

/// What the value of a key shows; `None` if it is not the object that the key is for.
pub(super) fn state(key: &EtcdKey, value: &[u8]) -> Option<State> {
    match super::envelope::open(value) {
        Stored::Empty => Some(State::Harmless),
        Stored::Encrypted(encryption) => Some(State::Encrypted(encryption)),
        Stored::Unknown => Some(State::Unknown),
        // A resource of another group with the same name.
        Stored::Plain(object) if object.resource != Some(key.resource) => None,
        Stored::Plain(object) => Some(secrets_of(&object).map_or(State::Harmless, State::Plain)),
    }
}

/// What is secret in an object; `None` if nothing is.
pub(super) fn secrets_of(object: &PlainObject<'_>) -> Option<PlainText> {
    let secret_type = printable_name(&object.secret_type);
    let mut found = PlainText { secret_type, ..PlainText::default() };
    for entry in &object.entries {
        let titles = match object.resource {
            Some(Resource::Secret) if !entry.value.is_empty() => vec![String::new()],
            Some(Resource::ConfigMap) => credentials(entry),
            _ => Vec::new(),
        };
        for title in titles {
            found.count += 1;
            if found.entries.len() < MAX_NAMES {
                let name = printable_name(&entry.name);
                found.entries.push(ExposedEntry { field: entry.field, name, title });
            }
        }
    }
    (found.count > 0).then_some(found)
}

/// What the credentials in an entry of a ConfigMap are, each kind once.
fn credentials(entry: &Entry<'_>) -> Vec<String> {
    // A name with an extension is a file's: it contains more than one value.
    let kind = if entry.name.contains('.') {
        TextKind::File(&entry.name)
    } else {
        TextKind::Value(&entry.name)
    };
    let mut titles: Vec<String> = detector()
        .scan(&entry.value, kind)
        .into_iter()
        .filter(|detection| detection.confidence > Confidence::Low)
        .map(|detection| detection.title.into_owned())
        .collect();
    titles.sort_unstable();
    titles.dedup();
    titles
}

/// A name as Kubernetes allows them, else `?`: in damaged bytes, a value may be where a name should
/// be, so only what looks like a name is shown.
pub(super) fn printable_name(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.len() <= MAX_NAME_BYTES && text.chars().all(allowed) {
        text.to_owned()
    } else {
        "?".to_owned()
    }
}
