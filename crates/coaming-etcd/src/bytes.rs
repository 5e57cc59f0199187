//! Reads numbers from bytes that may end anywhere: nothing here can panic.

/// A little-endian number of two bytes at `at`; `None` if the bytes end before it does.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(array_at(bytes, at)?))
}

/// A little-endian number of four bytes at `at`.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(array_at(bytes, at)?))
}

/// A little-endian number of eight bytes at `at`.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(array_at(bytes, at)?))
}

/// A big-endian number of eight bytes at `at`.
pub(super) fn u64_be_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(array_at(bytes, at)?))
}

/// The bytes `at .. at + length`; `None` unless all of them exist.
pub(super) fn slice_at(bytes: &[u8], at: usize, length: usize) -> Option<&[u8]> {
    bytes.get(at..at.checked_add(length)?)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    slice_at(bytes, at, N)?.try_into().ok()
}
