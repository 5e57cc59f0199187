//! A slow, obvious matcher beside the database: OSV's evaluation, word for word, on records of every
//! shape that the schema allows, and on every version that they name.
//!
//! The orders of versions are the crate's own: [`crate::oracles`] compares those with the ecosystems'
//! tools.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use coaming_advisory::{DeploymentContext, Ecosystem, Order};
use serde_json::{Value, json};

use crate::world::{World, packages};

/// How many records there are.
const RECORDS: usize = 400;

/// An ecosystem by OSV's name, the name of a package in it, its URL around the version, and what its
/// versions may end with.
const PACKAGES: [(&str, &str, &str, [&str; 4]); 12] = [
    ("PyPI", "acme", "pkg:pypi/acme@V", ["", "rc1", ".post1", ".dev2"]),
    ("npm", "@acme/lib", "pkg:npm/%40acme/lib@V", ["", "-rc.1", "-alpha", "-beta.2"]),
    ("Go", "github.com/Acme/lib", "pkg:golang/github.com/Acme/lib@vV", ["", "-rc.1", "-0.1", ""]),
    ("crates.io", "acme", "pkg:cargo/acme@V", ["", "-rc.1", "-alpha", ""]),
    ("RubyGems", "acme", "pkg:gem/acme@V", ["", ".rc1", ".1", ".pre"]),
    ("Maven", "org.acme:lib", "pkg:maven/org.acme/lib@V", ["", "-rc1", "-SNAPSHOT", "-sp1"]),
    ("NuGet", "Acme.Lib", "pkg:nuget/Acme.Lib@V", ["", "-rc1", ".1", "-beta"]),
    ("Packagist", "acme/lib", "pkg:composer/acme/lib@V", ["", "-RC1", "-beta1", "-alpha2"]),
    (
        "Debian:12",
        "acme",
        "pkg:deb/debian/acme@V?distro=debian-12",
        ["-1", "-1+deb12u1", "~rc1-1", "-2"],
    ),
    (
        "Ubuntu:22.04:LTS",
        "acme",
        "pkg:deb/ubuntu/acme@V?distro=ubuntu-22.04",
        ["-1", "-1ubuntu1", "", "-2"],
    ),
    (
        "Alpine:v3.20",
        "acme",
        "pkg:apk/alpine/acme@V?distro=alpine-3.20.1",
        ["-r0", "-r1", "_rc1-r0", "-r2"],
    ),
    (
        "Rocky Linux:9",
        "acme",
        "pkg:rpm/rocky/acme@V?distro=rocky-9.3",
        ["-1.el9", "-2.el9", "~rc1-1.el9", "-1.el9_2"],
    ),
];

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn version(&mut self, package: usize) -> String {
        let number = format!("{}.{}.{}", 1 + self.below(3), self.below(3), self.below(2));
        format!("{number}{}", PACKAGES[package].3[self.below(4)])
    }

    fn event(&mut self, package: usize) -> Value {
        let kind = ["introduced", "introduced", "fixed", "fixed", "last_affected"][self.below(5)];
        let version = match self.below(6) {
            0 => "0".to_owned(),
            _ => self.version(package),
        };
        json!({kind: version})
    }

    fn range(&mut self, package: usize) -> Value {
        let kind = ["ECOSYSTEM", "ECOSYSTEM", "SEMVER", "GIT"][self.below(4)];
        let count = 1 + self.below(5);
        let mut events: Vec<Value> = (0..count).map(|_| self.event(package)).collect();
        if self.below(8) > 0 {
            let first = if self.below(2) == 0 { "0".to_owned() } else { self.version(package) };
            events.insert(self.below(events.len() + 1), json!({"introduced": first}));
        }
        if kind == "GIT" {
            events = vec![json!({"introduced": "0"})];
        }
        json!({"type": kind, "events": events})
    }

    /// A record about one or several packages, some of them twice.
    fn record(&mut self, number: usize) -> Value {
        let affected: Vec<Value> = (0..=self.below(3))
            .map(|_| {
                let package = self.below(PACKAGES.len());
                let ranges: Vec<Value> = (0..self.below(4)).map(|_| self.range(package)).collect();
                let versions: Vec<String> =
                    (0..self.below(4)).map(|_| self.version(package)).collect();
                let (ecosystem, name, ..) = PACKAGES[package];
                json!({
                    "package": {"ecosystem": ecosystem, "name": name},
                    "ranges": ranges, "versions": versions,
                })
            })
            .collect();
        json!({"schema_version": "1.6.0", "id": format!("TEST-{number}"),
            "modified": "2025-01-01T00:00:00Z", "affected": affected})
    }
}

/// Compares a version with that of an event; `0` is before all others.
fn compare(order: Order, version: &str, event: &str) -> Ordering {
    if event == "0" {
        return Ordering::Greater;
    }
    order.compare(version, event).unwrap_or_else(|| panic!("{order:?}: {version} and {event}"))
}

/// Whether a version is in a range, as OSV's specification evaluates it.
fn is_in_range(order: Order, range: &Value, version: &str) -> bool {
    if range["type"] == "GIT" {
        return false;
    }
    // Of events of the same version, what is fixed comes last.
    const KINDS: [&str; 3] = ["introduced", "last_affected", "fixed"];
    let mut events: Vec<(usize, &str)> = Vec::new();
    for event in range["events"].as_array().unwrap() {
        for (kind, name) in KINDS.iter().enumerate() {
            events.extend(event[name].as_str().map(|version| (kind, version)));
        }
    }
    if !events.iter().any(|&(kind, _)| KINDS[kind] == "introduced") {
        return false;
    }
    events.sort_by(|(left_kind, left), (right_kind, right)| {
        let versions = match (*left, *right) {
            ("0", "0") => Ordering::Equal,
            ("0", _) => Ordering::Less,
            (left, right) => compare(order, left, right),
        };
        versions.then(left_kind.cmp(right_kind))
    });
    let mut vulnerable = false;
    for (kind, event) in events {
        let order = compare(order, version, event);
        match KINDS[kind] {
            "introduced" if order.is_ge() => vulnerable = true,
            "fixed" if order.is_ge() => vulnerable = false,
            "last_affected" if order.is_gt() => vulnerable = false,
            _ => {}
        }
    }
    vulnerable
}

/// Whether a record says that a version of a package is affected.
fn is_affected(record: &Value, package: usize, version: &str) -> bool {
    let (ecosystem, name, ..) = PACKAGES[package];
    let order = Ecosystem::parse(ecosystem).order().unwrap();
    record["affected"].as_array().unwrap().iter().any(|affected| {
        let is_same =
            affected["package"]["ecosystem"] == ecosystem && affected["package"]["name"] == name;
        let listed = affected["versions"].as_array().unwrap().iter().any(|listed| {
            order.compare(listed.as_str().unwrap(), version) == Some(Ordering::Equal)
        });
        let ranges = affected["ranges"].as_array().unwrap();
        is_same && (listed || ranges.iter().any(|range| is_in_range(order, range, version)))
    })
}

#[test]
fn every_query_has_the_answer_of_the_slow_matcher() {
    let mut random = Random(0x5eed_0f0a_11ce_cafe);
    let records: Vec<Value> = (0..RECORDS).map(|number| random.record(number)).collect();
    let world = World::new(&records);
    let database = world.database();
    let (mut queries, mut affected) = (0, 0);
    for (package, &(.., url, ends)) in PACKAGES.iter().enumerate() {
        for major in 1..4 {
            for minor in 0..3 {
                for patch in 0..2 {
                    for end in ends {
                        let version = format!("{major}.{minor}.{patch}{end}");
                        let url = url.replace('V', &version.replace('+', "%2B"));
                        let (found, distribution) = packages(&[&url]);
                        let matches = database
                            .matches(&found, distribution.as_ref(), DeploymentContext::default())
                            .unwrap();
                        let own: BTreeSet<String> =
                            matches.vulnerabilities.into_iter().map(|it| it.id).collect();
                        let expected: BTreeSet<String> = records
                            .iter()
                            .filter(|record| is_affected(record, package, &version))
                            .map(|record| record["id"].as_str().unwrap().to_owned())
                            .collect();
                        let missing: Vec<_> = expected.difference(&own).collect();
                        let wrong: Vec<_> = own.difference(&expected).collect();
                        let of = |ids: &[&String]| -> Vec<&Value> {
                            records
                                .iter()
                                .filter(|it| ids.iter().any(|id| it["id"] == **id))
                                .collect()
                        };
                        assert!(
                            missing.is_empty() && wrong.is_empty(),
                            "{url}: missing {:#?}, wrong {:#?}",
                            of(&missing),
                            of(&wrong)
                        );
                        queries += 1;
                        affected += expected.len();
                    }
                }
            }
        }
    }
    // Neither everything nor nothing is affected.
    assert_eq!(queries, 864);
    assert!(affected > 5_000 && affected < queries * RECORDS / 10, "{affected}");
}
