//! A Berkeley DB hash, as former versions of rpm used it: pages of entries, in the byte order of
//! the machine that wrote it. Values larger than a page are in chains of overflow pages.
//!
//! Only values are read: every second entry of a page. The value of key 0, the largest number in
//! use, is not a header and is left out.

mod remove;

use std::collections::HashSet;

pub(super) use remove::remove;

use super::{Each, HEADER_LIMIT, array, malformed, read_at};
use crate::analyse::AnalyserError;
use crate::content::Content;

const HASH_MAGIC: u32 = 0x0006_1561;

/// The types of pages and entries that matter, by Berkeley DB's own numbers.
const PAGE_HASH_UNSORTED: u8 = 2;
const PAGE_OVERFLOW: u8 = 7;
const PAGE_HASH: u8 = 13;
const ENTRY_INLINE: u8 = 1;
const ENTRY_OFF_PAGE: u8 = 3;

/// The head of each page.
const HEAD: usize = 26;

/// A value shorter than this is not a header.
const SHORTEST: usize = 24;

pub(super) fn blobs(
    content: &mut Content,
    length: u64,
    each: &mut Each<'_>,
) -> Result<(), AnalyserError> {
    let mut meta = [0; 72];
    read_at(content, 0, &mut meta)?;
    let magic: [u8; 4] = array(&meta, 12).unwrap_or_default();
    let little = match magic {
        magic if u32::from_le_bytes(magic) == HASH_MAGIC => true,
        magic if u32::from_be_bytes(magic) == HASH_MAGIC => false,
        _ => return Err(malformed("this is not an rpm database")),
    };
    let mut file = Pages { content, little, size: 0, count: 0 };
    let size = file.number(&meta, 20);
    if !(512..=65_536).contains(&size) || !size.is_power_of_two() {
        return Err(malformed("the database has an impossible page size"));
    }
    if meta.get(24).is_some_and(|&encryption| encryption != 0) {
        return Err(malformed("the database is encrypted"));
    }
    file.size = size as usize;
    file.count = u64::from(file.number(&meta, 32)).min(length / u64::from(size));
    let mut page = vec![0; file.size];
    for number in 1..=file.count {
        if file.read(number, &mut page).is_err() {
            break;
        }
        if matches!(page.get(25), Some(&(PAGE_HASH | PAGE_HASH_UNSORTED))) {
            file.entries(&page, each)?;
        }
    }
    Ok(())
}

/// The file, by pages.
struct Pages<'a> {
    content: &'a mut Content,
    little: bool,
    size: usize,
    count: u64,
}

impl Pages<'_> {
    fn read(&mut self, number: u64, page: &mut [u8]) -> Result<(), AnalyserError> {
        read_at(self.content, number * self.size as u64, page)
    }

    fn number(&self, bytes: &[u8], offset: usize) -> u32 {
        let bytes = array(bytes, offset).unwrap_or_default();
        if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }

    fn short(&self, bytes: &[u8], offset: usize) -> usize {
        let bytes = array(bytes, offset).unwrap_or_default();
        usize::from(if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    /// Yields the values of a page. Entries fill it from its end: one ends where the one before it
    /// starts.
    fn entries(&mut self, page: &[u8], each: &mut Each<'_>) -> Result<(), AnalyserError> {
        let count = self.short(page, 20).min((self.size - HEAD) / 2);
        let mut end = self.size;
        for index in 0..count {
            let start = self.short(page, HEAD + index * 2);
            let entry = page.get(start..end).unwrap_or_default();
            end = start;
            if index % 2 == 0 {
                continue;
            }
            match entry.split_first() {
                Some((&ENTRY_INLINE, value)) if value.len() >= SHORTEST => each(value)?,
                Some((&ENTRY_OFF_PAGE, _)) => {
                    let first = u64::from(self.number(entry, 4));
                    let length = self.number(entry, 8) as usize;
                    if length >= SHORTEST {
                        let value = self.overflow(first, length)?;
                        each(&value)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A value in a chain of pages.
    fn overflow(&mut self, first: u64, length: usize) -> Result<Vec<u8>, AnalyserError> {
        if length > HEADER_LIMIT || length as u64 > self.count * self.size as u64 {
            return Err(malformed("a package claims an impossible size"));
        }
        let mut value = Vec::with_capacity(length);
        let mut page = vec![0; self.size];
        let mut seen = HashSet::new();
        let mut next = first;
        while next != 0 && value.len() < length {
            if !seen.insert(next) {
                return Err(malformed("a chain of pages is circular"));
            }
            self.read(next, &mut page)?;
            let used = self.short(&page, 22);
            let data = page.get(HEAD..HEAD + used);
            let Some(data) = data.filter(|_| page.get(25) == Some(&PAGE_OVERFLOW)) else {
                return Err(malformed(format!("page {next} is not what its chain says")));
            };
            value.extend_from_slice(data);
            next = u64::from(self.number(&page, 16));
        }
        value.truncate(length);
        Ok(value)
    }
}
