//! Ecosystems, by OSV's names: `Debian:12`, `Alpine:v3.18`, `PyPI`.

use crate::Order;

/// An ecosystem, optionally one release of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ecosystem {
    /// `Debian`, `PyPI`.
    pub name: String,
    /// `12`, `v3.18`; empty if it has no releases, or none is given.
    pub release: String,
}

/// The ecosystems whose version order is supported.
const ORDERS: [(&str, Order); 45] = [
    ("AlmaLinux", Order::Rpm),
    ("Alpaquita", Order::Apk),
    ("Alpine", Order::Apk),
    ("Azure Linux", Order::Rpm),
    ("BellSoft Hardened Containers", Order::Apk),
    ("Bioconductor", Order::Dotted),
    ("Bitnami", Order::SemVer),
    ("CentOS", Order::Rpm),
    ("Chainguard", Order::Apk),
    ("Clojars", Order::Maven),
    ("CRAN", Order::Dotted),
    ("crates.io", Order::SemVer),
    ("Debian", Order::Dpkg),
    ("Echo", Order::Dpkg),
    ("Fedora", Order::Rpm),
    // Versions are tags: `v4`, `v4.1`, `4.1.0`.
    ("GitHub Actions", Order::Go),
    ("Go", Order::Go),
    ("Hackage", Order::Dotted),
    ("Hex", Order::SemVer),
    ("Julia", Order::SemVerBuild),
    ("Linux", Order::Dotted),
    ("Mageia", Order::Rpm),
    ("Maven", Order::Maven),
    ("MinimOS", Order::Apk),
    ("npm", Order::Npm),
    ("NuGet", Order::NuGet),
    ("openEuler", Order::Rpm),
    ("openSUSE", Order::Rpm),
    ("Oracle Linux", Order::Rpm),
    ("Packagist", Order::Packagist),
    ("Photon OS", Order::Rpm),
    ("Pub", Order::SemVerBuild),
    ("PyPI", Order::PyPi),
    ("Raspbian", Order::Dpkg),
    ("Red Hat", Order::Rpm),
    ("Rocky Linux", Order::Rpm),
    ("Root", Order::Dpkg),
    ("RubyGems", Order::RubyGems),
    ("semver", Order::SemVer),
    ("SUSE", Order::Rpm),
    ("SwiftURL", Order::SemVer),
    ("Ubuntu", Order::Dpkg),
    ("VSCode", Order::SemVer),
    ("Wolfi", Order::Apk),
    ("Amazon Linux", Order::Rpm),
];

impl Ecosystem {
    /// Splits a name such as `Ubuntu:22.04:LTS` at its first colon.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (name, release) = text.split_once(':').unwrap_or((text, ""));
        Self { name: name.to_owned(), release: release.to_owned() }
    }

    /// How its versions are ordered; `None` for an unsupported ecosystem.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        ORDERS
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&self.name))
            .map(|(_, order)| *order)
    }

    /// The names of the supported ecosystems.
    pub fn known() -> impl Iterator<Item = &'static str> {
        ORDERS.iter().map(|(name, _)| *name)
    }
}

impl std::fmt::Display for Ecosystem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)?;
        if !self.release.is_empty() {
            write!(formatter, ":{}", self.release)?;
        }
        Ok(())
    }
}
