//! Archives of records, read on all threads.
//!
//! Archives are hostile: their entries are bounded in number and size, and in the size to which
//! they unpack together. An archive that exceeds that size gives nothing at all, because how much
//! was read before depends on the threads. An archive that was truncated or altered in transit is
//! distinguished from one with invalid records: its content is unknown.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use zip::ZipArchive;
use zip::result::ZipError;

use super::convert::{self, Parsed};
use crate::osv::{self, MAX_RECORD, Skip};

/// The most entries that are read.
const MAX_ENTRIES: usize = 2_000_000;
/// An archive may unpack to this many times its size: OSV's unpack to about ten times.
const MAX_RATIO: u64 = 64;
/// Any archive may unpack to this many bytes.
const MIN_BUDGET: u64 = 64 << 20;

/// The content of an archive.
pub(super) struct Archive {
    /// Its records, in the order of the archive.
    pub(super) records: Vec<Result<Parsed, Skip>>,
    /// The problems with it.
    pub(super) problems: Vec<String>,
    /// Whether something is missing because the file was truncated or altered, or exceeds a limit.
    pub(super) damaged: bool,
}

/// An entry whose header or checksum is wrong.
struct Damage(String);

/// Reads an archive.
///
/// # Errors
///
/// If it cannot be opened or is not a zip archive.
pub(super) fn read(path: &Path) -> io::Result<Archive> {
    let size = std::fs::metadata(path)?.len();
    let count = open(path)?.len();
    let budget = AtomicU64::new(size.saturating_mul(MAX_RATIO).max(MIN_BUDGET));
    let entries = count.min(MAX_ENTRIES);
    let part = entries.div_ceil(rayon::current_num_threads().max(1)).max(1);
    let starts: Vec<usize> = (0..entries).step_by(part).collect();
    let parts: Vec<io::Result<Vec<_>>> = starts
        .into_par_iter()
        .map(|start| {
            let mut archive = open(path)?;
            Ok((start..(start + part).min(entries))
                .filter_map(|index| read_entry(&mut archive, index, &budget))
                .collect())
        })
        .collect();
    let mut archive =
        Archive { records: Vec::with_capacity(entries), problems: Vec::new(), damaged: false };
    let name = path.display();
    for part in parts {
        for entry in part? {
            match entry {
                Ok(record) => archive.records.push(record),
                Err(_) if archive.damaged => {}
                Err(Damage(reason)) => {
                    archive.damaged = true;
                    archive.problems.push(format!("{name} is damaged: {reason}"));
                }
            }
        }
    }
    if count > MAX_ENTRIES {
        archive.damaged = true;
        archive.problems.push(format!("{name}: only the first {MAX_ENTRIES} entries were read"));
    }
    if budget.load(Ordering::Relaxed) == 0 {
        archive.records.clear();
        archive.damaged = true;
        archive.problems.push(format!(
            "{name}: unpacks to more than {MAX_RATIO} times its size, which no genuine export \
             does; nothing of it is used"
        ));
    }
    Ok(archive)
}

fn open(path: &Path) -> io::Result<ZipArchive<BufReader<File>>> {
    Ok(ZipArchive::new(BufReader::new(File::open(path)?))?)
}

/// Reads an entry; `None` if it is not a record, or once the budget is spent.
///
/// # Errors
///
/// If its header or its checksum is wrong.
fn read_entry(
    archive: &mut ZipArchive<BufReader<File>>,
    index: usize,
    budget: &AtomicU64,
) -> Option<Result<Result<Parsed, Skip>, Damage>> {
    if budget.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let damage = |reason: &dyn std::fmt::Display| {
        Some(Err(Damage(format!("its entry {}: {reason}", index + 1))))
    };
    let mut entry = match archive.by_index(index) {
        Ok(entry) => entry,
        Err(error @ (ZipError::Io(_) | ZipError::InvalidArchive(_))) => return damage(&error),
        // Encrypted, or compressed by an unsupported method.
        Err(_) => return Some(Ok(Err(Skip::Malformed))),
    };
    if !entry.is_file() || !entry.name().is_ok_and(|name| name.ends_with(".json")) {
        return None;
    }
    let mut text = Vec::new();
    let read = entry.by_ref().take(MAX_RECORD + 1).read_to_end(&mut text);
    let spent = text.len() as u64;
    // The budget never goes below zero, and zero is remembered.
    let _ = budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        Some(left.saturating_sub(spent))
    });
    match read {
        Ok(_) => Some(Ok(parse(&text))),
        Err(error) => damage(&error),
    }
}

/// Reads a record that is a file of its own.
///
/// # Errors
///
/// If the file cannot be read.
pub(super) fn read_file(path: &Path) -> io::Result<Result<Parsed, Skip>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_RECORD + 1).read_to_end(&mut text)?;
    Ok(parse(&text))
}

/// Reads a record's text.
///
/// # Errors
///
/// Why it cannot be used.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, Skip> {
    convert::convert(osv::read(text)?)
}
