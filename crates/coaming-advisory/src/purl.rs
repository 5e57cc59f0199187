//! Packages by their package URLs, as SBOMs and VEX documents name them.

use std::str::FromStr as _;

use coaming_image::{Distribution, Package, PackageKind, SourcePackage};
use packageurl::PackageUrl;

/// A package, and the distribution's release that its URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The package.
    pub package: Package,
    /// `distro=debian-12`
    pub distribution: Option<Distribution>,
}

/// Reads a package URL; `None` for a text that is none, or of a type that is not known here.
#[must_use]
pub fn parse(text: &str) -> Option<Named> {
    let url = PackageUrl::from_str(text).ok()?;
    let kind = kind(url.ty())?;
    let namespace = url.namespace().unwrap_or_default();
    let name = match kind {
        PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm => url.name().to_owned(),
        PackageKind::Maven => format!("{namespace}:{}", url.name()),
        _ if namespace.is_empty() => url.name().to_owned(),
        _ => format!("{namespace}/{}", url.name()),
    };
    let qualifier = |key: &str| url.qualifiers().get(key).map(ToString::to_string);
    let version = url.version().unwrap_or_default().to_string();
    let version = match qualifier("epoch") {
        Some(epoch) if !version.contains(':') => format!("{epoch}:{version}"),
        _ => version,
    };
    let source = qualifier("upstream").filter(|upstream| !upstream.is_empty()).map(|upstream| {
        let (name, of_source) = upstream.split_once('@').unwrap_or((&upstream, &version));
        SourcePackage { name: name.to_owned(), version: of_source.to_owned() }
    });
    let distribution = qualifier("distro").map(|distro| {
        let (id, release) =
            distro.split_once('-').map_or((namespace, distro.as_str()), |pair| pair);
        let id = if id.chars().all(|each| each.is_ascii_digit() || each == '.') {
            namespace
        } else {
            id
        };
        let id = if id == "redhat" { "rhel" } else { id };
        let (id, version) = (id.to_owned(), release.to_owned());
        Distribution { id, version, ..Distribution::default() }
    });
    let package = Package {
        kind,
        name,
        version,
        architecture: qualifier("arch"),
        source,
        path: String::new(),
        layer: None,
        licence: String::new(),
        purl: text.to_owned(),
    };
    Some(Named { package, distribution })
}

fn kind(name: &str) -> Option<PackageKind> {
    Some(match name {
        "deb" => PackageKind::Deb,
        "apk" => PackageKind::Apk,
        "rpm" => PackageKind::Rpm,
        "pypi" => PackageKind::PyPi,
        "npm" => PackageKind::Npm,
        "gem" => PackageKind::Gem,
        "maven" => PackageKind::Maven,
        "composer" => PackageKind::Composer,
        "nuget" => PackageKind::NuGet,
        "cargo" => PackageKind::Cargo,
        "golang" => PackageKind::Golang,
        _ => return None,
    })
}

/// Whether two package URLs mean the same package: `pattern` may leave out the version, the
/// qualifiers and the subpath.
#[must_use]
pub(crate) fn covers(pattern: &str, text: &str) -> bool {
    if pattern == text {
        return true;
    }
    let (Ok(pattern), Ok(url)) = (PackageUrl::from_str(pattern), PackageUrl::from_str(text)) else {
        return false;
    };
    pattern.ty() == url.ty()
        && pattern.namespace() == url.namespace()
        && pattern.name() == url.name()
        && pattern.version().is_none_or(|version| Some(version) == url.version())
        && pattern.qualifiers().iter().all(|(key, value)| url.qualifiers().get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_packages() {
        let named =
            parse("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl");
        let named = named.unwrap();
        assert_eq!(named.package.name, "libssl3");
        assert_eq!(named.package.source.unwrap().name, "openssl");
        let distribution = named.distribution.unwrap();
        assert_eq!((distribution.id.as_str(), distribution.version.as_str()), ("debian", "12"));
        let maven = parse("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1").unwrap();
        assert_eq!(maven.package.name, "org.apache.logging.log4j:log4j-core");
        let npm = parse("pkg:npm/%40babel/traverse@7.0.0").unwrap();
        assert_eq!(npm.package.name, "@babel/traverse");
        let go = parse("pkg:golang/golang.org/x/net@v0.7.0").unwrap();
        assert_eq!(go.package.name, "golang.org/x/net");
        assert_eq!(parse("pkg:unheard/of@1"), None);
        assert_eq!(parse("requests"), None);
    }

    #[test]
    fn a_pattern_may_say_less() {
        let url = "pkg:pypi/requests@2.19.1";
        assert!(covers("pkg:pypi/requests", url));
        assert!(covers(url, url));
        assert!(!covers("pkg:pypi/requests@2.20.0", url));
        assert!(!covers("pkg:npm/requests", url));
    }
}
