//! What an etcd store contains, beside the findings, for programs.

use coaming_etcd::{
    Checksum, Contents, EtcdKey, History, OtherObject, Remnant, RemnantLocation, State,
};
use serde::Serialize;

/// The field `etcd` of the command's JSON.
#[derive(Debug, Serialize)]
pub struct Details<'c> {
    bytes: u64,
    checksum: &'static str,
    pages: u64,
    free_pages: u64,
    revisions: u64,
    revision: u64,
    compacted_revision: u64,
    other_files: &'c [String],
    objects: Vec<Object<'c>>,
}

#[derive(Debug, Serialize)]
struct Object<'c> {
    kind: &'c str,
    namespace: &'c str,
    name: &'c str,
    key: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_version: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_key: Option<&'c str>,
    plain_old_revisions: Vec<u64>,
    plain_free_pages: Vec<u64>,
    plain_other_files: Vec<&'c str>,
}

impl<'c> Details<'c> {
    /// The details of a store.
    #[must_use]
    pub fn new(contents: &'c Contents) -> Self {
        let objects = contents.objects.iter().map(|(key, history)| of_history(key, history));
        let others = contents.others.iter().map(|(key, object)| of_other(key, object));
        Self {
            bytes: contents.bytes,
            checksum: match contents.checksum {
                Checksum::Verified => "verified",
                Checksum::Wrong => "wrong",
                Checksum::Absent => "absent",
            },
            pages: contents.pages,
            free_pages: contents.free_pages,
            revisions: contents.revision_count,
            revision: contents.revision,
            compacted_revision: contents.compacted,
            other_files: &contents.other_files,
            objects: objects.chain(others).collect(),
        }
    }
}

fn of_history<'c>(key: &'c EtcdKey, history: &'c History) -> Object<'c> {
    let current = history.current();
    let (state, encryption) = match current.map(|current| &current.state) {
        None => ("gone", None),
        Some(State::Deleted) => ("deleted", None),
        Some(State::Harmless) => ("harmless", None),
        Some(State::Plain(_)) => ("plain", None),
        Some(State::Unknown) => ("unknown", None),
        Some(State::Encrypted(encryption)) => ("encrypted", Some(encryption)),
    };
    let (pages, files) = locations(&history.remnants);
    Object {
        kind: key.resource.kind(),
        namespace: &key.namespace,
        name: &key.name,
        key: key.path(),
        state,
        revision: current.map(|current| current.revision),
        provider: encryption.map(|encryption| encryption.provider.as_str()),
        provider_version: encryption.map(|encryption| encryption.version.as_str()),
        provider_key: encryption.map(|encryption| encryption.key.as_str()),
        plain_old_revisions: history.earlier_plain_texts().map(|(revision, _)| revision).collect(),
        plain_free_pages: pages,
        plain_other_files: files,
    }
}

fn of_other<'c>(key: &str, object: &'c OtherObject) -> Object<'c> {
    let (pages, files) = locations(&object.remnants);
    Object {
        kind: &object.identity.kind,
        namespace: &object.identity.namespace,
        name: &object.identity.name,
        key: key.to_owned(),
        state: match (&object.plain_text, object.deleted, object.revision) {
            (Some(_), ..) => "plain",
            (None, true, 0) => "gone",
            (None, true, _) => "deleted",
            (None, false, _) => "harmless",
        },
        revision: (object.revision > 0).then_some(object.revision),
        provider: None,
        provider_version: None,
        provider_key: None,
        plain_old_revisions: object.earlier.iter().map(|(revision, _)| *revision).collect(),
        plain_free_pages: pages,
        plain_other_files: files,
    }
}

/// The free pages and the other files that contain remnants.
fn locations(remnants: &[Remnant]) -> (Vec<u64>, Vec<&str>) {
    let mut pages = Vec::new();
    let mut files = Vec::new();
    for remnant in remnants {
        match &remnant.location {
            RemnantLocation::FreePage(page) => pages.push(*page),
            RemnantLocation::OtherFile(name) => files.push(name.as_str()),
        }
    }
    pages.dedup();
    files.dedup();
    (pages, files)
}
