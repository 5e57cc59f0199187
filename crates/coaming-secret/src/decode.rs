//! Decodes values: base64 and similar encodings do not protect a secret.

use std::io::Read as _;
use std::ops::Range;

use base64::Engine as _;

use crate::noise::ends_with;
use crate::{check, randomness};

/// The longest value that is decoded.
const MAX_ENCODED: usize = 4 << 20;
/// The longest text that is unpacked.
const MAX_UNPACKED: u64 = 16 << 20;

/// The bytes that a base64 text encodes; it may contain line breaks.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_ENCODED {
        return None;
    }
    if !text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return check::STANDARD.decode(text).ok();
    }
    let compact: String = text.split_ascii_whitespace().collect();
    check::STANDARD.decode(compact.as_bytes()).ok()
}

/// How many layers of encoding are removed.
const MAX_LAYERS: usize = 4;

/// The text that a value encodes in base64 or hexadecimal digits, also in several layers: `None` if
/// the value is too short to tell, or does not encode text.
pub(crate) fn readable(value: &str) -> Option<String> {
    let mut text = layer(value)?;
    for _ in 1..MAX_LAYERS {
        let Some(inner) = layer(&text) else { break };
        text = inner;
    }
    Some(text)
}

/// The text that a value encodes whose name says that it is base64, however short it is.
pub(crate) fn named_base64(name: &str, value: &str) -> Option<String> {
    let is_named = ends_with(name, "b64") || ends_with(name, "base64");
    let decoded = if is_named { base64(value.trim())? } else { return None };
    String::from_utf8(decoded).ok().filter(|text| !text.bytes().any(|byte| byte.is_ascii_control()))
}

/// The text without its outermost encoding.
fn layer(value: &str) -> Option<String> {
    let value = value.trim();
    let least = if value.ends_with('=') { 8 } else { 12 };
    if value.len() < least {
        return None;
    }
    let text = if value.len() >= 24
        && value.len().is_multiple_of(2)
        && randomness::is_hex(value.as_bytes())
    {
        String::from_utf8(hexadecimal(value.as_bytes())?).ok()?
    } else {
        let is_encoded = value.len() % 4 != 1
            && value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n ".contains(&byte));
        if !is_encoded {
            return None;
        }
        String::from_utf8(base64(value)?).ok()?
    };
    // Random bytes are not UTF-8, or contain control characters.
    let is_text = text
        .bytes()
        .all(|byte| (0x20..0x7F).contains(&byte) || matches!(byte, b'\n' | b'\r' | b'\t'));
    is_text.then_some(text)
}

/// How far around a position percent-encoded text is read.
const MAX_PERCENT: usize = 2048;

/// The range of the percent-encoded text around a position, and what it decodes to.
pub(crate) fn percent(text: &[u8], at: usize) -> (Range<usize>, Vec<u8>) {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"%._~-+*".contains(byte);
    let before = text.get(..at).unwrap_or_default().iter().rev().take(MAX_PERCENT);
    let start = at - before.take_while(is_part).count();
    let after = text.get(at..).unwrap_or_default().iter().take(MAX_PERCENT);
    let end = at + after.take_while(is_part).count();
    let mut decoded = Vec::with_capacity(end - start);
    let mut rest = text.get(start..end).unwrap_or_default();
    while let [first, after @ ..] = rest {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(hexadecimal);
        match byte.as_deref() {
            Some(&[byte]) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    (start..end, decoded)
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            &[high, low] => u8::try_from(value(high)? * 16 + value(low)?).ok(),
            _ => None,
        })
        .collect()
}

/// Whether a text contains only certificates or public keys.
pub(crate) fn is_public(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("-----BEGIN ") && !text.contains("PRIVATE KEY")
        || ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|start| text.starts_with(start))
}

/// The content of gzip data, up to a limit.
pub(crate) fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return None;
    }
    let mut unpacked = Vec::new();
    flate2::bufread::GzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readable_texts_are_decoded() {
        assert_eq!(readable("cGFzc3dvcmQ9aHVudGVyMg==").as_deref(), Some("password=hunter2"));
        assert_eq!(readable("x9Kq2LmZ8vTn4RwYx9Kq2LmZ"), None);
        assert_eq!(readable("short"), None);
        assert!(is_public("-----BEGIN CERTIFICATE-----\nx"));
        assert!(!is_public("-----BEGIN CERTIFICATE-----\nx\n-----BEGIN PRIVATE KEY-----"));
    }

    #[test]
    fn only_gzip_is_unpacked() {
        assert_eq!(gunzip(b"no gzip"), None);
        assert_eq!(gunzip(&[0x1F, 0x8B, 0, 0]), None);
    }
}
