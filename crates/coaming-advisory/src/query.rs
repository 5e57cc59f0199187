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
    /// No advisories are published for packages of this kind.
    UnknownEcosystem,
    /// It is a Java archive whose Maven group is unknown: advisories name groups.
    UnknownGroup,
    /// It has the headers or tools of Linux and not Linux itself, which a container does not bring.
    KernelHeaders,
}

/// The ecosystem of a kind of package; `None` if advisories are published for releases of
/// distributions, or not at all.
pub(crate) fn ecosystem_of(kind: PackageKind) -> Option<&'static str> {
    Some(match kind {
        PackageKind::PyPi => "PyPI",
        PackageKind::Npm => "npm",
        PackageKind::Gem => "RubyGems",
        PackageKind::Maven => "Maven",
        PackageKind::Composer => "Packagist",
        PackageKind::NuGet => "NuGet",
        PackageKind::Cargo => "crates.io",
        PackageKind::Golang => "Go",
        PackageKind::Hex => "Hex",
        PackageKind::Pub => "Pub",
        PackageKind::Swift => "SwiftURL",
        PackageKind::Cran => "CRAN",
        PackageKind::Hackage => "Hackage",
        PackageKind::Julia => "Julia",
        PackageKind::Bioconductor => "Bioconductor",
        PackageKind::Clojars => "Clojars",
        PackageKind::VsCode => "VSCode",
        PackageKind::Bitnami => "Bitnami",
        PackageKind::GitHub => "GitHub Actions",
        PackageKind::Deb
        | PackageKind::Apk
        | PackageKind::Rpm
        | PackageKind::Conda
        | PackageKind::Conan
        | PackageKind::Alpm
        | PackageKind::Opkg
        | PackageKind::Ebuild
        | PackageKind::LuaRocks
        | PackageKind::Nix
        | PackageKind::WordPress => return None,
    })
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
    if is_kernel_headers(package) {
        return Err(Unmatched::KernelHeaders);
    }
    if package.kind == PackageKind::Maven && !package.name.contains(':') {
        return Err(Unmatched::UnknownGroup);
    }
    let ecosystem = if package.kind.is_distribution() {
        let distribution = distribution.ok_or(Unmatched::UnknownDistribution)?;
        release(package, distribution, covers)
    } else {
        let name = ecosystem_of(package.kind).ok_or(Unmatched::UnknownEcosystem)?;
        Some(name.to_owned())
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
    // The tools of CycloneDX call Go's standard library by the name of its module.
    let is_std = package.kind == PackageKind::Golang && package.name == "std";
    let name = if is_std { "stdlib" } else { package.name.as_str() };
    let binary = query(name, upstream_version(package));
    let queries = match (package.kind, source) {
        // Debian's and Ubuntu's advisories only name source packages.
        (PackageKind::Deb, Some(source)) => vec![source],
        (_, Some(source)) if source.name != binary.name => vec![source, binary],
        _ => vec![binary],
    };
    Ok(with_ubuntu_pro(queries))
}

/// The queries, and those for what only subscribers of Ubuntu Pro get fixed: after its five years,
/// all of a release, before only packages of universe.
fn with_ubuntu_pro(mut queries: Vec<Query>) -> Vec<Query> {
    let pro: Vec<Query> = queries
        .iter()
        .filter_map(|query| {
            let release = query.ecosystem.strip_prefix("Ubuntu:")?;
            Some(Query { ecosystem: format!("Ubuntu:Pro:{release}"), ..query.clone() })
        })
        .collect();
    queries.extend(pro);
    queries
}

/// Whether a module was built from a working tree, so that its version is meaningless.
fn is_development(package: &Package) -> bool {
    package.kind == PackageKind::Golang
        && matches!(package.version.as_str(), "(devel)" | "v0.0.0" | "0.0.0" | "unknown")
}

/// The version that advisories compare with, without what a vendor adds to it: `1.22.7-1` is
/// Microsoft's build of Go 1.22.7, `15.3.0-2` Bitnami's third package of 15.3.0.
fn upstream_version(package: &Package) -> &str {
    let version = package.version.as_str();
    match package.kind {
        PackageKind::Golang if matches!(package.name.as_str(), "std" | "stdlib" | "toolchain") => {
            let version = version.strip_prefix("go").unwrap_or(version);
            let end = version.find([' ', '+', '-']);
            let suffix = end.and_then(|end| version.get(end + 1..)).unwrap_or_default();
            let is_prerelease = ["rc", "beta", "alpha"].iter().any(|it| suffix.starts_with(it));
            match end.and_then(|end| version.get(..end)) {
                Some(own) if !is_prerelease => own,
                _ => version,
            }
        }
        PackageKind::Bitnami => match version.rsplit_once('-') {
            Some((own, revision)) if revision.bytes().all(|byte| byte.is_ascii_digit()) => own,
            _ => version,
        },
        PackageKind::Gem => without_platform(version),
        PackageKind::Swift => version.strip_prefix('v').unwrap_or(version),
        _ => version,
    }
}

/// A gem's version without the platform that it was built for, which lock files add to it:
/// `1.15.0-x86_64-linux`.
fn without_platform(version: &str) -> &str {
    const PLATFORMS: [&str; 9] =
        ["x86_64-", "x86-", "x64-", "arm64-", "aarch64-", "arm-", "universal-", "java", "jruby"];
    match version.split_once('-') {
        Some((own, platform)) if PLATFORMS.iter().any(|it| platform.starts_with(it)) => own,
        _ => version,
    }
}

/// Whether a package has headers, documentation, settings or tools of Linux, but not Linux. It is
/// built from the kernel's source, and the kernel's advisories say nothing about it.
fn is_kernel_headers(package: &Package) -> bool {
    let source = package.source.as_ref().map_or(package.name.as_str(), |source| &source.name);
    let name = package.name.as_str();
    match package.kind {
        PackageKind::Deb => {
            const PREFIXES: [&str; 9] = [
                "linux-libc-dev",
                "linux-tools-",
                "linux-cloud-tools-",
                "linux-headers-",
                "linux-kbuild-",
                "linux-doc",
                "linux-source",
                "linux-compiler-",
                "linux-config-",
            ];
            let is_kernel = ["linux-image-", "linux-modules-", "linux-signed-"];
            source == "linux" && !is_kernel.iter().any(|prefix| name.starts_with(prefix))
                || source.starts_with("linux-")
                    && PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        }
        PackageKind::Rpm => {
            const PARTS: [&str; 9] = [
                "-headers",
                "-devel",
                "-doc",
                "-macros",
                "-devel-matched",
                "-cross-headers",
                "-tools",
                "-tools-libs",
                "-tools-libs-devel",
            ];
            const TOOLS: [&str; 6] = ["bpftool", "perf", "python3-perf", "libperf", "rtla", "rv"];
            name.starts_with("kernel") && PARTS.iter().any(|suffix| name.ends_with(suffix))
                || source.starts_with("kernel") && TOOLS.contains(&name)
        }
        _ => false,
    }
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
    package: &Package,
    distribution: &Distribution,
    covers: impl Fn(&str) -> bool,
) -> Option<String> {
    let kind = package.kind;
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
        (PackageKind::Apk, "minimos") => return Some("MinimOS".to_owned()),
        (PackageKind::Apk, "alpaquita") => format!("Alpaquita:{version}"),
        (PackageKind::Apk, "bellsoft-hardened-containers") => {
            format!("BellSoft Hardened Containers:{version}")
        }
        (PackageKind::Deb, "echo") => return Some("Echo".to_owned()),
        (PackageKind::Rpm, "rhel" | "centos" | "redhat") => format!("Red Hat:{major}"),
        (PackageKind::Rpm, "rocky") => format!("Rocky Linux:{major}"),
        (PackageKind::Rpm, "almalinux") => format!("AlmaLinux:{major}"),
        (PackageKind::Rpm, "fedora") => format!("Fedora:{major}"),
        (PackageKind::Rpm, "ol") => format!("Oracle Linux:{major}"),
        (PackageKind::Rpm, "amzn") => format!("Amazon Linux:{version}"),
        (PackageKind::Rpm, "photon") => format!("Photon OS:{version}"),
        (PackageKind::Rpm, "mageia") => format!("Mageia:{major}"),
        (PackageKind::Rpm, "openEuler") => {
            return Some(format!("openEuler:{}", open_euler(version, &package.version)));
        }
        (PackageKind::Rpm, "azurelinux" | "mariner") => format!("Azure Linux:{major}"),
        (PackageKind::Rpm, "opensuse-leap") => format!("openSUSE:Leap {version}"),
        (PackageKind::Rpm, "opensuse-tumbleweed") => {
            return Some("openSUSE:Tumbleweed".to_owned());
        }
        (PackageKind::Rpm, "sles" | "sled" | "bci") => match version.split_once('.') {
            Some(("15", pack)) => format!("SUSE:15 SP{pack}"),
            Some((old @ ("11" | "12"), pack)) => {
                format!("SUSE:Linux Enterprise Server {old} SP{pack}")
            }
            // Service packs ended with 15.
            Some(_) => format!("SUSE:Linux Enterprise Server {version}"),
            None => format!("SUSE:{version}"),
        },
        (PackageKind::Rpm, "sle-micro" | "sl-micro") => match major {
            "5" => format!("SUSE:Linux Enterprise Micro {version}"),
            _ => format!("SUSE:Linux Micro {version}"),
        },
        _ => return None,
    };
    (!version.is_empty()).then_some(name)
}

/// Testing and unstable have no number yet, but the code name of the next release.
fn unreleased_debian(codename: &str) -> Option<String> {
    let name = codename.split('/').next().unwrap_or(codename);
    let number = coaming_sbom::release::version_of_code_name("debian", name)?;
    Some(format!("Debian:{number}"))
}

/// The service pack, which only some descriptions of the distribution name: `22.03-LTS-SP1`. Each
/// package has it in its release: `1.1.1m-15.oe2203sp1`.
fn open_euler(version: &str, package: &str) -> String {
    let of_package = || {
        let (_, tag) = package.rsplit_once(".oe")?;
        let digits = tag.get(..4).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let (year, month) = digits.split_at_checked(2)?;
        let pack = tag.get(4..)?;
        let pack = match pack.strip_prefix("sp") {
            Some(number) => format!("-SP{}", number.split('.').next().unwrap_or(number)),
            None => String::new(),
        };
        let release = format!("{year}.{month}");
        // Releases between those with long-term support have no service packs.
        (version == release).then(|| format!("{release}-LTS{pack}"))
    };
    of_package().unwrap_or_else(|| version.to_owned())
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
        Package::new(kind, name, version, "")
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
            (PackageKind::Rpm, "sles", "16.0", "SUSE:Linux Enterprise Server 16.0"),
            (PackageKind::Rpm, "sles", "12.5", "SUSE:Linux Enterprise Server 12 SP5"),
            (PackageKind::Rpm, "sle-micro", "5.5", "SUSE:Linux Enterprise Micro 5.5"),
            (PackageKind::Rpm, "sl-micro", "6.0", "SUSE:Linux Micro 6.0"),
            (PackageKind::Rpm, "openEuler", "22.03-LTS-SP1", "openEuler:22.03-LTS-SP1"),
            (PackageKind::Apk, "minimos", "20240101", "MinimOS"),
            (PackageKind::Apk, "alpaquita", "23", "Alpaquita:23"),
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
    fn a_service_pack_is_read_from_a_package() {
        for (version, package, expected) in [
            ("22.03", "1.1.1m-15.oe2203sp1", "22.03-LTS-SP1"),
            ("22.03", "1.1.1m-15.oe2203", "22.03-LTS"),
            ("24.03", "1-1.oe2403sp2", "24.03-LTS-SP2"),
            ("22.03", "1-1.el9", "22.03"),
            ("22.03-LTS-SP3", "1-1.oe2203sp1", "22.03-LTS-SP3"),
        ] {
            assert_eq!(open_euler(version, package), expected);
        }
    }

    #[test]
    fn what_a_vendor_adds_to_a_version_does_not_count() {
        for (kind, name, version, expected) in [
            (PackageKind::Golang, "stdlib", "1.22.7-1", "1.22.7"),
            (PackageKind::Golang, "stdlib", "1.22.7 X:boringcrypto", "1.22.7"),
            (PackageKind::Golang, "stdlib", "1.22.7-fips", "1.22.7"),
            (PackageKind::Golang, "stdlib", "1.22rc1", "1.22rc1"),
            (PackageKind::Golang, "stdlib", "1.22.0-rc.1", "1.22.0-rc.1"),
            (PackageKind::Golang, "example.com/a", "v1.0.0-1", "v1.0.0-1"),
            (PackageKind::Golang, "std", "1.22.7", "1.22.7"),
            (PackageKind::Bitnami, "acmedb", "15.3.0-1", "15.3.0"),
            (PackageKind::Gem, "nokogiri", "1.15.0-x86_64-linux", "1.15.0"),
            (PackageKind::Gem, "nokogiri", "1.15.0-rc1", "1.15.0-rc1"),
        ] {
            let found = queries(&package(kind, name, version), None, nothing).unwrap();
            assert_eq!(found[0].version, expected);
            assert_ne!(found[0].name, "std");
        }
    }

    #[test]
    fn packages_that_no_advisory_is_about_are_told_apart() {
        let mut headers = package(PackageKind::Deb, "linux-libc-dev", "6.1.90-1");
        headers.source =
            Some(SourcePackage { name: "linux".to_owned(), version: "6.1.90-1".to_owned() });
        let debian = distribution("debian", "12");
        assert_eq!(queries(&headers, Some(&debian), nothing), Err(Unmatched::KernelHeaders));
        let jar = package(PackageKind::Maven, "h2", "1");
        assert_eq!(queries(&jar, None, nothing), Err(Unmatched::UnknownGroup));
        let conda = package(PackageKind::Conda, "zlib", "1");
        assert_eq!(queries(&conda, None, nothing), Err(Unmatched::UnknownEcosystem));
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
