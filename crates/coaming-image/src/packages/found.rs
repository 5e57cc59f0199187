//! How readers fill what they found, within bounds.
//!
//! Invariant: names and versions that get into facts are short and hold no control characters, so
//! that an image can't write to the terminal of whoever looks at it.

use crate::analyse::{AnalyserError, Found};
use crate::credential;
use crate::sum::Sum;
use crate::{Package, PackageKind};

/// The most packages that one file may name.
const PACKAGES: usize = 100_000;

/// The most files that one database may say are owned.
const OWNED_PATHS: usize = 4_000_000;

/// The most problems that are told of one file; more of the same would help nobody.
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

/// A package of this name and version, or `None` where they are unfit.
pub(super) fn package(kind: PackageKind, name: &str, version: &str, path: &str) -> Option<Package> {
    Some(Package {
        kind,
        name: text(name)?.to_owned(),
        version: text(version)?.to_owned(),
        architecture: None,
        source: None,
        path: path.to_owned(),
        layer: None,
        licence: String::new(),
        purl: String::new(),
    })
}

impl Found {
    /// Adds a package.
    ///
    /// # Errors
    ///
    /// [`AnalyserError::TooLarge`] where there are too many.
    pub(super) fn add(&mut self, mut package: Package) -> Result<(), AnalyserError> {
        if self.packages.len() >= PACKAGES {
            return Err(AnalyserError::TooLarge(format!("more than {PACKAGES} packages")));
        }
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
    /// [`AnalyserError::TooLarge`] where there are too many.
    pub(super) fn own(&mut self, path: String) -> Result<(), AnalyserError> {
        if self.owned_paths.len() >= OWNED_PATHS {
            return Err(AnalyserError::TooLarge(format!("more than {OWNED_PATHS} owned files")));
        }
        self.owned_paths.push(path);
        Ok(())
    }

    /// Says what a file is that a package brought, if that matters; nothing where there is no digest.
    pub(super) fn brought(&mut self, path: &str, sum: Option<Sum>) {
        if let Some(sum) = sum.filter(|_| credential::wants(path)) {
            self.sums.push((path.to_owned(), sum));
        }
    }

    /// Says that all owned paths since the package before are this package's.
    pub(super) fn owned_by(&mut self, name: &str) {
        if let Some(name) = text(name) {
            self.owners.push((name.to_owned(), self.owned_paths.len()));
        }
    }

    /// Tells that a part of the file was left out.
    pub(super) fn problem(&mut self, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS {
            self.problems.push(message.into());
        }
    }
}

// A tool's text may have any encoding: names and versions are ASCII, the rest is not looked at.
pub(super) use crate::text::lossy;

/// JSON, with its depth bounded by the parser.
///
/// # Errors
///
/// [`AnalyserError::Malformed`] where it is none.
pub(super) fn json<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, AnalyserError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|error| AnalyserError::Malformed(error.to_string()))
}

/// The licence in a package's JSON: a text, a list of them, or an object with its type.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_no_text_that_could_speak_to_a_terminal() {
        assert_eq!(text(" bash\n"), Some("bash"));
        assert_eq!(text("\x1b[2Jbash"), None);
        assert_eq!(text(" "), None);
        assert_eq!(text(&"a".repeat(513)), None);
    }
}
