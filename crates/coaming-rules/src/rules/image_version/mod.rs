//! Images have a version that stays what it was.

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
    Some((scope.image()?, scope.container.node().field("image")?))
}

/// Whether the image's name only stands for one that something fills in later: templates, and the
/// upper-case or pointed words that examples use.
fn is_placeholder(text: &str) -> bool {
    text.contains("{{") || text.contains("${") || text.contains("$(") || text.contains('<')
}

/// Tags that promise no version at all.
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

/// Why a tag does not stay what it was, if it does not.
fn moves(tag: &str) -> Option<&'static str> {
    let lower = tag.to_ascii_lowercase();
    let word = lower.split(['-', '_']).next().unwrap_or_default();
    if MOVING.contains(&lower.as_str()) || MOVING.contains(&word) && lower.len() == word.len() {
        return Some("names a channel, not a version");
    }
    if RELEASES.contains(&lower.as_str()) {
        return Some("names a variant, not a version");
    }
    let number = word.strip_prefix('v').unwrap_or(word);
    let is_major =
        (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_major.then_some("names a major version only")
}

#[cfg(test)]
mod tests {
    use super::moves;

    #[test]
    fn tells_versions_from_channels() {
        for tag in ["stable", "main", "1", "v2", "12-alpine", "alpine", "dev", "Master"] {
            assert!(moves(tag).is_some(), "{tag}");
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
            assert!(moves(tag).is_none(), "{tag}");
        }
    }
}
