//! Package URLs: the one place that escapes and parses them.
//!
//! Written URLs have the canonical form of the specification: qualifiers sorted, names normalized
//! as each type requires. Parsing is the work of the crate `packageurl`; its writer is not used,
//! because it escapes more than the specification asks for and other tools compare URLs as text.

use std::fmt::Write as _;
use std::str::FromStr as _;

use packageurl::PackageUrl;

use crate::release::Release;
use crate::{Package, PackageKind, SourcePackage};

/// A package, and the distribution's release that its URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The package.
    pub package: Package,
    /// The release, of `distro=debian-12`.
    pub release: Option<Release>,
}

/// Parses a package URL; `None` if it is malformed or has a type that is not supported.
#[must_use]
pub fn parse(text: &str) -> Option<Named> {
    let url = PackageUrl::from_str(text).ok()?;
    let kind = PackageKind::of_type(url.ty())?;
    let namespace = url.namespace().unwrap_or_default();
    let name = match kind {
        // The namespace is the distribution.
        _ if namespace.is_empty() || kind.is_distribution() => url.name().to_owned(),
        PackageKind::Alpm | PackageKind::Opkg => url.name().to_owned(),
        PackageKind::Maven | PackageKind::Clojars => format!("{namespace}:{}", url.name()),
        PackageKind::Golang => go_module(&url),
        _ => format!("{namespace}/{}", url.name()),
    };
    let qualifier = |key: &str| url.qualifiers().get(key).map(ToString::to_string);
    let version = url.version().unwrap_or_default().to_string();
    let version = match qualifier("epoch") {
        Some(epoch) if !version.contains(':') => format!("{epoch}:{version}"),
        _ => version,
    };
    let upstream = ["upstream", "sourcerpm"].iter().find_map(|key| qualifier(key));
    let source = upstream
        .filter(|upstream| !upstream.is_empty())
        .map(|upstream| source_package(kind, &upstream, &version));
    let package = Package {
        architecture: qualifier("arch"),
        source,
        purl: without_user_info(text),
        ..Package::new(kind, &name, &version, "")
    };
    let release = match qualifier("distro") {
        Some(distro) => Release::of_distro(&distro, namespace),
        None if kind.is_distribution() && !namespace.is_empty() => {
            Some(Release::named(namespace, ""))
        }
        None => None,
    };
    Some(Named { package, release })
}

/// The URL without the user and password that the address of a repository in it may have: they
/// identify nothing, and are not to be shown.
fn without_user_info(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("//").or_else(|| rest.find("%2F%2F")) {
        let start = at + if rest.get(at..at + 2) == Some("//") { 2 } else { "%2F%2F".len() };
        let (before, after) = rest.split_at(start);
        let authority = after.find(['/', '&', '#', '?']).unwrap_or(after.len());
        let authority = after.get(..authority).unwrap_or_default();
        let info = ["@", "%40"].iter().find_map(|sign| Some(authority.rfind(sign)? + sign.len()));
        let is_secret = info.is_some_and(|info| {
            authority.get(..info).is_some_and(|info| info.contains(':') || info.contains("%3A"))
        });
        out.push_str(before);
        rest = after.get(info.filter(|_| is_secret).unwrap_or_default()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The module of a URL. syft splits a module's path after its third part and writes the rest as the
/// subpath: `pkg:golang/github.com/go-git/go-git@v5.12.0#v5`. With `type=package`, as the tools of
/// CycloneDX write it, the subpath is a package in the module.
fn go_module(url: &PackageUrl<'_>) -> String {
    let parts = [url.namespace(), Some(url.name())];
    let is_package = url.qualifiers().get("type").is_some_and(|kind| kind == "package");
    let more = url.subpath().filter(|_| !is_package);
    let parts: Vec<&str> = parts.into_iter().chain([more]).flatten().collect();
    parts.join("/")
}

/// The source package in `upstream=glibc`, `upstream=gcc-12@12.2.0-14` or
/// `upstream=openssl-3-3.0.8-150500.5.11.1.src.rpm`: the file of an rpm's source ends with its
/// version and its release.
fn source_package(kind: PackageKind, upstream: &str, version: &str) -> SourcePackage {
    let of_file = || {
        let file = upstream.strip_suffix(".rpm")?;
        let stem = file.strip_suffix(".src").or_else(|| file.strip_suffix(".nosrc"))?;
        let (rest, release) = stem.rsplit_once('-')?;
        let (name, version) = rest.rsplit_once('-')?;
        Some((name, format!("{version}-{release}")))
    };
    let (name, version) = match of_file().filter(|_| kind == PackageKind::Rpm) {
        Some(parts) => parts,
        None => {
            let (name, of_source) = upstream.split_once('@').unwrap_or((upstream, version));
            (name, of_source.to_owned())
        }
    };
    SourcePackage { name: name.to_owned(), version }
}

/// Whether a package URL means the package of another one: `pattern` may leave out the version, the
/// epoch, the qualifiers and the subpath, may have another name for the distribution and its release
/// (`distro=jammy`), and may name the source package that it was built from (`arch=source`).
#[must_use]
pub fn covers(pattern: &str, text: &str) -> bool {
    if pattern == text {
        return true;
    }
    let (Ok(pattern), Ok(url)) = (PackageUrl::from_str(pattern), PackageUrl::from_str(text)) else {
        return false;
    };
    if pattern.ty() != url.ty() {
        return false;
    }
    let kind = PackageKind::of_type(url.ty());
    if !kind.is_some_and(PackageKind::is_distribution) {
        let is_go = kind == Some(PackageKind::Golang);
        let same_name = match is_go {
            true => go_module(&pattern) == go_module(&url),
            false => pattern.namespace() == url.namespace() && pattern.name() == url.name(),
        };
        // Go's own tools write the standard library's version like a module's.
        let plain = |version: &str| match is_go {
            true => version.strip_prefix('v').unwrap_or(version).to_owned(),
            false => version.to_owned(),
        };
        let version = url.version().map(plain);
        return same_name
            && pattern.version().map(plain).is_none_or(|wanted| Some(wanted) == version)
            && has_qualifiers(&url, &pattern, &[]);
    }
    let distribution =
        |url: &PackageUrl<'_>| url.namespace().map(|namespace| Release::named(namespace, "").id);
    distribution(&pattern) == distribution(&url)
        && is_of_release(&pattern, text)
        && match pattern.qualifiers().get("arch").map(AsRef::as_ref) {
            Some("source" | "src") => is_source(&pattern, text),
            _ => {
                pattern.name() == url.name()
                    && is_version(&pattern, &epoch_and_version(&url))
                    && has_qualifiers(&url, &pattern, &["distro", "epoch"])
            }
        }
}

/// Whether a URL has all qualifiers of a pattern, except some.
fn has_qualifiers(url: &PackageUrl<'_>, pattern: &PackageUrl<'_>, except: &[&str]) -> bool {
    let mut wanted = pattern.qualifiers().iter().filter(|(key, _)| !except.contains(&key.as_ref()));
    wanted.all(|(key, value)| url.qualifiers().get(key) == Some(value))
}

/// The epoch, which may be a qualifier or a part of the version, and the rest of the version.
fn epoch_and_version(url: &PackageUrl<'_>) -> (Option<String>, String) {
    let version = url.version().unwrap_or_default();
    match (version.split_once(':'), url.qualifiers().get("epoch")) {
        (Some((epoch, rest)), _) => (Some(epoch.to_owned()), rest.to_owned()),
        (None, epoch) => (epoch.map(ToString::to_string), version.to_owned()),
    }
}

/// Whether a pattern has this version, or none; no epoch is any epoch.
fn is_version(pattern: &PackageUrl<'_>, version: &(Option<String>, String)) -> bool {
    let (epoch, wanted) = epoch_and_version(pattern);
    let own = version.0.as_deref().unwrap_or("0");
    (wanted.is_empty() || wanted == version.1) && epoch.is_none_or(|epoch| epoch == own)
}

/// Whether the release that a pattern names, if it names one, is that of a package.
fn is_of_release(pattern: &PackageUrl<'_>, text: &str) -> bool {
    let Some(distro) = pattern.qualifiers().get("distro") else { return true };
    let namespace = pattern.namespace().unwrap_or_default();
    let wanted = Release::of_distro(distro, namespace);
    let own = parse(text).and_then(|named| named.release);
    wanted.zip(own).is_some_and(|(wanted, own)| wanted.covers(&own))
}

/// Whether a pattern names the source package of a package.
fn is_source(pattern: &PackageUrl<'_>, text: &str) -> bool {
    let Some(Named { package, .. }) = parse(text) else { return false };
    let own = SourcePackage { name: package.name, version: package.version };
    let source = package.source.unwrap_or(own);
    let version = match source.version.split_once(':') {
        Some((epoch, rest)) => (Some(epoch.to_owned()), rest.to_owned()),
        None => (None, source.version),
    };
    // A source package's file does not name its epoch.
    let (_, wanted) = epoch_and_version(pattern);
    pattern.name() == source.name && (wanted.is_empty() || wanted == version.1)
}

/// The URL of a package, with these qualifiers in addition to those that its fields give.
#[must_use]
pub fn of(package: &Package, more: &[(&str, &str)]) -> String {
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
    let mut url = format!("pkg:{}/", package.kind.as_str());
    for segment in namespace.split('/').filter(|segment| !segment.is_empty()) {
        encode(segment, SAFE, &mut url);
        url.push('/');
    }
    encode(&name, SAFE, &mut url);
    url.push('@');
    encode(version, SAFE, &mut url);
    append(&mut url, qualifiers);
    url
}

/// The URL with the distribution as namespace and qualifier, if the package is a distribution's and
/// its URL has no namespace yet. Package databases do not name the distribution: it is known only
/// when all of an image has been read.
#[must_use]
pub fn with_distribution(package: &Package, id: &str, version: &str) -> Option<String> {
    if !package.kind.is_distribution() {
        return None;
    }
    let prefix = format!("pkg:{}/", package.kind.as_str());
    let rest = package.purl.strip_prefix(&prefix)?;
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    if id.is_empty() || base.contains('/') {
        return None;
    }
    let mut url = prefix;
    encode(id, SAFE, &mut url);
    url.push('/');
    url.push_str(base);
    let mut distro = String::new();
    encode(id, SAFE, &mut distro);
    if !version.is_empty() {
        distro.push('-');
        encode(version, SAFE, &mut distro);
    }
    let mut qualifiers: Vec<String> =
        query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    qualifiers.push(format!("distro={distro}"));
    qualifiers.sort();
    url.push('?');
    url.push_str(&qualifiers.join("&"));
    Some(url)
}

/// The URL of an image:
/// `pkg:oci/web@sha256%3A…?repository_url=registry.example.com/shop/web&tag=1`. `repository` is the
/// full one, with the registry's host.
#[must_use]
pub fn of_image(repository: &str, digest: &str, tag: &str) -> String {
    let name = repository.rsplit_once('/').map_or(repository, |(_, last)| last);
    let mut url = "pkg:oci/".to_owned();
    encode(name, SAFE, &mut url);
    url.push('@');
    // The colon of a digest is escaped in the specification's examples for this type.
    encode(digest, b".-_~", &mut url);
    url.push_str("?repository_url=");
    encode(repository, b".-_~:/", &mut url);
    if !tag.is_empty() {
        url.push_str("&tag=");
        encode(tag, SAFE, &mut url);
    }
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
        PackageKind::Npm
        | PackageKind::Golang
        | PackageKind::Swift
        | PackageKind::GitHub
        | PackageKind::VsCode
        | PackageKind::Ebuild => at_last('/'),
        PackageKind::Maven | PackageKind::Clojars => at_last(':'),
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
        encode(value, SAFE, url);
    }
}

/// What the specification leaves unescaped everywhere, besides letters and digits.
const SAFE: &[u8] = b".-_~:";

/// A version as it is written in a URL.
pub(crate) fn escaped(version: &str) -> String {
    let mut text = String::new();
    encode(version, SAFE, &mut text);
    text
}

/// Percent-encodes everything except letters, digits and what is `safe`.
fn encode(text: &str, safe: &[u8], url: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn package(kind: PackageKind, name: &str, version: &str) -> Package {
        Package::new(kind, name, version, "/x")
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
        for (kind, name, version, expected) in cases {
            assert_eq!(of(&package(kind, name, version), &[]), expected);
        }
    }

    #[test]
    fn a_distribution_is_namespace_and_qualifier() {
        let mut package = package(PackageKind::Deb, "libc6", "2.36-9+deb12u4");
        package.architecture = Some("amd64".to_owned());
        package.source =
            Some(SourcePackage { name: "glibc".to_owned(), version: "2.36-9+deb12u4".to_owned() });
        package.purl = of(&package, &[]);
        package.purl = with_distribution(&package, "debian", "12").unwrap();
        assert_eq!(
            package.purl,
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u4?arch=amd64&distro=debian-12&upstream=glibc"
        );
        assert_eq!(with_distribution(&package, "debian", "12"), None, "only once");
    }

    #[test]
    fn urls_name_packages() {
        let named =
            parse("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl");
        let named = named.unwrap();
        assert_eq!(named.package.name, "libssl3");
        assert_eq!(named.package.source.unwrap().name, "openssl");
        let release = named.release.unwrap();
        assert_eq!((release.id.as_str(), release.version.as_str()), ("debian", "12"));
        for (url, name) in [
            ("pkg:maven/org.apache.logging.log4j/log4j@2.14.1", "org.apache.logging.log4j:log4j"),
            ("pkg:maven/log4j@1", "log4j"),
            ("pkg:npm/%40babel/traverse@7.0.0", "@babel/traverse"),
            ("pkg:golang/golang.org/x/net@v0.7.0", "golang.org/x/net"),
            ("pkg:golang/github.com/go-git/go-git@v5.12.0#v5", "github.com/go-git/go-git/v5"),
            (
                "pkg:golang/google.golang.org/genproto@v0.1.0?type=package#googleapis/rpc",
                "google.golang.org/genproto",
            ),
        ] {
            assert_eq!(parse(url).unwrap().package.name, name);
        }
        assert_eq!(parse("pkg:unheard/of@1"), None);
        assert_eq!(parse("requests"), None);
    }

    #[test]
    fn releases_are_named_in_several_ways() {
        for (qualifier, expected) in [
            ("distro=debian-12", Some(("debian", "12"))),
            ("distro=12", Some(("debian", "12"))),
            ("distro=redhat-9.2", Some(("rhel", "9.2"))),
            ("distro=bookworm", Some(("debian", "12"))),
            ("distro=opensuse-leap-15.5", Some(("opensuse-leap", "15.5"))),
            ("distro=cbl-mariner-2.0", Some(("mariner", "2.0"))),
            ("distro=openEuler-22.03-LTS-SP1", Some(("openEuler", "22.03-LTS-SP1"))),
            ("distro=amazon-2+%28Karoo%29", Some(("amzn", "2"))),
            ("distro=debian-trixie", Some(("debian", "13"))),
            ("distro=trixie%2Fsid", Some(("debian", "13"))),
            ("distro=centos-stream-9", Some(("centos", "9"))),
            ("distro=rocky-linux-9.3", Some(("rocky", "9.3"))),
            ("distro=wolfi", Some(("wolfi", ""))),
            ("arch=amd64", Some(("debian", ""))),
        ] {
            let release = parse(&format!("pkg:deb/debian/x@1?{qualifier}")).unwrap().release;
            let release = release.as_ref().map(|it| (it.id.as_str(), it.version.as_str()));
            assert_eq!(release, expected, "{qualifier}");
        }
        assert_eq!(parse("pkg:deb/x@1?distro=12").unwrap().release, None);
        assert_eq!(parse("pkg:deb/x@1").unwrap().release, None);
    }

    #[test]
    fn source_packages_are_named_in_several_ways() {
        for (url, name, version) in [
            ("pkg:deb/debian/a@1-1?upstream=b", "b", "1-1"),
            ("pkg:deb/debian/a@1-1?upstream=b%402-1", "b", "2-1"),
            ("pkg:rpm/fedora/a@1-1?upstream=b-libs-2-1.fc40.src.rpm", "b-libs", "2-1.fc40"),
            ("pkg:rpm/fedora/a@1-1?sourcerpm=b-2-1.fc40.nosrc.rpm", "b", "2-1.fc40"),
            ("pkg:rpm/fedora/a@1-1?upstream=b", "b", "1-1"),
        ] {
            let source = parse(url).unwrap().package.source.unwrap();
            assert_eq!((source.name.as_str(), source.version.as_str()), (name, version), "{url}");
        }
    }

    #[test]
    fn a_pattern_may_leave_parts_out() {
        let url = "pkg:pypi/requests@2.19.1";
        assert!(covers("pkg:pypi/requests", url));
        assert!(covers(url, url));
        assert!(!covers("pkg:pypi/requests@2.20.0", url));
        assert!(!covers("pkg:npm/requests", url));
        let module = "pkg:golang/github.com/Masterminds/semver/v3@v3.3.0";
        assert!(covers("pkg:golang/github.com/masterminds/semver@v3.3.0#v3", module));
        assert!(!covers("pkg:golang/github.com/masterminds/semver@v3.3.0", module));
    }

    #[test]
    fn a_url_keeps_no_password() {
        for (text, expected) in [
            (
                "pkg:deb/debian/a@1?repository_url=https://u:hunter2@r.org/x&arch=amd64",
                "pkg:deb/debian/a@1?repository_url=https://r.org/x&arch=amd64",
            ),
            (
                "pkg:npm/a@1?vcs_url=git%2Bhttps%3A%2F%2Fu%3Ahunter2%40r.org%2Fx",
                "pkg:npm/a@1?vcs_url=git%2Bhttps%3A%2F%2Fr.org%2Fx",
            ),
            (
                "pkg:npm/a@1?repository_url=https://r.org",
                "pkg:npm/a@1?repository_url=https://r.org",
            ),
        ] {
            assert_eq!(parse(text).unwrap().package.purl, expected);
        }
    }

    #[test]
    fn a_pattern_may_name_distributions_in_other_words() {
        let ubuntu = "pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.15?arch=amd64&distro=ubuntu-22.04&\
                      upstream=openssl";
        let rhel = "pkg:rpm/rhel/openssl-libs@3.0.7-18.el9_2?arch=x86_64&distro=rhel-9.2&epoch=1&\
                    upstream=openssl-3.0.7-18.el9_2.src.rpm";
        for (pattern, url, expected) in [
            ("pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.15?arch=amd64&distro=jammy", ubuntu, true),
            ("pkg:deb/ubuntu/libssl3@3.0.2-0ubuntu1.15?distro=focal", ubuntu, false),
            ("pkg:deb/ubuntu/libssl3?distro=unheard-of", ubuntu, false),
            ("pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.15?arch=source&distro=jammy", ubuntu, true),
            ("pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1.14?arch=source&distro=jammy", ubuntu, false),
            ("pkg:deb/debian/libssl3", ubuntu, false),
            ("pkg:rpm/redhat/openssl-libs@3.0.7-18.el9_2?arch=x86_64&epoch=1", rhel, true),
            ("pkg:rpm/redhat/openssl-libs@3.0.7-18.el9_2?arch=x86_64", rhel, true),
            ("pkg:rpm/redhat/openssl-libs@1:3.0.7-18.el9_2", rhel, true),
            ("pkg:rpm/redhat/openssl-libs@3.0.7-18.el9_2?epoch=2", rhel, false),
            ("pkg:rpm/redhat/openssl-libs?arch=aarch64", rhel, false),
            ("pkg:rpm/redhat/openssl?arch=src", rhel, true),
            ("pkg:rpm/redhat/openssl@3.0.7-18.el9_2?arch=src&epoch=1", rhel, true),
            ("pkg:rpm/redhat/nss?arch=src", rhel, false),
        ] {
            assert_eq!(covers(pattern, url), expected, "{pattern}");
        }
        assert!(covers("pkg:golang/stdlib@v1.22.3", "pkg:golang/stdlib@1.22.3"));
        assert!(covers("pkg:golang/a.b%2Fc@1.0.0", "pkg:golang/a.b/c@v1.0.0"));
    }

    proptest! {
        /// What one function writes, the other reads.
        #[test]
        fn a_written_url_is_parsed_again(
            kind in prop::sample::select(PackageKind::ALL.to_vec()),
            name in "[a-z0-9][a-z0-9+.@ %&=#?é-]{0,20}",
            version in "[0-9a-z+.~^@ %&=#?é-]{1,20}",
        ) {
            let name = match kind {
                PackageKind::Maven | PackageKind::Clojars => format!("org.example:{name}"),
                PackageKind::Composer | PackageKind::VsCode => format!("vendor/{name}"),
                PackageKind::Swift => format!("example.com/{name}"),
                _ => name,
            };
            let package = package(kind, &name, &version);
            // A URL of Julia without the package's UUID is not valid.
            let qualifiers = [
                ("distro", "debian-12"),
                ("uuid", "91a5bcdd-55d7-5caf-9e0b-520d859cae80"),
            ];
            let qualifiers =
                if kind == PackageKind::Julia { &qualifiers[..] } else { &qualifiers[..1] };
            let parsed = parse(&of(&package, qualifiers)).unwrap().package;
            prop_assert_eq!(parsed.kind, kind);
            prop_assert_eq!(parsed.name, name);
            prop_assert_eq!(parsed.version, version);
        }
    }
}
