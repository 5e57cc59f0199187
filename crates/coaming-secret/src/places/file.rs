//! Files that are no objects: charts' values, kustomizations, `.env` files, any text.

use coaming_yaml::{Path, Span};

use super::{in_document, in_text};
use crate::{Detection, Detector};

/// A credential in a file.
#[derive(Clone, Debug)]
pub struct FilePlace {
    /// The field, where the file has fields.
    pub path: Path,
    /// The text.
    pub span: Span,
    /// The name it goes by; empty where it has none.
    pub name: String,
    /// What it is.
    pub detection: Detection,
}

/// The credentials in a file by its path and text, in the order of the text. YAML and JSON are read
/// by their structure, and as texts too: a comment may hold what was taken out of a field.
#[must_use]
pub fn in_file(detector: &Detector, path: &str, text: &str) -> Vec<FilePlace> {
    let mut places = Vec::new();
    let is_structured = [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        || path.ends_with("Kustomization")
        || path.ends_with("kubeconfig")
        || text.contains("apiVersion");
    if is_structured {
        let stream = coaming_yaml::parse(text.into());
        for document in &stream.documents {
            let found = if coaming_kube::looks_like_kubernetes(document) {
                super::in_object(detector, document.root())
            } else {
                in_document(detector, document.root())
            };
            for place in found {
                let Some(span) = place.span.or_else(|| place.node.span()) else { continue };
                let (path, name, detection) = (place.node.path(), place.name, place.detection);
                places.push(FilePlace { path, span, name, detection });
            }
        }
    }
    let within =
        |start: u32, end: u32, place: &FilePlace| place.span.start < end && place.span.end > start;
    for detection in in_text(detector, path, text) {
        let (Ok(start), Ok(end)) =
            (u32::try_from(detection.range.start), u32::try_from(detection.range.end))
        else {
            continue;
        };
        // What was read by its structure is known better.
        let commented =
            !is_structured || is_comment(text, detection.range.start) || places.is_empty();
        if commented && !places.iter().any(|place| within(start, end, place)) {
            let (path, name) = (Path::default(), String::new());
            places.push(FilePlace { path, span: Span::new(start, end), name, detection });
        }
    }
    places.sort_by_key(|place| (place.span.start, place.span.end));
    places
}

/// Whether a place is in a line that starts with `#` or `//`.
fn is_comment(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    line.starts_with('#') || line.starts_with("//") || line.contains(" #")
}
