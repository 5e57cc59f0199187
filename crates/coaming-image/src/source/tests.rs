//! Generated images, in every form of an image.

use std::fs;

use coaming_test::image_archives::{self, gzip, tar};

use super::*;
use crate::{ImageFacts, Verdict};

const STATUS: &[u8] =
    b"Package: bash\nStatus: install ok installed\nVersion: 5.2-1\nArchitecture: amd64\n";
const CONFIG: &[u8] = br#"{"os":"linux","architecture":"amd64","config":{"User":"1000"},
    "rootfs":{"type":"layers","diff_ids":["sha256:aa","sha256:bb"]},
    "history":[{"created_by":"ADD file"},{"created_by":"LABEL a=b","empty_layer":true},{"created_by":"RUN rm"}]}"#;

fn layers() -> [Vec<u8>; 2] {
    [
        tar(&[
            ("bin/bash", 0o755, b"\x7fELFbash"),
            ("etc/os-release", 0o644, b"ID=debian\nVERSION_ID=12\n"),
            ("var/lib/dpkg/status", 0o644, STATUS),
            ("root/.netrc", 0o600, b"machine a login b password c\n"),
            ("app/.netrc", 0o644, b"machine a login b password c\n"),
        ]),
        tar(&[("root/.wh..netrc", 0o644, b""), ("bin/su", 0o4755, b"\x7fELFsu")]),
    ]
}

fn check(facts: &ImageFacts) {
    assert_eq!(facts.problems, []);
    assert_eq!(facts.verdict, Verdict::Minimal);
    assert_eq!(facts.user.uid, Some(1000));
    assert_eq!(facts.distribution.as_ref().unwrap().id, "debian");
    assert_eq!(facts.packages[0].name, "bash");
    assert_eq!(facts.packages[0].layer, Some(0));
    assert_eq!(facts.layers[1].created_by, "RUN rm");
    assert_eq!(facts.privileged_files[0].place.path, "/bin/su");
    assert_eq!(facts.privileged_files[0].place.layer, Some(1));
    let credentials: Vec<_> = facts
        .credentials
        .iter()
        .map(|it| (it.place.path.as_str(), it.readable, it.deleted))
        .collect();
    assert_eq!(
        credentials,
        [("/app/.netrc", Some(true), false), ("/root/.netrc", Some(false), true)]
    );
}

fn docker_archive(layers: &[Vec<u8>]) -> Vec<u8> {
    image_archives::docker_archive(CONFIG, Some("a:1"), layers)
}

/// The files of a layout: a name and the bytes.
fn layout(layers: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut add = |bytes: &[u8]| {
        let digest = digest_of(bytes);
        files.push((format!("blobs/{}", digest.replace(':', "/")), bytes.to_vec()));
        serde_json::json!({"digest": digest, "size": bytes.len()})
    };
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "config": add(CONFIG),
        "layers": layers.iter().map(|layer| add(layer)).collect::<Vec<_>>(),
    });
    let mut image = add(manifest.to_string().as_bytes());
    image["platform"] = serde_json::json!({"os": "linux", "architecture": "amd64"});
    let mut attestation = image.clone();
    attestation["platform"] = serde_json::json!({"os": "unknown", "architecture": "unknown"});
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [attestation, image]});
    files.push(("index.json".into(), index.to_string().into_bytes()));
    files.push(("oci-layout".into(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
    files
}

fn amd64() -> Platform {
    "linux/amd64".parse().unwrap()
}

#[test]
fn reads_docker_archives_plain_and_compressed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("image.tar");
    let plain = docker_archive(&layers());
    let compressed_layers = layers().map(|layer| gzip(&layer));
    for bytes in [plain.clone(), gzip(&plain), docker_archive(&compressed_layers)] {
        fs::write(&path, &bytes).unwrap();
        check(&Image::open(&path, None).unwrap().read());
        check(&Image::from_stream("stdin", &bytes[..], None).unwrap().read());
    }
}

#[test]
fn refuses_archives_that_are_compressed_many_times() {
    // With windows of which only one may be in use: each decompressor is dropped before the next.
    let zstd = |bytes: &[u8]| {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut archive = docker_archive(&layers());
    for compressed in [gzip, zstd, gzip] {
        archive = compressed(&archive);
        check(&Image::from_stream("stdin", &archive[..], None).unwrap().read());
    }
    // Some archives decompress to themselves, without end.
    for compressed in [zstd, gzip] {
        archive = compressed(&archive);
    }
    let error = Image::from_stream("stdin", &archive[..], None).err().unwrap().to_string();
    assert!(error.contains("more than 3 times"), "{error}");
}

#[test]
fn reads_layouts_as_directories_and_archives() {
    let directory = tempfile::tempdir().unwrap();
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 3).unwrap();
    let stored = [
        layers().to_vec(),
        layers().iter().map(|layer| gzip(layer)).collect(),
        layers().iter().map(|layer| zstd(layer)).collect::<Vec<_>>(),
    ];
    for (index, layers) in stored.iter().enumerate() {
        let files = layout(layers);
        let root = directory.path().join(index.to_string());
        fs::create_dir_all(root.join("blobs/sha256")).unwrap();
        for (name, bytes) in &files {
            fs::write(root.join(name), bytes).unwrap();
        }
        let image = Image::open(&root, Some(&amd64())).unwrap();
        assert!(image.identity.is_some());
        check(&image.read());
        let members: Vec<_> =
            files.iter().map(|(name, bytes)| (name.as_str(), 0o644, &bytes[..])).collect();
        check(&Image::from_stream("tar", &tar(&members)[..], Some(&amd64())).unwrap().read());
    }
}

#[test]
fn lists_the_available_platforms() {
    let files = layout(&layers());
    let members: Vec<_> =
        files.iter().map(|(name, bytes)| (name.as_str(), 0o644, &bytes[..])).collect();
    let error = Image::from_stream("x", &tar(&members)[..], Some(&"linux/s390x".parse().unwrap()))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("linux/s390x") && error.contains("linux/amd64"), "{error}");
}

#[test]
fn refuses_a_layout_with_digests_that_are_paths_or_wrong() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir_all(directory.path().join("blobs/sha256")).unwrap();
    fs::write(directory.path().join("oci-layout"), "{}").unwrap();
    for digest in ["sha256:../../../../etc/passwd", "../etc/passwd", "", "sha256:ABC"] {
        let index = serde_json::json!({"manifests": [{"digest": digest}]});
        fs::write(directory.path().join("index.json"), index.to_string()).unwrap();
        let error = Image::open(directory.path(), None).err().unwrap().to_string();
        assert!(error.contains("is not a valid digest"), "{error}");
    }
    let digest = digest_of(b"{}");
    fs::write(directory.path().join("blobs").join(digest.replace(':', "/")), "{ }").unwrap();
    let index = serde_json::json!({"manifests": [{"digest": digest}]});
    fs::write(directory.path().join("index.json"), index.to_string()).unwrap();
    let error = Image::open(directory.path(), None).err().unwrap().to_string();
    assert!(error.contains("digest"), "{error}");
}

#[test]
fn recognizes_files_that_are_not_images() {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("text", &b"not an archive at all"[..]),
        ("empty", b""),
        ("tar", &tar(&[("a", 0o644, b"b")])),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Image::open(&path, None), Err(ImageError::NoImage(_))), "{name}");
    }
    let empty = directory.path().join("directory");
    fs::create_dir(&empty).unwrap();
    assert!(matches!(Image::open(&empty, None), Err(ImageError::NoImage(_))));
    assert!(matches!(
        Image::open(&directory.path().join("none"), None),
        Err(ImageError::Io { .. })
    ));
}

#[test]
fn reads_a_root_filesystem_and_neither_follows_links_nor_opens_pipes() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::create_dir_all(root.join("app")).unwrap();
    fs::write(directory.path().join("outside"), "machine a login b password c").unwrap();
    std::os::unix::fs::symlink(directory.path().join("outside"), root.join("app/.netrc")).unwrap();
    std::os::unix::fs::symlink("..", root.join("app/loop")).unwrap();
    fs::write(root.join("etc/os-release"), "ID=wolfi\n").unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(root.join("app/.npmrc")).status().unwrap();
    assert!(pipe.success());
    let facts = Image::open(&root, None).unwrap().read();
    assert_eq!(facts.distribution.unwrap().id, "wolfi");
    assert_eq!(facts.credentials, []);
    assert_eq!(facts.problems, []);
    assert_eq!(facts.digest, "");
    assert_eq!(facts.verdict, Verdict::Distroless);
}

#[test]
fn files_whose_paths_lead_through_links_replace_those_of_lower_layers() {
    let below = {
        let mut builder = ::tar::Builder::new(Vec::new());
        let file = |builder: &mut ::tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]| {
            // Mode and owner are blank, as some tools leave them.
            let mut header = ::tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes).unwrap();
        };
        file(&mut builder, "usr/lib/apk/db/installed", b"P:a\nV:1-r0\n\n");
        file(&mut builder, "srv/node_modules/b/package.json", br#"{"name":"b","version":"1.0.0"}"#);
        for (link, target) in [("lib", "usr/lib"), ("app", "srv")] {
            let mut header = ::tar::Header::new_gnu();
            header.set_entry_type(::tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, link, target).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let packages = |above: &[(&str, u32, &[u8])]| -> Vec<String> {
        let archive = docker_archive(&[below.clone(), tar(above)]);
        let facts = Image::from_stream("stdin", &archive[..], None).unwrap().read();
        assert_eq!(facts.problems, []);
        facts.packages.iter().map(|it| format!("{} {}", it.name, it.version)).collect()
    };
    let removed: &[u8] = b"";
    assert_eq!(packages(&[("x", 0o644, b"")]), ["a 1-r0", "b 1.0.0"]);
    assert_eq!(packages(&[("lib/apk/db/.wh.installed", 0o644, removed)]), ["b 1.0.0"]);
    assert_eq!(
        packages(&[("lib/apk/db/installed", 0o644, b"P:c\nV:2-r0\n\n")]),
        ["c 2-r0", "b 1.0.0"]
    );
    let newer: &[u8] = br#"{"name":"b","version":"2.0.0"}"#;
    assert_eq!(
        packages(&[("app/node_modules/b/package.json", 0o644, newer)]),
        ["a 1-r0", "b 2.0.0"]
    );
}
