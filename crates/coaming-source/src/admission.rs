//! The object of an admission review, as a document of its own.
//!
//! An AdmissionReview wraps the object in `request.object`. Findings and JSON Patches speak of the
//! object's own paths, so its bytes are cut out and parsed by themselves.

use std::sync::Arc;

use coaming_kube::{Origin, Source};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The largest body that is read: objects have at most 3 MiB, and a review holds two.
pub const MAX_REVIEW_BYTES: usize = 8 << 20;

/// Why a body is not an admission review that can be answered.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// It has more than [`MAX_REVIEW_BYTES`].
    #[error("the body has {0} bytes; at most {MAX_REVIEW_BYTES} are read")]
    TooLarge(usize),
    /// It is not JSON in the form of an AdmissionReview.
    #[error("not an AdmissionReview: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It has no `request`.
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

/// What an API server asks.
#[derive(Debug)]
pub struct AdmissionRequest {
    /// Identifies the request; the answer repeats it.
    pub uid: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// The object as it will be; `None` for a deletion.
    pub object: Option<Source>,
}

#[derive(Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
}

/// Reads the body of an admission review.
///
/// # Errors
///
/// See [`AdmissionError`].
pub fn admission_request(body: &str) -> Result<AdmissionRequest, AdmissionError> {
    if body.len() > MAX_REVIEW_BYTES {
        return Err(AdmissionError::TooLarge(body.len()));
    }
    let review: Review<'_> = serde_json::from_str(body)?;
    let Request { uid, operation, name, object } =
        review.request.ok_or(AdmissionError::NoRequest)?;
    let object = object.map(RawValue::get).filter(|text| *text != "null").map(|text| {
        let stream = coaming_yaml::parse(Arc::from(text));
        let source = Source::new(&format!("review/{name}"), stream.source, stream.documents);
        source.with_origin(Origin::Memory)
    });
    Ok(AdmissionRequest { uid, operation, object })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_is_a_document_of_its_own() {
        let body = r#"{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "u", "operation": "CREATE", "name": "p", "object":
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"x": 1}}}}"#;
        let request = admission_request(body).unwrap();
        assert_eq!((request.uid.as_str(), request.operation.as_str()), ("u", "CREATE"));
        let source = request.object.unwrap();
        let node = source.documents()[0].root().get("spec").unwrap().get("x").unwrap();
        assert_eq!(node.path().to_string(), "spec.x");
        assert_eq!(source.object_count(), 1);
    }

    #[test]
    fn other_bodies_are_errors() {
        let error = |body: &str| admission_request(body).unwrap_err();
        assert!(matches!(error("{}"), AdmissionError::NoRequest));
        assert!(matches!(error("{"), AdmissionError::Malformed(_)));
        let deep = format!("{{\"request\": {{\"object\": {}", "[".repeat(100_000));
        assert!(matches!(error(&deep), AdmissionError::Malformed(_)));
        let large = " ".repeat(MAX_REVIEW_BYTES + 1);
        assert!(matches!(error(&large), AdmissionError::TooLarge(_)));
        let deletion = admission_request(r#"{"request": {"uid": "u", "object": null}}"#).unwrap();
        assert!(deletion.object.is_none());
    }
}
