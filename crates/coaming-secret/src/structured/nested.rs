//! Texts within texts: JSON in annotations, Docker's credentials, Helm's releases.

use serde_json::Value;

use super::{in_root, secret};
use crate::{Detection, Detector, TextKind, check, decode, noise};

/// How many bytes of a Helm release's manifest are read.
const MAX_MANIFEST: usize = 16 << 20;

/// The credentials in an object that an annotation contains as JSON (`kubectl apply` keeps the last
/// one it applied). `None` if the annotation is not an object.
pub(super) fn in_json(detector: &Detector, text: &str) -> Option<Vec<(&'static str, Detection)>> {
    let text = text.trim();
    if !text.starts_with('{') || !text.contains("\"kind\"") {
        return None;
    }
    let stream = coaming_yaml::parse(text.into());
    if !stream.errors.is_empty() {
        return None;
    }
    let found =
        stream.documents.iter().flat_map(|document| super::in_object(detector, document.root()));
    let mut found: Vec<_> = found.map(|field| ("JSON", field.detection)).collect();
    // Nothing distinguishes values that were not kept: one speaks for all.
    let mut is_first = true;
    found.retain(|(_, detection)| {
        detection.kind != secret::WITHHELD || std::mem::take(&mut is_first)
    });
    Some(found)
}

/// The credentials in a patch of a Secret that kapp keeps in an annotation: a list of operations
/// with a path and a value, in YAML or JSON.
pub(super) fn in_patch(detector: &Detector, text: &str) -> Vec<Detection> {
    let is_patch = text.len() <= MAX_STRUCTURE && text.contains("path") && text.contains("/data");
    if !is_patch {
        return Vec::new();
    }
    let stream = coaming_yaml::parse(text.into());
    let operations = stream.documents.iter().flat_map(|document| document.root().items());
    let mut found = Vec::new();
    for operation in operations {
        let (Some(path), Some(value)) = (operation.get("path"), operation.get("value")) else {
            continue;
        };
        let Some(below) = path.text().strip_prefix("/data") else { continue };
        let mut read = |name: &str, encoded: &str| {
            let decoded = decode::base64(encoded).and_then(|bytes| String::from_utf8(bytes).ok());
            let Some(decoded) = decoded else { return };
            let detections = secret::in_value(detector, name, &decoded);
            found.extend(
                detections
                    .into_iter()
                    .map(|detection| Detection { range: 0..text.len(), ..detection }),
            );
        };
        match below.strip_prefix('/') {
            Some(name) => read(name, value.text()),
            None => value.entries().for_each(|entry| read(entry.name(), entry.value.text())),
        }
    }
    found
}

/// The longest text that is read by its structure as well.
const MAX_STRUCTURE: usize = 256 << 10;

/// The credentials in a text that is YAML or JSON, recognized by the names of the fields around
/// them: `jwt: {key: …}`. In the order of the text, and only those that the text contains verbatim.
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
    let fields = stream.documents.iter().flat_map(|document| in_root(detector, document.root()));
    let verbatim = fields.filter_map(|field| {
        let span = field.span?;
        let range = span.start as usize..span.end as usize;
        Some(Detection { range, ..field.detection })
    });
    verbatim.collect()
}

/// The credentials in `.dockerconfigjson`: one for each registry.
pub(super) fn in_docker_config(detector: &Detector, text: &str) -> Vec<(&'static str, Detection)> {
    let Ok(Value::Object(config)) = serde_json::from_str::<Value>(text) else {
        return detector
            .scan(text, TextKind::Fragment)
            .into_iter()
            .map(|found| ("", found))
            .collect();
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
            let known = detector.scan(&secret, TextKind::Fragment).into_iter().next();
            let (kind, title) = known.map_or_else(
                || ("registry-credentials".into(), "credentials for an image registry".into()),
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
    /// The text that `text` encodes; empty if it does not encode one.
    fn decode_text(&self, text: &str) -> String {
        self.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// The credentials in a Helm release, which keeps the values it was installed with and the rendered
/// manifest: gzip in base64 in base64.
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
            for field in in_root(detector, document.root()) {
                // The manifest repeats what is in the values.
                let known = found.iter().any(|(_, other)| {
                    other.kind == field.detection.kind
                        && other.fingerprint == field.detection.fingerprint
                });
                if !known {
                    found.push(("base64 and gzip", field.detection));
                }
            }
        }
    }
    found
}
