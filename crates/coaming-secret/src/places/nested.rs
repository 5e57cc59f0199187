//! Texts within texts: JSON in annotations, Docker's credentials, Helm's releases.

use serde_json::Value;

use super::secret;
use crate::{Detection, Detector, Origin, check, decode, noise};

/// How many texts of a Helm release are looked through.
const MAX_MANIFEST: usize = 16 << 20;

/// The credentials in an object that an annotation holds as JSON (`kubectl apply` keeps the last
/// one it applied). `None` for an annotation that is no object.
pub(super) fn in_json(detector: &Detector, text: &str) -> Option<Vec<(&'static str, Detection)>> {
    let text = text.trim();
    if !text.starts_with('{') || !text.contains("\"kind\"") {
        return None;
    }
    let stream = coaming_yaml::parse(text.into());
    if !stream.errors.is_empty() {
        return None;
    }
    let places =
        stream.documents.iter().flat_map(|document| super::in_object(detector, document.root()));
    let mut found: Vec<_> = places.map(|place| ("JSON", place.detection)).collect();
    // Nothing distinguishes values that were not kept: one speaks for all.
    let mut is_first = true;
    found.retain(|(_, detection)| {
        detection.kind != secret::WITHHELD || std::mem::take(&mut is_first)
    });
    Some(found)
}

/// The longest text whose structure is read beside it.
const MAX_STRUCTURE: usize = 256 << 10;

/// The credentials in a text that is YAML or JSON, which are known by the names of the fields around
/// them: `jwt: {key: …}`. In the order of the text; those alone that stand there letter by letter.
pub(super) fn in_structure(detector: &Detector, path: &str, text: &str) -> Vec<Detection> {
    let is_structured = [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        || text.starts_with('{');
    if !is_structured || text.len() > MAX_STRUCTURE || text.contains("{{") {
        return Vec::new();
    }
    let stream = coaming_yaml::parse(text.into());
    if !stream.errors.is_empty() {
        return Vec::new();
    }
    let places = stream.documents.iter().flat_map(|document| {
        let root = document.root();
        if coaming_kube::looks_like_kubernetes(document) {
            super::in_object(detector, root)
        } else {
            super::in_document(detector, root)
        }
    });
    let here = places.filter_map(|place| {
        let span = place.span?;
        let range = span.start as usize..span.end as usize;
        Some(Detection { range, ..place.detection })
    });
    here.collect()
}

/// The credentials in `.dockerconfigjson`: one for each registry.
pub(super) fn in_docker_config(detector: &Detector, text: &str) -> Vec<(&'static str, Detection)> {
    let Ok(Value::Object(config)) = serde_json::from_str::<Value>(text) else {
        return detector.scan(text, Origin::Text).into_iter().map(|found| ("", found)).collect();
    };
    let registries = match config.get("auths") {
        Some(Value::Object(registries)) => registries,
        _ => &config,
    };
    registries
        .values()
        .filter_map(|registry| {
            let field = |name: &str| registry.get(name).and_then(Value::as_str).unwrap_or_default();
            let decoded = check::STANDARD.decode_text(field("auth"));
            let of_auth = decoded.split_once(':').map(|(_, password)| password.to_owned());
            let candidates = [
                field("password").to_owned(),
                of_auth.unwrap_or_default(),
                field("identitytoken").to_owned(),
                field("registrytoken").to_owned(),
            ];
            let secret = candidates
                .into_iter()
                .find(|secret| !secret.is_empty() && !noise::is_noise(secret))?;
            let known = detector.scan(&secret, Origin::Text).into_iter().next();
            let (kind, title) = known.map_or_else(
                || ("registry-credentials".into(), "credentials of an image registry".into()),
                |known| (known.kind, known.title),
            );
            let detection = Detection {
                kind,
                title,
                range: 0..text.len(),
                confidence: crate::Confidence::High,
                fingerprint: detector.fingerprint(secret.as_bytes()),
            };
            Some(("base64", detection))
        })
        .collect()
}

trait DecodeText {
    fn decode_text(&self, text: &str) -> String;
}

impl<T: base64::Engine> DecodeText for T {
    /// The text that `text` encodes; empty where it is none.
    fn decode_text(&self, text: &str) -> String {
        self.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// The credentials in a Helm release, which keeps the values it was installed with and all that was
/// rendered: base64 in base64, and gzip.
pub(super) fn in_release(detector: &Detector, bytes: &[u8]) -> Vec<(&'static str, Detection)> {
    let inner = std::str::from_utf8(bytes).ok().and_then(decode::base64);
    let packed = inner.unwrap_or_else(|| bytes.to_vec());
    let Some(json) = decode::gunzip(&packed) else { return Vec::new() };
    let Ok(release) = serde_json::from_slice::<Value>(&json) else { return Vec::new() };
    let mut texts: Vec<String> = Vec::new();
    texts.extend(release.get("config").map(Value::to_string));
    if let Some(manifest) = release.get("manifest").and_then(Value::as_str) {
        texts.push(manifest.get(..manifest.len().min(MAX_MANIFEST)).unwrap_or_default().to_owned());
    }
    let mut found: Vec<(&'static str, Detection)> = Vec::new();
    for text in texts {
        let stream = coaming_yaml::parse(text.into());
        for document in &stream.documents {
            let root = document.root();
            let places = if coaming_kube::looks_like_kubernetes(document) {
                super::in_object(detector, root)
            } else {
                super::in_document(detector, root)
            };
            for place in places {
                // The same value stands in the values and in what was rendered of them.
                let known = found.iter().any(|(_, other)| {
                    other.kind == place.detection.kind
                        && (other.fingerprint == place.detection.fingerprint)
                });
                if !known {
                    found.push(("base64 and gzip", place.detection));
                }
            }
        }
    }
    found
}
