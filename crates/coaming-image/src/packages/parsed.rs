//! How analysers record what they find, within bounds.
//!
//! Invariant: names and versions that get into facts are short and free of control characters, so
//! that an image cannot write to the terminal of its reader.

use crate::analyse::{AnalyserError, ParsedFile};
use crate::checksum::Checksum;
use crate::credential;
use crate::{Package, PackageKind};

/// The most packages that one file may name.
const PACKAGES: usize = 100_000;

/// The most owned files that one database may list.
const OWNED_PATHS: usize = 4_000_000;

/// The most bytes of all names of one file, and what each costs besides.
const NAME_BYTES: usize = 64 << 20;
const NAME_COST: usize = 24;

/// The most problems that are reported of one file; more of the same would not help.
const PROBLEMS: usize = 20;

/// The most bytes of a name or a version.
const TEXT: usize = 512;

/// A text fit for facts: trimmed, not empty, short, and without control characters.
pub(super) fn text(raw: &str) -> Option<&str> {
    let trimmed = raw.trim();
    let fit =
        !trimmed.is_empty() && trimmed.len() <= TEXT && !trimmed.chars().any(char::is_control);
    fit.then_some(trimmed)
}

/// A package of this name and version, or `None` if one is not fit for facts.
pub(super) fn package(kind: PackageKind, name: &str, version: &str, path: &str) -> Option<Package> {
    Some(Package::new(kind, text(name)?, text(version)?, path))
}

impl ParsedFile {
    /// Adds a package.
    ///
    /// # Errors
    ///
    /// [`AnalyserError::TooLarge`] if there are too many.
    pub(super) fn add(&mut self, mut package: Package) -> Result<(), AnalyserError> {
        if self.packages.len() >= PACKAGES {
            return Err(AnalyserError::TooLarge(format!("more than {PACKAGES} packages")));
        }
        self.count(200 + package.name.len() + package.version.len() + 2 * package.path.len())?;
        if package.purl.is_empty() {
            package.purl = coaming_sbom::purl::of(&package, &[]);
        }
        self.packages.push(package);
        Ok(())
    }

    /// Adds a file that a package owns, relative to the root or absolute.
    ///
    /// # Errors
    ///
    /// [`AnalyserError::TooLarge`] if there are too many.
    pub(super) fn add_owned_path(&mut self, path: String) -> Result<(), AnalyserError> {
        if self.owned_paths.len() >= OWNED_PATHS {
            return Err(AnalyserError::TooLarge(format!("more than {OWNED_PATHS} owned files")));
        }
        self.count(path.len() + NAME_COST)?;
        self.owned_paths.push(path);
        Ok(())
    }

    /// Counts bytes that are kept: a few of the file may become many.
    fn count(&mut self, bytes: usize) -> Result<(), AnalyserError> {
        self.bytes += bytes;
        if self.bytes > NAME_BYTES {
            return Err(AnalyserError::TooLarge(format!(
                "names of more than {} MiB",
                NAME_BYTES >> 20
            )));
        }
        Ok(())
    }

    /// Records the checksum of a file that a package installed, if the file could be searched for
    /// credentials.
    pub(super) fn record_checksum(&mut self, path: &str, checksum: Option<Checksum>) {
        if let Some(checksum) = checksum.filter(|_| credential::wants(path)) {
            self.checksums.push((path.to_owned(), checksum));
        }
    }

    /// Sets the owner of all paths that were added since the package before.
    pub(super) fn set_owner(&mut self, name: &str) {
        if let Some(name) = text(name) {
            self.owners.push((name.to_owned(), self.owned_paths.len()));
        }
    }

    /// Reports that a part of the file was left out.
    pub(super) fn problem(&mut self, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(message.into());
        }
    }
}

// The text may have any encoding: names and versions are ASCII, and the rest is not read.
pub(super) use crate::decode::lossy;

/// JSON, with its depth bounded by the parser.
///
/// # Errors
///
/// [`AnalyserError::Malformed`] if it is not valid JSON of this form.
pub(super) fn json<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, AnalyserError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| AnalyserError::Malformed(error.to_string()))
}

/// The license in a package's JSON: a string, a list of strings, or an object with a type.
pub(super) fn licence(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let names: Vec<&str> = match value {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).take(20).collect(),
        Value::Object(object) => object.get("type").and_then(Value::as_str).into_iter().collect(),
        _ => Vec::new(),
    };
    text(&names.join(" OR ")).unwrap_or_default().to_owned()
}

/// Whether a file belongs to an installed package of a language. Lock files in one are for its
/// developers: `jupyterlab` brings a `yarn.lock` with a thousand packages that it was built with.
pub(super) fn is_in_package(path: &str) -> bool {
    ["/node_modules/", "/site-packages/", "/dist-packages/", "/gems/"]
        .iter()
        .any(|directory| path.contains(directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_text_that_could_write_to_a_terminal() {
        assert_eq!(text(" bash\n"), Some("bash"));
        assert_eq!(text("\x1b[2Jbash"), None);
        assert_eq!(text(" "), None);
        assert_eq!(text(&"a".repeat(513)), None);
    }
}
