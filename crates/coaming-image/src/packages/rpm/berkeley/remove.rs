//! Removes packages from a Berkeley DB hash, in place: their entries leave the pages, and the pages
//! of their values become free.
//!
//! Invariant: a database that is malformed, or stores keys as rpm never did, is refused and never
//! passed off as a reduced one.

use std::collections::HashSet;

use super::super::array;
use super::{
    ENTRY_INLINE, ENTRY_OFF_PAGE, HASH_MAGIC, HEAD, PAGE_HASH, PAGE_HASH_UNSORTED, PAGE_OVERFLOW,
    SHORTEST,
};

/// Offsets in the first page: the first free page, and counts of the contents.
const FREE: usize = 28;
const COUNTS: [usize; 3] = [40, 44, 88];
/// Offsets in the head of each page.
const PREVIOUS: usize = 12;
const NEXT: usize = 16;
const ENTRIES: usize = 20;
const USED: usize = 22;
const KIND: usize = 25;

/// Removes packages from a database; `None` if that is not possible.
pub(in super::super) fn remove(bytes: &mut [u8], stays: &dyn Fn(&[u8]) -> bool) -> Option<()> {
    let magic: [u8; 4] = array(bytes, 12)?;
    let little = u32::from_le_bytes(magic) == HASH_MAGIC;
    if !little && u32::from_be_bytes(magic) != HASH_MAGIC {
        return None;
    }
    let mut file = File { bytes, little, size: 0, removed: 0, chained: HashSet::new() };
    file.size = usize::try_from(file.number(20)?).ok()?;
    if !(512..=65_536).contains(&file.size) || !file.size.is_power_of_two() {
        return None;
    }
    for page in 1..file.bytes.len() / file.size {
        if matches!(
            file.bytes.get(page * file.size + KIND),
            Some(&(PAGE_HASH | PAGE_HASH_UNSORTED))
        ) {
            file.reduce(page, stays)?;
        }
    }
    for place in COUNTS {
        let count = file.number(place)?.saturating_sub(file.removed);
        file.put(place, count)?;
    }
    Some(())
}

/// The file, in its byte order.
struct File<'a> {
    bytes: &'a mut [u8],
    little: bool,
    size: usize,
    removed: u32,
    /// The pages of values: no page is part of two.
    chained: HashSet<usize>,
}

impl File<'_> {
    fn number(&self, at: usize) -> Option<u32> {
        let bytes = array(self.bytes, at)?;
        Some(if self.little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn short(&self, at: usize) -> Option<usize> {
        let bytes = array(self.bytes, at)?;
        let short = if self.little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
        Some(usize::from(short))
    }

    fn put(&mut self, at: usize, number: u32) -> Option<()> {
        let bytes = if self.little { number.to_le_bytes() } else { number.to_be_bytes() };
        self.bytes.get_mut(at..at + 4)?.copy_from_slice(&bytes);
        Some(())
    }

    fn put_short(&mut self, at: usize, number: usize) -> Option<()> {
        let number = u16::try_from(number).ok()?;
        let bytes = if self.little { number.to_le_bytes() } else { number.to_be_bytes() };
        self.bytes.get_mut(at..at + 2)?.copy_from_slice(&bytes);
        Some(())
    }

    /// Writes a page again with the pairs of key and value that stay: entries fill it from its end.
    fn reduce(&mut self, page: usize, stays: &dyn Fn(&[u8]) -> bool) -> Option<()> {
        let start = page * self.size;
        let count = self.short(start + ENTRIES)?;
        let mut entries: Vec<Vec<u8>> = Vec::with_capacity(count);
        let mut end = self.size;
        for index in 0..count {
            let place = self.short(start + HEAD + index * 2)?;
            entries.push(self.bytes.get(start + place..start + end)?.to_vec());
            end = place;
        }
        let mut kept: Vec<&Vec<u8>> = Vec::with_capacity(count);
        for pair in entries.chunks(2) {
            let [key, value] = pair else { return None };
            if key.first() != Some(&ENTRY_INLINE) {
                return None;
            }
            if self.entry_stays(value, stays)? {
                kept.extend([key, value]);
            } else {
                self.removed += 1;
            }
        }
        if kept.len() == entries.len() {
            return Some(());
        }
        self.bytes.get_mut(start + HEAD..start + self.size)?.fill(0);
        let mut place = self.size;
        for (index, entry) in kept.iter().enumerate() {
            place = place.checked_sub(entry.len())?;
            self.put_short(start + HEAD + index * 2, place)?;
            let room = self.bytes.get_mut(start + place..start + place + entry.len())?;
            room.copy_from_slice(entry);
        }
        self.put_short(start + ENTRIES, kept.len())?;
        self.put_short(start + USED, place)
    }

    /// Whether a value stays; a value that is not a header does. The pages of a removed one become
    /// free.
    fn entry_stays(&mut self, entry: &[u8], stays: &dyn Fn(&[u8]) -> bool) -> Option<bool> {
        match entry.split_first()? {
            (&ENTRY_INLINE, value) => Some(value.len() < SHORTEST || stays(value)),
            (&ENTRY_OFF_PAGE, _) => {
                let number = |at| {
                    let bytes = array(entry, at)?;
                    let order = if self.little { u32::from_le_bytes } else { u32::from_be_bytes };
                    usize::try_from(order(bytes)).ok()
                };
                let (pages, value) = self.chain(number(4)?, number(8)?)?;
                if value.len() < SHORTEST || stays(&value) {
                    return Some(true);
                }
                pages.into_iter().try_for_each(|page| self.free(page))?;
                Some(false)
            }
            _ => None,
        }
    }

    /// The chain of pages of a value, and the value.
    fn chain(&mut self, first: usize, length: usize) -> Option<(Vec<usize>, Vec<u8>)> {
        let (mut pages, mut value) = (Vec::new(), Vec::new());
        let mut page = first;
        while page != 0 {
            let start = page.checked_mul(self.size)?;
            if !self.chained.insert(page) || self.bytes.get(start + KIND) != Some(&PAGE_OVERFLOW) {
                return None;
            }
            let data = start + HEAD..start + HEAD + self.short(start + USED)?;
            value.extend_from_slice(self.bytes.get(data)?);
            pages.push(page);
            page = usize::try_from(self.number(start + NEXT)?).ok()?;
        }
        (value.len() >= length).then(|| value.truncate(length))?;
        Some((pages, value))
    }

    /// Adds a page to the front of the free ones.
    fn free(&mut self, page: usize) -> Option<()> {
        let start = page * self.size;
        let next = self.number(FREE)?;
        self.bytes.get_mut(start + PREVIOUS..start + self.size)?.fill(0);
        self.put(start + NEXT, next)?;
        self.put(FREE, u32::try_from(page).ok()?)
    }
}
