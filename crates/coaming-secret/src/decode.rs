//! Base64 is plain text: what a value says when it is decoded.

use std::io::Read as _;

use base64::Engine as _;

use crate::check;

/// The longest value that is decoded.
const MAX_ENCODED: usize = 4 << 20;
/// The longest text that is unpacked.
const MAX_UNPACKED: u64 = 16 << 20;

/// The bytes of a base64 text, line breaks and all.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_ENCODED {
        return None;
    }
    let compact: String = text.split_ascii_whitespace().collect();
    check::STANDARD.decode(compact.as_bytes()).ok()
}

/// The text that a value is in base64: none if it is too short to tell, or no text.
pub(crate) fn readable(value: &str) -> Option<String> {
    let value = value.trim();
    let least = if value.ends_with('=') { 8 } else { 16 };
    let is_encoded = value.len() >= least
        && value.len() % 4 != 1
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r\n ".contains(&byte));
    if !is_encoded {
        return None;
    }
    let text = String::from_utf8(base64(value)?).ok()?;
    // Random bytes are no UTF-8, or have control characters.
    let is_text =
        text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')) && text.is_ascii();
    is_text.then_some(text)
}

/// Whether a text is a certificate or public key and nothing else.
pub(crate) fn is_public(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("-----BEGIN ") && !text.contains("PRIVATE KEY")
        || ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|start| text.starts_with(start))
}

/// What gzip packed, as far as it is within bounds.
pub(crate) fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return None;
    }
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readable_texts_alone() {
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
