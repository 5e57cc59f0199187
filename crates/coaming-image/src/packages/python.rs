//! Python's installed distributions: `METADATA` in `*.dist-info`, `PKG-INFO` in `*.egg-info` and
//! `EGG-INFO`, also in an archive, and `*.egg-info` as a file.

use super::archive;
use super::parsed::{lossy, package, text};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::content::Content;

/// The largest metadata in an archive, in bytes.
const ARCHIVED_LIMIT: u64 = 4 << 20;

pub(super) fn wants(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (file, directory) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // What pip could not remove, or had not installed completely.
    if [directory, file].iter().any(|name| name.starts_with(['~', '-'])) {
        return false;
    }
    let is = |name: &str, extension: &str| {
        let start = name.len().checked_sub(extension.len()).and_then(|start| name.get(start..));
        start.is_some_and(|end| end.eq_ignore_ascii_case(extension))
    };
    match file {
        "METADATA" => is(directory, ".dist-info"),
        "PKG-INFO" => is(directory, ".egg-info") || directory == "EGG-INFO",
        _ => is(file, ".egg-info"),
    }
}

/// An egg that is an archive; most are directories.
pub(super) fn wants_archive(path: &str) -> bool {
    path.ends_with(".egg")
}

pub(super) fn read_archive(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError> {
    let entries = archive::entries(content, 1, |name| name == "EGG-INFO/PKG-INFO")?;
    match entries.first() {
        Some(entry) => read(path, &archive::read(content, entry, ARCHIVED_LIMIT)?),
        None => Ok(ParsedFile::default()),
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
        assert!(wants("/a/UPPER-1.0.DIST-INFO/METADATA"));
        assert!(!wants("/a/~cme-1.0.dist-info/METADATA"), "what pip left behind");
        for path in ["/a/METADATA", "/a/x.egg-info/top_level.txt", "/src/PKG-INFO"] {
            assert!(!wants(path), "{path}");
        }
        assert!(read("/a/x.egg-info", b"Name: only\n").is_err());
    }
}
