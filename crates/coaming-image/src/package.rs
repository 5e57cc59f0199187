//! A package that is in an image.

use serde::{Deserialize, Serialize};

/// The kinds of packages that are told apart. The names are those of package URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// Debian's and its descendants'.
    Deb,
    /// Alpine's, Wolfi's and Chainguard's.
    Apk,
    /// Red Hat's, SUSE's and their relatives'.
    Rpm,
    /// Python's.
    PyPi,
    /// Node's.
    Npm,
    /// Ruby's.
    Gem,
    /// Java's; the name is `group:artifact`.
    Maven,
    /// PHP's.
    Composer,
    /// .NET's.
    NuGet,
    /// Rust's.
    Cargo,
    /// Go's; the standard library is the module `stdlib`.
    Golang,
}

impl PackageKind {
    /// Whether a distribution makes such packages, which own files of other ecosystems.
    #[must_use]
    pub fn is_distribution(self) -> bool {
        matches!(self, Self::Deb | Self::Apk | Self::Rpm)
    }
}

/// The source package that a distribution built a package from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Its name.
    pub name: String,
    /// Its version, which may differ from the binary package's.
    pub version: String,
}

/// A package in an image.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Package {
    /// Whose package it is.
    pub kind: PackageKind,
    /// Its name as its ecosystem writes it.
    pub name: String,
    /// Its version as its ecosystem writes it, with epoch and release.
    pub version: String,
    /// Its architecture, where the ecosystem says one.
    pub architecture: Option<String>,
    /// What it was built from, where that is known.
    pub source: Option<SourcePackage>,
    /// The file that says so, absolute in the image: `/var/lib/dpkg/status`, `/app/server`.
    pub path: String,
    /// The layer it came with, counting from 0; `None` outside images of layers.
    pub layer: Option<u32>,
    /// The licence as the package's own metadata words it; empty where it does not.
    pub licence: String,
    /// The package URL.
    pub purl: String,
}
