//! Checks of tokens beyond their characters: checksums and inner structure.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::randomness;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The token is what it looks like.
    Real,
    /// The token looks right, but its checksum is wrong: it was mistyped or invented.
    Doubtful,
    /// The token is something else.
    Other,
}

/// Reads base64 with or without padding.
pub(crate) const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
/// Reads URL-safe base64 with or without padding.
pub(crate) const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// No check: the format does not have one.
pub(crate) fn none(_: &[u8]) -> Verdict {
    Verdict::Real
}

/// Checks that the last six characters are the CRC-32 of the thirty before them, in base 62
/// (GitHub, npm).
pub(crate) fn crc32_base62(token: &[u8]) -> Verdict {
    let Some((rest, checksum)) = token.split_last_chunk::<6>() else { return Verdict::Other };
    let Some(random) = rest.last_chunk::<30>() else { return Verdict::Other };
    if base62(crc32(random)) == *checksum { Verdict::Real } else { Verdict::Doubtful }
}

/// CRC-32 as in zip files; bit by bit, which is fast enough for thirty bytes.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    !crc
}

/// A number in six digits of base 62, including leading zeros.
fn base62(mut number: u32) -> [u8; 6] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 6];
    for digit in text.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    text
}

/// Checks a JSON Web Token: its header is a JSON object with its algorithm, its claims should be an
/// object too, and it is not the example of jwt.io.
pub(crate) fn jwt(token: &[u8]) -> Verdict {
    let mut parts = token.split(|&byte| byte == b'.');
    let Some(header) = parts.next().and_then(json_object) else { return Verdict::Other };
    let signed = header.get("alg").and_then(serde_json::Value::as_str);
    let Some(claims) = parts.next().and_then(json_object) else {
        return if signed.is_some() { Verdict::Doubtful } else { Verdict::Other };
    };
    match signed {
        None | Some("none") => Verdict::Other,
        Some(_) if is_jwt_io_example(&claims) => Verdict::Other,
        Some(_) => Verdict::Real,
    }
}

/// Whether a JSON Web Token is the example of jwt.io, which much documentation shows.
pub(crate) fn is_example_jwt(token: &[u8]) -> bool {
    let claims = token.split(|&byte| byte == b'.').nth(1).and_then(json_object);
    claims.is_some_and(|claims| is_jwt_io_example(&claims))
}

fn is_jwt_io_example(claims: &serde_json::Map<String, serde_json::Value>) -> bool {
    claims.get("sub").is_some_and(|subject| subject == "1234567890")
        && claims.get("name").is_some_and(|name| name == "John Doe")
}

fn json_object(part: &[u8]) -> Option<serde_json::Map<String, serde_json::Value>> {
    serde_json::from_slice(&URL_SAFE.decode(part).ok()?).ok()
}

/// Checks that the token has a digit: for formats that words in capitals would fit.
pub(crate) fn with_digit(token: &[u8]) -> Verdict {
    if token.iter().any(u8::is_ascii_digit) { Verdict::Real } else { Verdict::Other }
}

/// Checks that the end of the token looks random: for formats with a short prefix.
pub(crate) fn random(token: &[u8]) -> Verdict {
    let tail = token.get(token.len().saturating_sub(24)..).unwrap_or_default();
    let stats = randomness::character_stats(tail);
    let mixed = stats.digits > 0 && stats.lower + stats.upper > 0 && stats.changes >= 4;
    // One in sixty of such tokens has no digit.
    let is_text = || std::str::from_utf8(tail).is_ok_and(randomness::has_words);
    let letters = stats.digits == 0
        && stats.lower > 0
        && stats.upper > 0
        && tail.len() >= 16
        && stats.changes * 4 >= tail.len()
        && !is_text();
    if mixed || letters { Verdict::Real } else { Verdict::Other }
}

/// Checks that the token, after a prefix of two bytes, is clearly random: for formats that the name
/// of a method or file would fit. About three in a hundred tokens of 24 letters and digits fail it.
pub(crate) fn clearly_random(token: &[u8]) -> Verdict {
    let random = token.get(2..).unwrap_or_default();
    let stats = randomness::character_stats(random);
    let is_mixed = stats.digits > 0 && stats.lower > 0 && stats.upper > 0;
    let is_word = || std::str::from_utf8(random).is_ok_and(randomness::has_words);
    if is_mixed && stats.distinct >= 15 && stats.changes >= 9 && !is_word() {
        Verdict::Real
    } else {
        Verdict::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_of_classic_tokens() {
        // Assembled here, so that no scanner reports this file as a leak.
        let token = ["ghp", "_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17"].concat();
        assert_eq!(crc32_base62(token.as_bytes()), Verdict::Real);
        assert_eq!(crc32_base62(token.replace('z', "y").as_bytes()), Verdict::Doubtful);
        assert_eq!(crc32_base62(b"short"), Verdict::Other);
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn random_tokens() {
        for yes in ["x9Kq2LmZ8vTn4RwY", "GxJGOHKdxhnwkihJymvsTZVw", "qxLkoizzGQyKuRNeSeMUXKN"] {
            assert_eq!(random(yes.as_bytes()), Verdict::Real, "{yes}");
        }
        for no in ["YourSecretKeyGoesHere", "authorization-tokens", "AAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(random(no.as_bytes()), Verdict::Other, "{no}");
        }
    }

    #[test]
    fn names_are_not_clearly_random() {
        for yes in ["s.Kq7pZx4wJm2Lr8TnVb6Hd1Sf", "s.wJb7rXUtnFEMIK7MDENGbPxR"] {
            assert_eq!(clearly_random(yes.as_bytes()), Verdict::Real, "{yes}");
        }
        for no in [
            "s.parseV2BeaconBlockByRoots",
            "s.getKubernetesVersion1dot",
            "s.0123456789abcdef01234567",
            "s.AAAAAAAAAAAAAAAAAAAAAAAA",
            "s.ServeHTTP2WithTLS13Config",
            "s.Int64ToUint32AndBackV1x2",
        ] {
            assert_eq!(clearly_random(no.as_bytes()), Verdict::Other, "{no}");
        }
    }

    #[test]
    fn web_tokens() {
        let token = |header: &str, claims: &str| {
            [URL_SAFE.encode(header), URL_SAFE.encode(claims), "c2lnbmF0dXJl".to_owned()]
                .join(".")
                .replace('=', "")
        };
        assert_eq!(jwt(token(r#"{"alg":"HS256"}"#, r#"{"sub":"x"}"#).as_bytes()), Verdict::Real);
        assert_eq!(jwt(token(r#"{"alg":"none"}"#, r#"{"sub":"x"}"#).as_bytes()), Verdict::Other);
        assert_eq!(jwt(token(r#"{"a":1}"#, "{}").as_bytes()), Verdict::Other);
        let shown = token(r#"{"alg":"HS256"}"#, r#"{"sub":"1234567890","name":"John Doe"}"#);
        assert_eq!(jwt(shown.as_bytes()), Verdict::Other);
        assert_eq!(jwt(b"eyJ.eyJ.x"), Verdict::Other);
    }
}
