//! Archives that do not say which Maven artifact they are. Their SHA-1 does, to those who have an
//! index of all artifacts: it is in their package URL until they have a name.

use std::io::{self, SeekFrom};

use coaming_sbom::purl;
use sha1::{Digest as _, Sha1};

use super::Source;
use crate::packages::parsed::text;
use crate::{Package, PackageKind};

/// The largest archive whose SHA-1 is determined: hardly an artifact is larger.
const ARCHIVE_LIMIT: u64 = 64 << 20;

/// What of an archive's bytes may be read for it.
#[derive(Debug)]
pub(super) struct Budget(u64);

impl Default for Budget {
    /// For all archives in one file. Content may be read up to 256 MiB, and most of that is for
    /// other things.
    fn default() -> Self {
        Self(96 << 20)
    }
}

impl Budget {
    /// The SHA-1 of an archive in hexadecimal digits; `None` if it is too large.
    pub(super) fn checksum(&mut self, source: &mut dyn Source) -> io::Result<Option<String>> {
        let length = source.seek(SeekFrom::End(0))?;
        if length > ARCHIVE_LIMIT.min(self.0) {
            return Ok(None);
        }
        self.0 -= length;
        source.seek(SeekFrom::Start(0))?;
        let mut hasher = Sha1::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = source.read(&mut buffer)?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else { break };
            hasher.update(bytes);
        }
        Ok(Some(format!("{:x}", hasher.finalize())))
    }
}

/// An archive at this path of which nothing is known but its SHA-1.
pub(super) fn package(path: &str, sha1: &str) -> Option<Package> {
    let file_name = path.rsplit('/').next().unwrap_or(path);
    let stem = file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem);
    let mut package = Package::new(PackageKind::Maven, text(stem)?, "", path);
    mark(&mut package, sha1);
    Some(package)
}

/// Puts the SHA-1 into the package's URL.
pub(super) fn mark(package: &mut Package, sha1: &str) {
    package.purl = purl::of(package, &[("checksum", &format!("sha1:{sha1}"))]);
}

/// The SHA-1 in the URL of an archive without a name.
fn checksum(package: &Package) -> Option<&str> {
    let is_unnamed = package.kind == PackageKind::Maven && !package.name.contains(':');
    let (_, rest) = package.purl.split_once("checksum=sha1").filter(|_| is_unnamed)?;
    let rest = rest.strip_prefix("%3A").or_else(|| rest.strip_prefix(':'))?;
    let sha1 = rest.get(..40)?;
    sha1.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(sha1)
}

/// Names the packages without a group that `look_up` knows, and adds those of the archives without
/// a name that it knows.
pub(crate) fn name_archives<E>(
    packages: &mut Vec<Package>,
    unnamed: Vec<Package>,
    mut look_up: impl FnMut(&str) -> Result<Option<[String; 3]>, E>,
) -> Result<(), E> {
    let mut known = |package: &Package| match checksum(package) {
        Some(sha1) => look_up(sha1),
        None => Ok(None),
    };
    for package in packages.iter_mut() {
        if let Some(found) = known(package)? {
            name(package, &found);
        }
    }
    for mut package in unnamed {
        if known(&package)?.is_some_and(|found| name(&mut package, &found).is_some()) {
            packages.push(package);
        }
    }
    packages.sort();
    packages.dedup();
    Ok(())
}

/// Names an archive, if the name is fit for facts.
fn name(package: &mut Package, [group, artifact, version]: &[String; 3]) -> Option<()> {
    let name = format!("{}:{}", text(group)?, text(artifact)?);
    text(version)?.clone_into(&mut package.version);
    package.name = name;
    package.purl = purl::of(package, &[]);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

    fn index(sha1: &str) -> Result<Option<[String; 3]>, ()> {
        let named = || ["com.acme", "core", "1.2.3"].map(str::to_owned);
        Ok((sha1 == SHA1).then(named))
    }

    #[test]
    fn names_archives_by_their_sha1() {
        let other = package("/app/lib/other.jar", &SHA1.replace('0', "f")).unwrap();
        let mut groupless = Package { version: "1.2.3".to_owned(), ..other.clone() };
        groupless.name = "core".to_owned();
        mark(&mut groupless, SHA1);
        assert_eq!(
            groupless.purl.replace("%3A", ":"),
            format!("pkg:maven/core@1.2.3?checksum=sha1:{SHA1}")
        );
        let unnamed = vec![package("/app/lib/renamed.jar", SHA1).unwrap(), other.clone()];
        let mut packages = vec![groupless, other.clone()];
        name_archives(&mut packages, unnamed, index).unwrap();
        let named: Vec<_> =
            packages.iter().map(|it| (it.path.as_str(), it.purl.as_str())).collect();
        assert_eq!(
            named,
            [
                ("/app/lib/other.jar", "pkg:maven/com.acme/core@1.2.3"),
                ("/app/lib/renamed.jar", "pkg:maven/com.acme/core@1.2.3"),
                ("/app/lib/other.jar", other.purl.as_str()),
            ]
        );
    }

    #[test]
    fn names_are_fit_for_a_terminal() {
        let mut packages = Vec::new();
        let unnamed = vec![package("/a.jar", SHA1).unwrap()];
        let hostile = |_: &str| Ok::<_, ()>(Some(["com.acme", "\x1b[2J", "1"].map(str::to_owned)));
        name_archives(&mut packages, unnamed, hostile).unwrap();
        assert_eq!(packages, []);
    }
}
