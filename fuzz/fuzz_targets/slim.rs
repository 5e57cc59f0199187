//! Any bytes as the programs, libraries, scripts, settings and databases of an image that is slimmed:
//! there is a whole new image or none, and what stays was there before.

#![no_main]

use coaming_image::Image;
use coaming_slim::{Options, slim};
use libfuzzer_sys::fuzz_target;

/// The paths of files that refer to other files, or that are rewritten.
const PATHS: &[&str] = &[
    "bin/app",
    "lib/libc.so.6",
    "lib/x86_64-linux-gnu/liba.so",
    "lib64/ld-linux-x86-64.so.2",
    "bin/sh",
    "bin/python3.11",
    "bin/node",
    "bin/java",
    "etc/ld.so.conf",
    "etc/ld.so.conf.d/a.conf",
    "etc/ld-musl-x86_64.path",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/app.conf",
    "srv/pyvenv.cfg",
    "lib/python3.11/site-packages/a.pth",
    "var/lib/dpkg/status",
    "var/lib/dpkg/info/app.list",
    "var/lib/dpkg/info/app.md5sums",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "var/lib/rpm/Packages",
];

fn append(builder: &mut tar::Builder<Vec<u8>>, name: &str, link: &str, bytes: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    if link.is_empty() {
        builder.append_data(&mut header, name, bytes).expect("memory takes all");
    } else {
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, name, link).expect("memory takes all");
    }
}

fuzz_target!(|input: (Vec<(u8, Option<u8>, Vec<u8>)>, u8)| {
    let (files, command) = input;
    let path = |index: u8| PATHS[usize::from(index) % PATHS.len()];
    let mut layer = tar::Builder::new(Vec::new());
    for (place, link, bytes) in &files {
        let link = link.map(|link| format!("/{}", path(link))).unwrap_or_default();
        append(&mut layer, path(*place), &link, bytes);
    }
    let config = format!("{{\"config\":{{\"Cmd\":[\"/{}\"],\"WorkingDir\":\"/srv\"}}}}", path(command));
    let mut builder = tar::Builder::new(Vec::new());
    append(&mut builder, "config.json", "", config.as_bytes());
    let manifest = br#"[{"Config":"config.json","Layers":["layer.tar"]}]"#;
    append(&mut builder, "manifest.json", "", manifest);
    append(&mut builder, "layer.tar", "", &layer.into_inner().expect("memory takes all"));
    let archive = builder.into_inner().expect("memory takes all");
    let image = Image::from_stream("fuzz", &archive[..], None).expect("the archive is whole");
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let out = directory.path().join("out");
    match slim(&image, &out, &Options::default()) {
        Ok(slimmed) => {
            assert!(slimmed.report.after.entries <= slimmed.report.before.entries);
            assert!(slimmed.after.problems.iter().all(|it| !it.place.path.is_empty()));
        }
        Err(error) => assert!(!error.to_string().is_empty() && !out.exists()),
    }
});
