//! rpm's package database, in its three forms: `SQLite`, rpm's own ndb, and a Berkeley DB hash.
//!
//! All three are tables from a number to a *header*, the blob in which rpm keeps what it knows
//! about a package. Each form yields blobs; [`header`] reads them. The indexes next to the table
//! are not read, so most of a large database is never fetched.

mod berkeley;
mod header;
pub(crate) mod log;
mod ndb;
mod sqlite;

use std::io::{Read, Seek, SeekFrom};

use header::Header;

use super::parsed::{lossy, package, text};
use crate::analyse::{AnalyserError, ParsedFile};
use crate::checksum::Checksum;
use crate::content::Content;
use crate::input::fill_up;
use crate::{Package, PackageKind, SourcePackage};

/// The directories that distributions keep the database in.
const DIRECTORIES: [&str; 3] = ["/var/lib/rpm/", "/usr/lib/sysimage/rpm/", "/usr/share/rpm/"];

/// The most bytes of one header. The largest real ones have a few MB (kernel, firmware).
const HEADER_LIMIT: usize = 32 << 20;

/// The most headers of one database.
const HEADERS: usize = 100_000;

/// What distroless images of Azure Linux have instead of a database.
const MANIFEST: &str = "/var/lib/rpmmanifest/container-manifest-2";

/// The largest manifest, in bytes.
const MANIFEST_LIMIT: u64 = 16 << 20;

pub(super) fn wants(path: &str) -> bool {
    path == MANIFEST
        || DIRECTORIES.iter().any(|directory| {
            path.strip_prefix(directory)
                .is_some_and(|name| matches!(name, "rpmdb.sqlite" | "Packages.db" | "Packages"))
        })
}

/// The database that a file is the write-ahead log of.
pub(crate) fn database_of_log(path: &str) -> Option<&str> {
    let database = path.strip_suffix("-wal")?;
    (database.ends_with("/rpmdb.sqlite") && wants(database)).then_some(database)
}

pub(super) fn read(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError> {
    if path == MANIFEST {
        return manifest(path, content);
    }
    let mut found = ParsedFile::default();
    let mut count = 0_usize;
    let mut each = |blob: &[u8]| {
        count += 1;
        if count > HEADERS {
            return Err(AnalyserError::TooLarge(format!("more than {HEADERS} packages")));
        }
        match Header::parse(blob) {
            Ok(header) => add(path, &header, &mut found),
            Err(reason) => {
                found.problem(format!("the header of package {count} is broken: {reason}"));
                Ok(())
            }
        }
    };
    let mut start = [0; 16];
    let length = content.length();
    let read = fill_up(content, &mut start)?;
    let result = match &start {
        _ if read < start.len() => Err(malformed("the file is shorter than any database")),
        start if start.starts_with(b"SQLite format 3") => sqlite::blobs(content, length, &mut each),
        start if start.starts_with(b"RpmP") => ndb::blobs(content, length, &mut each),
        _ => berkeley::blobs(content, length, &mut each),
    };
    match result {
        // What was read before the error is kept.
        Err(error) if found.packages.is_empty() => Err(error),
        Err(error) => {
            found.problem(format!("the rest of the database is left out: {error}"));
            Ok(found)
        }
        Ok(()) => Ok(found),
    }
}

/// Reads a manifest: a line for each package, with tabs between its fields.
fn manifest(path: &str, content: &mut Content) -> Result<ParsedFile, AnalyserError> {
    let mut bytes = Vec::new();
    content.take(MANIFEST_LIMIT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MANIFEST_LIMIT {
        return Err(AnalyserError::TooLarge(format!("more than {} MiB", MANIFEST_LIMIT >> 20)));
    }
    let mut found = ParsedFile::default();
    for line in lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let field = |index: usize| fields.get(index).and_then(|field| text(field));
        let of_line = || {
            let epoch = field(8).and_then(|epoch| epoch.parse::<u32>().ok()).filter(|it| *it != 0);
            let version = match epoch {
                Some(epoch) => format!("{epoch}:{}", field(1)?),
                None => field(1)?.to_owned(),
            };
            let mut package = package(PackageKind::Rpm, field(0)?, &version, path)?;
            package.architecture = field(7).map(str::to_owned);
            let source = field(9);
            package.source = source.and_then(|file| source_package(file, epoch));
            let upstream: Vec<_> = source.map(|source| ("upstream", source)).into_iter().collect();
            package.purl = coaming_sbom::purl::of(&package, &upstream);
            Some(package)
        };
        match of_line() {
            Some(package) => found.add(package)?,
            None => found.problem("a line has no readable name or version"),
        }
    }
    Ok(found)
}

/// An rpm database with fewer packages.
#[derive(Debug)]
pub enum ReducedRpm {
    /// The file, with the space of removed packages free: ndb and Berkeley DB.
    InPlace(Vec<u8>),
    /// For `SQLite`, the remaining headers, each with the name of its package. The caller writes a
    /// new database of them, without anything else that an untrusted file may contain.
    Headers(Vec<(String, Vec<u8>)>),
}

/// Removes the packages from an rpm database whose names `stays` rejects; `None` if it is
/// malformed.
#[must_use]
pub fn reduced_rpm(mut bytes: Vec<u8>, stays: &dyn Fn(&str) -> bool) -> Option<ReducedRpm> {
    let name =
        |blob: &[u8]| Some(String::from_utf8_lossy(Header::parse(blob).ok()?.name).into_owned());
    // A header that cannot be read belongs to no package.
    let header_stays = |blob: &[u8]| name(blob).is_some_and(|name| stays(&name));
    if bytes.starts_with(b"SQLite format 3") {
        let length = bytes.len() as u64;
        let mut headers = Vec::new();
        let mut each = |blob: &[u8]| {
            headers.extend(name(blob).filter(|name| stays(name)).map(|name| (name, blob.to_vec())));
            Ok(())
        };
        sqlite::blobs(&mut Content::memory(bytes), length, &mut each).ok()?;
        return Some(ReducedRpm::Headers(headers));
    }
    if bytes.starts_with(b"RpmP") {
        ndb::remove(&mut bytes, &header_stays)?;
    } else {
        berkeley::remove(&mut bytes, &header_stays)?;
    }
    Some(ReducedRpm::InPlace(bytes))
}

/// Adds what a header says.
fn add(path: &str, header: &Header<'_>, found: &mut ParsedFile) -> Result<(), AnalyserError> {
    // The database stores the keys for signatures as if they were packages.
    if header.name == b"gpg-pubkey" {
        return Ok(());
    }
    header.owned_paths(|owned, digest| {
        found.record_checksum(&owned, std::str::from_utf8(digest).ok().and_then(Checksum::of_hex));
        found.add_owned_path(owned)
    })?;
    found.set_owner(&String::from_utf8_lossy(header.name));
    match of_header(path, header) {
        Some(package) => found.add(package),
        None => {
            found.problem("a package has no readable name or version");
            Ok(())
        }
    }
}

/// The package that a header describes.
fn of_header(path: &str, header: &Header<'_>) -> Option<Package> {
    let field = |bytes| std::str::from_utf8(bytes).ok().and_then(text);
    let version = match (field(header.version)?, field(header.release)) {
        (version, Some(release)) => format!("{version}-{release}"),
        (version, None) => version.to_owned(),
    };
    let epoch = header.epoch.filter(|&epoch| epoch != 0);
    let full = epoch.map_or_else(|| version.clone(), |epoch| format!("{epoch}:{version}"));
    let mut package = package(PackageKind::Rpm, field(header.name)?, &full, path)?;
    package.architecture = field(header.architecture).map(str::to_owned);
    package.licence = field(header.licence).unwrap_or_default().to_owned();
    let source = field(header.source);
    package.source = source.and_then(|file| source_package(file, epoch));
    let more: Vec<(&str, &str)> = [
        source.map(|source| ("upstream", source)),
        field(header.modularity).map(|label| ("rpmmod", label)),
    ]
    .into_iter()
    .flatten()
    .collect();
    package.purl = coaming_sbom::purl::of(&package, &more);
    Some(package)
}

/// `bash-5.1.8-6.el9.src.rpm` names a source package and its version. Source and binary packages
/// share their epoch, as far as the header can tell.
fn source_package(file: &str, epoch: Option<u32>) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    Some(SourcePackage { name: name.to_owned(), version: format!("{epoch}{version}-{release}") })
}

/// The callback that gets the bytes of each header.
type Each<'a> = dyn FnMut(&[u8]) -> Result<(), AnalyserError> + 'a;

fn malformed(message: impl Into<String>) -> AnalyserError {
    AnalyserError::Malformed(message.into())
}

/// Reads exactly these bytes.
fn read_at(content: &mut Content, offset: u64, buffer: &mut [u8]) -> Result<(), AnalyserError> {
    content.seek(SeekFrom::Start(offset))?;
    Ok(content.read_exact(buffer)?)
}

/// The bytes at an offset, as an array.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests;
