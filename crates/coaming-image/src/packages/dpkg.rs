//! Debian's package database: `status`, the fragments in `status.d` that distroless images have
//! instead, and the lists of the files that each package owns.

use super::parsed::{lossy, package, text};
use crate::analyse::{AnalyserError, ParsedFile, Relation};
use crate::checksum::Checksum;
use crate::{Package, PackageKind, SourcePackage};

/// Where dpkg keeps its database.
const DIRECTORY: &str = "/var/lib/dpkg/";

pub(super) fn wants(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(DIRECTORY) else { return false };
    rest == "status"
        || rest.strip_prefix("status.d/").is_some_and(|name| !name.contains('/'))
        || rest
            .strip_prefix("info/")
            .is_some_and(|name| name.ends_with(".list") || name.ends_with(".md5sums"))
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let mut found = ParsedFile::default();
    let content = lossy(bytes);
    if path.ends_with(".list") {
        for line in content.lines().filter(|line| line.len() > 1 && line.starts_with('/')) {
            found.add_owned_path(line.to_owned())?;
        }
        found.set_owner(file_owner(path));
    } else if path.ends_with(".md5sums") {
        // If there are lists, too, they say what is owned.
        let listed = path.contains("/info/");
        for (checksum, owned) in content.lines().filter_map(|line| line.split_once("  ")) {
            // Most of a package is programs and data, which are not searched for credentials.
            if listed && owned.starts_with("usr/") && !owned.starts_with("usr/local/") {
                continue;
            }
            let owned = format!("/{}", owned.trim_start_matches("./").trim_start_matches('/'));
            found.record_checksum(&owned, Checksum::of_hex(checksum));
            if !listed {
                found.add_owned_path(owned)?;
            }
        }
        if !listed {
            found.set_owner(file_owner(path));
        }
    } else {
        for stanza in stanzas(&content) {
            for (file, checksum) in &stanza.conffiles {
                found.record_checksum(file, Checksum::of_hex(checksum));
            }
            match stanza.package(path) {
                Some(package) => {
                    found.relations.push(stanza.relation(&package));
                    found.add(package)?;
                }
                None if stanza.is_installed() => found.problem(format!(
                    "the package at line {} has no readable name or version",
                    stanza.line
                )),
                None => {}
            }
        }
    }
    Ok(found)
}

/// The package that a list of files belongs to: `info/libc6:amd64.list`.
fn file_owner(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.trim_end_matches(".list").trim_end_matches(".md5sums");
    name.split(':').next().unwrap_or_default()
}

/// The fields of one package that are read.
#[derive(Clone, Debug, Default)]
struct Stanza<'a> {
    line: usize,
    package: &'a str,
    version: &'a str,
    architecture: &'a str,
    source: &'a str,
    status: &'a str,
    depends: &'a str,
    pre_depends: &'a str,
    provides: &'a str,
    /// The settings that an administrator may change, with the checksums of their originals.
    conffiles: Vec<(&'a str, &'a str)>,
}

/// Splits the database at its empty lines.
fn stanzas(content: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut lines = content.lines().enumerate();
    std::iter::from_fn(move || {
        let mut stanza: Option<Stanza<'_>> = None;
        let mut in_conffiles = false;
        for (index, line) in lines.by_ref() {
            if line.trim().is_empty() {
                if stanza.is_some() {
                    break;
                }
                continue;
            }
            let stanza =
                stanza.get_or_insert_with(|| Stanza { line: index + 1, ..Stanza::default() });
            // An indented line continues a field: this one, or one of prose.
            if line.starts_with(' ') {
                let mut words = line.split_whitespace();
                if let (true, Some(file), Some(checksum)) =
                    (in_conffiles, words.next(), words.next())
                {
                    stanza.conffiles.push((file, checksum));
                }
                continue;
            }
            in_conffiles = line.starts_with("Conffiles:");
            let Some((key, value)) = line.split_once(':') else { continue };
            let field = match key {
                "Package" => &mut stanza.package,
                "Version" => &mut stanza.version,
                "Architecture" => &mut stanza.architecture,
                "Source" => &mut stanza.source,
                "Status" => &mut stanza.status,
                "Depends" => &mut stanza.depends,
                "Pre-Depends" => &mut stanza.pre_depends,
                "Provides" => &mut stanza.provides,
                _ => continue,
            };
            *field = value.trim();
        }
        stanza
    })
}

impl Stanza<'_> {
    /// Whether its files are in the image. Fragments have no status: what they name is installed.
    fn is_installed(&self) -> bool {
        !matches!(self.status.split_whitespace().nth(2), Some("not-installed" | "config-files"))
    }

    /// The package, or `None` if it is not installed or not readable.
    fn package(&self, path: &str) -> Option<Package> {
        if !self.is_installed() {
            return None;
        }
        let mut package = package(PackageKind::Deb, self.package, self.version, path)?;
        package.architecture = text(self.architecture).map(str::to_owned);
        package.source = Some(self.source_package(&package));
        Some(package)
    }

    /// `Depends: libc6 (>= 2.36), default-mta | mail-transport-agent, python3:any`.
    fn relation(&self, package: &Package) -> Relation {
        let name = |text: &str| -> Option<String> {
            let name = text.split(['(', '[', ':']).next()?.trim();
            super::parsed::text(name).map(str::to_owned)
        };
        let groups = [self.pre_depends, self.depends];
        Relation {
            name: package.name.clone(),
            source: package.source.as_ref().map(|it| it.name.clone()).unwrap_or_default(),
            needs: groups
                .iter()
                .flat_map(|groups| groups.split(','))
                .map(|group| group.split('|').filter_map(name).collect::<Vec<_>>())
                .filter(|group| !group.is_empty())
                .collect(),
            provides: self.provides.split(',').filter_map(name).collect(),
        }
    }

    /// `Source: glibc (2.36-9)`; without it, the package is its own source.
    fn source_package(&self, package: &Package) -> SourcePackage {
        let (name, version) = match self.source.split_once('(') {
            Some((name, version)) => (name, text(version.trim_end().trim_end_matches(')'))),
            None => (self.source, None),
        };
        SourcePackage {
            name: text(name).unwrap_or(&package.name).to_owned(),
            version: version.unwrap_or(&package.version).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "\
Package: libc6
Status: install ok installed
Source: glibc
Architecture: amd64
Multi-Arch: same
Version: 2.36-9+deb12u10
Description: GNU C Library
 Version: of nothing, for this is prose
 .
 more

Package: bsdutils
Status: install ok installed
Architecture: amd64
Source: util-linux (2.38.1-5+deb12u3)
Pre-Depends: libc6 (>= 2.34)
Depends: awk | mawk:any, bash
Version: 1:2.38.1-5+deb12u3

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: broken
Status: install ok installed
";

    #[test]
    fn reads_installed_packages() {
        let found = read("/var/lib/dpkg/status", STATUS.as_bytes()).unwrap();
        let [libc, bsdutils] = &found.packages[..] else { panic!("{:?}", found.packages) };
        assert_eq!((libc.name.as_str(), libc.version.as_str()), ("libc6", "2.36-9+deb12u10"));
        assert_eq!(libc.source.as_ref().unwrap().name, "glibc");
        assert_eq!(libc.source.as_ref().unwrap().version, "2.36-9+deb12u10");
        assert_eq!(bsdutils.version, "1:2.38.1-5+deb12u3");
        assert_eq!(bsdutils.source.as_ref().unwrap().version, "2.38.1-5+deb12u3");
        assert_eq!(
            bsdutils.purl,
            "pkg:deb/bsdutils@1:2.38.1-5%2Bdeb12u3?arch=amd64&upstream=util-linux%402.38.1-5%2Bdeb12u3"
        );
        assert_eq!(found.relations[1].source, "util-linux");
        let needs: Vec<String> =
            found.relations[1].needs.iter().map(|group| group.join("|")).collect();
        assert_eq!(needs, ["libc6", "awk|mawk", "bash"]);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
        assert!(found.problems[0].contains("line 24"), "{:?}", found.problems);
    }

    #[test]
    fn reads_checksums() {
        let sum = "900150983cd24fb0d6963f7d28e17f72";
        let status = format!(
            "Package: app\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/app.conf {sum}\n \
             /etc/old.conf {sum} obsolete\n /etc/new.conf newconffile\n /etc/init.d/app {sum}\nDescription: a\n \
             /etc/prose.conf {sum}\n"
        );
        let found = read("/var/lib/dpkg/status", status.as_bytes()).unwrap();
        let sum = Checksum::of_hex(sum).unwrap();
        let expected = ["/etc/app.conf", "/etc/old.conf"].map(|path| (path.to_owned(), sum));
        assert_eq!(found.checksums, expected);
        assert_eq!(found.packages.len(), 1);
        let sums = b"900150983cd24fb0d6963f7d28e17f72  opt/app/.env\n\
            900150983cd24fb0d6963f7d28e17f72  usr/share/x.conf\n";
        let found = read("/var/lib/dpkg/info/app:amd64.md5sums", sums).unwrap();
        assert_eq!(found.checksums, [("/opt/app/.env".to_owned(), sum)]);
        assert!(found.owned_paths.is_empty() && found.owners.is_empty());
    }

    #[test]
    fn reads_the_fragments_of_distroless_images() {
        let path = "/var/lib/dpkg/status.d/tzdata";
        assert!(wants(path));
        let found = read(path, b"Package: tzdata\nVersion: 2025b-0\nArchitecture: all\n").unwrap();
        assert_eq!(found.packages.len(), 1);
        let sums = "/var/lib/dpkg/status.d/tzdata.md5sums";
        assert!(wants(sums));
        let found = read(sums, b"0123  usr/share/zoneinfo/UTC\n").unwrap();
        assert_eq!(found.owned_paths, ["/usr/share/zoneinfo/UTC"]);
        assert_eq!(found.packages, []);
    }

    #[test]
    fn reads_the_files_that_a_package_owns() {
        let path = "/var/lib/dpkg/info/bash.list";
        assert!(wants(path) && !wants("/var/lib/dpkg/info/bash.postinst"));
        let found = read(path, b"/.\n/bin\n/bin/bash\n").unwrap();
        assert_eq!(found.owned_paths, ["/.", "/bin", "/bin/bash"]);
        assert_eq!(found.owners, [("bash".to_owned(), 3)]);
        let foreign = read("/var/lib/dpkg/info/libc6:amd64.list", b"/lib/libc.so.6\n").unwrap();
        assert_eq!(foreign.owners, [("libc6".to_owned(), 1)]);
    }
}
