//! rpm's database after slimming: what rpm itself, and our own reader, find in it.

use std::path::PathBuf;
use std::process::Command;

use coaming_image::{Image, PackageKind};
use coaming_slim::{Options, slim};
use serde_json::json;

use crate::Item::File;
use crate::{image, layer};

/// Slims a real database of rpm's in an image with a file of its package bash; the names of the
/// packages that are left, and the new database.
fn slimmed(data: &str) -> Option<(Vec<String>, String, Vec<u8>)> {
    let directory = std::env::var_os("COAMING_DATA").map(PathBuf::from);
    let Some(directory) = directory.map(|data| data.join("images")) else {
        coaming_test::skip!("rpm: COAMING_DATA does not name the test data");
        return None;
    };
    let real = Image::open(&directory.join(data), None).unwrap();
    let mut builder = tar::Builder::new(Vec::new());
    real.visit(0, &mut |entry, bytes| {
        if entry.kind == coaming_image::EntryKind::File {
            let mut header = tar::Header::new_gnu();
            header.set_size(entry.size);
            header.set_mode(0o644);
            builder.append_data(&mut header, entry.path.trim_start_matches('/'), bytes)?;
        }
        Ok(())
    })
    .unwrap();
    let layers = [
        builder.into_inner().unwrap(),
        layer(&[
            File("usr/bin/app", 0o755, "#!/bin/bash\n"),
            File("bin/bash", 0o755, "bash"),
            File("usr/bin/bash", 0o755, "bash"),
        ]),
    ];
    let image = image(&json!({"Cmd": ["/usr/bin/app"], "Env": ["PATH=/usr/bin:/bin"]}), &layers);
    let out = tempfile::tempdir().unwrap();
    let keep = vec!["/usr/bin/bash".to_owned()];
    let options = Options { keep, ..Options::default() };
    let slimmed = slim(&image, &out.path().join("slim"), &options).unwrap();
    assert!(slimmed.before.packages.len() > 30);
    assert!(!slimmed.report.notes.iter().any(|note| note.contains("rpm")), "{:?}", slimmed.report);
    let rpm = slimmed.after.packages.iter().filter(|it| it.kind == PackageKind::Rpm);
    let names = rpm.map(|package| package.name.clone()).collect();
    let (mut path, mut database) = (String::new(), Vec::new());
    let new = Image::open(&out.path().join("slim"), None).unwrap();
    new.visit(0, &mut |entry, bytes| {
        if entry.path.contains("/rpm/") && entry.size > 0 {
            path.clone_from(&entry.path);
            bytes.read_to_end(&mut database)?;
        }
        Ok(())
    })
    .unwrap();
    Some((names, path, database))
}

#[test]
fn a_database_in_sqlite_is_one_that_rpm_reads() {
    let Some((names, path, database)) = slimmed("rpm-sqlite") else { return };
    // The release owns /etc/os-release.
    assert_eq!(names, ["bash", "mariner-release"]);
    assert_eq!(path, "/var/lib/rpm/rpmdb.sqlite");
    // Twice the same is the same, to the byte.
    assert!(slimmed("rpm-sqlite").is_some_and(|(_, _, again)| again == database));
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("rpmdb.sqlite"), database).unwrap();
    let rpm = |arguments: &[&str]| {
        let output =
            Command::new("rpm").arg("--dbpath").arg(directory.path()).args(arguments).output();
        output.map(|output| {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            (text, String::from_utf8_lossy(&output.stderr).into_owned())
        })
    };
    let Ok((all, complaints)) = rpm(&["-qa"]) else {
        coaming_test::skip!("rpm: there is no rpm");
        return;
    };
    let mut all: Vec<&str> = all.lines().collect();
    all.sort_unstable();
    let expected = ["bash-5.1.8-1.cm2.x86_64", "mariner-release-2.0-4.cm2.noarch"];
    assert_eq!((all, complaints.as_str()), (expected.to_vec(), ""));
    assert_eq!(rpm(&["-q", "--qf", "%{version}", "bash"]).unwrap().0, "5.1.8");
    assert!(rpm(&["-ql", "bash"]).unwrap().0.contains("/bin/bash"));
    assert!(rpm(&["-q", "glibc"]).unwrap().0.contains("not installed"));
}

#[test]
fn a_database_in_ndb_loses_what_went() {
    let Some((names, path, _)) = slimmed("rpm-ndb") else { return };
    assert_eq!(names, ["bash", "sles-release"]);
    assert_eq!(path, "/var/lib/rpm/Packages.db");
}
