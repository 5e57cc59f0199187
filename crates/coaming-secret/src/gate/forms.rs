//! How messages write a value: as it is, quoted, encoded, or only a part of it.

use base64::Engine as _;

use super::known::{beginning, is_public};

/// The shortest form that is looked for.
pub(super) const MIN_LENGTH: usize = 4;

/// Of a longer value, parts of this length are recognized.
const PART: usize = 8;

/// A longer value is also recognized by its beginning, because messages quote only that.
const MAX_QUOTED: usize = 64;

/// How a message may write a value.
pub(super) fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    if value.len() > MAX_QUOTED {
        forms.push(beginning(value, MAX_QUOTED).to_owned());
    }
    forms.extend(quoted(value));
    if let Ok(number) = value.parse::<f64>() {
        forms.extend(number_forms(number));
    }
    if value.len() >= MIN_LENGTH {
        forms.extend(encoded(value));
        forms.push(value.chars().rev().collect());
    }
    forms.retain(|form| form.len() >= MIN_LENGTH);
    forms.sort();
    forms.dedup();
    forms
}

/// The value between quotes of JSON and Go, YAML, shells and HTML.
fn quoted(value: &str) -> Vec<String> {
    let escaped = serde_json::to_string(value).unwrap_or_default();
    let escaped = escaped.trim_matches('"').to_owned();
    let html = |text: &str, quote: &str, apostrophe: &str| {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        text.replace('"', quote).replace('\'', apostrophe)
    };
    // Go writes `<`, `>` and `&` of JSON so.
    let safe = ["<", ">", "&"].iter().fold(escaped.clone(), |text, sign| {
        let code = sign.bytes().next().unwrap_or_default();
        text.replace(sign, &format!("\\u{code:04x}"))
    });
    let ascii = escaped.chars().map(|c| match c {
        ' '..='~' => c.to_string(),
        _ => format!("\\u{:04x}", u32::from(c)),
    });
    vec![
        ascii.collect(),
        escaped,
        safe,
        value.replace('\'', "''"),
        value.replace('\'', "'\\''"),
        html(value, "&#34;", "&#39;"),
        html(value, "&quot;", "&#x27;"),
    ]
}

/// The value in base64, base32, hexadecimal digits and as a part of a URL.
fn encoded(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex = base16ct::lower::encode_string(bytes);
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![base32(bytes), pairs.join(" "), hex];
    let standard = base64::engine::general_purpose::STANDARD;
    let whole = standard.encode(bytes);
    forms.push(standard.encode(&whole));
    forms.push(whole.trim_end_matches('=').to_owned());
    // The bytes before and after the value change the digits at its ends.
    for lead in 0..3_usize {
        let bytes = [&b"xx"[..lead.min(2)], bytes].concat();
        let digits = base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
        let start = [0, 2, 3].get(lead).copied().unwrap_or_default();
        let end = digits.len().saturating_sub(1);
        forms.extend(digits.get(start..end).map(str::to_owned));
    }
    let for_urls: Vec<String> =
        forms.iter().map(|form| form.replace('+', "-").replace('/', "_")).collect();
    forms.extend(for_urls);
    // A query, a path, and what encodes every byte.
    for plain in [&b"-_.~"[..], b"-_.~$&+:=@", b"-_.!~*'()"] {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || plain.contains(&byte);
        forms.push(percent(bytes, is_plain));
    }
    forms.push(percent(bytes, |byte| byte.is_ascii_alphanumeric() || b"-_.~ ".contains(&byte)));
    if let Some(query) = forms.last().map(|form| form.replace(' ', "+")) {
        forms.push(query);
    }
    forms.push(percent(bytes, |_| false));
    forms
}

fn percent(bytes: &[u8], is_plain: impl Fn(u8) -> bool) -> String {
    let one = |&byte: &u8| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}

/// Without what fills the last block, which only the end of a text has.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = String::new();
    let (mut held, mut count) = (0_u32, 0);
    for &byte in bytes {
        held = (held << 8 | u32::from(byte)) & 0xFFFF;
        count += 8;
        while count >= 5 {
            count -= 5;
            out.push(char::from(DIGITS[(held >> count & 31) as usize]));
        }
    }
    if count > 0 {
        out.push(char::from(DIGITS[(held << (5 - count) & 31) as usize]));
    }
    out
}

/// What `trunc`, `abbrev` and `substr` leave of a value. What is shorter than [`PART`] is recognized
/// only at the ends of a value.
pub(super) fn parts(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    if (PART + 1..=MAX_QUOTED).contains(&value.len()) {
        found.extend((0..=value.len() - PART).filter_map(|at| value.get(at..at + PART)));
    }
    // `shop` of `shop-password` is a word of messages.
    let is_cut = |rest: Option<char>| rest.is_some_and(|c| !matches!(c, '-' | '_' | '.' | ' '));
    for length in (MIN_LENGTH..PART).filter(|&length| length < value.len()) {
        let cut = value.len() - length;
        let first = value.get(..length).filter(|_| is_cut(value[length..].chars().next()));
        let last = value.get(cut..).filter(|_| is_cut(value[..cut].chars().next_back()));
        found.extend(first.into_iter().chain(last));
    }
    found.retain(|part| !is_public(part) && part.contains(char::is_alphanumeric));
    found.into_iter().map(str::to_owned).collect()
}

/// A number as Go and JSON print it: `8.3454102e+07`, `83454102.0`.
fn number_forms(number: f64) -> Vec<String> {
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return Vec::new() };
    vec![format!("{digits}e+{exponent:0>2}"), scientific.clone(), format!("{number}")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_base32() {
        assert_eq!(base32(b"walnut"), "O5QWY3TVOQ");
        assert_eq!(base32(b"a"), "ME");
    }

    #[test]
    fn short_parts_are_those_at_the_ends() {
        let parts = parts("tundra!913Q");
        for part in ["tund", "tundra!", "913Q", "ndra!913"] {
            assert!(parts.iter().any(|it| it == part), "{part}");
        }
        assert!(!parts.iter().any(|it| it == "ra!9"));
        assert!(super::parts("shop-walnut").iter().all(|it| it != "shop"));
    }
}
