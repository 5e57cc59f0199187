//! Files that Kustomize generates Secrets from.

use coaming_yaml::{Path, Span};

use super::file::FileCredential;
use super::secret;
use crate::Detector;

/// The credentials in a file that becomes the value of this key of a Secret.
#[must_use]
pub fn in_generated(detector: &Detector, key: &str, text: &str) -> Vec<FileCredential> {
    secret::in_value(detector, key, text)
        .into_iter()
        .filter_map(|detection| {
            let start = u32::try_from(detection.range.start).ok()?;
            let end = u32::try_from(detection.range.end).ok()?;
            let (path, name) = (Path::default(), key.to_owned());
            Some(FileCredential { path, span: Span::new(start, end), name, detection })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detector;

    #[test]
    fn a_bare_value_is_known_by_its_key() {
        let found = in_generated(detector(), "password.txt", "hunter2\n");
        assert_eq!((found.len(), found[0].span), (1, Span::new(0, 7)));
        assert!(in_generated(detector(), "password.txt", "{{ password }}\n").is_empty());
    }
}
