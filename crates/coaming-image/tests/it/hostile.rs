//! Malicious images: the result is partial and says what was left out; never a crash, a file
//! outside, or a credential that is shown.

use coaming_image::ImageFacts;
use proptest::prelude::*;

use crate::{gzip, read, tar};

const STATUS: &[u8] =
    b"Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n\n";

/// An entry whose header is written by hand, so that it can say anything.
pub(crate) fn entry(path: &str, kind: u8, link: &str, size: u64, data: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// Entries, then a package database, then the end of the archive.
fn with_packages(entries: &[Vec<u8>]) -> Vec<u8> {
    [entries.concat(), tar(&[("var/lib/dpkg/status", 0o644, STATUS)])].concat()
}

fn assert_problem(facts: &ImageFacts, text: &str) {
    assert!(
        facts.problems.iter().any(|problem| problem.message.contains(text)),
        "{text:?} is not in {:?}",
        facts.problems
    );
}

#[test]
fn paths_and_hard_links_out_of_the_image_are_refused() {
    let facts = read(
        "",
        &[with_packages(&[
            entry("../../etc/.npmrc", b'0', "", 0, b""),
            entry("a/../../../x", b'0', "", 0, b""),
            entry("app/link", b'1', "../../../etc/shadow", 0, b""),
        ])],
    );
    assert_eq!(facts.packages.len(), 1);
    assert_eq!(facts.problems.len(), 3, "{:?}", facts.problems);
    assert_problem(&facts, "leads out of the image");
    assert_problem(&facts, "the link leads out of the image");
}

#[test]
fn links_never_lead_out_of_the_image() {
    let facts = read(
        "app",
        &[with_packages(&[
            entry("etc/passwd", b'2', "../../../../../../etc/passwd", 0, b""),
            entry("bin/sh", b'2', "sh", 0, b""),
            entry("usr/bin", b'2', "../usr/bin", 0, b""),
            entry("bin/bash", b'2', "/usr/bin/bash", 0, b""),
        ])],
    );
    assert_eq!(facts.user.uid, None);
    assert_eq!(facts.utilities, []);
    assert_eq!(facts.packages.len(), 1);
}

#[test]
fn devices_and_pipes_are_never_read() {
    let devices = [b'3', b'4', b'6'].map(|kind| entry("app/.npmrc", kind, "", 1 << 30, b""));
    let facts = read("", &[with_packages(&devices)]);
    assert_eq!(facts.credentials, []);
    assert_eq!(facts.packages.len(), 1);
}

#[test]
fn wrong_sizes_cost_only_what_follows() {
    for size in [1 << 20, 1 << 40, u64::MAX >> 1] {
        let before = tar(&[("var/lib/dpkg/status", 0o644, STATUS)]);
        let before = &before[..1024];
        let lie = entry("opt/big.json", b'0', "", size, b"{}");
        let facts = read("", &[[before, &lie].concat()]);
        assert_eq!(facts.packages.len(), 1);
        assert_problem(&facts, "The rest of it is left out");
        let facts = read("", &[gzip(&[before, &lie].concat())]);
        assert_eq!(facts.packages.len(), 1);
        assert!(!facts.problems.is_empty());
    }
}

#[test]
fn extended_headers_are_bounded() {
    for kind in [b'L', b'K', b'x'] {
        let facts = read("", &[entry("x", kind, "", 1 << 30, b"")]);
        assert_problem(&facts, "the extended header is too large");
    }
    let facts = read("", &[entry("x", b'x', "", 9, b"99 path=a")]);
    assert_problem(&facts, "the extended header is malformed");
}

#[test]
fn truncated_layers_and_other_files_leave_the_other_layers_whole() {
    let good = tar(&[("var/lib/dpkg/status", 0o644, STATUS)]);
    let compressed = gzip(&tar(&[("a", 0o644, &[7; 100_000])]));
    let mut flipped = compressed.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    for bad in [
        b"no archive, but text that is longer than a header would be ".repeat(20),
        compressed[..compressed.len() / 2].to_vec(),
        flipped,
        vec![0x1f, 0x8b],
        b"\x28\xb5\x2f\xfdnonsense".to_vec(),
        b"BZh91AY&SY".to_vec(),
    ] {
        let facts = read("", &[good.clone(), bad]);
        assert_eq!(facts.packages.len(), 1);
        assert!(facts.problems.iter().any(|it| it.place.layer == Some(1)), "{:?}", facts.problems);
    }
}

#[test]
fn values_of_credentials_are_in_no_fact() {
    let password = "correct-horse-Battery9";
    let facts = read(
        "",
        &[tar(&[
            ("root/.netrc", 0o600, format!("machine a login b password {password}").as_bytes()),
            ("app/.env", 0o644, format!("DB_PASSWORD={password}\n").as_bytes()),
            ("root/.pgpass", 0o600, format!("a:5432:*:b:{password}\n").as_bytes()),
        ])],
    );
    assert_eq!(facts.credentials.len(), 3, "{:?}", facts.credentials);
    let shown = serde_json::to_string(&facts).unwrap();
    assert!(!shown.contains("Battery9"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Reading a layer ends, whatever damage it has.
    #[test]
    fn any_damage_is_survived(
        cut in 0_usize..8192,
        damage in proptest::collection::vec((0_usize..8192, any::<u8>()), 0..8),
        compressed in any::<bool>(),
    ) {
        let mut bytes = with_packages(&[
            entry("bin/sh", b'2', "busybox", 0, b""),
            entry("bin/busybox", b'0', "", 20, b"\x7fELF\0cat\0wget\0sh\0xxx"),
            entry("x", b'x', "", 24, b"24 path=a/long/name.pem\n"),
            entry("a", b'0', "", 5, b"hello"),
        ]);
        if compressed {
            bytes = gzip(&bytes);
        }
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        bytes.truncate(cut.max(1));
        let facts = read("", &[bytes]);
        prop_assert!(facts.packages.len() <= 1);
    }
}
