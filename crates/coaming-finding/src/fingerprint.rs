//! Recognizes the same finding in another run.

use sha2::{Digest as _, Sha256};

use crate::Finding;

/// 32 hexadecimal digits, computed from the rule, the file, the object, the container and the path
/// in the object. They stay the same when lines move or messages are reworded.
#[must_use]
pub fn fingerprint(finding: &Finding, file: &str) -> String {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| {
        hasher.update(part.as_bytes());
        // Separated, so that `a` + `bc` differs from `ab` + `c`.
        hasher.update([0]);
    };
    add(finding.rule.id.as_str());
    add(file);
    if let Some(object) = &finding.object {
        for part in [&object.api_version, &object.kind, &object.namespace, &object.name] {
            add(part);
        }
    }
    add(finding.container.as_deref().unwrap_or_default());
    let path = finding.locations.first().map(|location| location.path.to_string());
    add(&path.unwrap_or_default());
    base16ct::lower::encode_string(hasher.finalize().get(..16).unwrap_or_default())
}
