//! Images that are made to harm who slims them: an end, and nothing outside the output.

use coaming_slim::{Options, SlimError, slim};
use proptest::prelude::*;
use serde_json::json;

use crate::Item::{Directory, File, Link, Name};
use crate::{image, layer};

/// An entry whose header is written by hand, so that it can say anything.
fn entry(path: &str, kind: u8, link: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o755);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn start(bytes: &[u8]) -> Vec<u8> {
    let app = layer(&[File("bin/app", 0o755, "app")]);
    // Without the end of the archive.
    [&app[..1024], bytes].concat()
}

#[test]
fn links_and_paths_lead_nowhere_outside() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let layers = [
        layer(&[
            File("bin/app", 0o755, "app"),
            Directory("app/", 0o755),
            Link("app/circle", "circle"),
            Link("app/out", "../../../../../../etc"),
            Link("app/up", "../app"),
            Link("app/proc", "/proc/self/root"),
            Name("app/name", "bin/app"),
        ]),
        layer(&[File("app/out/shadow", 0o644, "mine")]),
        start(&[entry("../../evil", b'0', "", 0), entry("app/dev", b'3', "", 0)].concat()),
    ];
    let image = image(&json!({"Cmd": ["/bin/app"], "WorkingDir": "/app"}), &layers);
    let report = slim(&image, &out, &Options::default()).unwrap().report;
    let paths: Vec<&str> = report.files.iter().map(|file| file.path.as_str()).collect();
    // A link to what the running container has stays; one to itself is of no use.
    assert!(paths.contains(&"/app/proc") && paths.contains(&"/app/name"), "{paths:?}");
    assert!(!paths.contains(&"/app/circle"), "{paths:?}");
    assert!(!paths.contains(&"/app/dev") && !paths.iter().any(|it| it.contains("evil")));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_read_whole_is_not_slimmed() {
    for size in [1 << 20, 1 << 40, u64::MAX >> 1] {
        let directory = tempfile::tempdir().unwrap();
        let layers = [start(&entry("srv/big", b'0', "", size))];
        let image = image(&json!({"Cmd": ["/bin/app"]}), &layers);
        let error = slim(&image, &directory.path().join("out"), &Options::default()).unwrap_err();
        assert!(matches!(error, SlimError::Unreadable(_)), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens to the bytes of a layer, there is a whole image or none.
    #[test]
    fn any_damage_is_survived(
        damage in proptest::collection::vec((0_usize..6000, any::<u8>()), 0..8),
    ) {
        let mut bytes = layer(&[
            File("bin/app", 0o755, "#!/bin/sh\nexec cat /etc/x\n"),
            File("bin/sh", 0o755, "\u{7f}ELF"),
            Link("bin/cat", "sh"),
            Name("bin/too", "bin/sh"),
            File("etc/ld.so.conf", 0o644, "include /etc/*\n/lib\n"),
        ]);
        for (at, byte) in damage {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("out");
        let result = slim(&image(&json!({"Cmd": ["app"]}), &[bytes]), &out, &Options::default());
        prop_assert_eq!(result.is_ok(), out.exists());
    }
}
