//! Credentials in files of the distribution's packages: those that a package installed are
//! published; those in a changed file are reported.

use std::io::Write as _;

use coaming_image::{Image, ImageFacts};

use crate::{archive, gzip, read, tar};

type Files<'a> = &'a [(&'a str, u32, &'a [u8])];

const PUBLISHED: &[u8] = b"machine a.example login a password b\n";
const CHANGED: &[u8] = b"machine a.example login a password other\n";
/// The checksums of the published file.
const MD5: &str = "695972b54c9d7b6c6f4d481f9129935c";
const SHA1_BASE64: &str = "lw1bikmkL5kU5PjOjoH8eyraDsk=";

/// The paths of the credentials, each with its layer, of plain and of compressed layers.
fn credentials(layers: &[Files<'_>]) -> Vec<String> {
    let plain: Vec<_> = layers.iter().map(|files| tar(files)).collect();
    let compressed: Vec<_> = plain.iter().map(|layer| gzip(layer)).collect();
    let locations = |facts: &ImageFacts| -> Vec<String> {
        assert_eq!(facts.problems, []);
        let found = facts.credentials.iter().map(|found| &found.place);
        found.map(|place| format!("{}{}", place.layer.unwrap(), place.path)).collect()
    };
    // From a file, not a stream: there, files are searched only after their owners are known.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive("", &plain)).unwrap();
    let found = locations(&Image::open(file.path(), None).unwrap().read());
    assert_eq!(locations(&read("", &compressed)), found);
    found
}

/// Nothing in the package is reported, and of the changes of an upper layer exactly these.
fn assert_reported(package: Files<'_>, changes: Files<'_>, expected: &[&str]) {
    assert_eq!(credentials(&[package]), [""; 0]);
    assert_eq!(credentials(&[package, changes]), expected);
}

#[test]
fn a_changed_file_of_a_debian_package_is_reported() {
    let md5sums = format!("{MD5}  opt/app/.netrc\n");
    let status = format!(
        "Package: app\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/app/.netrc {MD5}\n"
    );
    let package: Files<'_> = &[
        ("var/lib/dpkg/status", 0o644, status.as_bytes()),
        ("var/lib/dpkg/info/app.list", 0o644, b"/opt/app/.netrc\n/etc/app/.netrc\n/srv/.netrc\n"),
        ("var/lib/dpkg/info/app.md5sums", 0o644, md5sums.as_bytes()),
        ("opt/app/.netrc", 0o644, PUBLISHED),
        ("etc/app/.netrc", 0o644, PUBLISHED),
        // A file that the package owns, without a checksum.
        ("srv/.netrc", 0o644, PUBLISHED),
    ];
    // Files that an upper layer changed, with a checksum or without; and one that was only touched.
    assert_reported(
        package,
        &[
            ("srv/.netrc", 0o644, CHANGED),
            ("etc/app/.netrc", 0o644, CHANGED),
            ("opt/app/.netrc", 0o600, PUBLISHED),
        ],
        &["1/etc/app/.netrc", "1/srv/.netrc"],
    );
    // Changed in the layer that installed the package: the checksums show it.
    let mut changed = package.to_vec();
    changed[3].2 = CHANGED;
    changed[4].2 = CHANGED;
    assert_eq!(credentials(&[&changed]), ["0/etc/app/.netrc", "0/opt/app/.netrc"]);
    // A layer that installs the package again writes its files again, too.
    let again: Files<'_> = &[package[0], package[1], package[2], ("srv/.netrc", 0o644, CHANGED)];
    assert_eq!(credentials(&[package, again]), [""; 0]);
    // The files of a removed package were published, too.
    let removed: Files<'_> = &[
        ("var/lib/dpkg/status", 0o644, b""),
        ("var/lib/dpkg/info/.wh.app.list", 0o644, b""),
        ("opt/app/.wh..netrc", 0o644, b""),
    ];
    assert_eq!(credentials(&[&[package[0], package[1], package[2], package[3]], removed]), [""; 0]);
}

#[test]
fn a_changed_file_of_an_alpine_package_is_reported() {
    let installed: &[u8] =
        b"P:app\nV:1\nA:x86_64\nF:etc/app\nR:.netrc\nZ:Q1SHA1\nF:srv\nR:.netrc\n\n";
    let installed = String::from_utf8_lossy(installed).replace("SHA1", SHA1_BASE64);
    let package: Files<'_> = &[
        ("lib/apk/db/installed", 0o644, installed.as_bytes()),
        ("etc/app/.netrc", 0o644, PUBLISHED),
        ("srv/.netrc", 0o644, PUBLISHED),
    ];
    assert_reported(
        package,
        &[("etc/app/.netrc", 0o644, CHANGED), ("srv/.netrc", 0o644, CHANGED)],
        &["1/etc/app/.netrc", "1/srv/.netrc"],
    );
}
