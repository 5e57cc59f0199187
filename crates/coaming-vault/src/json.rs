//! Answers of stores as JSON, without copies of their values that nothing would zero.
//!
//! `serde_json` checks the syntax and finds the raw texts; [`value`] alone unescapes them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::value::{Buffer, Fields, Value};

/// The fields of an object.
pub(crate) type RawFields<'a> = BTreeMap<String, &'a RawValue>;

/// The value of a field: a string's text, or the JSON of anything else.
pub(crate) fn value(raw: &RawValue) -> Value {
    let text = raw.get();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => unescape(text),
        None => Value::new(text.as_bytes().to_vec()),
    }
}

/// The fields of a raw object; `None` if it is not an object.
pub(crate) fn fields(raw: &RawValue) -> Option<Fields> {
    let fields: RawFields<'_> = serde_json::from_str(raw.get()).ok()?;
    // A field that is null is a field that is not there.
    let fields = fields.into_iter().filter(|(_, raw)| raw.get() != "null");
    Some(fields.map(|(name, raw)| (name, value(raw))).collect())
}

/// The text of a JSON string whose syntax was checked. A lone surrogate becomes U+FFFD.
fn unescape(text: &str) -> Value {
    let mut buffer = Buffer::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        buffer.push(before.as_bytes());
        let mut chars = after.chars();
        let unescaped = match chars.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (unescaped, left) = unicode(chars.as_str());
                chars = left.chars();
                unescaped
            }
            Some(other) => other,
            None => break,
        };
        rest = chars.as_str();
        buffer.push(unescaped.encode_utf8(&mut [0; 4]).as_bytes());
    }
    buffer.push(rest.as_bytes());
    buffer.into_value()
}

/// The character of `XXXX` or `XXXX\uXXXX`, and what follows.
fn unicode(text: &str) -> (char, &str) {
    let unit = |text: &str| text.get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    let after = text.get(4..).unwrap_or_default();
    let Some(first) = unit(text) else { return (char::REPLACEMENT_CHARACTER, after) };
    let second = after.strip_prefix("\\u").and_then(unit);
    match char::decode_utf16([first].into_iter().chain(second)).next() {
        Some(Ok(found)) if found.len_utf16() == 2 => (found, after.get(6..).unwrap_or_default()),
        Some(Ok(found)) => (found, after),
        _ => (char::REPLACEMENT_CHARACTER, after),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_of_other_types_keep_their_notation() {
        let raw: Box<RawValue> =
            serde_json::from_str(r#"{"a": 1.50, "b": {"c": true}, "d": null, "e": "x"}"#).unwrap();
        let fields = fields(&raw).unwrap();
        let text = |name: &str| fields[name].expose_text().unwrap().to_owned();
        assert_eq!(
            (text("a"), text("b"), text("e")),
            ("1.50".into(), r#"{"c": true}"#.into(), "x".into())
        );
        assert!(!fields.contains_key("d"));
    }

    #[test]
    fn a_lone_surrogate_is_replaced() {
        let of = |text: &str| unescape(text).expose_text().unwrap().to_owned();
        assert_eq!(of(r"a\ud800b"), "a\u{fffd}b");
        assert_eq!(of(r"\ud83d\ude00!"), "\u{1f600}!");
        assert_eq!(of(r"\ud83dA"), "\u{fffd}A");
    }

    proptest! {
        #[test]
        fn strings_are_read_as_serde_json_reads_them(text in any::<String>(), ascii in any::<bool>()) {
            let mut json = serde_json::to_string(&text).unwrap();
            if ascii {
                json = json.chars().map(|c| if c.is_ascii() { c.to_string() } else {
                    let mut units = [0; 2];
                    c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
                }).collect();
            }
            let raw: Box<RawValue> = serde_json::from_str(&json).unwrap();
            let read = value(&raw);
            prop_assert_eq!(read.expose_text(), Some(text.as_str()));
        }
    }
}
