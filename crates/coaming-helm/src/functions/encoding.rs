//! Encodings and checksums.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Outcome, Row, any, text};
use crate::bytes;
use crate::decode;
use crate::emit;
use crate::json;
use crate::json_read;
use crate::value::{ItemType, Map, Value};

pub(super) const TABLE: &[Row] = &[
    ("b64enc", "s", |_, v| made(v, STANDARD.encode(bytes::of_text(text(v, 0))))),
    ("b64dec", "s", |_, v| decoded(v, from_base64(text(v, 0)))),
    ("b32enc", "s", |_, v| made(v, base32(&bytes::of_text(text(v, 0))))),
    ("b32dec", "s", |_, v| decoded(v, from_base32(text(v, 0)))),
    ("sha1sum", "s", |_, v| {
        use sha1::Digest as _;
        made(v, hex(&sha1::Sha1::digest(bytes::of_text(text(v, 0)))))
    }),
    ("sha256sum", "s", |_, v| {
        use sha2::Digest as _;
        made(v, hex(&sha2::Sha256::digest(bytes::of_text(text(v, 0)))))
    }),
    ("sha512sum", "s", |_, v| {
        use sha2::Digest as _;
        made(v, hex(&sha2::Sha512::digest(bytes::of_text(text(v, 0)))))
    }),
    ("adler32sum", "s", |_, v| {
        let (mut low, mut high) = (1_u32, 0_u32);
        for byte in bytes::of_text(text(v, 0)).iter() {
            low = (low + u32::from(*byte)) % 65_521;
            high = (high + low) % 65_521;
        }
        made(v, ((high << 16) | low).to_string())
    }),
    ("toYaml", "a", |exec, v| {
        Ok(emit::to_yaml(any(v, 0), &exec.budget).unwrap_or_else(|_| Value::from("")))
    }),
    ("mustToYaml", "a", |exec, v| emit::to_yaml(any(v, 0), &exec.budget)),
    ("toYamlPretty", "a", |exec, v| {
        Ok(emit::to_yaml_pretty(any(v, 0), &exec.budget).unwrap_or_else(|_| Value::from("")))
    }),
    ("fromYaml", "s", |exec, v| Ok(decode::map_or_error(any(v, 0), &exec.budget))),
    ("fromYamlArray", "s", |exec, v| Ok(decode::list_or_error(any(v, 0), &exec.budget))),
    ("toJson", "a", |exec, v| {
        Ok(json::compact(any(v, 0), true, &exec.budget).unwrap_or_else(|_| Value::from("")))
    }),
    ("mustToJson", "a", |exec, v| json::compact(any(v, 0), true, &exec.budget)),
    ("toRawJson", "a", |exec, v| json::compact(any(v, 0), false, &exec.budget)),
    ("mustToRawJson", "a", |exec, v| json::compact(any(v, 0), false, &exec.budget)),
    ("toPrettyJson", "a", |exec, v| json::pretty(any(v, 0), &exec.budget)),
    ("mustToPrettyJson", "a", |exec, v| json::pretty(any(v, 0), &exec.budget)),
    ("fromJson", "s", |exec, v| match json_read::read(any(v, 0), &exec.budget) {
        Ok(value) if value.as_map().is_some() => Ok(value),
        Ok(value) if value.is_nil() => Ok(Value::from(Map::new())),
        Ok(value) => Ok(error_map(format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json::type_of(&value)
        ))),
        Err(message) => Ok(error_map(message)),
    }),
    ("mustFromJson", "s", |exec, v| json_read::read(any(v, 0), &exec.budget)),
    ("fromJsonArray", "s", |exec, v| match json_read::read(any(v, 0), &exec.budget) {
        Ok(value) if value.as_list().is_some() => Ok(value),
        Ok(value) if value.is_nil() => Ok(Value::nil_list(ItemType::Any)),
        Ok(value) => Ok(Value::from(vec![Value::from(format!(
            "json: cannot unmarshal {} into Go value of type []interface {{}}",
            json::type_of(&value)
        ))])),
        Err(message) => Ok(Value::from(vec![Value::from(message)])),
    }),
    ("toToml", "a", |exec, v| {
        let text = json::to_toml(any(v, 0), &exec.budget).unwrap_or_else(|message| message);
        made(v, text)
    }),
    ("fromToml", "s", |exec, v| match json::from_toml(text(v, 0), &exec.budget) {
        Ok(value) => Ok(value),
        Err(message) => Ok(error_map(message)),
    }),
];

/// What `fromYaml` and its like return for unreadable text.
pub(crate) fn error_map(message: String) -> Value {
    let mut map = Map::new();
    map.insert("Error".into(), Value::from(message));
    Value::from(map)
}

fn made(v: &[Value], text: String) -> Outcome {
    Ok(Value::from(text).at(any(v, 0).first_origin()))
}

/// Unreadable input decodes to its error's message.
fn decoded(v: &[Value], bytes: Result<Vec<u8>, String>) -> Outcome {
    let text = match bytes {
        Ok(bytes) => bytes::to_text(&bytes),
        Err(message) => message,
    };
    made(v, text)
}

/// Go's decoder skips line breaks, and names the byte where it stopped.
pub(super) fn from_base64(text: &str) -> Result<Vec<u8>, String> {
    let text = text.replace(['\n', '\r'], "");
    STANDARD.decode(&text).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _)
            | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            // The group that is not complete.
            _ => text.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {at}")
    })
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0_u8; 5];
        block[..chunk.len()].copy_from_slice(chunk);
        let bits = block.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let used = (chunk.len() * 8).div_ceil(5);
        for position in 0..8 {
            let index = (bits >> (35 - 5 * position)) & 31;
            let letter = BASE32.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or(b'A');
            out.push(if position < used { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Go's decoder skips line breaks, wants padding, and names the byte where it stopped.
fn from_base32(text: &str) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let failed = |at: usize| Err(format!("illegal base32 data at input byte {at}"));
    let mut out = Vec::new();
    for (index, group) in text.chunks(8).enumerate() {
        let start = index * 8;
        let digits = group.iter().take_while(|byte| **byte != b'=').count();
        let mut bits = 0_u64;
        for (position, byte) in group.iter().take(digits).enumerate() {
            match BASE32.iter().position(|letter| letter == byte) {
                Some(digit) => bits = (bits << 5) | digit as u64,
                None => return failed(start + position),
            }
        }
        if digits < group.len() && (digits < 2 || text.len() > start + 8) {
            // Padding is at the end only.
            return failed(start + digits);
        }
        if group.len() < 8 {
            return failed(if digits < group.len() { text.len() } else { start });
        }
        if let Some(at) = group.iter().skip(digits).position(|byte| *byte != b'=') {
            return failed(start + digits + at - 1);
        }
        if matches!(digits, 3 | 6) {
            return failed(start + digits);
        }
        let count = digits * 5 / 8;
        bits <<= (8 - digits) * 5;
        out.extend_from_slice(bits.to_be_bytes().get(3..3 + count).unwrap_or_default());
    }
    Ok(out)
}
