//! Documents in UTF-16, as Windows PowerShell writes what a program prints: they become UTF-8.

use std::io::{BufRead, Read as _};

use crate::ReadError;

/// The largest document in UTF-16, which is converted as a whole.
const MAX: usize = 32 << 20;

/// Whether a file that starts like this is in UTF-16, by its byte order mark.
pub(crate) fn is_start(start: &[u8]) -> bool {
    start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff")
}

/// The start of a document, as far as it is complete.
pub(crate) fn start(bytes: &[u8]) -> Vec<u8> {
    let is_big = bytes.starts_with(b"\xfe\xff");
    let (pairs, _) = bytes.get(2..).unwrap_or_default().as_chunks();
    let units = pairs.iter().map(|&pair| match is_big {
        true => u16::from_be_bytes(pair),
        false => u16::from_le_bytes(pair),
    });
    let characters = char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER));
    characters.collect::<String>().into_bytes()
}

/// A document as UTF-8.
pub(crate) fn read(reader: impl BufRead) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader.take(MAX as u64 + 1).read_to_end(&mut bytes).map_err(serde_json::Error::io)?;
    if bytes.len() > MAX {
        return Err(ReadError::TooLarge { limit: MAX });
    }
    Ok(start(&bytes))
}
