//! Files that are not manifests: charts' values, kustomizations, `.env` files, any text.

use coaming_yaml::{Path, Span};

use super::{in_root, in_text};
use crate::{Detection, Detector, code};

/// A credential in a file.
#[derive(Clone, Debug)]
pub struct FileCredential {
    /// The field, if the file has fields.
    pub path: Path,
    /// Where the value is in the text.
    pub span: Span,
    /// The name of the field; empty if it has none.
    pub name: String,
    /// What it is.
    pub detection: Detection,
}

/// The credentials in a file by its path and text, in the order of the text. YAML and JSON are read
/// by their structure, with their comments; other and broken files are read as text.
#[must_use]
pub fn in_file(detector: &Detector, path: &str, text: &str) -> Vec<FileCredential> {
    let mut credentials = Vec::new();
    let mut is_read = false;
    if is_structured(path, text) {
        let stream = coaming_yaml::parse(text.into());
        is_read = stream.errors.is_empty() && !stream.documents.is_empty();
        for document in &stream.documents {
            for field in in_root(detector, document.root()) {
                let Some(span) = field.span.or_else(|| field.node.span()) else { continue };
                let (path, name, detection) = (field.node.path(), field.name, field.detection);
                credentials.push(FileCredential { path, span, name, detection });
            }
            credentials.extend(super::in_comments(detector, document));
        }
    }
    if !is_read {
        let detections = in_text(detector, path, text);
        add_others(detections, &mut credentials);
    }
    // Published results of cryptography have such fields.
    if code::is_test_vector(path) {
        credentials.retain(|found| found.detection.kind != "secret-key");
    }
    // The word for a password in any language.
    if code::is_translation(path) {
        credentials.retain(|found| {
            let value = text.get(found.span.start as usize..found.span.end as usize);
            let has_digit = value.unwrap_or_default().bytes().any(|byte| byte.is_ascii_digit());
            found.detection.kind != "password" || has_digit
        });
    }
    credentials.sort_by_key(|found| (found.span.start, found.span.end));
    credentials
}

/// Whether a file is YAML or JSON by its name, or starts like an object.
fn is_structured(path: &str, text: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        || path.ends_with("Kustomization")
        || path.ends_with("kubeconfig")
        || text.starts_with("apiVersion:")
        || text.starts_with('{')
        || text.starts_with("---\n")
}

/// Adds the detections of a text where nothing was found yet: reading by structure is more precise.
fn add_others(detections: Vec<Detection>, credentials: &mut Vec<FileCredential>) {
    let known: Vec<Span> = credentials.iter().map(|found| found.span).collect();
    for detection in detections {
        let (Ok(start), Ok(end)) =
            (u32::try_from(detection.range.start), u32::try_from(detection.range.end))
        else {
            continue;
        };
        if !known.iter().any(|span| span.start < end && span.end > start) {
            let (path, name) = (Path::default(), String::new());
            credentials.push(FileCredential { path, span: Span::new(start, end), name, detection });
        }
    }
}
