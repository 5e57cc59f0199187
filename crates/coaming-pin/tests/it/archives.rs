//! Which archives give digests, and which don't.

use coaming_oci::{Digest, Reference};
use coaming_pin::{ArchiveError, Archives};

use super::{index, manifest, write_tar};

fn digest_of(archives: &Archives, name: &str) -> Option<Digest> {
    archives.digest(&Reference::parse(name).unwrap())
}

#[test]
fn a_tar_of_a_layout_whatever_its_order() {
    let directory = tempfile::tempdir().unwrap();
    let (bytes, digest) = manifest();
    let blob = digest.blob_path();
    // The last is a tag alone, of nobody knows what.
    let index = index(&["docker.io/library/nginx:1.27", "ghcr.io/a/b:v1", "1.0"]);
    for files in [
        vec![("index.json", index.as_slice()), (blob.as_str(), bytes)],
        vec![(blob.as_str(), bytes), ("./index.json", index.as_slice())],
    ] {
        let path = directory.path().join("images.tar");
        write_tar(&path, &files);
        let mut archives = Archives::default();
        archives.add(&path).unwrap();
        assert_eq!(digest_of(&archives, "nginx:1.27"), Some(digest));
        assert_eq!(digest_of(&archives, "ghcr.io/a/b:v1"), Some(digest));
        assert_eq!(digest_of(&archives, "nginx:1.28"), None);
    }
}

#[test]
fn what_gives_no_digests_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("images.tar");
    let mut archives = Archives::default();
    write_tar(&path, &[("manifest.json", b"[]")]);
    let error = archives.add(&path).unwrap_err();
    assert!(matches!(error, ArchiveError::NoManifests(_)), "{error}");
    write_tar(&path, &[("a.txt", b"")]);
    assert!(matches!(archives.add(&path).unwrap_err(), ArchiveError::Unknown(_)));
    std::fs::write(&path, "{\"bomFormat\": \"CycloneDX\"}").unwrap();
    assert!(matches!(archives.add(&path).unwrap_err(), ArchiveError::Unknown(_)));
    // The manifest is missing, or is another one.
    let index = index(&["docker.io/library/nginx:1.27"]);
    let blob = manifest().1.blob_path();
    for files in [vec![("index.json", &index[..])], vec![("index.json", &index), (&blob, b"{}")]] {
        write_tar(&path, &files);
        assert!(matches!(archives.add(&path).unwrap_err(), ArchiveError::Damaged { .. }));
    }
    for cut in [&[0x1f, 0x8b, 8, 0][..], &[0x28, 0xb5, 0x2f, 0xfd]] {
        std::fs::write(&path, cut).unwrap();
        assert!(matches!(archives.add(&path).unwrap_err(), ArchiveError::Io { .. }));
    }
    write_tar(&path, &[("index.json", &vec![b' '; 9 << 20])]);
    assert!(archives.add(&path).unwrap_err().to_string().contains("larger than 8388608 bytes"));
    assert!(archives.add(&directory.path().join("none")).is_err());
    assert_eq!(digest_of(&archives, "nginx:1.27"), None, "nothing is taken of what is refused");
}

#[test]
fn compressed_archives_are_read_as_plain_ones() {
    let directory = tempfile::tempdir().unwrap();
    let (bytes, digest) = manifest();
    let blob = digest.blob_path();
    let index = index(&["docker.io/library/nginx:1.27"]);
    let plain = directory.path().join("images.tar");
    write_tar(&plain, &[(&blob, bytes), ("layer", &[7; 100_000]), ("index.json", &index)]);
    let plain = std::fs::read(plain).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, &plain).unwrap();
    let compressed = [gzip.finish().unwrap(), zstd::encode_all(&plain[..], 1).unwrap()];
    for (number, bytes) in compressed.iter().enumerate() {
        // The name tells nothing: how the file begins does.
        let path = directory.path().join(format!("images-{number}"));
        std::fs::write(&path, bytes).unwrap();
        let mut archives = Archives::default();
        archives.add(&path).unwrap();
        assert_eq!(digest_of(&archives, "nginx:1.27"), Some(digest));
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(Archives::default().add(&path), Err(ArchiveError::Io { .. })));
    }
}

#[test]
fn the_user_may_say_which_image_an_archive_is() {
    let directory = tempfile::tempdir().unwrap();
    let (bytes, digest) = manifest();
    let blob = digest.blob_path();
    let write = |name: &str, images: &[&str]| {
        let path = directory.path().join(name);
        write_tar(&path, &[("index.json", &index(images)), (&blob, bytes)]);
        path
    };
    let web = Reference::parse("shop/web:1").unwrap();
    let mut archives = Archives::default();
    for (name, images) in [
        // Skopeo and buildx write a tag alone, or no name.
        ("one.tar", &["1.0"][..]),
        ("other.tar", &["docker.io/library/nginx:1.27"]),
        ("several.tar", &["docker.io/library/nginx:1.27", "docker.io/shop/web:1"]),
    ] {
        archives = Archives::default();
        archives.add_as(&write(name, images), &web).unwrap();
        assert_eq!(digest_of(&archives, "shop/web:1"), Some(digest), "{name}");
        assert_eq!(digest_of(&archives, "nginx:1.27"), None, "{name}");
    }
    let path = write("none.tar", &["a/b:1", "a/c:1"]);
    let error = archives.add_as(&path, &web).unwrap_err().to_string();
    assert!(error.contains("it has 2 images, and none is named docker.io/shop/web:1"), "{error}");
}

#[test]
fn a_digest_in_an_index_is_no_way_out_of_the_directory() {
    let directory = tempfile::tempdir().unwrap();
    let text = r#"{"manifests":[{"digest":"sha256:../../../etc/passwd","annotations":{"org.opencontainers.image.ref.name":"docker.io/library/a:1"}}]}"#;
    std::fs::write(directory.path().join("index.json"), text).unwrap();
    let mut archives = Archives::default();
    let error = archives.add(directory.path()).unwrap_err().to_string();
    assert!(error.contains("is not a valid digest"), "{error}");
    assert_eq!(digest_of(&archives, "a:1"), None);
}
