//! `coaming secrets etcd` with a real etcd: the report must agree with etcd itself, and with a
//! search of the bytes.
//!
//! An API server wrote the objects (`*.bin`); names and values are replaced by others of the same
//! length.

mod lab;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::{json, run, stdout};
use server::Etcd;

const SECRET: &[u8] = include_bytes!("secret.bin");
const CONFIG_MAP: &[u8] = include_bytes!("config-map.bin");

/// A Secret's value, which must not appear in any output.
fn value(number: usize) -> String {
    format!("value-of-number-{number:04}")
}

fn replaced(template: &[u8], replacements: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = template.to_vec();
    for (from, to) in replacements {
        assert_eq!(from.len(), to.len());
        let positions: Vec<usize> = (0..bytes.len() - from.len())
            .filter(|at| bytes[*at..].starts_with(from.as_bytes()))
            .collect();
        assert!(!positions.is_empty(), "{from}");
        for at in positions {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    bytes
}

fn secret(number: usize) -> Vec<u8> {
    let name = format!("secret-{number:04}");
    replaced(SECRET, &[("secret-0000", name), ("value-of-number-0000", value(number))])
}

fn key(number: usize) -> String {
    format!("/registry/secrets/shop/secret-{number:04}")
}

/// A value like an encryption provider's: its prefix, and bytes that cannot be read.
fn encrypted(prefix: &str, number: usize) -> Vec<u8> {
    let noise = (0..90).map(|index| u8::try_from((number * 37 + index * 101) % 256).unwrap());
    prefix.bytes().chain(noise).collect()
}

/// The report on a file, and the exit code.
fn report(path: &Path) -> (Value, Option<i32>) {
    let output = run(&["secrets", "etcd", "--format", "json", path.to_str().unwrap()]);
    (json(&output), output.status.code())
}

fn objects<'r>(report: &'r Value, kind: &str) -> BTreeMap<&'r str, &'r Value> {
    let objects = report["etcd"]["objects"].as_array().unwrap().iter();
    objects
        .filter(|object| object["kind"] == kind)
        .map(|object| (object["key"].as_str().unwrap(), object))
        .collect()
}

/// The names of objects with findings of a rule.
fn found<'r>(report: &'r Value, rule: &str) -> BTreeSet<&'r str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["rule"] == rule)
        .map(|finding| finding["object"]["name"].as_str().unwrap())
        .collect()
}

/// The state of a stored value, by its prefix.
fn state_of(value: &[u8]) -> String {
    let Some(rest) = value.strip_prefix(b"k8s:enc:") else { return "plain".to_owned() };
    let end = rest.iter().enumerate().filter(|(_, byte)| **byte == b':').nth(2).unwrap().0;
    String::from_utf8(rest[..end].to_vec()).unwrap()
}

/// Every Secret is reported with the state and revision that etcd itself returns.
fn agrees_with_etcd(report: &Value, etcds: &[(String, u64, Vec<u8>)]) {
    let ours = objects(report, "Secret");
    let alive = ours
        .values()
        .filter(|object| !["deleted", "gone"].contains(&object["state"].as_str().unwrap()));
    assert_eq!(alive.count(), etcds.len());
    for (key, revision, value) in etcds {
        let object = ours.get(key.as_str()).unwrap_or_else(|| panic!("{key} is not reported"));
        assert_eq!(object["revision"], *revision, "{key}");
        let state = match object["state"].as_str().unwrap() {
            "encrypted" => {
                let part = |name: &str| object[name].as_str().unwrap().to_owned();
                [part("provider"), part("provider_version"), part("provider_key")].join(":")
            }
            state => state.to_owned(),
        };
        assert_eq!(state, state_of(value), "{key}");
    }
}

/// Exactly the Secrets whose values are among the bytes are reported.
fn agrees_with_bytes(report: &Value, file: &[u8], numbers: std::ops::Range<usize>) {
    let mut reported = found(report, "etcd-plain-secret");
    reported.extend(found(report, "etcd-leftover-secret"));
    for number in numbers {
        let there = memmem(file, value(number).as_bytes());
        let name = format!("secret-{number:04}");
        assert_eq!(reported.contains(name.as_str()), there, "{name}");
    }
}

fn memmem(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// No format shows a value.
fn values_are_never_shown(path: &Path) {
    let formats =
        ["full", "concise", "json", "sarif", "junit", "github", "gitlab", "html", "markdown"];
    for format in formats {
        let output = run(&["secrets", "etcd", "--format", format, path.to_str().unwrap()]);
        let text = format!("{}{}", stdout(&output), super::stderr(&output));
        assert!(text.contains("secret-00"), "{format}: {text}");
        for secret in ["value-of-number", "dmFsdWUtb2YtbnVtYmVy", "Kq7pZx4w"] {
            assert!(!text.contains(secret), "{format} shows a value");
        }
    }
}

const COUNT: usize = 120;

#[test]
fn a_store_through_its_life() {
    let Some(mut etcd) = Etcd::start("a_store_through_its_life") else { return };
    for number in 0..COUNT {
        etcd.put(&key(number), &secret(number));
        etcd.put(&format!("/registry/events/shop/event-{number}"), &[b'e'; 700]);
    }
    let open = replaced(CONFIG_MAP, &[]);
    etcd.put("/registry/configmaps/shop/settings-0000", &open);
    etcd.put("/registry/example.com/secrets/shop/custom", b"{\"kind\":\"Custom\"}");

    // Nothing is encrypted.
    let snapshot = etcd.snapshot("plain.db");
    let (plain, code) = report(&snapshot);
    assert_eq!(code, Some(1));
    assert_eq!(plain["errors"], serde_json::json!([]));
    assert_eq!(plain["etcd"]["checksum"], "verified");
    agrees_with_etcd(&plain, &etcd.all("/registry/secrets/"));
    assert_eq!(found(&plain, "etcd-plain-secret").len(), COUNT);
    assert_eq!(found(&plain, "etcd-config-map-credential"), BTreeSet::from(["settings-0000"]));
    values_are_never_shown(&snapshot);

    // A third is encrypted, by one provider after another; a third is deleted.
    for number in 0..COUNT / 3 {
        let prefix = ["aescbc:v1:key1:", "secretbox:v1:key 2:", "kms:v2:vault:", "aesgcm:v1::"];
        etcd.put(&key(number), &encrypted(&format!("k8s:enc:{}", prefix[number % 4]), number));
        etcd.delete(&key(number + COUNT / 3));
    }
    let snapshot = etcd.snapshot("mixed.db");
    let (mixed, _) = report(&snapshot);
    agrees_with_etcd(&mixed, &etcd.all("/registry/secrets/"));
    assert_eq!(found(&mixed, "etcd-plain-secret").len(), COUNT / 3);
    assert_eq!(found(&mixed, "etcd-leftover-secret").len(), 2 * (COUNT / 3));
    agrees_with_bytes(&mixed, &std::fs::read(&snapshot).unwrap(), 0..COUNT);

    // The rest is encrypted, and old revisions are compacted: free pages keep their content.
    for number in 2 * (COUNT / 3)..COUNT {
        etcd.put(&key(number), &encrypted("k8s:enc:aescbc:v1:key1:", number));
    }
    etcd.compact();
    let snapshot = etcd.snapshot("compacted.db");
    let (compacted, _) = report(&snapshot);
    agrees_with_etcd(&compacted, &etcd.all("/registry/secrets/"));
    assert!(found(&compacted, "etcd-plain-secret").is_empty());
    assert!(!found(&compacted, "etcd-leftover-secret").is_empty());
    assert!(compacted["etcd"]["compacted_revision"].as_u64().unwrap() > 0);
    agrees_with_bytes(&compacted, &std::fs::read(&snapshot).unwrap(), 0..COUNT);

    // Defragmented, nothing remains but the write-ahead log of the data directory.
    etcd.delete("/registry/configmaps/shop/settings-0000");
    etcd.compact();
    etcd.defragment();
    let snapshot = etcd.snapshot("clean.db");
    let (clean, code) = report(&snapshot);
    assert_eq!((clean["findings"].as_array().unwrap().len(), code), (0, Some(0)));
    agrees_with_bytes(&clean, &std::fs::read(&snapshot).unwrap(), 0..COUNT);
    let directory = etcd.stop();
    let (log, code) = report(directory.path());
    assert_eq!(code, Some(1));
    assert_eq!(found(&log, "etcd-leftover-secret").len(), COUNT + 1);
    assert_eq!(log["errors"], serde_json::json!([]));
    values_are_never_shown(directory.path());
    let database = directory.path().join("member/snap/db");
    assert_eq!(report(&database).1, Some(0));
}

#[test]
fn damaged_snapshots_are_reported_and_read_as_far_as_possible() {
    let Some(mut etcd) = Etcd::start("damaged_snapshots_are_reported") else { return };
    for number in 0..20 {
        etcd.put(&key(number), &secret(number));
    }
    let snapshot = etcd.snapshot("whole.db");
    let whole = std::fs::read(&snapshot).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&snapshot, &changed).unwrap();
    let (report_of_changed, code) = report(&snapshot);
    assert_eq!(code, Some(2));
    assert_eq!(found(&report_of_changed, "etcd-plain-secret").len(), 20);
    for length in [whole.len() / 2 + 1, whole.len() / 4, 5000, 100, 0] {
        std::fs::write(&snapshot, &whole[..length]).unwrap();
        let output = run(&["secrets", "etcd", snapshot.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{length}");
        assert!(super::stderr(&output).starts_with("error: "), "{length}");
    }
}

#[test]
fn other_files_are_refused() {
    let directory = super::directory(&[("notes.txt", "not a database\n")]);
    for path in [directory.path().to_owned(), directory.path().join("notes.txt"), "nowhere".into()]
    {
        let output = run(&["secrets", "etcd", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stdout(&output).is_empty());
        assert!(super::stderr(&output).contains(path.to_str().unwrap()));
    }
}
