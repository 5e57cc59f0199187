//! The package databases, reduced to the packages that remain: a scanner finds exactly what is in the
//! new image.
//!
//! Those of dpkg and apk are texts: paragraphs and lines are removed, and the rest is unchanged byte
//! for byte. From an rpm database, packages are removed as a whole, because an rpm header with its
//! list of files is signed.

use std::collections::{BTreeMap, BTreeSet};

use coaming_image::{Because, Tree};

use crate::rpm;

/// The largest database that is rewritten, in bytes.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

const DPKG: &str = "/var/lib/dpkg/";

/// Whether a file is a package database, or a part of one about a package that remains.
pub(crate) fn is_kept(path: &str, packages: &BTreeSet<String>) -> bool {
    if let Some(rest) = path.strip_prefix(DPKG) {
        if let Some(file) = rest.strip_prefix("info/") {
            let list = file.strip_suffix(".list").or_else(|| file.strip_suffix(".md5sums"));
            return list.is_some_and(|name| packages.contains(without_architecture(name)));
        }
        if let Some(file) = rest.strip_prefix("status.d/") {
            return packages.contains(without_architecture(file.trim_end_matches(".md5sums")));
        }
        return rest == "status";
    }
    is_apk(path) || is_rpm(path)
}

/// Whether it is the database of apk.
fn is_apk(path: &str) -> bool {
    matches!(path, "/lib/apk/db/installed" | "/usr/lib/apk/db/installed")
}

/// Whether it is the database of rpm.
pub(crate) fn is_rpm(path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or_default();
    let database = matches!(name, "rpmdb.sqlite" | "Packages.db" | "Packages");
    database && matches!(directory, "/var/lib/rpm" | "/usr/lib/sysimage/rpm" | "/usr/share/rpm")
}

/// A package's name without its architecture: `libc6:amd64`.
fn without_architecture(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}

/// Rewrites a database; `None` if the file stays unchanged.
pub(crate) fn reduced(
    path: &str,
    bytes: &[u8],
    tree: &Tree,
    files: &BTreeMap<String, Because>,
    packages: &BTreeSet<String>,
) -> Option<Vec<u8>> {
    let remains = |path: &str| remains(tree, files, path);
    if path == "/var/lib/dpkg/status" {
        Some(paragraphs(bytes, |field| field("Package").is_some_and(|it| packages.contains(&it))))
    } else if is_apk(path) {
        let paragraphs =
            paragraphs(bytes, |field| field("P").is_some_and(|it| packages.contains(&it)));
        Some(apk_files(&paragraphs, remains))
    } else if path.starts_with(DPKG) && path.ends_with(".list") {
        Some(lines(bytes, |line| line == "/." || remains(line)))
    } else if path.starts_with(DPKG) && path.ends_with(".md5sums") {
        Some(lines(bytes, |line| {
            line.split_once("  ")
                .is_some_and(|(_, path)| remains(&format!("/{}", path.trim_start_matches("./"))))
        }))
    } else if is_rpm(path) {
        rpm::reduced(bytes.to_vec(), &|name| packages.contains(name))
    } else {
        None
    }
}

/// Whether a path that a package lists is in the new image.
fn remains(tree: &Tree, files: &BTreeMap<String, Because>, path: &str) -> bool {
    let (directory, name) = path.rsplit_once('/').unwrap_or_default();
    let directory = if directory.is_empty() {
        Some(String::new())
    } else {
        tree.resolve(directory).map(|it| it.path)
    };
    directory.is_some_and(|directory| files.contains_key(&format!("{directory}/{name}")))
}

/// The paragraphs that pass. The test gets a function that looks up a field of the paragraph.
fn paragraphs(bytes: &[u8], passes: impl Fn(&dyn Fn(&str) -> Option<String>) -> bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let mut out = Vec::with_capacity(bytes.len() / 4);
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let paragraph = paragraph.trim_matches('\n');
        let field = |name: &str| {
            paragraph.lines().find_map(|line| {
                let value = line.strip_prefix(name)?.strip_prefix(':')?;
                Some(value.trim().to_owned())
            })
        };
        if passes(&field) {
            out.extend_from_slice(paragraph.as_bytes());
            out.extend_from_slice(b"\n\n");
        }
    }
    out
}

fn lines(bytes: &[u8], passes: impl Fn(&str) -> bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let kept = text.lines().filter(|line| passes(line));
    kept.flat_map(|line| [line, "\n"]).collect::<String>().into_bytes()
}

/// The database of apk without the files that are removed. The lines after a directory (`F:`) or a
/// file (`R:`) describe it.
fn apk_files(bytes: &[u8], remains: impl Fn(&str) -> bool) -> Vec<u8> {
    let text = String::from_utf8_lossy(bytes);
    let (mut directory, mut shown) = (String::new(), true);
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        match line.split_once(':') {
            Some(("F", name)) => {
                directory = if name.is_empty() { String::new() } else { format!("/{name}") };
                shown = name.is_empty() || remains(&directory);
            }
            Some(("R", name)) => shown = remains(&format!("{directory}/{name}")),
            Some(("M" | "a" | "Z", _)) => {}
            _ => shown = true,
        }
        if shown {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_databases_are_kept() {
        let packages = BTreeSet::from(["libc6".to_owned()]);
        for path in [
            "/var/lib/dpkg/status",
            "/var/lib/dpkg/info/libc6:amd64.list",
            "/var/lib/dpkg/info/libc6.md5sums",
            "/var/lib/dpkg/status.d/libc6",
            "/lib/apk/db/installed",
            "/var/lib/rpm/rpmdb.sqlite",
        ] {
            assert!(is_kept(path, &packages), "{path}");
        }
        for path in [
            "/var/lib/dpkg/status-old",
            "/var/lib/dpkg/info/bash.list",
            "/var/lib/dpkg/info/libc6.postinst",
            "/lib/apk/db/scripts.tar",
        ] {
            assert!(!is_kept(path, &packages), "{path}");
        }
    }

    #[test]
    fn paragraphs_are_removed_and_the_rest_is_unchanged() {
        let status = b"Package: a\nVersion: 1\n more: x\n\nPackage: b\nVersion: 2\n\nPackage: c\n";
        let kept = paragraphs(status, |field| field("Package").is_some_and(|it| it != "b"));
        assert_eq!(kept, b"Package: a\nVersion: 1\n more: x\n\nPackage: c\n\n");
        assert_eq!(paragraphs(&kept, |_| true), kept);
    }

    #[test]
    fn files_are_removed_with_their_descriptions() {
        let database = b"P:musl\nV:1\nF:lib\nM:0:0:755\nR:a\na:0:0:755\nZ:x\nR:b\nZ:y\nF:gone\nM:1\nR:c\n\nP:x\n";
        let kept = apk_files(database, |path| matches!(path, "/lib" | "/lib/b"));
        assert_eq!(kept, b"P:musl\nV:1\nF:lib\nM:0:0:755\nR:b\nZ:y\n\nP:x\n");
    }
}
