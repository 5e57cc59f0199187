//! rpm's own database, ndb: pages of slots, each of which points to the blob of a package. All
//! numbers are little-endian.
//!
//! The header of 32 bytes takes the space of the first two slots. A slot has the offset of its blob
//! in blocks of 16 bytes, and the blob repeats the number of the package.

use super::{Each, HEADER_LIMIT, array, malformed, read_at};
use crate::analyse::AnalyserError;
use crate::content::Content;

const PAGE: usize = 4096;
const SLOT: usize = 16;
const BLOCK: u64 = 16;

/// The most pages of slots: a quarter of a million packages.
const PAGES: u32 = 1024;

pub(super) fn blobs(
    content: &mut Content,
    length: u64,
    each: &mut Each<'_>,
) -> Result<(), AnalyserError> {
    let mut header = [0; 32];
    read_at(content, 0, &mut header)?;
    let pages = array(&header, 12).map(u32::from_le_bytes).unwrap_or_default();
    if pages == 0 || pages > PAGES || u64::from(pages) * PAGE as u64 > length {
        return Err(malformed("the database has an impossible number of pages"));
    }
    let mut slots = vec![0; pages as usize * PAGE];
    read_at(content, 0, &mut slots)?;
    for slot in slots.as_chunks::<SLOT>().0.iter().skip(2) {
        let field = |offset| array(slot, offset).map(u32::from_le_bytes).unwrap_or_default();
        if !slot.starts_with(b"Slot") {
            return Err(malformed("the table of packages is broken"));
        }
        let (package, place) = (field(4), field(8));
        // Free slots belong to no package.
        if package != 0 {
            let blob = blob(content, length, package, u64::from(place) * BLOCK)?;
            each(&blob)?;
        }
    }
    Ok(())
}

/// The blob of a package.
fn blob(
    content: &mut Content,
    length: u64,
    package: u32,
    offset: u64,
) -> Result<Vec<u8>, AnalyserError> {
    let mut head = [0; 16];
    read_at(content, offset, &mut head)?;
    let field = |offset| array(&head, offset).map(u32::from_le_bytes).unwrap_or_default();
    let size = field(12);
    if !head.starts_with(b"BlbS") || field(4) != package {
        return Err(malformed(format!("package {package} is not where the table says")));
    }
    if size as usize > HEADER_LIMIT || u64::from(size) > length.saturating_sub(offset) {
        return Err(malformed(format!("package {package} claims an impossible size")));
    }
    let mut blob = vec![0; size as usize];
    read_at(content, offset + head.len() as u64, &mut blob)?;
    Ok(blob)
}

/// Removes packages from a database: their slots become free, and their blobs zeros. `None` if it
/// is malformed.
pub(super) fn remove(bytes: &mut [u8], stays: &dyn Fn(&[u8]) -> bool) -> Option<()> {
    let pages = array(bytes, 12).map(u32::from_le_bytes)?;
    let slots = (pages as usize).checked_mul(PAGE / SLOT)?;
    bytes.get(..(pages as usize).checked_mul(PAGE)?)?;
    // Blobs do not overlap.
    let mut left = bytes.len();
    for start in (2..slots).map(|slot| slot * SLOT) {
        let field = |bytes: &[u8], at| Some(array(bytes, at).map(u32::from_le_bytes)? as usize);
        if field(bytes, start + 4)? == 0 {
            continue;
        }
        let offset = field(bytes, start + 8)?.checked_mul(SLOT)?;
        let length = field(bytes, start + 12)?.checked_mul(SLOT)?;
        left = left.checked_sub(length)?;
        let room = bytes.get(offset..offset.checked_add(length)?)?;
        let size = field(room, 12)?;
        if !room.starts_with(b"BlbS") || stays(room.get(SLOT..SLOT.checked_add(size)?)?) {
            continue;
        }
        bytes.get_mut(offset..offset + length)?.fill(0);
        bytes.get_mut(start + 4..start + SLOT)?.fill(0);
    }
    Some(())
}
