//! Which image a VEX document is about.

use std::str::FromStr as _;

use packageurl::PackageUrl;

use crate::purl;

/// An image, by everything that identifies it. Nothing is known about the default one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Product {
    /// The name that the user gives it: a reference or a file's name; may be empty.
    pub name: String,
    /// `docker.io/library/nginx`; empty where it is not from a registry.
    pub repository: String,
    /// `1.27`; empty if there is none.
    pub tag: String,
    /// The digests of its manifest, index or configuration, each with its algorithm.
    pub digests: Vec<String>,
}

impl Product {
    /// Whether an identifier in a document means this image; `None` if that is unknown, also
    /// because the identifier does not name an image.
    ///
    /// An identifier may be less specific: `pkg:oci/web` means every image of that name.
    #[must_use]
    pub fn is(&self, identifier: &str) -> Option<bool> {
        if identifier.is_empty() {
            return None;
        }
        if identifier == self.name {
            return Some(true);
        }
        if identifier.starts_with("pkg:") {
            return self.is_url(&PackageUrl::from_str(identifier).ok()?);
        }
        let (name, digest) = match identifier.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None if is_digest(identifier) => ("", Some(identifier)),
            None => (identifier, None),
        };
        if let Some(digest) = digest {
            return if is_digest(digest) { self.has(digest) } else { None };
        }
        let tagged = format!("{}:{}", self.repository, self.tag);
        let same = name == self.repository || name == tagged;
        (same && !self.repository.is_empty()).then_some(true)
    }

    /// What to call it in a document: its package URL,
    /// `pkg:oci/web@sha256%3A…?repository_url=…`, if its digest and repository are known, else the
    /// user's name for it.
    #[must_use]
    pub fn identifier(&self) -> String {
        match self.digests.first() {
            Some(digest) if self.repository.contains('/') => {
                purl::of_image(&self.repository, digest, &self.tag)
            }
            _ => self.name.clone(),
        }
    }

    /// Whether this is one of its digests; `None` if it has none.
    fn has(&self, digest: &str) -> Option<bool> {
        (!self.digests.is_empty())
            .then(|| self.digests.iter().any(|own| own.eq_ignore_ascii_case(digest)))
    }

    fn is_url(&self, url: &PackageUrl<'_>) -> Option<bool> {
        let version = url.version().unwrap_or_default();
        let tag = match url.ty() {
            "oci" => url.qualifiers().get("tag").map(ToString::to_string).unwrap_or_default(),
            "docker" if !is_digest(version) => version.to_owned(),
            "docker" => String::new(),
            _ => return None,
        };
        if is_digest(version)
            && let Some(same) = self.has(version)
        {
            return Some(same);
        }
        if self.repository.is_empty() {
            return None;
        }
        if !self.is_repository(url) {
            return Some(false);
        }
        if is_digest(version) || !tag.is_empty() && self.tag.is_empty() {
            return None;
        }
        Some(tag.is_empty() || tag == self.tag)
    }

    /// Whether a URL names the image's repository, as far as it names one.
    fn is_repository(&self, url: &PackageUrl<'_>) -> bool {
        let parent = url.qualifiers().get("repository_url").map(ToString::to_string);
        let parent = parent.as_deref().map(|url| url.trim_end_matches('/'));
        let parent = parent.map(|url| url.strip_prefix("https://").unwrap_or(url));
        let name = url.name();
        let (directory, last) = self.repository.rsplit_once('/').unwrap_or(("", &self.repository));
        if url.ty() == "oci" {
            let matches = |url| url == self.repository || url == directory;
            return name.eq_ignore_ascii_case(last) && parent.is_none_or(matches);
        }
        let host = parent.unwrap_or("docker.io");
        let namespace = url.namespace().unwrap_or("library");
        format!("{host}/{namespace}/{name}") == self.repository
            || url.namespace().is_none() && format!("{host}/{name}") == self.repository
    }
}

fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, digits)| {
        matches!(algorithm, "sha256" | "sha384" | "sha512")
            && digits.len() >= 64
            && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn web() -> Product {
        Product {
            name: "registry.example.com/shop/web:1.4".to_owned(),
            repository: "registry.example.com/shop/web".to_owned(),
            tag: "1.4".to_owned(),
            digests: vec![DIGEST.to_owned()],
        }
    }

    #[test]
    fn a_digest_decides() {
        let escaped = DIGEST.replace(':', "%3A");
        for (identifier, expected) in [
            (format!("pkg:oci/web@{escaped}"), Some(true)),
            (format!("pkg:oci/elsewhere@{DIGEST}?repository_url=example.org/x"), Some(true)),
            (format!("pkg:oci/web@{OTHER}"), Some(false)),
            (format!("registry.example.com/shop/web@{OTHER}"), Some(false)),
            (DIGEST.to_owned(), Some(true)),
            (
                format!("pkg:docker/shop/web@{OTHER}?repository_url=registry.example.com"),
                Some(false),
            ),
        ] {
            assert_eq!(web().is(&identifier), expected, "{identifier}");
        }
        let unknown = Product { digests: Vec::new(), ..web() };
        assert_eq!(unknown.is(&format!("pkg:oci/web@{DIGEST}")), None);
        assert_eq!(unknown.is(&format!("pkg:oci/api@{DIGEST}")), Some(false));
    }

    #[test]
    fn its_own_identifier_means_it() {
        let url = web().identifier();
        assert!(url.starts_with("pkg:oci/web@sha256%3Aaaa"), "{url}");
        assert_eq!(web().is(&url), Some(true));
        let archive = Product { name: "web.tar".to_owned(), ..Product::default() };
        assert_eq!(archive.identifier(), "web.tar");
        assert_eq!(archive.is("web.tar"), Some(true));
    }

    #[test]
    fn names_may_be_less_specific() {
        for (identifier, expected) in [
            ("registry.example.com/shop/web:1.4", Some(true)),
            ("registry.example.com/shop/web", Some(true)),
            ("pkg:oci/web", Some(true)),
            ("pkg:oci/web?repository_url=registry.example.com/shop/web&tag=1.4", Some(true)),
            ("pkg:oci/web?repository_url=registry.example.com/shop", Some(true)),
            ("pkg:oci/web?repository_url=registry.example.com/other/web", Some(false)),
            ("pkg:oci/web?tag=1.5", Some(false)),
            ("pkg:oci/api", Some(false)),
            ("pkg:docker/shop/web@1.4?repository_url=registry.example.com", Some(true)),
            ("pkg:docker/shop/web@1.4", Some(false)),
            ("pkg:npm/lodash", None),
            ("https://example.com/products/7", None),
            ("", None),
        ] {
            assert_eq!(web().is(identifier), expected, "{identifier}");
        }
        let nginx =
            Product { repository: "docker.io/library/nginx".to_owned(), ..Product::default() };
        assert_eq!(nginx.is("pkg:docker/nginx"), Some(true));
        assert_eq!(nginx.is("pkg:docker/nginx@1.27"), None, "its tag is unknown");
        assert_eq!(Product::default().is("pkg:oci/web"), None);
    }
}
