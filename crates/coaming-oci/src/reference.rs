//! Image references, parsed as the distribution specification defines them.
//!
//! ```text
//! reference := [domain "/"] path [":" tag] ["@" digest]
//! ```
//!
//! Names are normalized as the container runtimes do: `nginx` is `docker.io/library/nginx`.

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// A valid reference to an image, normalized.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not an image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The name has capital letters, which only the registry's host may have.
    #[error("the repository's name must be in lower case")]
    UpperCase,
    /// A part of the name has a character that is not allowed, or a separator in the wrong place.
    #[error(
        "the name may have lower-case letters, digits, and single `.`, `_`, `__` or dashes between them"
    )]
    Name,
    /// The registry's host or port is malformed.
    #[error("the registry's host or port is malformed")]
    Registry,
    /// The tag is longer than 128 characters, has other characters than letters, digits, `_`, `.`
    /// and `-`, or starts with `.` or `-`.
    #[error(
        "the tag may have up to 128 letters, digits, `_`, `.` and `-`, and starts with a letter, digit or `_`"
    )]
    Tag,
    /// The digest has an unknown algorithm or the wrong length.
    #[error(
        "the digest must be `sha256:` and 64 hexadecimal digits (or sha384, sha512 with theirs)"
    )]
    Digest,
    /// The repository's name is longer than 255 characters.
    #[error("the repository's name is longer than 255 characters")]
    TooLong,
    /// The name is 64 hexadecimal digits, which runtimes read as an image's id.
    #[error("64 hexadecimal digits are an image's id, not a name")]
    Identifier,
}

/// The registry of names without one.
const DEFAULT_REGISTRY: &str = "docker.io";

impl Reference {
    /// Parses and normalizes a reference.
    ///
    /// # Errors
    ///
    /// See [`ReferenceError`].
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::Identifier);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                (rest, Some(digest.parse().map_err(|_| ReferenceError::Digest)?))
            }
            None => (text, None),
        };
        let (registry, remainder) = split_registry(rest);
        let (path, tag) = match remainder.rsplit_once(':') {
            Some((path, tag)) => (path, Some(check_tag(tag)?)),
            None => (remainder, None),
        };
        check_registry(registry)?;
        let registry = if registry == "index.docker.io" { DEFAULT_REGISTRY } else { registry };
        check_path(path)?;
        let repository = if registry == DEFAULT_REGISTRY && !path.contains('/') {
            format!("library/{path}")
        } else {
            path.to_owned()
        };
        if repository.len() > 255 {
            return Err(ReferenceError::TooLong);
        }
        Ok(Self { registry: registry.to_owned(), repository, tag, digest })
    }

    /// The registry's host, with its port if one is given: `docker.io`.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository in the registry: `library/nginx`.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The reference without tag and digest, which means the repository as a whole.
    #[must_use]
    pub fn without_tag(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    /// The same repository with this tag, and without a digest.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::Tag`] if the text is not a valid tag.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        Ok(Self { tag: Some(check_tag(tag)?), ..self.without_tag() })
    }

    /// The same repository with this digest, and without a tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.without_tag() }
    }

    /// The reference with the tag `latest` if it has neither tag nor digest, as runtimes read it.
    #[must_use]
    pub fn or_latest(self) -> Self {
        match (&self.tag, &self.digest) {
            (None, None) => Self { tag: Some("latest".to_owned()), ..self },
            _ => self,
        }
    }

    /// The name as people write it: `nginx`, `bitnami/redis`, `registry.example.com/web`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return format!("{}/{}", self.registry, self.repository);
        }
        self.repository.strip_prefix("library/").unwrap_or(&self.repository).to_owned()
    }

    /// Whether the image is in `scope`: a registry, a repository, or a directory of repositories in
    /// a registry (`docker.io/bitnami`). Only whole path components match.
    #[must_use]
    pub fn is_in(&self, scope: &str) -> bool {
        let name = format!("{}/{}", self.registry, self.repository);
        let scope = scope.trim_end_matches('/');
        name.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        Self::parse(text)
    }
}

/// The first part is a registry if it has a dot, a port or capitals, or is `localhost`.
fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|byte| byte.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => (DEFAULT_REGISTRY, text),
    }
}

fn check_registry(registry: &str) -> Result<(), ReferenceError> {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    let is_port_valid =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let is_host_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => {
            !address.is_empty()
                && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
        }
        None => host.split('.').all(|part| {
            !part.is_empty()
                && !part.starts_with('-')
                && !part.ends_with('-')
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        }),
    };
    if is_port_valid && is_host_valid { Ok(()) } else { Err(ReferenceError::Registry) }
}

fn check_path(path: &str) -> Result<(), ReferenceError> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(ReferenceError::UpperCase);
    }
    if path.split('/').all(is_path_component) { Ok(()) } else { Err(ReferenceError::Name) }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(part: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let has_valid_ends = bytes.first().copied().is_some_and(is_alphanumeric)
        && bytes.last().copied().is_some_and(is_alphanumeric);
    has_valid_ends
        && part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

fn check_tag(tag: &str) -> Result<String, ReferenceError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_valid = tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
    if is_valid { Ok(tag.to_owned()) } else { Err(ReferenceError::Tag) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_normalized() {
        for (text, whole) in [
            ("nginx", "docker.io/library/nginx"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
            ("index.docker.io/nginx", "docker.io/library/nginx"),
            ("localhost/x", "localhost/x"),
            ("localhost:5000/a/b:t", "localhost:5000/a/b:t"),
            ("[::1]:5000/a", "[::1]:5000/a"),
            ("Registry/a", "Registry/a"),
            ("ghcr.io/a/b__c-d---e.f", "ghcr.io/a/b__c-d---e.f"),
        ] {
            assert_eq!(Reference::parse(text).unwrap().to_string(), whole);
        }
        let digest = format!("nginx:1@sha256:{}", "a".repeat(64));
        let reference = Reference::parse(&digest).unwrap();
        assert_eq!(reference.tag(), Some("1"));
        assert!(reference.digest().is_some());
        assert_eq!(reference.familiar_name(), "nginx");
        assert!(reference.is_in("docker.io/library"));
        assert!(!reference.is_in("docker.io/lib"));
    }

    #[test]
    fn malformed_references_are_refused() {
        for (text, error) in [
            ("", ReferenceError::Empty),
            ("Nginx", ReferenceError::UpperCase),
            ("a//b", ReferenceError::Name),
            ("a..b", ReferenceError::Name),
            ("-a", ReferenceError::Name),
            ("a/b_", ReferenceError::Name),
            ("nginx:", ReferenceError::Tag),
            ("nginx:.x", ReferenceError::Tag),
            ("nginx: 1", ReferenceError::Tag),
            ("a.b:x/c", ReferenceError::Registry),
            ("-a.b/c", ReferenceError::Registry),
            ("nginx@sha256:abc", ReferenceError::Digest),
            ("nginx@md5:abc", ReferenceError::Digest),
            ("{{ .Values.image }}", ReferenceError::UpperCase),
        ] {
            assert_eq!(Reference::parse(text), Err(error), "{text}");
        }
        assert_eq!(Reference::parse(&"a".repeat(64)), Err(ReferenceError::Identifier));
        assert_eq!(Reference::parse(&"a".repeat(256)), Err(ReferenceError::TooLong));
    }

    #[test]
    fn tags_are_replaced() {
        let digest = "a".repeat(64);
        let reference = Reference::parse(&format!("shop/web:1@sha256:{digest}")).unwrap();
        assert_eq!(reference.without_tag().to_string(), "docker.io/shop/web");
        assert_eq!(reference.with_tag("2").unwrap().to_string(), "docker.io/shop/web:2");
        assert_eq!(reference.with_tag("2/3"), Err(ReferenceError::Tag));
        assert_eq!(reference.clone().or_latest(), reference);
        assert_eq!(
            Reference::parse("web").unwrap().or_latest().to_string(),
            "docker.io/library/web:latest"
        );
    }

    proptest! {
        #[test]
        fn a_reference_is_its_text(
            registry in prop::option::of("localhost|[a-zA-Z0-9]{1,5}\\.[a-z]{2}(:[0-9]{1,5})?"),
            path in "[a-z0-9]{1,8}(/[a-z0-9]{1,5}((\\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}){0,3}",
            tag in prop::option::of("[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,20}"),
            contents in prop::option::of(any::<Vec<u8>>()),
        ) {
            let mut text = registry.map_or_else(String::new, |registry| format!("{registry}/"));
            text.push_str(&path);
            if let Some(tag) = &tag {
                text.push_str(&format!(":{tag}"));
            }
            let digest = contents.map(|contents| Digest::sha256(&contents));
            if let Some(digest) = &digest {
                text.push_str(&format!("@{digest}"));
            }
            let reference = Reference::parse(&text).unwrap();
            prop_assert_eq!(reference.tag(), tag.as_deref());
            prop_assert_eq!(reference.digest(), digest.as_ref());
            prop_assert!(reference.repository().ends_with(path.rsplit('/').next().unwrap()));
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }

        #[test]
        fn any_text_is_a_reference_or_refused(text in "[a-zA-Z0-9./:@_\\[\\]-]{0,30}|.{0,30}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
            }
        }
    }
}
