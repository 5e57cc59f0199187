//! The section `.dep-v0` that `cargo auditable` writes: JSON, compressed with zlib.

use std::io::Read as _;

use serde::Deserialize;

use super::malformed;
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::packages::parsed::{json, package};

/// The most bytes of the JSON.
const LIMIT: u64 = 32 << 20;

#[derive(Deserialize)]
struct Dependencies {
    packages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    /// `build` for a build dependency, which is not in the program; else absent.
    kind: Option<String>,
}

pub(super) fn read(path: &str, bytes: &[u8], found: &mut ParsedFile) -> Result<(), AnalyserError> {
    let mut text = Vec::new();
    let decoder = flate2::read::ZlibDecoder::new(bytes);
    if decoder.take(LIMIT + 1).read_to_end(&mut text).is_err() {
        return Err(malformed("the section .dep-v0 is not valid zlib data"));
    }
    if text.len() as u64 > LIMIT {
        return Err(AnalyserError::TooLarge("the section .dep-v0".to_owned()));
    }
    let dependencies: Dependencies = json(&text)?;
    for entry in &dependencies.packages {
        if entry.kind.as_deref().is_some_and(|kind| kind != "runtime") {
            continue;
        }
        if let Some(package) = package(PackageKind::Cargo, &entry.name, &entry.version, path) {
            found.add(package)?;
        }
    }
    Ok(())
}
