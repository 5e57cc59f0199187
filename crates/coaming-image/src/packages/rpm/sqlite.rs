//! The table `Packages` of an rpm database in an `SQLite` file, read without `SQLite`: the file is
//! not trusted, it may be in a stream, and only one table of it is needed.
//!
//! A file consists of pages; a table is a tree of pages whose leaves have records; a record that is
//! larger than its page continues in a chain of overflow pages. All numbers are big-endian.
//! Invariant: no page is visited twice, so reading a file with circular references ends.

use std::collections::HashSet;

use super::{Each, HEADER_LIMIT, array, malformed, read_at};
use crate::analyse::AnalyserError;
use crate::content::Content;

/// The types of pages of a table's tree, by `SQLite`'s own numbers.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// How deep a tree may be; 2³² pages need less.
const DEPTH: usize = 20;

pub(super) fn blobs(
    content: &mut Content,
    length: u64,
    each: &mut Each<'_>,
) -> Result<(), AnalyserError> {
    let mut header = [0; 100];
    read_at(content, 0, &mut header)?;
    let size = match array(&header, 16).map(u16::from_be_bytes).unwrap_or_default() {
        1 => 65_536,
        size => usize::from(size),
    };
    if !(512..=65_536).contains(&size) || !size.is_power_of_two() {
        return Err(malformed("the database has an impossible page size"));
    }
    let reserved = usize::from(header.get(20).copied().unwrap_or_default());
    let usable = size - reserved;
    if usable < 480 {
        return Err(malformed("the database reserves more of a page than is allowed"));
    }
    let count = length / size as u64;
    let mut file = File { content, size, usable, count, seen: HashSet::new() };
    let mut root = None;
    file.walk(1, 0, &mut |record| {
        let [kind, name, _, page] = values(record)?;
        if kind == b"table" && name == b"Packages" {
            root = Some(page.iter().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
        }
        Ok(())
    })?;
    let root = root.ok_or_else(|| malformed("the database has no table of packages"))?;
    file.seen.clear();
    file.walk(root, 0, &mut |record| {
        let [_, blob] = values(record)?;
        each(blob)
    })
}

/// The file, by pages.
struct File<'a> {
    content: &'a mut Content,
    size: usize,
    /// The bytes of a page that can have data.
    usable: usize,
    count: u64,
    seen: HashSet<u64>,
}

impl File<'_> {
    /// A page, by its number from 1.
    fn page(&mut self, number: u64) -> Result<Vec<u8>, AnalyserError> {
        if number == 0 || number > self.count {
            return Err(malformed(format!("page {number} is outside the database")));
        }
        if !self.seen.insert(number) {
            return Err(malformed(format!("page {number} is used twice")));
        }
        let mut page = vec![0; self.size];
        read_at(self.content, (number - 1) * self.size as u64, &mut page)?;
        Ok(page)
    }

    /// Yields the records below a page, in their order.
    fn walk(
        &mut self,
        number: u64,
        depth: usize,
        each: &mut Each<'_>,
    ) -> Result<(), AnalyserError> {
        if depth > DEPTH {
            return Err(malformed("the tree of packages is too deep"));
        }
        let page = self.page(number)?;
        // The first page starts with the header of the file.
        let head = if number == 1 { 100 } else { 0 };
        let kind = page.get(head).copied();
        let cells = array(&page, head + 3).map(u16::from_be_bytes).unwrap_or_default();
        let pointers = match kind {
            Some(INTERIOR) => head + 12,
            Some(LEAF) => head + 8,
            _ => return Err(malformed(format!("page {number} does not belong to a table"))),
        };
        for index in 0..usize::from(cells) {
            let cell = array(&page, pointers + index * 2).map(u16::from_be_bytes).map(usize::from);
            let cell = cell
                .and_then(|offset| page.get(offset..self.usable))
                .ok_or_else(|| malformed(format!("page {number} points outside itself")))?;
            if kind == Some(INTERIOR) {
                let child = array(cell, 0).map(u32::from_be_bytes).unwrap_or_default();
                self.walk(u64::from(child), depth + 1, each)?;
            } else {
                let record = self.record(cell)?;
                each(&record)?;
            }
        }
        if kind == Some(INTERIOR) {
            let last = array(&page, head + 8).map(u32::from_be_bytes).unwrap_or_default();
            self.walk(u64::from(last), depth + 1, each)?;
        }
        Ok(())
    }

    /// A record, with its overflow pages.
    fn record(&mut self, cell: &[u8]) -> Result<Vec<u8>, AnalyserError> {
        let broken = || malformed("a record is broken");
        let (length, cell) = varint(cell).ok_or_else(broken)?;
        let (_row, cell) = varint(cell).ok_or_else(broken)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > HEADER_LIMIT || length as u64 > self.count * self.size as u64 {
            return Err(malformed("a record claims an impossible size"));
        }
        let local = self.local(length);
        let mut record = Vec::with_capacity(length);
        record.extend_from_slice(cell.get(..local).ok_or_else(broken)?);
        let mut next = match length > local {
            true => array(cell, local).map(u32::from_be_bytes).ok_or_else(broken)?,
            false => 0,
        };
        while record.len() < length {
            let page = self.page(u64::from(next))?;
            let missing = (length - record.len()).min(self.usable - 4);
            record.extend_from_slice(page.get(4..4 + missing).ok_or_else(broken)?);
            next = array(&page, 0).map(u32::from_be_bytes).unwrap_or_default();
        }
        Ok(record)
    }

    /// How many bytes of a record are in its leaf, as the format defines.
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let wanted = least + (length - least) % (self.usable - 4);
        if wanted <= most { wanted } else { least }
    }
}

/// The first `N` values of a record.
fn values<const N: usize>(record: &[u8]) -> Result<[&[u8]; N], AnalyserError> {
    let broken = || malformed("a record is broken");
    let (head, types) = varint(record).ok_or_else(broken)?;
    let head = usize::try_from(head).unwrap_or(usize::MAX);
    let mut types = record.get(record.len() - types.len()..head).ok_or_else(broken)?;
    let mut body = record.get(head..).ok_or_else(broken)?;
    let mut values: [&[u8]; N] = [&[]; N];
    for value in &mut values {
        let (kind, rest) = varint(types).ok_or_else(broken)?;
        types = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return Err(broken()),
            _ => (kind - 12) / 2,
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        (*value, body) = body.split_at_checked(length).ok_or_else(broken)?;
    }
    Ok(values)
}

/// A number of one to nine bytes, and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some((value << 8 | u64::from(byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}
