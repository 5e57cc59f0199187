//! Credentials in files of the distribution's packages: what a package brought, everybody has; what
//! somebody put in its place is told.

use std::io::Write as _;

use coaming_image::{Image, ImageFacts};

use crate::{archive, gzip, layer, read};

type Files<'a> = &'a [(&'a str, u32, &'a [u8])];

const BROUGHT: &[u8] = b"machine a.example login a password b\n";
const CHANGED: &[u8] = b"machine a.example login a password other\n";
/// The sums of what a package brought.
const MD5: &str = "695972b54c9d7b6c6f4d481f9129935c";
const SHA1_BASE64: &str = "lw1bikmkL5kU5PjOjoH8eyraDsk=";

/// The paths of the credentials, each with its layer, of plain and of compressed layers.
fn credentials(layers: &[Files<'_>]) -> Vec<String> {
    let plain: Vec<_> = layers.iter().map(|files| layer(files)).collect();
    let compressed: Vec<_> = plain.iter().map(|layer| gzip(layer)).collect();
    let places = |facts: &ImageFacts| -> Vec<String> {
        assert_eq!(facts.problems, []);
        let places = facts.credentials.iter().map(|found| &found.place);
        places.map(|place| format!("{}{}", place.layer.unwrap(), place.path)).collect()
    };
    // Of a file, and not of a stream: what stays is read late.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&archive("", &plain)).unwrap();
    let found = places(&Image::open(file.path(), None).unwrap().read());
    assert_eq!(places(&read("", &compressed)), found);
    found
}

/// What the package brought is not told; of what a layer above changed, these are.
fn tells_changes(package: Files<'_>, changes: Files<'_>, told: &[&str]) {
    assert_eq!(credentials(&[package]), [""; 0]);
    assert_eq!(credentials(&[package, changes]), told);
}

#[test]
fn a_file_of_a_debian_package_that_was_changed_is_told() {
    let sum = format!("{MD5}  opt/app/.netrc\n");
    let status = format!(
        "Package: app\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/app/.netrc {MD5}\n"
    );
    let package: Files<'_> = &[
        ("var/lib/dpkg/status", 0o644, status.as_bytes()),
        ("var/lib/dpkg/info/app.list", 0o644, b"/opt/app/.netrc\n/etc/app/.netrc\n/srv/.netrc\n"),
        ("var/lib/dpkg/info/app.md5sums", 0o644, sum.as_bytes()),
        ("opt/app/.netrc", 0o644, BROUGHT),
        ("etc/app/.netrc", 0o644, BROUGHT),
        // What the package owns and no sum is of.
        ("srv/.netrc", 0o644, BROUGHT),
    ];
    // A file that a layer above changed, with a sum or without; and one that was only touched.
    tells_changes(
        package,
        &[
            ("srv/.netrc", 0o644, CHANGED),
            ("etc/app/.netrc", 0o644, CHANGED),
            ("opt/app/.netrc", 0o600, BROUGHT),
        ],
        &["1/etc/app/.netrc", "1/srv/.netrc"],
    );
    // Changed in the layer that installed the package: the sums tell.
    let mut changed = package.to_vec();
    changed[3].2 = CHANGED;
    changed[4].2 = CHANGED;
    assert_eq!(credentials(&[&changed]), ["0/etc/app/.netrc", "0/opt/app/.netrc"]);
    // The layer that installs the package anew writes its files anew, too.
    let again: Files<'_> = &[package[0], package[1], package[2], ("srv/.netrc", 0o644, CHANGED)];
    assert_eq!(credentials(&[package, again]), [""; 0]);
    // What a removed package brought was no secret, either.
    let removed: Files<'_> = &[
        ("var/lib/dpkg/status", 0o644, b""),
        ("var/lib/dpkg/info/.wh.app.list", 0o644, b""),
        ("opt/app/.wh..netrc", 0o644, b""),
    ];
    assert_eq!(credentials(&[&[package[0], package[1], package[2], package[3]], removed]), [""; 0]);
}

#[test]
fn a_file_of_an_alpine_package_that_was_changed_is_told() {
    let installed: &[u8] =
        b"P:app\nV:1\nA:x86_64\nF:etc/app\nR:.netrc\nZ:Q1SHA1\nF:srv\nR:.netrc\n\n";
    let installed = String::from_utf8_lossy(installed).replace("SHA1", SHA1_BASE64);
    let package: Files<'_> = &[
        ("lib/apk/db/installed", 0o644, installed.as_bytes()),
        ("etc/app/.netrc", 0o644, BROUGHT),
        ("srv/.netrc", 0o644, BROUGHT),
    ];
    tells_changes(
        package,
        &[("etc/app/.netrc", 0o644, CHANGED), ("srv/.netrc", 0o644, CHANGED)],
        &["1/etc/app/.netrc", "1/srv/.netrc"],
    );
}
