//! Databases built from records that a test writes, and the matches of packages.

use std::fs;
use std::path::Path;

use coaming_advisory::{Built, Database, DeploymentContext, Matches, build, parse_purl};
use coaming_image::{Distribution, Package};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory with records, and a database built from them.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) built: Built,
}

impl World {
    pub(crate) fn new(records: &[Value]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("osv")).unwrap();
        for (number, record) in records.iter().enumerate() {
            let path = directory.path().join(format!("osv/{number}.json"));
            fs::write(path, record.to_string()).unwrap();
        }
        let built = run(directory.path()).unwrap();
        Self { directory, built }
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.directory.path().join("db")).unwrap()
    }

    /// What is found, as `id package fixed`.
    pub(crate) fn found(&self, urls: &[&str]) -> Vec<String> {
        let (packages, distribution) = packages(urls);
        let database = self.database();
        let matches = database
            .matches(&packages, distribution.as_ref(), DeploymentContext::default())
            .unwrap();
        lines(&matches)
    }
}

pub(crate) fn run(directory: &Path) -> Result<Built, coaming_advisory::BuildError> {
    build(&directory.join("osv"), &directory.join("db"), "2026-01-01T00:00:00Z", &|_| {})
}

pub(crate) fn packages(urls: &[&str]) -> (Vec<Package>, Option<Distribution>) {
    let named: Vec<_> = urls.iter().map(|url| parse_purl(url).unwrap()).collect();
    let distribution = named.iter().find_map(|named| named.distribution.clone());
    (named.into_iter().map(|named| named.package).collect(), distribution)
}

pub(crate) fn lines(matches: &Matches) -> Vec<String> {
    let mut lines: Vec<String> = matches
        .vulnerabilities
        .iter()
        .map(|found| {
            let fixed = found.fixed.as_deref().unwrap_or("-");
            format!("{} {} {fixed}", found.id, found.package.name)
        })
        .collect();
    lines.sort();
    lines
}

pub(crate) fn record(id: &str, ecosystem: &str, package: &str, events: &Value) -> Value {
    json!({"schema_version": "1.6.0", "id": id, "modified": "2025-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": "ECOSYSTEM", "events": events}]}]})
}

/// A record of one range from the beginning to the fix.
pub(crate) fn fixed(id: &str, ecosystem: &str, package: &str, version: &str) -> Value {
    record(id, ecosystem, package, &json!([{"introduced": "0"}, {"fixed": version}]))
}
