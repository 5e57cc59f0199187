//! Package managers whose records are one small file or one directory per package: Conda, pacman,
//! opkg, Portage, LuaRocks, R, Nix, WordPress's plugins.

use serde::Deserialize;

use super::parsed::{json, licence, lossy, package, text};
use crate::PackageKind;
use crate::analyse::{AnalyserError, ParsedFile};

/// The records that are read; R and WordPress recognize theirs by what is in the file.
enum Record {
    Conda,
    Pacman,
    Opkg,
    LuaRocks,
    R,
    WordPress,
    /// An application in a release of Erlang or Elixir.
    Erlang,
    /// The database of a package manager that is not supported.
    Unsupported(&'static str),
}

/// The applications of Erlang and Elixir themselves, which are in every release.
const OTP: [&str; 40] = [
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eex",
    "eldap",
    "elixir",
    "erl_interface",
    "et",
    "eunit",
    "ex_unit",
    "ftp",
    "iex",
    "inets",
    "jinterface",
    "kernel",
    "logger",
    "megaco",
    "mix",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "xmerl",
];

/// The name and version in `/app/lib/phoenix-1.7.0/ebin/phoenix.app`.
fn erlang_application(path: &str) -> Option<(&str, &str)> {
    let (directory, file) = path.strip_suffix(".app")?.rsplit_once("/ebin/")?;
    let (parent, own) = directory.rsplit_once('/')?;
    let version = own.strip_prefix(file)?.strip_prefix('-')?;
    let is_version = version.starts_with(|first: char| first.is_ascii_digit());
    (parent.ends_with("/lib") && is_version).then_some((file, version))
}

/// A file of each package manager that is not supported.
fn unsupported(path: &str) -> Option<&'static str> {
    let name = |directory: &str| path.strip_prefix(directory).filter(|name| !name.contains('/'));
    let is_of_slackware =
        |name: &str| name.starts_with("pkgtools-") || name.starts_with("aaa_base-");
    Some(match path {
        "/var/guix/db/db.sqlite" => "Guix",
        "/var/db/pkg/local.sqlite" => "FreeBSD's pkg",
        _ if name("/var/db/xbps/pkgdb-").is_some() => "Void's xbps",
        _ if name("/var/lib/pkgtools/packages/").is_some_and(is_of_slackware) => "Slackware",
        _ if path.ends_with("/.linuxbrew/Homebrew/bin/brew") => "Homebrew",
        _ if path.starts_with("/var/lib/eopkg/package/eopkg-")
            && path.ends_with("/metadata.xml") =>
        {
            "Solus's eopkg"
        }
        _ => return None,
    })
}

fn record(path: &str) -> Option<Record> {
    if let Some(manager) = unsupported(path) {
        return Some(Record::Unsupported(manager));
    }
    let (directory, file) = path.rsplit_once('/')?;
    let parent = directory.rsplit('/').next().unwrap_or_default();
    if parent == "conda-meta" && file.ends_with(".json") {
        return Some(Record::Conda);
    }
    if file == "desc" && directory.starts_with("/var/lib/pacman/local/") {
        return Some(Record::Pacman);
    }
    if file == "status" && parent == "opkg" {
        return Some(Record::Opkg);
    }
    if file.ends_with(".rockspec") && directory.contains("/rocks-") {
        return Some(Record::LuaRocks);
    }
    if file == "DESCRIPTION" && (directory.contains("/library/") || directory.contains("/R/")) {
        return Some(Record::R);
    }
    if erlang_application(path).is_some() {
        return Some(Record::Erlang);
    }
    let plugin = path.split_once("/wp-content/plugins/").map(|(_, rest)| rest);
    let is_main = |rest: &str| rest.matches('/').count() <= 1 && rest.ends_with(".php");
    plugin.filter(|rest| is_main(rest)).map(|_| Record::WordPress)
}

pub(super) fn wants(path: &str) -> bool {
    record(path).is_some()
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let mut found = ParsedFile::default();
    let content = lossy(bytes);
    match record(path) {
        Some(Record::Conda) => {
            let metadata: Conda = json(bytes)?;
            if let Some(mut package) =
                package(PackageKind::Conda, &metadata.name, &metadata.version, path)
            {
                package.licence = licence(&metadata.license);
                found.add(package)?;
            }
        }
        Some(Record::Pacman) => {
            let field = |name: &str| {
                let mut lines = content.lines().skip_while(|line| *line != name);
                lines.nth(1).unwrap_or_default()
            };
            let name = package(PackageKind::Alpm, field("%NAME%"), field("%VERSION%"), path);
            let architecture = text(field("%ARCH%")).map(str::to_owned);
            add(name.map(|package| crate::Package { architecture, ..package }), &mut found)?;
        }
        Some(Record::Opkg) => {
            for stanza in content.split("\n\n").filter(|stanza| !stanza.trim().is_empty()) {
                let field = |name| field(stanza, name);
                let is_installed = field("Status").is_none_or(|it| it.ends_with(" installed"));
                if let (true, Some(name), Some(version)) =
                    (is_installed, field("Package"), field("Version"))
                {
                    add(package(PackageKind::Opkg, name, version, path), &mut found)?;
                }
            }
        }
        Some(Record::LuaRocks) => {
            // The directories are NAME/VERSION, and both are in the file, which is a program.
            let mut parts = path.rsplit('/').skip(1);
            let (version, name) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            add(package(PackageKind::LuaRocks, name, version, path), &mut found)?;
        }
        Some(Record::R) => {
            if let (Some(name), Some(version)) =
                (field(&content, "Package"), field(&content, "Version"))
            {
                // Packages of Bioconductor name their subjects.
                let is_biology = field(&content, "biocViews").is_some();
                let kind = if is_biology { PackageKind::Bioconductor } else { PackageKind::Cran };
                let mut package = package(kind, name, version, path);
                if let (Some(package), Some(licence)) = (&mut package, field(&content, "License")) {
                    package.licence = text(licence).unwrap_or_default().to_owned();
                }
                add(package, &mut found)?;
            }
        }
        Some(Record::WordPress) => {
            // WordPress itself reads no more than this of a plugin.
            let header = content
                .char_indices()
                .nth(8192)
                .map_or(&*content, |(end, _)| content.get(..end).unwrap_or(&content));
            let field = |name: &str| {
                header.lines().find_map(|line| {
                    let line = line.trim_start_matches([' ', '\t', '/', '*', '#', '@']);
                    line.strip_prefix(name)?.strip_prefix(':').map(str::trim)
                })
            };
            // A plugin is a directory, or one file.
            let plugin = path.rsplit_once("/wp-content/plugins/").map_or(path, |(_, rest)| rest);
            let first = plugin.split('/').next().unwrap_or_default();
            let name = first.strip_suffix(".php").unwrap_or(first);
            if let (Some(_), Some(version)) = (field("Plugin Name"), field("Version")) {
                add(package(PackageKind::WordPress, name, version, path), &mut found)?;
            }
        }
        Some(Record::Erlang) => {
            let application = erlang_application(path).filter(|it| !OTP.contains(&it.0));
            if let Some((name, version)) = application {
                add(package(PackageKind::Hex, name, version, path), &mut found)?;
            }
        }
        Some(Record::Unsupported(manager)) => {
            found.problem(format!("the packages of {manager} are not read"));
        }
        None => {}
    }
    Ok(found)
}

fn add(package: Option<crate::Package>, found: &mut ParsedFile) -> Result<(), AnalyserError> {
    match package {
        Some(package) => found.add(package),
        None => {
            found.problem("a package has no readable name or version");
            Ok(())
        }
    }
}

/// The value of a field at the start of a line.
fn field<'a>(content: &'a str, name: &str) -> Option<&'a str> {
    let value = content.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.map(str::trim)
}

/// The fields of `conda-meta/NAME-VERSION-BUILD.json` that are read.
#[derive(Deserialize)]
struct Conda {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    license: serde_json::Value,
}

/// The package whose directory this is, for the package managers that name it nowhere else: Nix and
/// Portage.
pub(crate) fn of_directory(path: &str) -> Option<ParsedFile> {
    let (kind, name, version) = if let Some(rest) = path.strip_prefix("/nix/store/") {
        let name = rest.get(..33).filter(|hash| hash.ends_with('-')).and(rest.get(33..))?;
        let (name, version) = split_version(name)?;
        if rest.contains('/') || rest.ends_with(".drv") {
            return None;
        }
        // The parts of a package are directories of their own.
        let part = version.rsplit_once('-').filter(|(_, part)| {
            matches!(*part, "bin" | "dev" | "lib" | "doc" | "man" | "info" | "data" | "out")
        });
        (PackageKind::Nix, name.to_owned(), part.map_or(version, |(version, _)| version))
    } else {
        let rest = path.strip_prefix("/var/db/pkg/")?;
        let (category, package) = rest.split_once('/')?;
        let (name, version) = split_version(package).filter(|_| !package.contains('/'))?;
        (PackageKind::Ebuild, format!("{category}/{name}"), version)
    };
    let mut found = ParsedFile::default();
    found.add(package(kind, &name, version, path)?).ok()?;
    Some(found)
}

/// Splits `acme-lib-1.0-r1` where the version starts: after the first dash before a digit.
fn split_version(text: &str) -> Option<(&str, &str)> {
    let (at, _) = text.match_indices('-').find(|(at, _)| {
        text.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_records_of_package_managers() {
        for (path, content, expected) in [
            (
                "/opt/conda/conda-meta/acme-lib-1.2.3-h1_0.json",
                r#"{"name": "acme-lib", "version": "1.2.3", "license": "MIT"}"#,
                "pkg:conda/acme-lib@1.2.3",
            ),
            (
                "/var/lib/pacman/local/acme-1.0-1/desc",
                "%NAME%\nacme\n\n%VERSION%\n1:1.0-1\n\n%ARCH%\nx86_64\n",
                "pkg:alpm/acme@1:1.0-1?arch=x86_64",
            ),
            (
                "/usr/lib/opkg/status",
                "Package: gone\nVersion: 1\nStatus: deinstall user not-installed\n\n\
                 Package: acme\nVersion: 1.0\nStatus: install user installed\n",
                "pkg:opkg/acme@1.0",
            ),
            (
                "/usr/lib/luarocks/rocks-5.4/acme/1.0-1/acme-1.0-1.rockspec",
                "package = 'acme'",
                "pkg:luarocks/acme@1.0-1",
            ),
            (
                "/opt/conda/conda-meta/x-1.0-py_0.json",
                r#"{"name": "x", "version": "1.0", "license": null}"#,
                "pkg:conda/x@1.0",
            ),
            (
                "/app/lib/phoenix-1.7.0/ebin/phoenix.app",
                "{application,phoenix,[{vsn,\"1.7.0\"}]}.",
                "pkg:hex/phoenix@1.7.0",
            ),
            (
                "/usr/lib/R/library/acmer/DESCRIPTION",
                "Package: acmer\nVersion: 1.0\n",
                "pkg:cran/acmer@1.0",
            ),
            (
                "/wp/wp-content/plugins/acme/main.php",
                "<?php\n/**\n * Plugin Name: Acme\n * Version: 1.0\n */",
                "pkg:wordpress-plugin/acme@1.0",
            ),
        ] {
            assert!(wants(path), "{path}");
            let found = read(path, content.as_bytes()).unwrap();
            let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
            assert_eq!(urls, [expected]);
        }
        let otp = read("/app/lib/ssl-11.0/ebin/ssl.app", b"").unwrap();
        assert!(otp.packages.is_empty());
        let void = read("/var/db/xbps/pkgdb-0.38.plist", b"<plist/>").unwrap();
        assert_eq!(void.problems, ["the packages of Void's xbps are not read"]);
        let hello = "<?php\n/*\nPlugin Name: Hello\nVersion: 1.7\n*/";
        let alone = read("/wp/wp-content/plugins/hello.php", hello.as_bytes()).unwrap();
        assert_eq!(alone.packages[0].purl, "pkg:wordpress-plugin/hello@1.7");
        let part = read("/wp/wp-content/plugins/acme/part.php", b"<?php echo 1;").unwrap();
        assert!(part.packages.is_empty());
    }

    #[test]
    fn directories_name_packages() {
        let url = |path: &str| Some(of_directory(path)?.packages.first()?.purl.clone());
        let hash = "0123456789abcdfghijklmnpqrsvwxyz";
        for (path, expected) in [
            (format!("/nix/store/{hash}-acme-lib-1.0"), Some("pkg:nix/acme-lib@1.0")),
            (format!("/nix/store/{hash}-acme-1.0-dev"), Some("pkg:nix/acme@1.0")),
            (format!("/nix/store/{hash}-acme-1.0/bin"), None),
            (format!("/nix/store/{hash}-builder.sh"), None),
            (
                "/var/db/pkg/app-misc/acme-1.0-r1".to_owned(),
                Some("pkg:ebuild/app-misc/acme@1.0-r1"),
            ),
            ("/var/db/pkg/app-misc".to_owned(), None),
        ] {
            assert_eq!(url(&path).as_deref(), expected, "{path}");
        }
    }
}
