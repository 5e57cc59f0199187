//! Images have a version that does not change.

pub(crate) mod base_image_version;
pub(crate) mod image_digest;
pub(crate) mod image_pull_policy;
pub(crate) mod image_registry;
pub(crate) mod image_tag;
pub(crate) mod image_unsigned;
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
    // Istio puts its own image in the place of `auto`.
    let is_image = !node.as_str().is_some_and(|text| is_program_path(text) || text == "auto");
    Some((scope.image()?, node)).filter(|_| is_image)
}

/// Whether a name is the path of a program, for `ko` or Bazel to build: no registry is at `github.com`.
fn is_program_path(text: &str) -> bool {
    text.starts_with("ko://") || text.starts_with("bazel://") || text.starts_with("github.com/")
}

/// Whether the image's name is a placeholder that is filled in later: a template or variable, a
/// word in angle brackets as in examples, or a name for `ko` or `sed` to replace.
fn is_placeholder(text: &str) -> bool {
    let marks = ["{{", "[[", "((", "${", "$(", "<", "__"];
    let starts = ["$", "{", "%", "@", "#"];
    is_program_path(text)
        || text.to_ascii_lowercase().contains("placeholder")
        // No part of a name has this sign: `$TAG` at the end is a variable.
        || text.contains('$')
        || text.chars().all(|c| matches!(c, '.' | '?' | '-' | '_'))
        || marks.iter().any(|mark| text.contains(mark))
        || starts.iter().any(|start| text.starts_with(start))
        || text.split(['/', ':', '@', '-']).any(is_word_to_replace)
        // `AWS_ACCOUNT_ID.dkr.ecr.us-east-1.amazonaws.com`: no host has this sign.
        || text.split(['/', '.']).any(|part| part.contains('_') && is_word_to_replace(part))
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

/// Platforms and kinds of images, which name no version.
const KINDS: &[&str] = &[
    "amd64",
    "arm64",
    "arm64v8",
    "armv7",
    "386",
    "i386",
    "ppc64le",
    "s390x",
    "x86",
    "64",
    "linux",
    "windows",
    "nanoserver",
    "debian",
    "ubuntu",
    "fedora",
    "centos",
    "rocky",
    "ubi",
    "distroless",
    "nonroot",
    "rootless",
    "debug",
    "full",
    "minimal",
    "runtime",
    "cpu",
    "gpu",
    "cuda",
    "jre",
    "jdk",
    "fpm",
    "apache",
    "perl",
    "management",
    "python3",
];

/// Whether a part of a tag names a distribution, its release or a kind of image: `alpine3.20`,
/// `bookworm`, `amd64`.
fn is_variant(part: &str) -> bool {
    let name = part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    KINDS.contains(&part)
        || RELEASES.contains(&part)
        || !name.is_empty() && name != part && (RELEASES.contains(&name) || KINDS.contains(&name))
}

/// What a tag names that can change from one image to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MovingTag {
    Channel,
    Variant,
    MajorVersion,
    Series,
}

impl MovingTag {
    /// What the tag names, to complete "the tag …".
    fn phrase(self) -> &'static str {
        match self {
            Self::Channel => "names a channel, not a version",
            Self::Variant => "names a variant, not a version",
            Self::MajorVersion => "names only a major version",
            Self::Series => "names a series of versions",
        }
    }
}

/// Why a tag is expected to move to other images, if it is.
fn moving(tag: &str) -> Option<MovingTag> {
    let lower = tag.to_ascii_lowercase();
    let mut parts = lower.split(['-', '_']);
    let word = parts.next().unwrap_or_default();
    // `latest-amd64` moves with `latest`; `main-1a2b3c4` names a commit.
    let names_no_version = parts.all(|part| is_variant(part) || MOVING.contains(&part));
    if names_no_version && (MOVING.contains(&word) || word == "latest" && lower != "latest") {
        return Some(MovingTag::Channel);
    }
    // The newest image of a series or a branch: `1.2-latest`, `main-latest`.
    if lower.split(['-', '_', '.']).skip(1).any(|part| part == "latest") {
        return Some(MovingTag::Channel);
    }
    if lower.ends_with("-snapshot") {
        return Some(MovingTag::Channel);
    }
    if names_no_version && is_variant(word) {
        return Some(MovingTag::Variant);
    }
    if word.split('.').skip(1).any(|part| matches!(part, "x" | "*")) {
        return Some(MovingTag::Series);
    }
    let number = word.strip_prefix('v').unwrap_or(word);
    let is_major =
        (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    is_major.then_some(MovingTag::MajorVersion)
}

#[cfg(test)]
mod tests {
    use super::{is_placeholder, moving};

    #[test]
    fn distinguishes_versions_from_channels() {
        for tag in ["stable", "main", "1", "v2", "12-alpine", "alpine", "dev", "Master"] {
            assert!(moving(tag).is_some(), "{tag}");
        }
        for tag in [
            "latest-amd64",
            "latest-alpine",
            "1.2-latest",
            "v3_latest-amd64",
            "feature-x-latest",
            "stable-alpine3.20",
            "nightly-slim",
            "3.x",
            "v1.2.x",
            "alpine3.20",
            "bookworm-slim",
            "ubuntu22.04",
            "1.2-SNAPSHOT",
        ] {
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
            "latest-20240101",
            "nightly-2024.1.5",
            "bookworm-20240612-slim",
            "1.27-alpine3.20",
            "xy1.2.3",
            "17.2",
        ] {
            assert!(moving(tag).is_none(), "{tag}");
        }
    }
    #[test]
    fn names_for_others_to_replace() {
        for text in [
            "AWS_ACCOUNT_ID.dkr.ecr.us-east-1.amazonaws.com/app:1",
            "REGION-docker.pkg.dev/PROJECT/app",
            "(( grab image ))",
            "[[ image ]]",
            "ko://github.com/a/b",
            "Placeholder for the training image",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in ["Nginx:1", "DOCKER.io/Web:1", "my_Host.example.com/a"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
