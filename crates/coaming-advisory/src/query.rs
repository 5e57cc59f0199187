//! Which ecosystem's advisories are about a package, and under which name and version.

use coaming_image::{Distribution, Package, PackageKind};

use crate::{Ecosystem, Order, canonical, module};

/// A query of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) ecosystem: String,
    pub(crate) order: Order,
    pub(crate) name: String,
    pub(crate) version: String,
    /// The package's module stream: `nodejs:16`.
    pub(crate) stream: Option<String>,
}

/// Why a package cannot be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmatched {
    /// No advisories are published for this distribution, or the image does not name its release.
    UnknownDistribution,
    /// It has no version: a module under development.
    NoVersion,
}

/// The queries for a package. `covers` tells whether the database contains an ecosystem.
///
/// # Errors
///
/// Why there are none.
pub(crate) fn queries(
    package: &Package,
    distribution: Option<&Distribution>,
    covers: impl Fn(&str) -> bool,
) -> Result<Vec<Query>, Unmatched> {
    if package.version.is_empty() || is_development(package) {
        return Err(Unmatched::NoVersion);
    }
    let ecosystem = match package.kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm => {
            distribution.and_then(|distribution| release(package.kind, distribution, covers))
        }
        PackageKind::PyPi => Some("PyPI".to_owned()),
        PackageKind::Npm => Some("npm".to_owned()),
        PackageKind::Gem => Some("RubyGems".to_owned()),
        PackageKind::Maven => Some("Maven".to_owned()),
        PackageKind::Composer => Some("Packagist".to_owned()),
        PackageKind::NuGet => Some("NuGet".to_owned()),
        PackageKind::Cargo => Some("crates.io".to_owned()),
        PackageKind::Golang => Some("Go".to_owned()),
    };
    let ecosystem = ecosystem.ok_or(Unmatched::UnknownDistribution)?;
    let parsed = Ecosystem::parse(&ecosystem);
    let order = parsed.order().ok_or(Unmatched::UnknownDistribution)?;
    let stream = (order == Order::Rpm).then(|| module::of_url(&package.purl)).flatten();
    let query = |name: &str, version: &str| Query {
        ecosystem: ecosystem.clone(),
        order,
        name: canonical::package(&parsed.name, name),
        version: version.to_owned(),
        stream: stream.clone(),
    };
    let source = package.source.as_ref().map(|source| {
        let version = if package.kind == PackageKind::Rpm {
            with_epoch(&source.version, &package.version)
        } else {
            source.version.clone()
        };
        query(&source.name, if version.is_empty() { &package.version } else { &version })
    });
    let binary = query(&package.name, &package.version);
    Ok(match (package.kind, source) {
        // Debian's and Ubuntu's advisories only name source packages.
        (PackageKind::Deb, Some(source)) => vec![source],
        (_, Some(source)) if source.name != binary.name => vec![source, binary],
        _ => vec![binary],
    })
}

/// Whether a module was built from a working tree, so that its version is meaningless.
fn is_development(package: &Package) -> bool {
    package.kind == PackageKind::Golang
        && matches!(package.version.as_str(), "(devel)" | "v0.0.0" | "0.0.0" | "unknown")
}

/// File names of source packages have no epoch; the binary package's epoch applies.
fn with_epoch(source: &str, binary: &str) -> String {
    match binary.split_once(':') {
        Some((epoch, _)) if !source.is_empty() && !source.contains(':') => {
            format!("{epoch}:{source}")
        }
        _ => source.to_owned(),
    }
}

/// The ecosystem with a distribution's own advisories.
fn release(
    kind: PackageKind,
    distribution: &Distribution,
    covers: impl Fn(&str) -> bool,
) -> Option<String> {
    let version = distribution.version.as_str();
    let major = version.split('.').next().unwrap_or(version);
    let name = match (kind, distribution.id.as_str()) {
        (PackageKind::Deb, "debian") if version.is_empty() => {
            return unreleased_debian(&distribution.codename);
        }
        (PackageKind::Deb, "debian") => format!("Debian:{major}"),
        (PackageKind::Deb, "ubuntu") => format!("Ubuntu:{version}"),
        (PackageKind::Apk, "alpine") => return alpine(version, covers),
        (PackageKind::Apk, "wolfi") => return Some("Wolfi".to_owned()),
        (PackageKind::Apk, "chainguard") => return Some("Chainguard".to_owned()),
        (PackageKind::Rpm, "rhel" | "centos" | "redhat") => format!("Red Hat:{major}"),
        (PackageKind::Rpm, "rocky") => format!("Rocky Linux:{major}"),
        (PackageKind::Rpm, "almalinux") => format!("AlmaLinux:{major}"),
        (PackageKind::Rpm, "fedora") => format!("Fedora:{major}"),
        (PackageKind::Rpm, "ol") => format!("Oracle Linux:{major}"),
        (PackageKind::Rpm, "amzn") => format!("Amazon Linux:{version}"),
        (PackageKind::Rpm, "photon") => format!("Photon OS:{version}"),
        (PackageKind::Rpm, "mageia") => format!("Mageia:{major}"),
        (PackageKind::Rpm, "openEuler") => format!("openEuler:{version}"),
        (PackageKind::Rpm, "azurelinux" | "mariner") => format!("Azure Linux:{major}"),
        (PackageKind::Rpm, "opensuse-leap") => format!("openSUSE:Leap {version}"),
        (PackageKind::Rpm, "opensuse-tumbleweed") => {
            return Some("openSUSE:Tumbleweed".to_owned());
        }
        (PackageKind::Rpm, "sles" | "sled" | "sle-micro" | "bci") => {
            match version.split_once('.') {
                Some(("15", pack)) => format!("SUSE:15 SP{pack}"),
                Some((major, pack)) => format!("SUSE:Linux Enterprise Server {major} SP{pack}"),
                None => format!("SUSE:{version}"),
            }
        }
        _ => return None,
    };
    (!version.is_empty()).then_some(name)
}

/// Testing and unstable have no number yet, but the code name of the next release.
fn unreleased_debian(codename: &str) -> Option<String> {
    const RELEASES: [(&str, u8); 5] =
        [("bullseye", 11), ("bookworm", 12), ("trixie", 13), ("forky", 14), ("duke", 15)];
    let name = codename.split('/').next().unwrap_or(codename);
    let (_, number) = RELEASES.iter().find(|(known, _)| *known == name)?;
    Some(format!("Debian:{number}"))
}

/// Edge calls itself the next release (`3.23.0_alpha20250612`). If the database does not contain
/// that release, the last one's advisories apply: a package in edge is not older than in the last
/// release.
fn alpine(version: &str, covers: impl Fn(&str) -> bool) -> Option<String> {
    let mut numbers = version.split('.');
    let (major, minor) = (numbers.next()?, numbers.next()?);
    let release = |minor: &str| format!("Alpine:v{major}.{minor}");
    let edge = "Alpine:edge".to_owned();
    let own = release(minor);
    if !version.contains("_alpha") || covers(&own) {
        return Some(own);
    }
    let before = minor.parse::<u32>().ok()?.checked_sub(1).map(|minor| release(&minor.to_string()));
    std::iter::once(edge).chain(before).find(|name| covers(name)).or(Some(own))
}

#[cfg(test)]
mod tests {
    use coaming_image::SourcePackage;

    use super::*;

    fn package(kind: PackageKind, name: &str, version: &str) -> Package {
        Package {
            kind,
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: None,
            source: None,
            path: String::new(),
            layer: None,
            licence: String::new(),
            purl: String::new(),
        }
    }

    fn distribution(id: &str, version: &str) -> Distribution {
        Distribution { id: id.to_owned(), version: version.to_owned(), ..Distribution::default() }
    }

    fn nothing(_: &str) -> bool {
        false
    }

    #[test]
    fn an_unreleased_distribution_is_queried_as_its_next_release() {
        let debian = package(PackageKind::Deb, "curl", "8.14.1-2");
        let ask = |codename: &str| {
            let codename = codename.to_owned();
            let sid = Distribution { codename, ..distribution("debian", "") };
            queries(&debian, Some(&sid), nothing).map(|queries| queries[0].ecosystem.clone())
        };
        assert_eq!(ask("forky").as_deref(), Ok("Debian:14"));
        assert_eq!(ask("trixie/sid").as_deref(), Ok("Debian:13"));
        assert_eq!(ask("unheard-of"), Err(Unmatched::UnknownDistribution));
        let curl = package(PackageKind::Apk, "curl", "8.14.1-r2");
        let edge = distribution("alpine", "3.23.0_alpha20250612");
        for (known, expected) in [
            ("Alpine:v3.23", "Alpine:v3.23"),
            ("Alpine:edge", "Alpine:edge"),
            ("Alpine:v3.22", "Alpine:v3.22"),
            ("Alpine:v3.21", "Alpine:v3.23"),
        ] {
            let found = queries(&curl, Some(&edge), |name| name == known).unwrap();
            assert_eq!(found[0].ecosystem, expected);
        }
    }

    #[test]
    fn debian_is_queried_by_source_package_and_release() {
        let mut binary = package(PackageKind::Deb, "libssl3", "3.0.11-1~deb12u2");
        let source =
            SourcePackage { name: "openssl".to_owned(), version: "3.0.11-1~deb12u2".to_owned() };
        binary.source = Some(source);
        let queries = queries(&binary, Some(&distribution("debian", "12")), nothing).unwrap();
        assert_eq!(queries.len(), 1);
        assert_eq!(queries[0].ecosystem, "Debian:12");
        assert_eq!(queries[0].name, "openssl");
    }

    #[test]
    fn releases_are_named_as_the_distributions_name_them() {
        for (kind, id, version, expected) in [
            (PackageKind::Deb, "ubuntu", "22.04", "Ubuntu:22.04"),
            (PackageKind::Apk, "alpine", "3.18.4", "Alpine:v3.18"),
            (PackageKind::Apk, "wolfi", "20230201", "Wolfi"),
            (PackageKind::Rpm, "rhel", "9.3", "Red Hat:9"),
            (PackageKind::Rpm, "rocky", "8.9", "Rocky Linux:8"),
            (PackageKind::Rpm, "sles", "15.5", "SUSE:15 SP5"),
            (PackageKind::Rpm, "opensuse-leap", "15.5", "openSUSE:Leap 15.5"),
        ] {
            let found =
                queries(&package(kind, "x", "1"), Some(&distribution(id, version)), nothing);
            assert_eq!(found.unwrap()[0].ecosystem, expected);
        }
        let unknown =
            queries(&package(PackageKind::Deb, "x", "1"), Some(&distribution("foo", "1")), nothing);
        assert_eq!(unknown, Err(Unmatched::UnknownDistribution));
        let rolling = queries(
            &package(PackageKind::Deb, "x", "1"),
            Some(&distribution("debian", "")),
            nothing,
        );
        assert_eq!(rolling, Err(Unmatched::UnknownDistribution));
    }

    #[test]
    fn the_source_of_an_rpm_has_its_epoch() {
        let mut binary = package(PackageKind::Rpm, "openssl-libs", "1:3.0.7-6.el9");
        let source =
            SourcePackage { name: "openssl".to_owned(), version: "3.0.7-6.el9".to_owned() };
        binary.source = Some(source);
        let queries = queries(&binary, Some(&distribution("rhel", "9.1")), nothing).unwrap();
        let versions: Vec<_> = queries.iter().map(|query| query.version.as_str()).collect();
        assert_eq!(versions, ["1:3.0.7-6.el9", "1:3.0.7-6.el9"]);
    }

    #[test]
    fn modules_under_development_have_no_version() {
        for version in ["(devel)", "v0.0.0", ""] {
            let found =
                queries(&package(PackageKind::Golang, "example.com/app", version), None, nothing);
            assert_eq!(found, Err(Unmatched::NoVersion));
        }
    }
}
