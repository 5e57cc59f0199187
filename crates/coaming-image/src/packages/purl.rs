//! Package URLs, in the canonical form of the specification: qualifiers are sorted, names
//! normalized as each type requires.
//!
//! Analysers do not know the distribution; [`with_distribution`] adds it after the walk.

use std::fmt::Write as _;

use crate::{Distribution, Package, PackageKind};

/// The type in a package URL.
fn scheme(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Deb => "deb",
        PackageKind::Apk => "apk",
        PackageKind::Rpm => "rpm",
        PackageKind::PyPi => "pypi",
        PackageKind::Npm => "npm",
        PackageKind::Gem => "gem",
        PackageKind::Maven => "maven",
        PackageKind::Composer => "composer",
        PackageKind::NuGet => "nuget",
        PackageKind::Cargo => "cargo",
        PackageKind::Golang => "golang",
    }
}

/// The URL of a package, with these qualifiers in addition to those from its fields.
pub(super) fn of(package: &Package, more: &[(&str, &str)]) -> String {
    let mut version = package.version.as_str();
    let mut qualifiers: Vec<(&str, String)> =
        more.iter().map(|&(key, value)| (key, value.to_owned())).collect();
    if let Some(architecture) = &package.architecture {
        qualifiers.push(("arch", architecture.clone()));
    }
    if package.kind == PackageKind::Rpm
        && let Some((epoch, rest)) = version.split_once(':')
    {
        qualifiers.push(("epoch", epoch.to_owned()));
        version = rest;
    }
    if let Some(source) = &package.source
        && matches!(package.kind, PackageKind::Deb | PackageKind::Apk)
    {
        if source.version != package.version {
            qualifiers.push(("upstream", format!("{}@{}", source.name, source.version)));
        } else if source.name != package.name {
            qualifiers.push(("upstream", source.name.clone()));
        }
    }
    let (namespace, name) = split(package);
    let mut url = format!("pkg:{}/", scheme(package.kind));
    for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
        encode(segment, &mut url);
        url.push('/');
    }
    encode(&name, &mut url);
    url.push('@');
    encode(version, &mut url);
    append(&mut url, qualifiers);
    url
}

/// Namespace and name, normalized as the package's type requires.
fn split(package: &Package) -> (String, String) {
    let name = package.name.as_str();
    let at_last = |separator: char| {
        let (namespace, name) = name.rsplit_once(separator).unwrap_or(("", name));
        (namespace.to_owned(), name.to_owned())
    };
    match package.kind {
        PackageKind::PyPi => (String::new(), name.to_ascii_lowercase().replace('_', "-")),
        PackageKind::Composer => {
            let (namespace, name) = at_last('/');
            (namespace.to_ascii_lowercase(), name.to_ascii_lowercase())
        }
        PackageKind::Npm | PackageKind::Golang => at_last('/'),
        PackageKind::Maven => at_last(':'),
        PackageKind::Deb | PackageKind::Apk => (String::new(), name.to_ascii_lowercase()),
        _ => (String::new(), name.to_owned()),
    }
}

/// Writes qualifiers, sorted by key.
fn append(url: &mut String, mut qualifiers: Vec<(&str, String)>) {
    qualifiers.retain(|(_, value)| !value.is_empty());
    qualifiers.sort();
    for (index, (key, value)) in qualifiers.iter().enumerate() {
        url.push(if index == 0 { '?' } else { '&' });
        url.push_str(key);
        url.push('=');
        encode(value, url);
    }
}

/// Percent-encodes all characters that the specification does not exempt.
fn encode(text: &str, url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

/// The URL with the distribution as namespace and qualifier, if the package is a distribution's.
pub(super) fn with_distribution(package: &Package, distribution: &Distribution) -> Option<String> {
    if !matches!(package.kind, PackageKind::Deb | PackageKind::Apk | PackageKind::Rpm) {
        return None;
    }
    let prefix = format!("pkg:{}/", scheme(package.kind));
    let rest = package.purl.strip_prefix(&prefix)?;
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    if distribution.id.is_empty() || base.contains('/') {
        return None;
    }
    let mut url = prefix;
    encode(&distribution.id, &mut url);
    url.push('/');
    url.push_str(base);
    let mut distro = String::new();
    encode(&distribution.id, &mut distro);
    if !distribution.version.is_empty() {
        distro.push('-');
        encode(&distribution.version, &mut distro);
    }
    let mut qualifiers: Vec<String> =
        query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    qualifiers.push(format!("distro={distro}"));
    qualifiers.sort();
    url.push('?');
    url.push_str(&qualifiers.join("&"));
    Some(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourcePackage;
    use crate::packages::parsed::package;

    fn url(kind: PackageKind, name: &str, version: &str) -> String {
        let package = package(kind, name, version, "/x").unwrap();
        of(&package, &[])
    }

    #[test]
    fn names_are_normalized_as_each_type_requires() {
        let cases = [
            (PackageKind::PyPi, "Foo_Bar", "1.0", "pkg:pypi/foo-bar@1.0"),
            (PackageKind::Npm, "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"),
            (PackageKind::Maven, "org.a:b", "1", "pkg:maven/org.a/b@1"),
            (PackageKind::Maven, "b", "1", "pkg:maven/b@1"),
            (PackageKind::Golang, "github.com/a/b", "v1.2.3", "pkg:golang/github.com/a/b@v1.2.3"),
            (PackageKind::Golang, "stdlib", "1.22.0", "pkg:golang/stdlib@1.22.0"),
            (PackageKind::Composer, "Monolog/Monolog", "3.0", "pkg:composer/monolog/monolog@3.0"),
            (PackageKind::Cargo, "serde", "1.0.0+x", "pkg:cargo/serde@1.0.0%2Bx"),
            (PackageKind::Rpm, "bash", "1:5.1-2.el9", "pkg:rpm/bash@5.1-2.el9?epoch=1"),
        ];
        for (kind, name, version, wanted) in cases {
            assert_eq!(url(kind, name, version), wanted);
        }
    }

    #[test]
    fn distributions_are_namespace_and_qualifier() {
        let mut package = package(PackageKind::Deb, "libc6", "2.36-9+deb12u4", "/x").unwrap();
        package.architecture = Some("amd64".to_owned());
        package.source =
            Some(SourcePackage { name: "glibc".to_owned(), version: "2.36-9+deb12u4".to_owned() });
        package.purl = of(&package, &[]);
        let debian = Distribution {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            ..Distribution::default()
        };
        assert_eq!(
            with_distribution(&package, &debian).unwrap(),
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc"
        );
        package.purl = with_distribution(&package, &debian).unwrap();
        assert_eq!(with_distribution(&package, &debian), None, "only once");
    }
}
