//! Judges what a store contains: one finding per object, as each object is one thing to repair.

use coaming_finding::{Finding, Fix, Location, ObjectRef, SourceId};

use super::histories::{ExposedEntry, History, PlainText, Remnant, RemnantLocation, State};
use super::mvcc::{EtcdKey, Resource};
use super::other_objects::OtherObject;
use super::read::Contents;
use super::rules::{self, EtcdRule, Repair};

/// At most this many locations are in a finding; its message counts all of them.
const MAX_LOCATIONS: usize = 20;

/// What is wrong, worst first. Locations are in the source with number 0, the database, or in one of
/// [`Contents::other_files`], whose numbers follow in order.
#[must_use]
pub fn findings(contents: &Contents) -> Vec<Finding> {
    let encrypts = contents.objects.iter().any(|(key, history)| {
        let state = history.current().map(|current| &current.state);
        key.resource == Resource::Secret && matches!(state, Some(State::Encrypted(_)))
    });
    let mut findings: Vec<Finding> = contents
        .objects
        .iter()
        .filter_map(|(key, history)| of_history(contents, key, history, encrypts))
        .collect();
    findings.extend(contents.others.values().filter_map(|object| of_other(contents, object)));
    findings.sort_by(|a, b| a.rank().cmp(&b.rank()));
    findings
}

/// The finding about a Secret or ConfigMap.
fn of_history(
    contents: &Contents,
    key: &EtcdKey,
    history: &History,
    encrypts: bool,
) -> Option<Finding> {
    let object = reference(key);
    let subject = subject(&object);
    let current = history.current();
    match current.map(|current| (&current.state, current.revision)) {
        Some((State::Plain(plain_text), revision)) => {
            let locations = current_locations(key.resource, revision, plain_text);
            let message = match key.resource {
                Resource::Secret => format!("{subject} is stored in etcd in plain text"),
                Resource::ConfigMap => format!("{subject} contains {}", titles(plain_text)),
            };
            let (rule, repair) = match key.resource {
                Resource::Secret if encrypts => (&rules::PLAIN_SECRET, rules::REWRITE),
                Resource::Secret => (&rules::PLAIN_SECRET, rules::ENCRYPT),
                Resource::ConfigMap => (&rules::CONFIG_MAP_CREDENTIAL, rules::MOVE),
            };
            Some(finding(rule, object, &message, locations, repair))
        }
        Some((State::Unknown, revision)) if key.resource == Resource::Secret => {
            let locations = vec![location(0, "data", format!("revision {revision}"))];
            let message = format!("{subject} has an encoding that Kubernetes does not write");
            Some(finding(&rules::UNKNOWN_ENCODING, object, &message, locations, rules::LOOK))
        }
        state => {
            let now = match state {
                Some((State::Encrypted(_), _)) => "is encrypted now",
                Some((State::Deleted, _)) | None => "is deleted",
                _ => "contains nothing secret now",
            };
            let subject_now = format!("{subject} {now}");
            let earlier = history.earlier_plain_texts().collect();
            leftover(contents, object, &subject_now, earlier, &history.remnants)
        }
    }
}

/// The finding about an object of another kind.
fn of_other(contents: &Contents, object: &OtherObject) -> Option<Finding> {
    let identity = object.identity.clone();
    let subject = subject(&identity);
    let Some(plain_text) = &object.plain_text else {
        let now = if object.deleted { "is deleted" } else { "contains no credential now" };
        let subject_now = format!("{subject} {now}");
        let earlier = object.earlier.iter().map(|(revision, text)| (*revision, text)).collect();
        return leftover(contents, identity, &subject_now, earlier, &object.remnants);
    };
    let locations = plain_text
        .entries
        .iter()
        .map(|entry| {
            let label = format!("revision {}, `{}`: {}", object.revision, entry.name, entry.title);
            location(0, entry.field, label)
        })
        .collect();
    let message = format!("{subject} contains {}", titles(plain_text));
    Some(finding(&rules::OBJECT_CREDENTIAL, identity, &message, locations, rules::MOVE))
}

/// What remains of an object: in old revisions, in free pages and in other files.
fn leftover(
    contents: &Contents,
    object: ObjectRef,
    subject_now: &str,
    earlier: Vec<(u64, &PlainText)>,
    remnants: &[Remnant],
) -> Option<Finding> {
    let mut locations: Vec<Location> = earlier
        .iter()
        .map(|(revision, text)| {
            location(0, field(text), format!("old revision {revision}: {}", names(&text.entries)))
        })
        .collect();
    let (pages, files) = add_remnants(contents, remnants, &mut locations);
    if locations.is_empty() {
        return None;
    }
    let counts = [(earlier.len(), "old revision"), (pages, "free page"), (files, "other file")];
    let left: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    let verb = if locations.len() == 1 { "contains" } else { "contain" };
    let message =
        format!("{subject_now}, but {} still {verb} it in plain text", left.join(" and "));
    Some(finding(&rules::LEFTOVER_SECRET, object, &message, locations, rules::DEFRAGMENT))
}

/// The field that the entries are in.
fn field(plain_text: &PlainText) -> &'static str {
    plain_text.entries.first().map_or("data", |entry| entry.field)
}

/// Adds the locations of an object's remnants, and counts free pages and other files.
fn add_remnants(
    contents: &Contents,
    remnants: &[Remnant],
    locations: &mut Vec<Location>,
) -> (usize, usize) {
    let mut pages = 0_usize;
    let mut files: Vec<&str> = Vec::new();
    for remnant in remnants {
        let names = names(&remnant.plain_text.entries);
        let field = field(&remnant.plain_text);
        match &remnant.location {
            RemnantLocation::FreePage(page) => {
                let revision = match remnant.revision {
                    0 => String::new(),
                    revision => format!(", revision {revision}"),
                };
                pages += 1;
                let label = format!("free page {page}{revision}: {names}");
                locations.push(location(0, field, label));
            }
            RemnantLocation::OtherFile(name) => {
                if files.last() != Some(&name.as_str()) {
                    files.push(name);
                }
                let file = contents.other_files.iter().position(|known| known == name);
                let file = file.and_then(|file| u64::try_from(file + 1).ok()).unwrap_or_default();
                locations.push(location(file, field, format!("write-ahead log: {names}")));
            }
        }
    }
    (pages, files.len())
}

fn reference(key: &EtcdKey) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: key.resource.kind().to_owned(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
    }
}

/// ``Secret `shop/db` ``
fn subject(object: &ObjectRef) -> String {
    let ObjectRef { kind, namespace, name, .. } = object;
    match namespace.as_str() {
        "" => format!("{kind} `{name}`"),
        namespace => format!("{kind} `{namespace}/{name}`"),
    }
}

fn finding(
    rule: &'static EtcdRule,
    object: ObjectRef,
    what: &str,
    mut locations: Vec<Location>,
    repair: Repair,
) -> Finding {
    locations.truncate(MAX_LOCATIONS);
    let first = repair.title.get(..1).unwrap_or_default().to_uppercase();
    let rest = repair.title.get(1..).unwrap_or_default();
    Finding {
        rule: (&rule.meta).into(),
        severity: rule.meta.severity,
        confidence: rule.confidence,
        message: what.to_owned(),
        why: rule.why.into(),
        help: format!("{first}{rest}.").into(),
        object: Some(object),
        container: None,
        locations,
        fix: Some(Fix::manual(repair.title, repair.snippet)),
        suppressed: None,
        variants: Vec::new(),
        commit: None,
        verification: None,
        way: None,
    }
}

/// The locations of what is in plain text now: one for a Secret, one per entry for a ConfigMap.
fn current_locations(resource: Resource, revision: u64, plain_text: &PlainText) -> Vec<Location> {
    match resource {
        Resource::Secret => {
            let label = format!("revision {revision}: {}", names(&plain_text.entries));
            vec![location(0, "data", label)]
        }
        Resource::ConfigMap => plain_text
            .entries
            .iter()
            .map(|entry| {
                let label = format!("revision {revision}: {}", entry.title);
                let location = location(0, entry.field, label);
                Location { path: location.path.join(entry.name.as_str()), ..location }
            })
            .collect(),
    }
}

fn location(source: u64, field: &str, label: String) -> Location {
    let path = coaming_yaml::Path::root().join(field);
    Location { source: Some(SourceId::new(source)), path, span: None, label }
}

fn names(entries: &[ExposedEntry]) -> String {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.join(", ")
}

fn titles(plain_text: &PlainText) -> String {
    let mut titles: Vec<&str> =
        plain_text.entries.iter().map(|entry| entry.title.as_str()).collect();
    titles.sort_unstable();
    titles.dedup();
    titles.join(", ")
}

/// `1 page`, `2 pages`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
