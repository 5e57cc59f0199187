//! The answer: an AdmissionReview with a response.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::review::{API_VERSION, KIND};
use crate::{Mutation, Verdict};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    audit_annotations: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
struct Status<'a> {
    code: u16,
    reason: &'static str,
    message: &'a str,
}

impl<'a> Response<'a> {
    fn new(uid: &'a str, refusal: Option<&'a str>) -> Self {
        let status = |message| Status { code: 403, reason: "Forbidden", message };
        Self {
            uid,
            allowed: refusal.is_none(),
            status: refusal.map(status),
            patch_type: None,
            patch: None,
            warnings: &[],
            audit_annotations: BTreeMap::new(),
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        let answer = Answer { api_version: API_VERSION, kind: KIND, response: self };
        // Strings and maps of strings cannot fail.
        serde_json::to_vec(&answer).unwrap_or_default()
    }
}

/// The body that says a verdict.
#[must_use]
pub fn verdict_response(uid: &str, verdict: &Verdict) -> Vec<u8> {
    let annotations = verdict.audit_annotations.iter();
    Response {
        warnings: &verdict.warnings,
        audit_annotations: annotations.map(|(name, text)| (name.as_str(), text.as_str())).collect(),
        ..Response::new(uid, verdict.refusal.as_deref())
    }
    .into_bytes()
}

/// The body that says a mutation.
#[must_use]
pub fn mutation_response(uid: &str, mutation: &Mutation) -> Vec<u8> {
    let changed = mutation.changed_by.join(", ");
    let mut response = Response {
        warnings: &mutation.warnings,
        ..Response::new(uid, mutation.refusal.as_deref())
    };
    if !mutation.patch.is_empty() {
        let patch = serde_json::to_vec(&mutation.patch).unwrap_or_default();
        response.patch_type = Some("JSONPatch");
        response.patch = Some(STANDARD.encode(patch));
        response.audit_annotations = BTreeMap::from([("mutated", changed.as_str())]);
    }
    response.into_bytes()
}
