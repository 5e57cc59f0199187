//! Judges what a file of etcd holds: one finding an object, for one thing to do.

use coaming_finding::{Finding, Fix, Location, ObjectRef, RuleMeta, SourceId};

use super::contents::{EntryName, History, Place, Plain, Remnant, State};
use super::history::OtherObject;
use super::mvcc::{ObjectKey, Resource};
use super::read::Contents;
use super::rules::{self, Repair};

/// A finding shows so many places; its message counts all.
const MAX_PLACES: usize = 20;

/// What is wrong, worst first. Places lie in the file with id 0, the database, or in one of
/// [`Contents::beside`], which follow it in order.
#[must_use]
pub fn findings(contents: &Contents) -> Vec<Finding> {
    let encrypts = contents.objects.iter().any(|(key, history)| {
        let state = history.current().map(|current| &current.state);
        key.resource == Resource::Secret && matches!(state, Some(State::Encrypted(_)))
    });
    let mut findings: Vec<Finding> = contents
        .objects
        .iter()
        .filter_map(|(key, history)| judge(contents, key, history, encrypts))
        .collect();
    findings.extend(contents.others.values().filter_map(|object| other(contents, object)));
    findings.sort_by(|a, b| a.rank().cmp(&b.rank()));
    findings
}

fn judge(
    contents: &Contents,
    key: &ObjectKey,
    history: &History,
    encrypts: bool,
) -> Option<Finding> {
    let subject = format!("{} `{}/{}`", key.resource.kind(), key.namespace, key.name);
    let current = history.current();
    match current.map(|current| (&current.state, current.revision)) {
        Some((State::Plain(plain), revision)) => {
            let places = plain_places(key.resource, revision, plain);
            let message = match key.resource {
                Resource::Secret => format!("{subject} lies in etcd in plain text"),
                Resource::ConfigMap => format!("{subject} holds {}", titles(plain)),
            };
            let (rule, repair) = match key.resource {
                Resource::Secret if encrypts => (&rules::PLAIN_SECRET, rules::REWRITE),
                Resource::Secret => (&rules::PLAIN_SECRET, rules::ENCRYPT),
                Resource::ConfigMap => (&rules::CONFIG_MAP_CREDENTIAL, rules::MOVE),
            };
            Some(finding(rule, reference(key), &message, places, repair))
        }
        Some((State::Unknown, revision)) if key.resource == Resource::Secret => {
            let places = vec![location(0, "data", format!("revision {revision}"))];
            let message = format!("{subject} is in no encoding that Kubernetes writes");
            Some(finding(&rules::UNKNOWN_ENCODING, reference(key), &message, places, rules::LOOK))
        }
        _ => leftover_of(contents, key, history, &subject),
    }
}

/// What is said of an object of another kind.
fn other(contents: &Contents, object: &OtherObject) -> Option<Finding> {
    let identity = &object.identity;
    let place = match identity.namespace.as_str() {
        "" => identity.name.clone(),
        namespace => format!("{namespace}/{}", identity.name),
    };
    let subject = format!("{} `{place}`", identity.kind);
    let reference = ObjectRef {
        api_version: identity.api_version.clone(),
        kind: identity.kind.clone(),
        namespace: identity.namespace.clone(),
        name: identity.name.clone(),
    };
    let Some(plain) = &object.plain else {
        let now = if object.deleted { "is deleted" } else { "shows no credential now" };
        let old = object.old.iter().map(|(revision, plain)| (*revision, plain)).collect();
        return leftover(contents, reference, &format!("{subject} {now}"), old, &object.remnants);
    };
    let entries = plain.entries.iter();
    let locations = entries
        .map(|entry| {
            let label = format!("revision {}, `{}`: {}", object.revision, entry.name, entry.title);
            location(0, entry.field, label)
        })
        .collect();
    let what = format!("{subject} holds {}", titles(plain));
    Some(finding(&rules::OBJECT_CREDENTIAL, reference, &what, locations, rules::MOVE))
}

/// What is left of a Secret or `ConfigMap` that shows nothing now.
fn leftover_of(
    contents: &Contents,
    key: &ObjectKey,
    history: &History,
    subject: &str,
) -> Option<Finding> {
    let now = match history.current().map(|current| &current.state) {
        Some(State::Encrypted(_)) => "is encrypted now",
        Some(State::Deleted) | None => "is deleted",
        _ => "shows nothing secret now",
    };
    let old = history.plain_before().collect();
    leftover(contents, reference(key), &format!("{subject} {now}"), old, &history.remnants)
}

/// What is left of an object: in old revisions, in free pages and in other files.
fn leftover(
    contents: &Contents,
    reference: ObjectRef,
    subject_now: &str,
    old: Vec<(u64, &Plain)>,
    remnants: &[Remnant],
) -> Option<Finding> {
    let mut places: Vec<Location> = old
        .iter()
        .map(|(revision, plain)| {
            location(0, field(plain), format!("old revision {revision}: {}", names(&plain.entries)))
        })
        .collect();
    let (pages, files) = places_of(contents, remnants, &mut places);
    if places.is_empty() {
        return None;
    }
    let mut left = Vec::new();
    if !old.is_empty() {
        left.push(counted(old.len(), "old revision"));
    }
    if pages > 0 {
        left.push(counted(pages, "free page"));
    }
    if files > 0 {
        left.push(counted(files, "other file"));
    }
    let verb = if places.len() == 1 { "holds" } else { "hold" };
    let message =
        format!("{subject_now}, but {} still {verb} it in plain text", left.join(" and "));
    Some(finding(&rules::LEFTOVER_SECRET, reference, &message, places, rules::DEFRAGMENT))
}

/// The field that the entries are in.
fn field(plain: &Plain) -> &'static str {
    plain.entries.first().map_or("data", |entry| entry.field)
}

/// Adds where else plain text of an object lies, and counts free pages and other files.
fn places_of(
    contents: &Contents,
    remnants: &[Remnant],
    places: &mut Vec<Location>,
) -> (usize, usize) {
    let mut pages = 0_usize;
    let mut files: Vec<&str> = Vec::new();
    for remnant in remnants {
        let names = names(&remnant.plain.entries);
        let of = match remnant.revision {
            0 => String::new(),
            revision => format!(", revision {revision}"),
        };
        match &remnant.place {
            Place::FreePage(page) => {
                pages += 1;
                places.push(location(
                    0,
                    field(&remnant.plain),
                    format!("free page {page}{of}: {names}"),
                ));
            }
            Place::Beside(name) => {
                if files.last() != Some(&name.as_str()) {
                    files.push(name);
                }
                let file = contents.beside.iter().position(|known| known == name);
                let file = file.and_then(|file| u64::try_from(file + 1).ok()).unwrap_or_default();
                places.push(location(
                    file,
                    field(&remnant.plain),
                    format!("write-ahead log: {names}"),
                ));
            }
        }
    }
    (pages, files.len())
}

fn reference(key: &ObjectKey) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: key.resource.kind().to_owned(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    }
}

fn finding(
    rule: &'static RuleMeta,
    object: ObjectRef,
    what: &str,
    mut locations: Vec<Location>,
    repair: Repair,
) -> Finding {
    locations.truncate(MAX_PLACES);
    let first = repair.title.get(..1).unwrap_or_default().to_uppercase();
    let rest = repair.title.get(1..).unwrap_or_default();
    Finding {
        rule: rule.into(),
        severity: rule.severity,
        confidence: rules::confidence(rule),
        message: what.to_owned(),
        why: rules::why(rule).into(),
        help: format!("{first}{rest}.").into(),
        object: Some(object),
        container: None,
        locations,
        fix: Some(Fix::manual(repair.title, repair.snippet)),
        suppressed: None,
        variants: Vec::new(),
    }
}

/// The places of what shows now: of a Secret one, of a `ConfigMap` each entry.
fn plain_places(resource: Resource, revision: u64, plain: &Plain) -> Vec<Location> {
    match resource {
        Resource::Secret => {
            vec![location(0, "data", format!("revision {revision}: {}", names(&plain.entries)))]
        }
        Resource::ConfigMap => plain
            .entries
            .iter()
            .map(|entry| {
                let mut place =
                    location(0, entry.field, format!("revision {revision}: {}", entry.title));
                place.path = place.path.join(entry.name.as_str());
                place
            })
            .collect(),
    }
}

fn location(file: u64, field: &str, label: String) -> Location {
    let path = coaming_yaml::Path::root().join(field);
    Location { source: Some(SourceId::new(file)), path, span: None, label }
}

fn names(entries: &[EntryName]) -> String {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}

fn titles(plain: &Plain) -> String {
    let mut titles: Vec<&str> = plain.entries.iter().map(|entry| entry.title.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    titles.join(", ")
}

/// `1 page`, `2 pages`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
