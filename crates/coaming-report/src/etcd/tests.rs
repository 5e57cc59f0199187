use std::collections::BTreeMap;

use coaming_etcd::{
    Checksum, Contents, Encryption, EtcdKey, ExposedEntry, History, ObjectRevision, PlainText,
    Remnant, RemnantLocation, Resource, State, findings,
};

use super::{Details, text};

fn key(resource: Resource, name: &str) -> EtcdKey {
    let (namespace, prefix) = ("shop".to_owned(), "/registry".to_owned());
    EtcdKey { resource, namespace, name: name.to_owned(), prefix }
}

fn revision(revision: u64, state: State) -> ObjectRevision {
    ObjectRevision { revision, sub: 0, state }
}

fn plain(names: &[&str], title: &str) -> PlainText {
    let entry = |name: &&str| {
        let (name, title) = ((*name).to_owned(), title.to_owned());
        ExposedEntry { field: "data", name, title }
    };
    let entries: Vec<ExposedEntry> = names.iter().map(entry).collect();
    PlainText { secret_type: "Opaque".to_owned(), count: entries.len(), entries }
}

/// One object in each state that a report distinguishes.
fn contents() -> Contents {
    let key1 = Encryption {
        provider: "aescbc".to_owned(),
        version: "v1".to_owned(),
        key: "key\u{202e}1".to_owned(),
    };
    let remnant =
        |location, revision| Remnant { location, revision, plain_text: plain(&["password"], "") };
    let history = |revisions, remnants| History { revisions, remnants };
    let log = RemnantLocation::OtherFile("wal/0.wal".to_owned());
    let objects = BTreeMap::from([
        (
            key(Resource::Secret, "db"),
            history(vec![revision(5, State::Plain(plain(&["user", "password"], "")))], Vec::new()),
        ),
        (
            key(Resource::Secret, "rotated"),
            history(
                vec![
                    revision(3, State::Plain(plain(&["password"], ""))),
                    revision(6, State::Encrypted(key1)),
                ],
                vec![remnant(RemnantLocation::FreePage(4), 2), remnant(log, 0)],
            ),
        ),
        (key(Resource::Secret, "strange"), history(vec![revision(7, State::Unknown)], Vec::new())),
        (
            key(Resource::ConfigMap, "settings"),
            history(
                vec![revision(8, State::Plain(plain(&["url"], "password in a URL")))],
                Vec::new(),
            ),
        ),
        (
            key(Resource::ConfigMap, "harmless"),
            history(vec![revision(9, State::Harmless)], Vec::new()),
        ),
    ]);
    Contents {
        bytes: 32768,
        checksum: Checksum::Verified,
        pages: 8,
        free_pages: 1,
        revision_count: 6,
        revision: 9,
        compacted: 2,
        other_files: vec!["wal/0.wal".to_owned()],
        objects,
        others: BTreeMap::new(),
        problems: Vec::new(),
    }
}

#[test]
fn text_of_all_states() {
    let contents = contents();
    insta::assert_snapshot!(text("member/snap/db", &contents, &findings(&contents)));
}

#[test]
fn text_without_findings() {
    let contents = Contents { objects: BTreeMap::new(), compacted: 0, ..contents() };
    let text = text("a.db", &contents, &[]);
    assert!(text.contains("no Secrets and no ConfigMaps"), "{text}");
    assert!(text.ends_with("\nIt contains no secrets in plain text.\n"), "{text}");
}

#[test]
fn details_name_states_and_remnants() {
    let contents = contents();
    let details = serde_json::to_value(Details::new(&contents)).unwrap();
    let states: Vec<&str> = details["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| object["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["plain", "encrypted", "unknown", "harmless", "plain"]);
    let rotated = &details["objects"][1];
    assert_eq!(rotated["provider"], "aescbc");
    assert_eq!(rotated["plain_old_revisions"], serde_json::json!([3]));
    assert_eq!(rotated["plain_free_pages"], serde_json::json!([4]));
    assert_eq!(rotated["plain_other_files"], serde_json::json!(["wal/0.wal"]));
}
