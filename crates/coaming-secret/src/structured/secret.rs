//! The data of a `Secret`: base64 does not protect it.

use coaming_yaml::Node;

use super::walk::Walker;
use super::{Holder, nested};
use crate::{
    Confidence, Detection, Detector, Fingerprint, TextKind, classify, decode, names, noise,
    randomness,
};

/// Keys that do not describe their value: the Secret's name is used instead.
const PLAIN_KEYS: &[&str] = &["value", "data", "secret", "content", "key", "default"];

/// Reads `data` (in base64) or `stringData` of a Secret.
pub(super) fn data<'a>(
    walker: &mut Walker<'a, '_>,
    object: Node<'a>,
    data: Node<'a>,
    is_base64: bool,
) {
    let kind = object.get("type").map(Node::text).unwrap_or_default();
    let name = object.get("metadata").and_then(|metadata| metadata.get("name"));
    let name = name.map(Node::text).unwrap_or_default();
    for entry in data.entries() {
        let (node, key) = (entry.value, entry.name());
        let context = if PLAIN_KEYS.contains(&key) { name } else { key };
        let text = node.text();
        if text == coaming_finding::WITHHELD {
            if !is_public(key) {
                walker.add(node, Holder::Secret, key, None, "", withheld());
            }
            continue;
        }
        let decoded = if is_base64 && !is_phrase(text) { decode::base64(text) } else { None };
        let encoding = if decoded.is_some() { "base64" } else { "" };
        // A value that should be base64 and is not: the API server refuses it, but it is still a
        // leak.
        let bytes = decoded.unwrap_or_else(|| text.as_bytes().to_vec());
        for (inner, detection) in in_bytes(walker.detector, context, kind, &bytes) {
            let encoding = if inner.is_empty() { encoding } else { inner };
            walker.add(node, Holder::Secret, key, None, encoding, detection);
        }
    }
}

/// Whether a text is words of prose, not lines of base64: "the password in base64".
fn is_phrase(text: &str) -> bool {
    const SHORTEST_LINE: usize = 16;
    let mut lines = text.split_whitespace().rev();
    // The last line may be shorter.
    lines.next().is_some() && lines.any(|line| line.len() < SHORTEST_LINE)
}

/// Kind of the detection of a value that was not kept.
pub(super) const WITHHELD: &str = "withheld-secret-value";

/// A value of a Secret that was not kept: it is known to be one by where it was.
pub(super) fn withheld() -> Detection {
    Detection {
        kind: WITHHELD.into(),
        title: "value of the Secret".into(),
        range: 0..coaming_finding::WITHHELD.len(),
        confidence: Confidence::High,
        fingerprint: Fingerprint::NONE,
    }
}

/// Whether the key of a Secret says that its value is not secret.
fn is_public(key: &str) -> bool {
    matches!(key, "ca.crt" | "tls.crt" | "namespace" | "user" | "username") || names::is_public(key)
}

/// The credentials in a text that becomes a value of a Secret. A key may be a file's name, which
/// without its extension describes the value.
pub(super) fn in_value(detector: &Detector, key: &str, text: &str) -> Vec<Detection> {
    const ENDINGS: &[&str] = &[".txt", ".secret", ".token", ".dat", ".value"];
    let name = ENDINGS.iter().find_map(|ending| key.strip_suffix(ending)).unwrap_or(key);
    in_bytes(detector, name, "", text.as_bytes()).into_iter().map(|(_, found)| found).collect()
}

/// The credentials in one value of a Secret, each with its encoding.
fn in_bytes(
    detector: &Detector,
    key: &str,
    kind: &str,
    bytes: &[u8],
) -> Vec<(&'static str, Detection)> {
    if kind.starts_with("helm.sh/release") {
        return nested::in_release(detector, bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return binary(detector, key, bytes) };
    if noise::is_template(text.trim()) || noise::is_reference(text) {
        return Vec::new();
    }
    if kind.starts_with("kubernetes.io/docker") || key.starts_with(".docker") {
        return nested::in_docker_config(detector, text);
    }
    let is_file = text.trim_end().contains('\n') || key.contains('.') && text.contains('=');
    let mut found = if is_file {
        super::in_nested(detector, key, text)
    } else {
        detector.scan(text, TextKind::Value(key))
    };
    let is_line = !text.trim_end().contains('\n');
    if found.is_empty() && is_file && is_line {
        // `a=b` may be a password like any other.
        found = detector.scan(text, TextKind::Value(key));
    }
    if found.is_empty() && is_line && !names::is_public(key) {
        found.extend(random_value(detector, text));
    }
    if found.is_empty() && kind == "bootstrap.kubernetes.io/token" && key == "token-secret" {
        found.extend(whole(
            detector,
            text,
            "kubernetes-bootstrap-token",
            "Kubernetes bootstrap token",
        ));
    }
    found.into_iter().map(|detection| ("", detection)).collect()
}

/// A value that looks randomly generated: in a Secret, that is enough, whatever its name is.
pub(super) fn random_value(detector: &Detector, text: &str) -> Option<Detection> {
    let decoded = decode::readable(text);
    // If it decodes to readable text, that text counts.
    let value = decoded.as_deref().unwrap_or(text).trim();
    let is_key = (16..=512).contains(&value.len())
        && randomness::looks_random(value.as_bytes())
        && !classify::is_resource_name(value)
        && !noise::is_noise(value)
        && !noise::has_run(value.as_bytes())
        && !decode::is_public(value)
        && !value.bytes().any(|byte| byte.is_ascii_whitespace() || b":@,".contains(&byte));
    if !is_key {
        return None;
    }
    whole(detector, text, "secret-value", "value that looks like a key")
        .map(|detection| Detection { confidence: Confidence::Medium, ..detection })
}

fn whole(
    detector: &Detector,
    text: &str,
    kind: &'static str,
    title: &'static str,
) -> Option<Detection> {
    let value = text.trim();
    let start = text.len() - text.trim_start().len();
    Some(Detection {
        kind: kind.into(),
        title: title.into(),
        range: start..start + value.len(),
        confidence: Confidence::High,
        fingerprint: detector.fingerprint(value.as_bytes()),
    })
}

/// Keys and key stores that are not text.
fn binary(detector: &Detector, key: &str, bytes: &[u8]) -> Vec<(&'static str, Detection)> {
    const STORES: &[&str] = &[".jks", ".p12", ".pfx", ".keystore", ".bcfks"];
    let lower = key.to_ascii_lowercase();
    let is_store = STORES.iter().any(|ending| lower.ends_with(ending)) && !lower.contains("trust")
        || bytes.starts_with(&[0xFE, 0xED, 0xFE, 0xED]) && !lower.contains("trust");
    let (kind, title) = if is_store {
        ("key-store", "key store")
    } else if names::read(key).is_some_and(|hint| hint.expected.is_some())
        && (12..=512).contains(&bytes.len())
    {
        ("binary-key", "key")
    } else {
        let found = detector.scan(bytes, TextKind::File(key));
        return found.into_iter().map(|detection| ("", detection)).collect();
    };
    let detection = Detection {
        kind: kind.into(),
        title: title.into(),
        range: 0..bytes.len(),
        confidence: Confidence::High,
        fingerprint: detector.fingerprint(bytes),
    };
    vec![("base64", detection)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withheld_value_is_still_a_secret() {
        let found = |annotation: &str| -> Vec<(String, &'static str, String)> {
            let secret = serde_json::json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "db", "annotations": {"copy": annotation}},
                "data": {"password": ""},
            });
            let document = coaming_yaml::from_json(&secret);
            let fields = crate::structured::in_object(crate::detector(), document.root());
            let found = fields.into_iter().map(|field| {
                assert_eq!(field.holder, Holder::Annotation);
                (field.name, field.encoding, field.detection.kind.to_string())
            });
            found.collect()
        };
        let withheld = coaming_finding::WITHHELD;
        let copy = |values: serde_json::Value| {
            serde_json::json!({"kind": "Secret", "data": values}).to_string()
        };
        let expected = |encoding| vec![("copy".to_owned(), encoding, WITHHELD.to_owned())];
        assert_eq!(found(withheld), expected(""));
        let two = copy(serde_json::json!({"password": withheld, "token": withheld}));
        assert_eq!(found(&two), expected("JSON"), "one copy is one thing to remove");
        let public = copy(serde_json::json!({"username": withheld, "ca.crt": withheld, "a": ""}));
        assert_eq!(found(&public), []);
    }
}
