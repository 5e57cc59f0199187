//! PHP's packages by Composer: `installed.json` lists what is installed, `composer.lock` what is
//! planned.

use serde::Deserialize;

use super::parsed::{json, package};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    path.ends_with("/composer/installed.json") || path.ends_with("/composer.lock")
}

/// Both files. Development dependencies (`packages-dev` of a lock file) are not read.
#[derive(Deserialize)]
struct List {
    #[serde(default)]
    packages: Vec<Entry>,
}

/// `installed.json` of Composer 1 is the bare list.
#[derive(Deserialize)]
#[serde(untagged)]
enum File {
    List(List),
    Bare(Vec<Entry>),
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: serde_json::Value,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let (File::List(List { packages: entries }) | File::Bare(entries)) = json(bytes)?;
    let mut found = ParsedFile::default();
    for entry in &entries {
        match package(PackageKind::Composer, &entry.name, &entry.version, path) {
            Some(mut package) => {
                package.licence = super::parsed::licence(&entry.license);
                found.add(package)?;
            }
            None => found.problem("a package has no readable name or version"),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_the_installed_list() {
        let bare = r#"[{"name": "psr/log", "version": "1.1.4", "license": ["MIT"]}]"#;
        let new = format!(r#"{{"packages": {bare}, "dev": false, "dev-package-names": []}}"#);
        let path = "/app/vendor/composer/installed.json";
        assert!(wants(path));
        for text in [bare, &new] {
            let found = read(path, text.as_bytes()).unwrap();
            let [package] = &found.packages[..] else { panic!("{found:?}") };
            assert_eq!(package.purl, "pkg:composer/psr/log@1.1.4");
            assert_eq!(package.licence, "MIT");
        }
    }

    #[test]
    fn leaves_out_development_dependencies() {
        let lock = r#"{"packages": [{"name": "psr/log", "version": "3.0.0"}, {"name": ""}],
                       "packages-dev": [{"name": "phpunit/phpunit", "version": "10.0.0"}]}"#;
        let found = read("/app/composer.lock", lock.as_bytes()).unwrap();
        assert_eq!(found.packages.len(), 1);
        assert_eq!(found.problems.len(), 1);
        assert!(read("/app/composer.lock", b"{").is_err());
    }
}
