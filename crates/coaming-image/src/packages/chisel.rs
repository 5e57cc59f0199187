//! The manifest of Chisel, by which Ubuntu's images without dpkg are cut: JSON lines, compressed with
//! zstd. It names binary packages; the sources, which advisories name, are known for what such
//! images contain.

use std::io::Read as _;

use serde::Deserialize;

use super::DATABASE_LIMIT;
use super::parsed::{lossy, package, text};
use crate::analyse::{AnalyserError, ParsedFile};
use crate::zstd_frames::ZstdFrames;
use crate::{PackageKind, SourcePackage};

pub(super) fn wants(path: &str) -> bool {
    path.starts_with("/var/lib/chisel/") && path.ends_with(".wall")
}

/// A line. Those of other kinds name slices and files.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    kind: String,
    name: String,
    version: String,
    arch: String,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<ParsedFile, AnalyserError> {
    let mut plain = Vec::new();
    ZstdFrames::new(bytes)?.take(DATABASE_LIMIT + 1).read_to_end(&mut plain)?;
    if plain.len() as u64 > DATABASE_LIMIT {
        return Err(AnalyserError::TooLarge(format!("more than {} MiB", DATABASE_LIMIT >> 20)));
    }
    let mut found = ParsedFile::default();
    for line in lossy(&plain).lines().filter(|line| line.contains("\"package\"")) {
        let Ok(line) = serde_json::from_str::<Line>(line) else {
            found.problem("a line is not valid JSON");
            continue;
        };
        if line.kind != "package" {
            continue;
        }
        let Some(mut package) = package(PackageKind::Deb, &line.name, &line.version, path) else {
            found.problem("a package has no readable name or version");
            continue;
        };
        package.architecture = text(&line.arch).map(str::to_owned);
        package.source = Some(SourcePackage {
            name: source(&package.name).to_owned(),
            version: package.version.clone(),
        });
        found.add(package)?;
    }
    Ok(found)
}

/// Source packages, by the starts of the names of what is built from them.
const SOURCES: [(&str, &str); 66] = [
    ("bsdutils", "util-linux"),
    ("dotnet-", "dotnet"),
    ("e2fsprogs", "e2fsprogs"),
    ("krb5-", "krb5"),
    ("libacl1", "acl"),
    ("libattr1", "attr"),
    ("libaudit", "audit"),
    ("libblkid1", "util-linux"),
    ("libbrotli1", "brotli"),
    ("libbz2-", "bzip2"),
    ("libc-bin", "glibc"),
    ("libc6", "glibc"),
    ("libcap-ng0", "libcap-ng"),
    ("libcom-err2", "e2fsprogs"),
    ("libcrypt1", "libxcrypt"),
    ("libcurl3", "curl"),
    ("libcurl4", "curl"),
    ("libdb5.3", "db5.3"),
    ("libexpat1", "expat"),
    ("libffi", "libffi"),
    ("libgmp10", "gmp"),
    ("libgnutls30", "gnutls28"),
    ("libgssapi-krb5-2", "krb5"),
    ("libhogweed6", "nettle"),
    ("libicu", "icu"),
    ("libidn2-0", "libidn2"),
    ("libk5crypto3", "krb5"),
    ("libkeyutils1", "keyutils"),
    ("libkrb5", "krb5"),
    ("liblz4-1", "lz4"),
    ("liblzma5", "xz-utils"),
    ("libmount1", "util-linux"),
    ("libncurses", "ncurses"),
    ("libnettle8", "nettle"),
    ("libnghttp2-14", "nghttp2"),
    ("libnuma1", "numactl"),
    ("libp11-kit0", "p11-kit"),
    ("libpam", "pam"),
    ("libpcre2-", "pcre2"),
    ("libpcre3", "pcre3"),
    ("libperl5", "perl"),
    ("libpsl5", "libpsl"),
    ("libpython3.10", "python3.10"),
    ("libpython3.11", "python3.11"),
    ("libpython3.12", "python3.12"),
    ("libpython3.13", "python3.13"),
    ("libreadline8", "readline"),
    ("librtmp1", "rtmpdump"),
    ("libsasl2", "cyrus-sasl2"),
    ("libselinux1", "libselinux"),
    ("libsmartcols1", "util-linux"),
    ("libsqlite3-0", "sqlite3"),
    ("libssh-4", "libssh"),
    ("libssl", "openssl"),
    ("libsystemd0", "systemd"),
    ("libtasn1-6", "libtasn1-6"),
    ("libtinfo", "ncurses"),
    ("libudev1", "systemd"),
    ("libunistring", "libunistring"),
    ("libuuid1", "util-linux"),
    ("libyaml-0-2", "libyaml"),
    ("libzstd1", "libzstd"),
    ("ncurses-", "ncurses"),
    ("perl-", "perl"),
    ("python3.12-minimal", "python3.12"),
    ("zlib1g", "zlib"),
];

/// The source package of a binary one; many have the same name.
fn source(name: &str) -> &str {
    let found = SOURCES.iter().find(|(start, _)| name.starts_with(start));
    found.map_or(name, |(_, source)| *source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_packages_of_a_manifest() {
        let lines = r#"{"jsonwall":"1.0","schema":"1.0","count":4}
{"kind":"content","slice":"libssl3t64_libs","path":"/usr/lib/libssl.so.3"}
{"kind":"package","name":"libssl3t64","version":"3.0.13-0ubuntu3","sha256":"0","arch":"amd64"}
{"kind":"package","name":"bash","version":"5.2"}
{"kind":"package","name":""}
{"kind":"slice","name":"package"}
"#;
        let bytes = zstd::encode_all(lines.as_bytes(), 3).unwrap();
        let path = "/var/lib/chisel/manifest.wall";
        assert!(wants(path));
        let found = read(path, &bytes).unwrap();
        let urls: Vec<&str> = found.packages.iter().map(|it| it.purl.as_str()).collect();
        assert_eq!(
            urls,
            ["pkg:deb/libssl3t64@3.0.13-0ubuntu3?arch=amd64&upstream=openssl", "pkg:deb/bash@5.2"]
        );
        assert_eq!(found.problems.len(), 1);
        assert!(read(path, lines.as_bytes()).is_err());
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::encode_all(&vec![b' '; DATABASE_LIMIT as usize + 1][..], 3).unwrap();
        let error = read("/var/lib/chisel/manifest.wall", &bomb).unwrap_err();
        assert!(matches!(error, AnalyserError::TooLarge(_)), "{error}");
    }
}
