//! The packages of an image, independent of the format that lists them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::release::Release;
use crate::{Package, ReadError, cyclonedx, purl, spdx};

/// A document with more packages is refused.
pub const MAX_PACKAGES: usize = 100_000;

/// What an image consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sbom<'a> {
    /// The image's name; written only.
    pub name: Cow<'a, str>,
    /// The image's digest; may be empty.
    pub digest: Cow<'a, str>,
    /// The distribution.
    pub operating_system: Option<OperatingSystem>,
    /// The packages.
    pub packages: Cow<'a, [Package]>,
    /// The number of components that are not listed, by their type; read only.
    pub left_out: BTreeMap<String, usize>,
}

/// The distribution that an image is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatingSystem {
    /// As `os-release` names it: `debian`.
    pub id: String,
    /// `12`; may be empty.
    pub version: String,
    /// `Debian GNU/Linux 12 (bookworm)`; may be empty.
    pub name: String,
}

impl Sbom<'_> {
    /// Writes CycloneDX 1.6.
    #[must_use]
    pub fn to_cyclonedx(&self) -> serde_json::Value {
        cyclonedx::write_sbom(self)
    }

    /// Writes SPDX 2.3.
    #[must_use]
    pub fn to_spdx(&self) -> serde_json::Value {
        spdx::write(self)
    }

    /// A number that depends on the image and its packages alone, as 32 hexadecimal digits.
    pub(crate) fn identity(&self) -> String {
        let mut hash = Sha256::new();
        for text in [&self.digest, &self.name] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        for package in self.packages.iter() {
            hash.update(reference(package));
            hash.update([0]);
        }
        let mut digits = format!("{:x}", hash.finalize());
        digits.truncate(32);
        digits
    }
}

/// Distinguishes a package from all others in a document: the same package may be in several
/// places.
pub(crate) fn reference(package: &Package) -> String {
    let hash = format!("{:x}", Sha256::digest(format!("{} {}", package.purl, package.path)));
    format!("{}-{}", package.kind.as_str(), hash.get(..16).unwrap_or_default())
}

/// What a document says about a package besides its URL.
#[derive(Default)]
pub(crate) struct Details {
    pub(crate) version: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) source: Option<crate::SourcePackage>,
}

/// Collects packages.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) sbom: Sbom<'static>,
    packages: Vec<Package>,
    release: Option<Release>,
}

/// The most types of components that are counted separately, and the longest name of one.
const MAX_TYPES: usize = 50;
const MAX_TYPE: usize = 50;

impl Collector {
    /// Counts a component that is not a package of a supported type.
    pub(crate) fn leave_out(&mut self, kind: &str) {
        let known = self.sbom.left_out.contains_key(kind);
        let fits = known || self.sbom.left_out.len() < MAX_TYPES && kind.len() <= MAX_TYPE;
        let kind = if kind.is_empty() || !fits { "other" } else { kind };
        *self.sbom.left_out.entry(kind.to_owned()).or_default() += 1;
    }

    /// Adds the package of a package URL. URLs that are malformed or of other types, such as
    /// `generic`, are counted: no ecosystem's advisories could be matched with them.
    pub(crate) fn add(&mut self, url: &str, details: Details) -> Result<(), ReadError> {
        let Some(purl::Named { mut package, release }) = purl::parse(url) else {
            let kind = url.strip_prefix("pkg:").and_then(|rest| rest.split_once('/'));
            let kind = kind.map_or("malformed package URL", |(kind, _)| kind);
            // That is the image which the document is about.
            if !matches!(kind, "oci" | "docker") {
                self.leave_out(kind);
            }
            return Ok(());
        };
        if self.packages.len() >= MAX_PACKAGES {
            return Err(ReadError::TooMany { what: "packages", limit: MAX_PACKAGES });
        }
        // The URL may have the epoch that the version lacks.
        let without_epoch = package.version.split_once(':').map(|(_, version)| version);
        if let Some(version) =
            details.version.filter(|version| without_epoch != Some(version) && !version.is_empty())
        {
            // A source package without a version of its own has the binary package's.
            if let Some(source) = &mut package.source
                && source.version == package.version
            {
                source.version.clone_from(&version);
            }
            package.version = version;
        }
        if let Some(source) = details.source.filter(|source| !source.name.is_empty()) {
            package.source = Some(source);
        }
        package.path = details.path.unwrap_or_default();
        if package.kind.is_distribution() && self.release.is_none() {
            self.release = release;
        }
        self.packages.push(package);
        Ok(())
    }

    /// All packages, sorted, without duplicates.
    pub(crate) fn finish(mut self) -> Sbom<'static> {
        self.packages.sort();
        self.packages.dedup();
        let release = self.release;
        let operating_system = self.sbom.operating_system.or_else(|| {
            let Release { id, version } = release?;
            Some(OperatingSystem { id, version, name: String::new() })
        });
        Sbom { operating_system, packages: Cow::Owned(self.packages), ..self.sbom }
    }
}
