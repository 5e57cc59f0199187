//! Packages by their package URLs.

use coaming_image::{Distribution, Package};

/// A package, and the distribution's release that its URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The package.
    pub package: Package,
    /// `distro=debian-12`
    pub distribution: Option<Distribution>,
}

/// Parses a package URL; `None` if it is malformed or has a type that is not supported.
#[must_use]
pub fn parse(text: &str) -> Option<Named> {
    let coaming_sbom::purl::Named { package, release } = coaming_sbom::purl::parse(text)?;
    let distribution = release.map(|release| Distribution {
        id: release.id,
        version: release.version,
        ..Distribution::default()
    });
    Some(Named { package, distribution })
}
