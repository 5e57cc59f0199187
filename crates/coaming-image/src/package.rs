//! A package that is in an image.

use serde::{Deserialize, Serialize};

/// The kinds of packages. The names are those of package URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageKind {
    /// Debian and its derivatives.
    Deb,
    /// Alpine, Wolfi and Chainguard.
    Apk,
    /// Red Hat, SUSE and related distributions.
    Rpm,
    /// Python.
    PyPi,
    /// Node.
    Npm,
    /// Ruby.
    Gem,
    /// Java; the name is `group:artifact`.
    Maven,
    /// PHP.
    Composer,
    /// .NET.
    NuGet,
    /// Rust.
    Cargo,
    /// Go; the standard library is the module `stdlib`.
    Golang,
}

impl PackageKind {
    /// Whether it is a distribution's kind; such packages may own packages of other kinds.
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
    /// The kind of package.
    pub kind: PackageKind,
    /// Its name as its ecosystem writes it.
    pub name: String,
    /// Its version as its ecosystem writes it, with epoch and release.
    pub version: String,
    /// Its architecture, if the ecosystem has one.
    pub architecture: Option<String>,
    /// What it was built from, if that is known.
    pub source: Option<SourcePackage>,
    /// The file that names it, absolute in the image: `/var/lib/dpkg/status`, `/app/server`.
    pub path: String,
    /// The layer that added it, counting from 0; `None` for a root filesystem, which has none.
    pub layer: Option<u32>,
    /// The license as in the package's own metadata; empty if there is none.
    pub licence: String,
    /// The package URL.
    pub purl: String,
}
