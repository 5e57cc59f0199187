//! Python's installed distributions: `METADATA` in `*.dist-info`, `PKG-INFO` in `*.egg-info` and
//! `EGG-INFO`, and `*.egg-info` as a file.

use super::parsed::{lossy, package, text};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

pub(super) fn wants(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, directory) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    match file {
        "METADATA" => directory.ends_with(".dist-info"),
        "PKG-INFO" => directory.ends_with(".egg-info") || directory == "EGG-INFO",
        _ => file.ends_with(".egg-info"),
    }
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let content = lossy(bytes);
    let (mut name, mut version, mut licence, mut expression) = ("", "", "", "");
    // The format of mail headers; the description follows after an empty line.
    for line in content.lines().take_while(|line| !line.trim().is_empty()) {
        let Some((key, value)) = line.split_once(':') else { continue };
        let field = match key.to_ascii_lowercase().as_str() {
            "name" => &mut name,
            "version" => &mut version,
            "license" => &mut licence,
            "license-expression" => &mut expression,
            _ => continue,
        };
        if field.is_empty() {
            *field = value;
        }
    }
    let Some(mut package) = package(PackageKind::PyPi, name, version, path) else {
        return Err(AnalyserError::Malformed("it has no readable name or version".to_owned()));
    };
    package.licence = text(expression).or(text(licence)).unwrap_or_default().to_owned();
    let mut found = ParsedFile::default();
    found.add(package)?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_headers_and_not_the_description() {
        let text = "Metadata-Version: 2.4\nName: Flask_Cors\nVersion: 4.0.1\nLicense: BSD\n \
                    more\nLicense-Expression: MIT\n\nVersion: 9\n";
        let path = "/usr/lib/python3/dist-packages/Flask_Cors-4.0.1.dist-info/METADATA";
        assert!(wants(path));
        let found = read(path, text.as_bytes()).unwrap();
        let [package] = &found.packages[..] else { panic!("{found:?}") };
        assert_eq!((package.name.as_str(), package.version.as_str()), ("Flask_Cors", "4.0.1"));
        assert_eq!(package.licence, "MIT");
        assert_eq!(package.purl, "pkg:pypi/flask-cors@4.0.1");
    }

    #[test]
    fn selects_all_forms_of_metadata() {
        for path in ["/a/x.egg-info", "/a/x.egg-info/PKG-INFO", "/a/x.egg/EGG-INFO/PKG-INFO"] {
            assert!(wants(path), "{path}");
        }
        for path in ["/a/METADATA", "/a/x.egg-info/top_level.txt", "/src/PKG-INFO"] {
            assert!(!wants(path), "{path}");
        }
        assert!(read("/a/x.egg-info", b"Name: only\n").is_err());
    }
}
