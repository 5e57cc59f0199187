//! The write-ahead log next to an `SQLite` database: pages that are newer than those in the
//! database. A program that ends without closing the database leaves it.
//!
//! Invariants: only whole transactions count, as far as the log's own checksums are right; the
//! result is no larger than [`LIMIT`].

use std::collections::BTreeMap;

/// The largest log, and the largest database that a log is applied to, in bytes.
pub(crate) const LIMIT: u64 = 64 << 20;

/// The log's header, and that of each page in it, in bytes.
const HEADER: usize = 32;
const FRAME: usize = 24;

/// The database with the pages of its log; `None` if the log has no transaction, or is broken.
pub(crate) fn apply(database: &[u8], log: &[u8]) -> Option<Vec<u8>> {
    let big_endian = match number(log, 0)? {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return None,
    };
    let size = usize::try_from(number(log, 8)?).ok()?;
    if !(512..=65_536).contains(&size) || !size.is_power_of_two() {
        return None;
    }
    let salts = log.get(16..24)?;
    let mut sum = checksum((0, 0), log.get(..24)?, big_endian);
    if sum != (number(log, 24)?, number(log, 28)?) {
        return None;
    }
    let (mut committed, mut pending) = (BTreeMap::new(), BTreeMap::new());
    let mut count = 0;
    for frame in log.get(HEADER..)?.chunks_exact(FRAME + size) {
        let (head, page) = frame.split_at_checked(FRAME)?;
        sum = checksum(checksum(sum, head.get(..8)?, big_endian), page, big_endian);
        // What follows is from before the log was started again.
        if head.get(8..16) != Some(salts) || sum != (number(head, 16)?, number(head, 20)?) {
            break;
        }
        pending.insert(number(head, 0)?, page);
        // The last page of a transaction has the number of pages after it.
        let pages = number(head, 4)?;
        if pages > 0 {
            committed.append(&mut pending);
            count = pages;
        }
    }
    let length = usize::try_from(count).ok()?.checked_mul(size)?;
    if length == 0 || length as u64 > LIMIT {
        return None;
    }
    let mut result = database.to_vec();
    result.resize(length, 0);
    for (number, page) in committed {
        let start = usize::try_from(number.checked_sub(1)?).ok()?.checked_mul(size)?;
        if let Some(place) = result.get_mut(start..).and_then(|rest| rest.get_mut(..size)) {
            place.copy_from_slice(page);
        }
    }
    Some(result)
}

/// A number of 32 bits at an offset.
fn number(bytes: &[u8], offset: usize) -> Option<u32> {
    super::array(bytes, offset).map(u32::from_be_bytes)
}

/// The log's checksum of bytes after others: sums over pairs of words.
fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let word = |bytes: [u8; 4]| match big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    for pair in bytes.chunks_exact(8) {
        let (Some(left), Some(right)) = (super::array(pair, 0), super::array(pair, 4)) else {
            break;
        };
        first = first.wrapping_add(word(left)).wrapping_add(second);
        second = second.wrapping_add(word(right)).wrapping_add(first);
    }
    (first, second)
}
