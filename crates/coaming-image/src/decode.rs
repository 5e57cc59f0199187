//! Bytes as text, where bytes that are not text must not be lost.

use std::borrow::Cow;

/// The bytes as UTF-8, with a replacement character for what is not. Nearly all text is valid, and
/// checking that first takes a fraction of the time of looking for the invalid parts.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
