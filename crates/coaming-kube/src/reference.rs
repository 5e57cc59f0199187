//! Image references, parsed as the distribution specification has them.
//!
//! ```text
//! reference := [domain "/"] path [":" tag] ["@" digest]
//! ```
//!
//! Names are normalised as the container runtimes do: `nginx` is `docker.io/library/nginx`.

use std::fmt;

/// A valid reference to an image, normalised.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a text is no image reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// There is no text.
    #[error("it is empty")]
    Empty,
    /// The name has capital letters, which only the registry's host may have.
    #[error("the repository's name must be in lower case")]
    UpperCase,
    /// A part of the name has a character, or a separator at a place, that is not allowed there.
    #[error(
        "the name may have lower-case letters, digits, and single `.`, `_`, `__` or dashes between them"
    )]
    Name,
    /// The registry's host or port is malformed.
    #[error("the registry's host or port is malformed")]
    Registry,
    /// The tag is longer than 128 characters, or has other than letters, digits, `_`, `.`, `-`.
    #[error(
        "the tag may have up to 128 letters, digits, `_`, `.` and `-`, and starts with a letter, digit or `_`"
    )]
    Tag,
    /// The digest is of an unknown algorithm or of the wrong length.
    #[error(
        "the digest must be `sha256:` and 64 hexadecimal digits (or sha384, sha512 with theirs)"
    )]
    Digest,
    /// The repository's name is longer than 255 characters.
    #[error("the repository's name is longer than 255 characters")]
    TooLong,
    /// The name is 64 hexadecimal digits, which means an image's id and no repository.
    #[error("64 hexadecimal digits are an image's id, not a name")]
    Identifier,
}

/// The registry of names that give none.
const DEFAULT_REGISTRY: &str = "docker.io";

impl ImageReference {
    /// Parses and normalises a reference.
    ///
    /// # Errors
    ///
    /// As [`ReferenceError`] says.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ReferenceError::Identifier);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(check_digest(digest)?)),
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

    /// The tag, as it is written.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest with its algorithm: `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The name as people write it: `nginx`, `bitnami/redis`, `registry.example.com/web`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        if self.registry != DEFAULT_REGISTRY {
            return format!("{}/{}", self.registry, self.repository);
        }
        self.repository.strip_prefix("library/").unwrap_or(&self.repository).to_owned()
    }

    /// Whether it lies in `place`: a registry, or a repository or directory of repositories in one
    /// (`docker.io/bitnami`), whole parts only.
    #[must_use]
    pub fn is_in(&self, place: &str) -> bool {
        let name = format!("{}/{}", self.registry, self.repository);
        let place = place.trim_end_matches('/');
        name.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl fmt::Display for ImageReference {
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

/// The first part is a registry if it can't be a repository's: with a dot, a port or capitals, or
/// `localhost`.
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
    let port_fits =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    let host_fits = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
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
    if port_fits && host_fits { Ok(()) } else { Err(ReferenceError::Registry) }
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
    let ends_fit = bytes.first().copied().is_some_and(is_alphanumeric)
        && bytes.last().copied().is_some_and(is_alphanumeric);
    ends_fit
        && part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(|separator| {
            matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

fn check_tag(tag: &str) -> Result<String, ReferenceError> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let fits = tag.len() <= 128
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
    if fits { Ok(tag.to_owned()) } else { Err(ReferenceError::Tag) }
}

fn check_digest(digest: &str) -> Result<String, ReferenceError> {
    let (algorithm, hex) = digest.split_once(':').ok_or(ReferenceError::Digest)?;
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return Err(ReferenceError::Digest),
    };
    let fits =
        hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if fits { Ok(digest.to_owned()) } else { Err(ReferenceError::Digest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises() {
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
            assert_eq!(ImageReference::parse(text).unwrap().to_string(), whole);
        }
        let digest = format!("nginx:1@sha256:{}", "a".repeat(64));
        let reference = ImageReference::parse(&digest).unwrap();
        assert_eq!(reference.tag(), Some("1"));
        assert!(reference.digest().is_some());
        assert_eq!(reference.familiar_name(), "nginx");
        assert!(reference.is_in("docker.io/library"));
        assert!(!reference.is_in("docker.io/lib"));
    }

    #[test]
    fn refuses() {
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
            assert_eq!(ImageReference::parse(text), Err(error), "{text}");
        }
        assert_eq!(ImageReference::parse(&"a".repeat(64)), Err(ReferenceError::Identifier));
        assert_eq!(ImageReference::parse(&"a".repeat(256)), Err(ReferenceError::TooLong));
    }
}
