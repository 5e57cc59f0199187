//! Which images a registry has: a walk over its catalog, its repositories and their tags.
//!
//! Invariants: each digest is listed once, with all names that lead to it; the list depends only on
//! the registry's contents and the scope; the shards of a walk are disjoint, and together they are
//! the whole.

use std::collections::BTreeMap;
use std::str::FromStr;

use coaming_oci::{Digest, Reference};
use coaming_registry::{Registry, RegistryError};
use globset::GlobSet;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use semver::{Version, VersionReq};

/// Which part of a walk is done: shard `index` of `count`, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

/// Why a text does not name a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected I/N with I from 0 to N - 1, such as 0/4")]
pub struct ShardError;

impl Default for Shard {
    fn default() -> Self {
        Self { index: 0, count: 1 }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (index, count) = text.split_once('/').ok_or(ShardError)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| ShardError);
        let shard = Self { index: number(index)?, count: number(count)? };
        if shard.index < shard.count { Ok(shard) } else { Err(ShardError) }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.index, self.count)
    }
}

impl Shard {
    /// How many shards there are.
    #[must_use]
    pub fn count(self) -> u64 {
        self.count
    }

    /// Whether this shard has a digest. Digests are random, so shards are of one size.
    fn has(self, digest: &Digest) -> bool {
        let start = digest.as_bytes().first_chunk::<8>().copied().unwrap_or_default();
        u64::from_be_bytes(start) % self.count == self.index
    }
}

/// What a walk is about.
#[derive(Clone, Debug, Default)]
pub struct WalkScope {
    /// Only repositories with these names; `None` means all.
    pub repositories: Option<GlobSet>,
    /// Only tags that are versions in this range. A tag with a suffix (`1.27-alpine`) counts by its
    /// version.
    pub range: Option<VersionReq>,
    /// Of the tags that are versions, only this many of the newest, for each suffix.
    pub newest: Option<usize>,
    /// Only a part of the digests.
    pub shard: Shard,
}

/// An image of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalkedImage {
    /// The image by the digest, in the first repository that has it.
    pub reference: Reference,
    /// What the tags resolve to: of an image for several platforms, the index.
    pub digest: Digest,
    /// All names that lead to it, as `repository:tag`, sorted.
    pub names: Vec<String>,
}

/// Lists the images of a registry. What cannot be listed is among the problems.
///
/// # Errors
///
/// If the registry gives no catalog.
pub fn walk(
    registry: &Registry,
    host: &str,
    scope: &WalkScope,
) -> Result<(Vec<WalkedImage>, Vec<String>), RegistryError> {
    let wanted = |name: &String| {
        scope.repositories.as_ref().is_none_or(|globs| globs.is_match(name.as_str()))
    };
    let repositories: Vec<String> =
        registry.repositories(host)?.into_iter().filter(wanted).collect();
    let listed: Vec<_> =
        repositories.par_iter().map(|repository| tags(registry, host, repository, scope)).collect();
    let mut images: BTreeMap<Digest, WalkedImage> = BTreeMap::new();
    let mut problems = Vec::new();
    for (found, failed) in listed {
        problems.extend(failed);
        for (tagged, digest) in found.into_iter().filter(|(_, digest)| scope.shard.has(digest)) {
            let name = format!("{}:{}", tagged.repository(), tagged.tag().unwrap_or_default());
            let image = images.entry(digest).or_insert_with(|| WalkedImage {
                reference: tagged.with_digest(digest),
                digest,
                names: Vec::new(),
            });
            image.names.push(name);
        }
    }
    let mut images: Vec<WalkedImage> = images.into_values().collect();
    images.iter_mut().for_each(|image| image.names.sort());
    images.sort_by(|left, right| left.names.cmp(&right.names));
    Ok((images, problems))
}

type Tagged = (Vec<(Reference, Digest)>, Vec<String>);

/// The tags of a repository, with what they resolve to.
fn tags(registry: &Registry, host: &str, repository: &str, scope: &WalkScope) -> Tagged {
    let listed = Reference::parse(&format!("{host}/{repository}"))
        .map_err(|error| format!("{host}/{repository}: {error}"))
        .and_then(|reference| {
            let tags = registry.tags(&reference).map_err(|error| error.to_string())?;
            Ok((reference, tags))
        });
    let (reference, tags) = match listed {
        Ok(listed) => listed,
        Err(problem) => return (Vec::new(), vec![problem]),
    };
    let chosen = choose(tags, scope);
    let resolved: Vec<_> = chosen
        .par_iter()
        .map(|tag| {
            let tagged =
                reference.with_tag(tag).map_err(|error| format!("{repository}: {error}"))?;
            let digest = registry.resolve(&tagged).map_err(|error| error.to_string())?;
            Ok((tagged, digest))
        })
        .collect();
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for each in resolved {
        match each {
            Ok(each) => found.push(each),
            Err(problem) => problems.push(problem),
        }
    }
    (found, problems)
}

/// The tags that a scope is about.
fn choose(tags: Vec<String>, scope: &WalkScope) -> Vec<String> {
    let mut chosen = Vec::new();
    let mut series: BTreeMap<String, Vec<(Version, String)>> = BTreeMap::new();
    for tag in tags.into_iter().filter(|tag| !is_attachment(tag)) {
        match version_of(&tag) {
            Some((version, suffix)) => {
                if scope.range.as_ref().is_none_or(|range| range.matches(&version)) {
                    series.entry(suffix).or_default().push((version, tag));
                }
            }
            // What is not a version is in no range.
            None if scope.range.is_some() => {}
            None => chosen.push(tag),
        }
    }
    for mut versions in series.into_values() {
        versions.sort();
        let newest = scope.newest.unwrap_or(versions.len());
        chosen.extend(versions.into_iter().rev().take(newest).map(|(_, tag)| tag));
    }
    chosen.sort();
    chosen
}

/// Whether a tag names what is attached to an image: `sha256-….sig`, or the list of referrers.
fn is_attachment(tag: &str) -> bool {
    tag.strip_prefix("sha256-").is_some_and(|rest| {
        rest.get(..64).is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// The version in a tag and what follows it: `v1.27.3-alpine` is 1.27.3, and `-alpine`.
fn version_of(tag: &str) -> Option<(Version, String)> {
    let number = tag.strip_prefix('v').unwrap_or(tag);
    let end = number.find(|each: char| each != '.' && !each.is_ascii_digit());
    let (number, suffix) = number.split_at(end.unwrap_or(number.len()));
    let mut parts = number.split('.').map(str::parse::<u64>);
    let major = parts.next()?.ok()?;
    let mut next = || parts.next().unwrap_or(Ok(0)).ok();
    let version = Version::new(major, next()?, next()?);
    parts.next().is_none().then(|| (version, suffix.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(tags: &[&str], scope: &WalkScope) -> Vec<String> {
        choose(tags.iter().map(|tag| (*tag).to_owned()).collect(), scope)
    }

    #[test]
    fn shards_are_disjoint_and_whole() {
        let digests: Vec<Digest> =
            (0..1000_u32).map(|n| Digest::sha256(&n.to_be_bytes())).collect();
        for count in [1, 2, 4, 7] {
            let shards: Vec<Shard> =
                (0..count).map(|index| format!("{index}/{count}").parse().unwrap()).collect();
            for digest in &digests {
                assert_eq!(shards.iter().filter(|shard| shard.has(digest)).count(), 1);
            }
            for shard in shards {
                let share = digests.iter().filter(|digest| shard.has(digest)).count() as u64;
                assert!(share * count > 700 && share * count < 1300, "{shard}: {share}");
            }
        }
        for wrong in ["", "1", "4/4", "1/0", "-1/2", "a/b"] {
            assert_eq!(wrong.parse::<Shard>(), Err(ShardError), "{wrong}");
        }
    }

    #[test]
    fn tags_are_chosen_by_their_versions() {
        let tags = [
            "latest",
            "1.9",
            "1.10.2",
            "v1.10.3",
            "2.0.0-alpine",
            "1.27-alpine",
            "sha256-0123456789012345678901234567890123456789012345678901234567890123.sig",
            "2024.1.2.3",
        ];
        assert_eq!(chosen(&tags, &WalkScope::default()).len(), 7);
        let newest = WalkScope { newest: Some(1), ..WalkScope::default() };
        assert_eq!(chosen(&tags, &newest), ["2.0.0-alpine", "2024.1.2.3", "latest", "v1.10.3"]);
        let range = VersionReq::parse(">=1.10, <2").unwrap();
        let range = WalkScope { range: Some(range), ..WalkScope::default() };
        assert_eq!(chosen(&tags, &range), ["1.10.2", "1.27-alpine", "v1.10.3"]);
    }
}
