//! Remove the values of a Secret from the copies of it in its annotations.
//!
//! `kubectl apply` and tools like it keep the whole object in an annotation. A value there becomes
//! [`coaming_kube::WITHHELD`], so that the copy is still reported. A copy that cannot be read is
//! withheld as a whole.

use coaming_kube::WITHHELD;
use serde_json::Value;

/// Annotations that contain a copy of the object that they are on.
const COPIES: &[&str] = &[
    "kubectl.kubernetes.io/last-applied-configuration",
    "kapp.k14s.io/original",
    "objectset.rio.cattle.io/applied",
    "banzaicloud.com/last-applied",
];

/// How many texts deep JSON is looked for in JSON.
const MAX_NESTING: usize = 8;

/// Whether a field of a Secret contains its values. Go's own JSON decoder ignores the case of
/// names.
pub(crate) fn has_values(field: &str) -> bool {
    field.eq_ignore_ascii_case("data") || field.eq_ignore_ascii_case("stringData")
}

/// The text to keep in place of that of an annotation of a Secret; `None` keeps the annotation.
pub(crate) fn annotation(name: &str, text: &str) -> Option<String> {
    redacted(name, text, MAX_NESTING)
}

fn redacted(name: &str, text: &str, nesting: usize) -> Option<String> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    if !is_json {
        // Compressed, encoded, or nothing that is known to be free of values.
        return (is_copy(name) && !text.is_empty()).then(|| WITHHELD.to_owned());
    }
    let parsed = (nesting > 0).then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    let Some(mut value) = parsed else {
        return (is_copy(name) || mentions_values(text)).then(|| WITHHELD.to_owned());
    };
    withhold(name, &mut value, false, nesting - 1).then(|| value.to_string())
}

fn is_copy(name: &str) -> bool {
    COPIES.contains(&name)
}

/// Whether a text that cannot be read as JSON may have a field with values.
fn mentions_values(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // An escape may spell any name.
    lower.contains("data") || lower.contains("\\u")
}

/// Withholds the scalars in fields with values, and in JSON within JSON; says whether there were
/// any. `name` is that of the nearest field.
fn withhold(name: &str, value: &mut Value, in_values: bool, nesting: usize) -> bool {
    match value {
        // Every member counts: `any` would stop at the first.
        Value::Object(members) => {
            let mut changed = false;
            for (name, value) in members {
                changed |= withhold(name, value, in_values || has_values(name), nesting);
            }
            changed
        }
        Value::Array(items) => {
            let mut changed = false;
            for item in items {
                changed |= withhold(name, item, in_values, nesting);
            }
            changed
        }
        Value::Null => false,
        Value::String(text) => {
            let replacement = if in_values {
                // An empty value is no secret.
                (!text.is_empty()).then(|| WITHHELD.to_owned())
            } else {
                redacted(name, text, nesting)
            };
            replacement.map(|replacement| *text = replacement).is_some()
        }
        Value::Bool(_) | Value::Number(_) if in_values => {
            *value = WITHHELD.into();
            true
        }
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
    const VALUE: &str = "tOp-5ecret";

    /// All that is kept of a Secret with this annotation, as the list's decoder builds it.
    fn kept(name: &str, text: &str) -> String {
        let list = json!({"items": [{
            "metadata": {"name": "db", "annotations": {name: text}},
            "data": {"password": VALUE},
            "stringData": {"token": VALUE},
            "type": "Opaque",
        }]});
        let page = crate::page::decode(list.to_string().as_bytes(), "v1", "Secret").unwrap();
        // The debug output has every text of the arena, whether or not a node shows it.
        format!("{:?}{}", page.documents[0], page.documents[0].root().to_json())
    }

    #[test]
    fn keys_are_kept_without_their_values() {
        let kept = kept("example.com/team", "shop");
        assert!(kept.contains(r#""data":{"password":""}"#), "{kept}");
        assert!(kept.contains(r#""stringData":{"token":""}"#), "{kept}");
        assert!(kept.contains(r#""example.com/team":"shop""#), "{kept}");
        assert!(!kept.contains(VALUE), "{kept}");
    }

    #[test]
    fn copies_are_kept_without_values() {
        let secret = json!({"kind": "Secret", "data": {"a": VALUE}, "stringData": {"b": VALUE}});
        let once = secret.to_string();
        let twice = json!({"metadata": {"annotations": {APPLIED: once}}}).to_string();
        let list = json!({"kind": "List", "items": [secret]}).to_string();
        let odd = json!({"Data": [{"x": VALUE, "n": 5}], "stringdata": VALUE}).to_string();
        let escaped = once.replace("data", "d\\u0061ta");
        for text in [&once, &twice, &list, &odd, &escaped] {
            for name in [APPLIED, "kapp.k14s.io/original", "example.com/copy"] {
                let kept = kept(name, text);
                assert!(!kept.contains(VALUE), "{kept}");
                assert!(kept.contains(WITHHELD), "{kept}");
            }
        }
        let kept = annotation(APPLIED, &once).unwrap();
        let expected =
            json!({"kind": "Secret", "data": {"a": WITHHELD}, "stringData": {"b": WITHHELD}});
        assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), expected);
    }

    #[test]
    fn a_copy_that_cannot_be_read_is_withheld() {
        let broken = format!("{{\"kind\":\"Secret\",\"data\":{{\"a\":\"{VALUE}\"");
        let deep = format!("{}\"{VALUE}\"{}", "[".repeat(500), "]".repeat(500));
        let texts = [&broken, &deep, &VALUE.to_owned(), &format!("{{}} {VALUE}")];
        for text in texts {
            for name in COPIES {
                assert_eq!(annotation(name, text).as_deref(), Some(WITHHELD), "{text}");
            }
        }
        assert_eq!(annotation("example.com/copy", &broken).as_deref(), Some(WITHHELD));
        let mut nested = json!({"data": VALUE}).to_string();
        for _ in 0..20 {
            nested = json!({ "a": nested }).to_string();
            // Each level doubles the escapes.
            if nested.len() > 1 << 16 {
                break;
            }
        }
        assert!(!annotation("example.com/copy", &nested).unwrap().contains(VALUE));
    }

    #[test]
    fn other_annotations_stay_as_they_are() {
        for text in ["", "shop", "{\"kind\":\"Ingress\"}", "{{ .Values.x }}", "[1, 2]", "{broken"] {
            assert_eq!(annotation("example.com/note", text), None, "{text}");
        }
        assert_eq!(annotation(APPLIED, ""), None);
        let empty = json!({"kind": "Secret", "data": {"a": "", "b": null}}).to_string();
        assert_eq!(annotation(APPLIED, &empty), None);
    }

    proptest! {
        /// A copy with one character changed, removed or added is still free of values.
        #[test]
        fn no_damage_to_a_copy_reveals_a_value(
            at in 0..80_usize,
            remove in 0..3_usize,
            add in "[\\{\\}\\[\\]\",:\\\\a ]{0,2}",
        ) {
            let copy = json!({
                "kind": "Secret",
                "stringData": {"b": VALUE},
                "metadata": {"name": "x"},
            });
            let mut text = copy.to_string();
            let at = at.min(text.len());
            let end = (at + remove).min(text.len());
            text.replace_range(at..end, &add);
            // A change within the name of the field makes it another field.
            let parsed = serde_json::from_str::<Value>(&text);
            if parsed.is_ok_and(|copy| copy.get("stringData").is_none()) {
                return Ok(());
            }
            let kept = annotation(APPLIED, &text).unwrap_or(text);
            prop_assert!(!kept.contains(VALUE), "{}", kept);
        }
    }
}
