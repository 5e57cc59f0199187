//! Images have a version that does not change.

pub(crate) mod base_image_version;
pub(crate) mod image_digest;
pub(crate) mod image_pull_policy;
pub(crate) mod image_registry;
pub(crate) mod image_tag;
pub(crate) mod invalid_image;
pub(crate) mod moving_image_tag;
pub(crate) mod no_rollback;
pub(crate) mod unverified_download;

use coaming_kube::Fields as _;
use coaming_oci::Reference;
use coaming_yaml::Node;

use crate::ContainerScope;

/// The container's image, if it is a valid reference, with its node.
fn image<'a>(scope: ContainerScope<'a>) -> Option<(&'a Reference, Node<'a>)> {
    let node = scope.container.node().field("image")?;
    let is_image = !node.as_str().is_some_and(is_program_path);
    Some((scope.image()?, node)).filter(|_| is_image)
}

/// Whether a name is the path of a Go program, for `ko` to build: no registry is at `github.com`.
fn is_program_path(text: &str) -> bool {
    text.starts_with("ko://") || text.starts_with("github.com/")
}

/// Whether the image's name is a placeholder that is filled in later: a template or variable, a
/// word in angle brackets as in examples, or a name for `ko` or `sed` to replace.
fn is_placeholder(text: &str) -> bool {
    let marks = ["{{", "${", "$(", "<", "__"];
    let starts = ["$", "{", "%", "@", "#"];
    is_program_path(text)
        || marks.iter().any(|mark| text.contains(mark))
        || starts.iter().any(|start| text.starts_with(start))
        || text.split(['/', ':', '@', '-']).any(is_word_to_replace)
}

/// Whether a part of a name is a word in capitals, as only placeholders are: `REGION`, `IMAGE_TAG`.
/// A tag may be in capitals too, but then the name is valid.
fn is_word_to_replace(part: &str) -> bool {
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit();
    part.len() > 2
        && part.bytes().all(is_capital)
        && part.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Tags that name no version at all.
const MOVING: &[&str] = &[
    "stable",
    "main",
    "master",
    "develop",
    "development",
    "dev",
    "edge",
    "nightly",
    "canary",
    "current",
    "release",
    "production",
    "prod",
    "staging",
    "testing",
    "test",
    "beta",
    "alpha",
    "next",
    "head",
    "snapshot",
    "mainline",
    "lts",
    "rolling",
    "unstable",
    "trunk",
];

/// Distributions' release names, whose tags move with each of the release's updates.
const RELEASES: &[&str] = &[
    "alpine", "slim", "buster", "bullseye", "bookworm", "trixie", "focal", "jammy", "noble",
    "bionic", "xenial",
];

/// What a tag names that can change from one image to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MovingTag {
    Channel,
    Variant,
    MajorVersion,
}

impl MovingTag {
    /// What the tag names, to complete "the tag …".
    fn phrase(self) -> &'static str {
        match self {
            Self::Channel => "names a channel, not a version",
            Self::Variant => "names a variant, not a version",
            Self::MajorVersion => "names only a major version",
        }
    }
}

/// Why a tag is expected to move to other images, if it is.
fn moving(tag: &str) -> Option<MovingTag> {
    let lower = tag.to_ascii_lowercase();
    let word = lower.split(['-', '_']).next().unwrap_or_default();
    if MOVING.contains(&lower.as_str()) || MOVING.contains(&word) && lower.len() == word.len() {
        return Some(MovingTag::Channel);
    }
    if RELEASES.contains(&lower.as_str()) {
        return Some(MovingTag::Variant);
    }
    let number = word.strip_prefix('v').unwrap_or(word);
    let is_major =
        (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_major.then_some(MovingTag::MajorVersion)
}

#[cfg(test)]
mod tests {
    use super::moving;

    #[test]
    fn distinguishes_versions_from_channels() {
        for tag in ["stable", "main", "1", "v2", "12-alpine", "alpine", "dev", "Master"] {
            assert!(moving(tag).is_some(), "{tag}");
        }
        for tag in [
            "1.27",
            "1.27.3-alpine",
            "v1.2.3",
            "20240101",
            "sha-1a2b3c4",
            "2024.1",
            "main-1a2b3c4",
            "17.2",
        ] {
            assert!(moving(tag).is_none(), "{tag}");
        }
    }
}
