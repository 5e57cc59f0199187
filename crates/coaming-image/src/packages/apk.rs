//! Alpine's package database: paragraphs of one-letter fields, with the files of each package.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::parsed::{lossy, package, text};
use crate::analyse::{AnalyserError, ParsedFile, Relation};
use crate::checksum::Checksum;
use crate::{Package, PackageKind, SourcePackage};

pub(super) fn wants(path: &str) -> bool {
    matches!(path, "/lib/apk/db/installed" | "/usr/lib/apk/db/installed")
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let content = lossy(bytes);
    let mut found = ParsedFile::default();
    let mut fields = Fields::default();
    for (index, line) in content.lines().enumerate() {
        if line.is_empty() {
            std::mem::take(&mut fields).finish(path, &mut found)?;
            continue;
        }
        fields.line.get_or_insert(index + 1);
        let Some((key, value)) = line.split_once(':') else { continue };
        match key {
            "P" => fields.name = value,
            "V" => fields.version = value,
            "A" => fields.architecture = value,
            "L" => fields.licence = value,
            "o" => fields.origin = value,
            "D" => fields.needs = value,
            "p" => fields.provides = value,
            "F" => fields.directory = value,
            "R" if fields.directory.is_empty() => found.add_owned_path(format!("/{value}"))?,
            "R" => found.add_owned_path(format!("/{}/{value}", fields.directory))?,
            // The checksum of the file before it.
            "Z" => {
                let file = found.owned_paths.last().cloned().unwrap_or_default();
                found.record_checksum(&file, checksum(value));
            }
            _ => {}
        }
    }
    fields.finish(path, &mut found)?;
    Ok(found)
}

/// `Q1` and a SHA-1, or `Q2` and a SHA-256, in base64.
fn checksum(written: &str) -> Option<Checksum> {
    let digits = written.strip_prefix("Q1").or_else(|| written.strip_prefix("Q2"))?;
    Checksum::of_bytes(&BASE64_STANDARD.decode(digits.get(..44.min(digits.len()))?).ok()?)
}

/// The fields of one package that are read.
#[derive(Default)]
struct Fields<'a> {
    line: Option<usize>,
    name: &'a str,
    version: &'a str,
    architecture: &'a str,
    licence: &'a str,
    origin: &'a str,
    directory: &'a str,
    needs: &'a str,
    provides: &'a str,
}

impl Fields<'_> {
    /// Adds the package that ends here.
    fn finish(self, path: &str, found: &mut ParsedFile) -> Result<(), AnalyserError> {
        let Some(line) = self.line else { return Ok(()) };
        match self.package(path) {
            Some(package) => {
                found.set_owner(&package.name);
                found.relations.push(self.relation(&package));
                found.add(package)?;
            }
            None => {
                found.problem(format!("the package at line {line} has no readable name or version"))
            }
        }
        Ok(())
    }

    fn relation(&self, package: &Package) -> Relation {
        let source = package.source.as_ref().map(|source| source.name.clone());
        // `!name` is a conflict. `name>=1.2` is satisfied, or the package would not be installed.
        let names = |list: &str| -> Vec<String> {
            list.split_whitespace()
                .filter(|name| !name.starts_with('!'))
                .filter_map(|name| text(name.split(['<', '>', '=', '~']).next()?))
                .map(str::to_owned)
                .collect()
        };
        Relation {
            name: package.name.clone(),
            source: source.unwrap_or_default(),
            needs: names(self.needs).into_iter().map(|name| vec![name]).collect(),
            provides: names(self.provides),
        }
    }

    fn package(&self, path: &str) -> Option<Package> {
        let mut package = package(PackageKind::Apk, self.name, self.version, path)?;
        package.architecture = text(self.architecture).map(str::to_owned);
        package.licence = text(self.licence).unwrap_or_default().to_owned();
        // All packages of one origin are built together and share its version.
        package.source = Some(SourcePackage {
            name: text(self.origin).unwrap_or(&package.name).to_owned(),
            version: package.version.clone(),
        });
        Some(package)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTALLED: &str = "\
C:Q1p78yvTLG094tHE1+dToJGbmYzQE=
P:musl
V:1.1.24-r2
A:x86_64
S:377564
L:MIT
o:musl
p:so:libc.musl-x86_64.so.1=1
F:lib
R:libc.musl-x86_64.so.1
a:0:0:777
R:ld-musl-x86_64.so.1

P:libcrypto1.1
V:1.1.1d-r3
A:x86_64
L:OpenSSL
o:openssl
D:so:libc.musl-x86_64.so.1 !openssl<1
F:
R:top
F:etc
R:app.conf
a:0:0:640
Z:Q1qZk+NkcGgWq6PiVxeFDCbJzQ2J0=
R:none.conf
Z:Q1+

P:nothing
";

    #[test]
    fn reads_packages_origins_and_files() {
        let found = read("/lib/apk/db/installed", INSTALLED.as_bytes()).unwrap();
        let [musl, crypto] = &found.packages[..] else { panic!("{:?}", found.packages) };
        assert_eq!((musl.name.as_str(), musl.version.as_str()), ("musl", "1.1.24-r2"));
        assert_eq!(musl.licence, "MIT");
        assert_eq!(crypto.source.as_ref().unwrap().name, "openssl");
        assert_eq!(crypto.purl, "pkg:apk/libcrypto1.1@1.1.1d-r3?arch=x86_64&upstream=openssl");
        assert_eq!(
            found.owned_paths,
            [
                "/lib/libc.musl-x86_64.so.1",
                "/lib/ld-musl-x86_64.so.1",
                "/top",
                "/etc/app.conf",
                "/etc/none.conf"
            ]
        );
        let checksum = Checksum::of_hex("a9993e364706816aba3e25717850c26c9cd0d89d").unwrap();
        assert_eq!(found.checksums, [("/etc/app.conf".to_owned(), checksum)]);
        assert_eq!(found.owners, [("musl".into(), 2), ("libcrypto1.1".into(), 5)]);
        assert_eq!(found.relations[1].needs, [["so:libc.musl-x86_64.so.1"]]);
        assert_eq!(found.relations[0].provides, ["so:libc.musl-x86_64.so.1"]);
        assert_eq!(found.problems.len(), 1);
    }
}
