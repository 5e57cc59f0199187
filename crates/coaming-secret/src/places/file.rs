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
/// by their structure, with their comments; what is neither, or broken, as a text.
#[must_use]
pub fn in_file(detector: &Detector, path: &str, text: &str) -> Vec<FilePlace> {
    let mut places = Vec::new();
    let mut is_read = false;
    if is_structured(path, text) {
        let stream = coaming_yaml::parse(text.into());
        is_read = stream.errors.is_empty() && !stream.documents.is_empty();
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
            places.extend(super::in_comments(detector, document));
        }
    }
    if !is_read {
        let detections = in_text(detector, path, text);
        add_others(detections, &mut places);
    }
    places.sort_by_key(|place| (place.span.start, place.span.end));
    places
}

/// Whether a file is YAML or JSON by its name, or starts as an object does.
fn is_structured(path: &str, text: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
        || path.ends_with("Kustomization")
        || path.ends_with("kubeconfig")
        || text.starts_with("apiVersion:")
        || text.starts_with('{')
        || text.starts_with("---\n")
}

/// Adds what a text has where nothing was found yet: what was read by its structure is known better.
fn add_others(detections: Vec<Detection>, places: &mut Vec<FilePlace>) {
    let known: Vec<Span> = places.iter().map(|place| place.span).collect();
    for detection in detections {
        let (Ok(start), Ok(end)) =
            (u32::try_from(detection.range.start), u32::try_from(detection.range.end))
        else {
            continue;
        };
        if !known.iter().any(|span| span.start < end && span.end > start) {
            let (path, name) = (Path::default(), String::new());
            places.push(FilePlace { path, span: Span::new(start, end), name, detection });
        }
    }
}
