//! Recognizes the same finding in another run.

use sha2::{Digest as _, Sha256};

use crate::{Finding, InputError};

/// 32 hexadecimal digits, computed from the rule, the file, the object, the container and the path
/// in the object. They stay the same when lines move or messages are reworded.
#[must_use]
pub fn fingerprint(finding: &Finding, file: &str) -> String {
    let mut parts = vec![finding.rule.id.as_str(), file];
    if let Some(object) = &finding.object {
        parts.extend([&*object.api_version, &object.kind, &object.namespace, &object.name]);
    }
    parts.push(finding.container.as_deref().unwrap_or_default());
    let path = finding.locations.first().map(|location| location.path.to_string());
    let path = path.unwrap_or_default();
    parts.push(&path);
    hash(&parts)
}

/// The same for an input that could not be handled: of the input and the reason.
#[must_use]
pub fn input_fingerprint(error: &InputError) -> String {
    hash(&["unread-input", &error.file, &error.message])
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        // Separated, so that `a` + `bc` differs from `ab` + `c`.
        hasher.update([0]);
    }
    base16ct::lower::encode_string(hasher.finalize().get(..16).unwrap_or_default())
}
