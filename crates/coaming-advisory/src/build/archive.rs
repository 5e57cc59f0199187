//! Archives of records, read on all threads.
//!
//! An archive is hostile until it is read: its entries are bounded in number and size, and in what they
//! unpack to together. One that unpacks to more gives nothing at all: what was read of it before that
//! was noticed depends on the threads. One that was cut or altered on its way is told apart from records
//! that are no good: nobody knows what it held.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use zip::ZipArchive;
use zip::result::ZipError;

use super::convert::{self, Parsed};
use crate::osv::{self, MAX_RECORD, Skip};

/// More entries are not read.
const MAX_ENTRIES: usize = 2_000_000;
/// An archive may unpack to so many times its size: OSV's are around ten times.
const MAX_RATIO: u64 = 64;
/// A small archive may unpack to this in any case.
const MIN_BUDGET: u64 = 64 << 20;

/// What an archive holds.
pub(super) struct Archive {
    /// Its records, in the order of the archive.
    pub(super) records: Vec<Result<Parsed, Skip>>,
    /// What could not be read.
    pub(super) problems: Vec<String>,
    /// Whether something is missing because the file was cut or altered, or is larger than any export.
    pub(super) damaged: bool,
}

/// An entry that is not what was packed.
struct Damage(String);

/// Reads an archive.
///
/// # Errors
///
/// Where it can't be opened, or is no zip archive.
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
    let place = path.display();
    for part in parts {
        for entry in part? {
            match entry {
                Ok(record) => archive.records.push(record),
                Err(_) if archive.damaged => {}
                Err(Damage(reason)) => {
                    archive.damaged = true;
                    archive.problems.push(format!("{place} is damaged: {reason}"));
                }
            }
        }
    }
    if count > MAX_ENTRIES {
        archive.damaged = true;
        archive.problems.push(format!("{place}: only the first {MAX_ENTRIES} entries were read"));
    }
    if budget.load(Ordering::Relaxed) == 0 {
        archive.records.clear();
        archive.damaged = true;
        archive.problems.push(format!(
            "{place}: unpacks to more than {MAX_RATIO} times its size, as no export does; nothing of it \
             is used"
        ));
    }
    Ok(archive)
}

fn open(path: &Path) -> io::Result<ZipArchive<BufReader<File>>> {
    Ok(ZipArchive::new(BufReader::new(File::open(path)?))?)
}

/// Reads an entry; `None` for what is no record, or once the budget is spent.
///
/// # Errors
///
/// Where it is not what was packed: its header or its checksum is wrong.
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
        // With a password, or packed in a way that no export is.
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
/// Where the file can't be read.
pub(super) fn read_file(path: &Path) -> io::Result<Result<Parsed, Skip>> {
    let mut text = Vec::new();
    File::open(path)?.take(MAX_RECORD + 1).read_to_end(&mut text)?;
    Ok(parse(&text))
}

/// Reads a record's text.
///
/// # Errors
///
/// Says why it can't be used.
pub(super) fn parse(text: &[u8]) -> Result<Parsed, Skip> {
    convert::convert(osv::read(text)?)
}
