//! Bytes as text, where what is no text must not be lost.

use std::borrow::Cow;

/// The bytes as UTF-8, with a mark in place of what is none. Nearly all are, and to see that at once takes
/// a fraction of the time of looking for where they are not.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}
