//! The facts of images and their known vulnerabilities, by the references in pods and Dockerfiles.

use std::collections::BTreeMap;
use std::sync::Arc;

use coaming_advisory::Vulnerability;
use coaming_image::ImageFacts;
use coaming_oci::Reference;

/// What is known of images. Empty if none was inspected: rules then report what is possible instead
/// of what is certain.
#[derive(Clone, Debug, Default)]
pub struct Images {
    by_reference: BTreeMap<String, Arc<ImageFacts>>,
    vulnerabilities: BTreeMap<String, Vec<Vulnerability>>,
    unsigned: BTreeMap<String, String>,
}

impl Images {
    /// Adds the facts of the image that this reference names.
    pub fn insert(&mut self, reference: &Reference, facts: Arc<ImageFacts>) {
        self.by_reference.insert(key(reference), facts);
    }

    /// The facts of the image that this reference names, if they are from its files: an SBOM does
    /// not contain users, tools and credentials, which does not mean that the image has none.
    #[must_use]
    pub fn get(&self, reference: &Reference) -> Option<&ImageFacts> {
        if self.by_reference.is_empty() {
            return None;
        }
        self.by_reference.get(&key(reference)).map(AsRef::as_ref).filter(|facts| !facts.sbom)
    }

    /// Adds the known vulnerabilities of the image of this reference, as [`Self::iter`] returns it,
    /// without the ignored ones.
    pub fn insert_vulnerabilities(&mut self, reference: &str, found: Vec<Vulnerability>) {
        self.vulnerabilities.insert(reference.to_owned(), found);
    }

    /// The known vulnerabilities of the image that this reference names; `None` if they were not
    /// looked up.
    #[must_use]
    pub fn vulnerabilities(&self, reference: &Reference) -> Option<&[Vulnerability]> {
        if self.vulnerabilities.is_empty() {
            return None;
        }
        self.vulnerabilities.get(&key(reference)).map(Vec::as_slice)
    }

    /// Adds why no signature of the image that this reference names is by somebody whom the user
    /// trusts.
    pub fn insert_unsigned(&mut self, reference: &Reference, reason: String) {
        self.unsigned.insert(key(reference), reason);
    }

    /// Why no signature of the image that this reference names counts; `None` if one does, or if that
    /// is not known.
    #[must_use]
    pub fn unsigned(&self, reference: &Reference) -> Option<&str> {
        self.unsigned.get(&key(reference)).map(String::as_str)
    }

    /// Whether no vulnerabilities were looked up.
    #[must_use]
    pub fn no_vulnerabilities(&self) -> bool {
        self.vulnerabilities.is_empty()
    }

    /// Every reference with the facts of its image, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ImageFacts)> {
        self.by_reference.iter().map(|(reference, facts)| (reference.as_str(), facts.as_ref()))
    }
}

/// A digest identifies the image, whatever the tag; no tag means `latest`.
fn key(reference: &Reference) -> String {
    let name = format!("{}/{}", reference.registry(), reference.repository());
    match (reference.digest(), reference.tag()) {
        (Some(digest), _) => format!("{name}@{digest}"),
        (None, tag) => format!("{name}:{}", tag.unwrap_or("latest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_image_by_all_its_names() {
        let parse = |text: &str| Reference::parse(text).unwrap();
        let mut images = Images::default();
        images.insert(&parse("nginx"), Arc::default());
        let digest = format!("sha256:{}", "a".repeat(64));
        images.insert(&parse(&format!("web@{digest}")), Arc::default());
        for known in ["docker.io/library/nginx:latest", &format!("web:1.2@{digest}")] {
            assert!(images.get(&parse(known)).is_some(), "{known}");
        }
        let sbom = ImageFacts { sbom: true, ..ImageFacts::default() };
        images.insert(&parse("redis:7"), Arc::new(sbom));
        assert_eq!(images.iter().count(), 3);
        for unknown in ["redis:7", "nginx:1", "web", "quay.io/nginx"] {
            assert!(images.get(&parse(unknown)).is_none(), "{unknown}");
        }
    }
}
