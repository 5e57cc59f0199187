//! Java's archives: jar, war and similar ones, and the archives in them.
//!
//! Invariants: the depth of nested archives and the bytes that are decompressed for one file are
//! bounded, so that decompression bombs fail; a broken nested archive costs only its own packages.

mod groups;
mod identity;
mod unnamed;

use std::io::Cursor;

use identity::{Identity, Manifest};
pub(crate) use unnamed::name_archives;

use super::archive::{self, Entry, Source};
use super::parsed::{lossy, package};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};
use crate::content::Content;

/// The file name extensions of archives.
const EXTENSIONS: [&str; 11] =
    [".jar", ".war", ".ear", ".rar", ".par", ".sar", ".nar", ".jpi", ".hpi", ".kar", ".lpkg"];

/// The ends of the names of archives that hold no programs.
const NO_PROGRAMS: [&str; 3] = ["-sources.jar", "-javadoc.jar", "-test-sources.jar"];

/// How deep archives may nest: a jar in a war in an ear, and one more.
const DEPTH: usize = 4;

/// The most entries of an archive that are read.
const ENTRIES: usize = 20_000;

/// The most bytes of a text, and of a compressed archive in an archive.
const TEXT_LIMIT: u64 = 1 << 20;
const NESTED_LIMIT: u64 = 32 << 20;

/// The most bytes that are decompressed for one file.
const TOTAL: u64 = 512 << 20;

const MANIFEST: &str = "META-INF/MANIFEST.MF";

pub(super) fn wants(path: &str) -> bool {
    let ends_with = |extension: &str| {
        let start = path.len().checked_sub(extension.len()).and_then(|start| path.get(start..));
        start.is_some_and(|end| end.eq_ignore_ascii_case(extension))
    };
    EXTENSIONS.into_iter().any(ends_with) && !NO_PROGRAMS.into_iter().any(ends_with)
}

pub(super) fn read(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError> {
    let mut start = [0; 4];
    crate::input::fill_up(content, &mut start)?;
    // An archive of another program, which has the same extension.
    if start == *b"Rar!" {
        return Ok(ParsedFile::default());
    }
    let mut reading = Reading {
        found: ParsedFile::default(),
        left: TOTAL,
        checksums: unnamed::Budget::default(),
    };
    reading.archive(path, content, 0)?;
    Ok(reading.found)
}

/// Whether an entry is read.
fn matters(name: &str) -> bool {
    name == MANIFEST || is_properties(name) || project(name).is_some() || wants(name)
}

/// The group and the artifact in the name of a project's file: `META-INF/maven/G/A/pom.xml`.
fn project(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("META-INF/maven/")?.strip_suffix("/pom.xml")?.split_once('/')
}

fn is_properties(name: &str) -> bool {
    name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties")
}

/// What was found, and how much may still be decompressed.
struct Reading {
    found: ParsedFile,
    left: u64,
    checksums: unnamed::Budget,
}

impl Reading {
    fn archive(
        &mut self,
        path: &str,
        source: &mut dyn Source,
        depth: usize,
    ) -> Result<(), AnalyserError> {
        let entries = archive::entries(source, ENTRIES, matters)?;
        let mut manifest = Manifest::default();
        let mut identities = Vec::new();
        let mut projects = Vec::new();
        let mut is_artifact = true;
        for entry in &entries {
            if wants(&entry.name) {
                // Applications are not in the index of Maven's artifacts.
                is_artifact = false;
                self.nested(path, source, entry, depth);
                continue;
            }
            let Some(bytes) = self.entry(path, source, entry, TEXT_LIMIT) else { continue };
            if entry.name == MANIFEST {
                manifest = Manifest::parse(&lossy(&bytes));
            } else if let Some((group, artifact)) = project(&entry.name) {
                projects.push(Identity {
                    group: group.to_owned(),
                    artifact: artifact.to_owned(),
                    version: identity::version_of_project(&lossy(&bytes)).unwrap_or_default(),
                });
            } else {
                identities.extend(Identity::of_properties(&lossy(&bytes)));
            }
        }
        let file_name = path.rsplit('/').next().unwrap_or(path);
        // A project's file often refers to a version elsewhere: properties are better.
        for mut project in projects {
            let same = |known: &Identity| known.artifact == project.artifact;
            if identities.iter().any(same) {
                continue;
            }
            if project.version.is_empty()
                && let Some(own) = Identity::of_manifest(&manifest, file_name)
                && own.artifact == project.artifact
            {
                project.version = own.version;
            }
            if !project.version.is_empty() {
                identities.push(project);
            }
        }
        if !names_archive(&identities, file_name) {
            identities.extend(Identity::of_manifest(&manifest, file_name));
        }
        let has_group = |identity: &Identity| !identity.group.is_empty();
        let is_named = !identities.is_empty() && identities.iter().all(has_group);
        let sha1 = if is_artifact && !is_named { self.checksums.checksum(source)? } else { None };
        let licence = manifest.get("Bundle-License").unwrap_or_default();
        for identity in &identities {
            let name = identity.name();
            if let Some(mut package) = package(PackageKind::Maven, &name, &identity.version, path) {
                licence.clone_into(&mut package.licence);
                if let Some(sha1) = sha1.as_deref().filter(|_| !has_group(identity)) {
                    unnamed::mark(&mut package, sha1);
                }
                self.found.add(package)?;
            }
        }
        if let Some(sha1) = sha1.filter(|_| identities.is_empty())
            && let Some(package) = unnamed::package(path, &sha1)
        {
            self.found.add(package)?;
        }
        Ok(())
    }

    /// Reads an archive in an archive. An error in it is a problem of its own.
    fn nested(&mut self, path: &str, source: &mut dyn Source, entry: &Entry, depth: usize) {
        let inner = format!("{path}!/{}", entry.name);
        if depth + 1 >= DEPTH {
            self.found.problem(format!("{inner} is nested too deep in other archives"));
            return;
        }
        // Most build tools store nested archives without compression: then only parts are read.
        let result = match archive::window(source, entry) {
            Ok(Some(mut window)) => self.archive(&inner, &mut window, depth + 1),
            Ok(None) => {
                let Some(bytes) = self.entry(path, source, entry, NESTED_LIMIT) else { return };
                self.archive(&inner, &mut Cursor::new(bytes), depth + 1)
            }
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            self.found.problem(format!("{inner}: {error}"));
        }
    }

    /// The bytes of an entry, or `None` and a problem.
    fn entry(
        &mut self,
        path: &str,
        source: &mut dyn Source,
        entry: &Entry,
        limit: u64,
    ) -> Option<Vec<u8>> {
        match archive::read(source, entry, limit.min(self.left)) {
            Ok(bytes) => {
                self.left -= bytes.len() as u64;
                Some(bytes)
            }
            Err(error) => {
                self.found.problem(format!("{path}!/{}: {error}", entry.name));
                None
            }
        }
    }
}

/// Whether the properties in an archive name the archive itself, rather than what was shaded into
/// it.
fn names_archive(identities: &[Identity], file_name: &str) -> bool {
    match identities {
        [] => false,
        [only] if !file_name.contains(['-', '_']) => !only.artifact.is_empty(),
        _ => identities.iter().any(|identity| file_name.starts_with(&identity.artifact)),
    }
}

#[cfg(test)]
mod tests;
