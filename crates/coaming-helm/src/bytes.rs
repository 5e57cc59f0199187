//! Texts in Go hold any bytes, Rust's hold UTF-8: a byte that is not part of a character is kept as a
//! stand-in, a character of the last private plane. So what a chart encodes of an image or a key
//! store, and where it cuts a character in two, gives the same bytes as with Helm.

use std::borrow::Cow;

/// The stand-in of byte 0; only those of 0x80 to 0xff occur.
const FIRST: u32 = 0x10_ff00;

/// How the UTF-8 of every stand-in begins.
const LEAD: u8 = 0xf4;

/// Bytes as a text, with Unicode's replacement character in the place of what is not UTF-8.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    // To check the whole is several times as fast as to look for what is wrong.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Bytes as a text.
pub(crate) fn to_text(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(
            chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))),
        );
    }
    text
}

/// The bytes of a text.
pub(crate) fn of_text(text: &str) -> Cow<'_, [u8]> {
    if !has_strays(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match stray(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// The byte that a private character replaces.
pub(crate) fn stray(c: char) -> Option<u8> {
    u32::from(c).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok()).filter(|b| *b >= 0x80)
}

/// Whether a text has bytes that are not UTF-8.
pub(crate) fn has_strays(text: &str) -> bool {
    text.as_bytes().contains(&LEAD) && text.chars().any(|c| stray(c).is_some())
}

/// The text with Unicode's replacement character in the place of each such byte, as Go's JSON has it.
pub(crate) fn replaced(text: &str) -> Cow<'_, str> {
    if !has_strays(text) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if stray(c).is_some() { '\u{fffd}' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive() {
        let all: Vec<u8> = (0..=255).chain("aé\u{10fe00}".bytes()).collect();
        for bytes in [&all[..], b"", b"plain", b"\xc3", b"\xf4\x8f", b"\x89PNG\xff"] {
            assert_eq!(of_text(&to_text(bytes)).as_ref(), bytes);
        }
        assert_eq!(replaced(&to_text(b"a\xffb")), "a\u{fffd}b");
    }
}
