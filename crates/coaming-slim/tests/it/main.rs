//! Small images are slimmed, and read back.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "skipped tests are reported")]

#[cfg(target_os = "linux")]
mod applications;
mod hostile;
mod rpm;
#[cfg(target_os = "linux")]
mod run;
mod trace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use coaming_image::{EntryKind, Image};
use coaming_slim::{Options, SlimError, Slimmed, slim};
use serde_json::json;

/// What a tar entry is: its path, its mode, and its bytes or where it links to.
pub(crate) enum Item<'a> {
    File(&'a str, u32, &'a str),
    Directory(&'a str, u32),
    Link(&'a str, &'a str),
    Name(&'a str, &'a str),
}

use Item::{Directory, File, Link, Name};

pub(crate) fn layer(items: &[Item<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for item in items {
        let mut header = tar::Header::new_gnu();
        header.set_size(0);
        header.set_mode(0o755);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(1_234_567);
        match item {
            File(path, mode, text) => {
                header.set_mode(*mode);
                header.set_size(text.len() as u64);
                builder.append_data(&mut header, path, text.as_bytes()).unwrap();
            }
            Directory(path, mode) => {
                header.set_mode(*mode);
                header.set_entry_type(tar::EntryType::Directory);
                builder.append_data(&mut header, path, std::io::empty()).unwrap();
            }
            Link(path, target) | Name(path, target) => {
                header.set_entry_type(match item {
                    Link(..) => tar::EntryType::Symlink,
                    _ => tar::EntryType::Link,
                });
                builder.append_link(&mut header, path, target).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

/// A docker archive of layers, with these settings.
pub(crate) fn image(settings: &serde_json::Value, layers: &[Vec<u8>]) -> Image {
    let config = json!({
        "os": "linux", "architecture": "amd64", "config": settings,
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [{"created_by": "RUN TOKEN=ghp_abcdefghijklmnopqrstuvwxyz0123456789 make"}],
    })
    .to_string();
    let names: Vec<String> = (0..layers.len()).map(|index| format!("{index}.tar")).collect();
    let manifest = json!([{"Config": "config.json", "Layers": names}]).to_string();
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    add("config.json", config.as_bytes());
    add("manifest.json", manifest.as_bytes());
    names.iter().zip(layers).for_each(|(name, layer)| add(name, layer));
    Image::from_stream("test", &builder.into_inner().unwrap()[..], None).unwrap()
}

/// The files of an image's only layer: mode, owner, and text or target.
fn files(path: &Path) -> BTreeMap<String, String> {
    let image = Image::open(path, None).unwrap();
    assert_eq!(image.layers(), 1);
    let mut files = BTreeMap::new();
    image
        .visit(0, &mut |entry, bytes| {
            let mut text = String::new();
            bytes.read_to_string(&mut text)?;
            let what = match entry.kind {
                EntryKind::Directory => "/".to_owned(),
                EntryKind::File => text,
                _ => format!("-> {}", entry.link),
            };
            let owner = format!("{:o} {}:{} {}", entry.mode, entry.uid, entry.gid, entry.modified);
            files.insert(entry.path.clone(), format!("{owner} {what}"));
            Ok(())
        })
        .unwrap();
    files
}

const STATUS: &str = "Package: app\nStatus: install ok installed\nVersion: 1\nDepends: data\n\n\
    Package: data\nStatus: install ok installed\nVersion: 2\nSource: app\n\n\
    Package: tool\nStatus: install ok installed\nVersion: 3\nDepends: tool-lib\n\n\
    Package: tool-lib\nStatus: install ok installed\nVersion: 4\n\n";

/// An application of two packages, and two packages that it does not need.
fn packaged() -> Image {
    let lower = layer(&[
        Directory("usr/", 0o755),
        Directory("usr/bin/", 0o755),
        Link("bin", "usr/bin"),
        Directory("tmp/", 0o1777),
        File("usr/bin/sh", 0o755, "a shell"),
        File("usr/bin/app", 0o755, "#!/bin/run\n"),
        File("usr/bin/run", 0o755, "runs"),
        Name("usr/bin/run-too", "usr/bin/run"),
        File("usr/bin/su", 0o4755, "changes who one is"),
        File("usr/bin/tool", 0o755, "#!/bin/sh\nhelper\n"),
        File("usr/bin/helper", 0o755, "helps"),
        File("usr/share/tool/data", 0o644, "tool's"),
        File("usr/share/app/page", 0o640, "old page"),
        File("usr/share/doc/app/copyright", 0o644, "mine"),
        File("usr/share/doc/tool/copyright", 0o644, "theirs"),
        File("etc/app/app.conf", 0o644, "include"),
        File("etc/passwd", 0o644, "root:x:0:0::/root:/bin/sh\n"),
        File("srv/page", 0o644, "mine"),
        File("var/lib/dpkg/status", 0o644, STATUS),
        File(
            "var/lib/dpkg/info/app.list",
            0o644,
            "/.\n/bin\n/bin/app\n/usr/share/doc/app/copyright\n",
        ),
        File(
            "var/lib/dpkg/info/data.list",
            0o644,
            "/etc/app\n/etc/app/app.conf\n/usr/share/app\n/usr/share/app/page\n/usr/share/man/app.1\n",
        ),
        File("var/lib/dpkg/info/tool.list", 0o644, "/bin/tool\n/usr/share/doc/tool/copyright\n"),
        File("var/lib/dpkg/info/tool-lib.list", 0o644, "/usr/share/tool/data\n"),
        File("var/lib/dpkg/info/app.postinst", 0o755, "#!/bin/sh\n"),
    ]);
    let upper = layer(&[File("usr/share/app/page", 0o600, "new page")]);
    image(
        &json!({"Entrypoint": ["app"], "Env": ["PATH=/bin"], "Labels": {"a": "b"}}),
        &[lower, upper],
    )
}

fn slimmed(image: &Image, name: &str, keep: &[&str]) -> (tempfile::TempDir, PathBuf, Slimmed) {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join(name);
    let keep = keep.iter().map(|&word| word.to_owned()).collect();
    let result = slim(image, &out, &Options { keep, ..Options::default() }).unwrap();
    (directory, out, result)
}

#[test]
fn what_the_entry_point_needs_stays_as_it_was() {
    let (_directory, out, result) = slimmed(&packaged(), "out", &[]);
    let files = files(&out);
    let file = |path: &str| files.get(path).map(String::as_str);
    assert_eq!(file("/usr/bin/app"), Some("755 7:8 1234567 #!/bin/run\n"));
    assert_eq!(file("/usr/bin/run"), Some("755 7:8 1234567 runs"));
    assert_eq!(file("/bin"), Some("755 7:8 1234567 -> usr/bin"));
    assert_eq!(file("/tmp"), Some("1777 7:8 1234567 /"));
    assert_eq!(file("/usr/share/app/page"), Some("600 7:8 1234567 new page"));
    assert_eq!(file("/etc/app/app.conf"), Some("644 7:8 1234567 include"));
    assert_eq!(file("/srv/page"), Some("644 7:8 1234567 mine"));
    // A directory that nobody wrote down is root's.
    assert_eq!(file("/etc/app"), Some("755 0:0 0 /"));
    for gone in
        ["/usr/bin/sh", "/usr/bin/su", "/usr/bin/tool", "/usr/bin/run-too", "/usr/share/tool/data"]
    {
        assert_eq!(file(gone), None, "{gone}");
    }
    let packages: Vec<_> = result.after.packages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(packages, ["app", "data"]);
    assert_eq!(result.before.packages.len(), 4);
    assert_eq!(
        file("/var/lib/dpkg/info/app.list").unwrap(),
        "644 7:8 1234567 /.\n/bin\n/bin/app\n/usr/share/doc/app/copyright\n"
    );
    assert_eq!(file("/var/lib/dpkg/info/app.postinst"), None);
    assert!(file("/usr/share/doc/app/copyright").is_some());
    assert_eq!(file("/usr/share/doc/tool/copyright"), None);
    let gone = &result.report.gone;
    assert!(gone.utilities.iter().any(|utility| utility.name == "sh"));
    assert!(gone.privileged_files.iter().any(|file| file.place.path == "/usr/bin/su"));
    assert_eq!(result.after.privileged_files, []);
    assert_eq!(result.after.problems, []);
}

#[test]
fn settings_stay_and_history_goes() {
    let (_directory, out, result) = slimmed(&packaged(), "out.tar", &[]);
    let read = Image::open(&out, None).unwrap();
    assert_eq!(read.digest(), result.report.digest);
    let text = String::from_utf8(read.configuration().to_vec()).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        config["config"],
        json!({"Entrypoint": ["app"], "Env": ["PATH=/bin"], "Labels": {"a": "b"}})
    );
    assert_eq!(config["history"].as_array().unwrap().len(), 1);
    assert!(text.contains("coaming image slim") && !text.contains("TOKEN"), "{text}");
}

#[test]
fn what_is_asked_for_comes_with_what_it_needs() {
    let (_directory, out, result) =
        slimmed(&packaged(), "out", &["tool", "/usr/bin/s?", "/bin/run-too"]);
    let files = files(&out);
    for kept in
        ["/usr/bin/tool", "/usr/bin/helper", "/usr/share/tool/data", "/usr/bin/sh", "/usr/bin/su"]
    {
        assert!(files.contains_key(kept), "{kept}");
    }
    // Two names of one file are that still.
    assert_eq!(files["/usr/bin/run-too"], "755 7:8 1234567 -> /usr/bin/run");
    assert_eq!(result.after.packages.len(), 4);
    let directory = tempfile::tempdir().unwrap();
    let options = Options { keep: vec!["none".into()], ..Options::default() };
    let error = slim(&packaged(), &directory.path().join("out"), &options).unwrap_err();
    assert!(matches!(error, SlimError::NothingToKeep(word) if word == "none"));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_same_image_makes_the_same_bytes_and_twice_is_once() {
    let (_first, one, _) = slimmed(&packaged(), "out.tar", &[]);
    let (_second, two, _) = slimmed(&packaged(), "out.tar", &[]);
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&two).unwrap());
    let (_third, again, result) = slimmed(&Image::open(&one, None).unwrap(), "out.tar", &[]);
    assert_eq!(std::fs::read(&one).unwrap(), std::fs::read(&again).unwrap());
    assert_eq!(result.report.before, result.report.after);
}

#[test]
fn nothing_is_replaced_unless_it_is_an_image_and_asked_for() {
    let (_directory, out, _) = slimmed(&packaged(), "out", &[]);
    let before = files(&out);
    let again = |force| slim(&packaged(), &out, &Options { force, ..Options::default() });
    assert!(matches!(again(false), Err(SlimError::Exists { .. })));
    again(true).unwrap();
    assert_eq!(files(&out), before);
    let left: Vec<_> = std::fs::read_dir(out.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    std::fs::write(out.join("letter"), "mine").unwrap();
    assert!(matches!(again(true), Err(SlimError::Exists { .. })));
}

#[test]
fn an_image_that_starts_nothing_is_not_slimmed() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let layers = [layer(&[File("bin/app", 0o755, "app")])];
    let none = slim(&image(&json!({}), &layers), &out, &Options::default());
    assert!(matches!(none, Err(SlimError::NoEntryPoint)));
    let missing = slim(&image(&json!({"Cmd": ["nothing"]}), &layers), &out, &Options::default());
    assert!(matches!(missing, Err(SlimError::NoProgram(name)) if name == "nothing"));
    let options = Options { keep: vec!["/bin/app".into()], ..Options::default() };
    slim(&image(&json!({}), &layers), &out, &options).unwrap();
    assert!(files(&out).contains_key("/bin/app"));
}
