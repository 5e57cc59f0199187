//! Whole images, read as users read them.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test says so")]

mod brought;
mod hostile;
mod made;
mod peers;
mod real;
mod sbom;

use std::io::Write as _;

use coaming_image::{Image, ImageFacts};

/// A layer with these files, each with its mode.
fn layer(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, mode, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(*mode);
        header.set_size(bytes.len() as u64);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A docker archive of layers, for a user.
fn archive(user: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "config": {"User": user},
        "rootfs": {"type": "layers", "diff_ids": []}
    })
    .to_string();
    let names: Vec<String> = (0..layers.len()).map(|index| format!("{index}/layer.tar")).collect();
    let manifest = serde_json::json!([{"Config": "config.json", "Layers": names}]).to_string();
    let mut files: Vec<(&str, u32, &[u8])> = vec![
        ("config.json", 0o644, config.as_bytes()),
        ("manifest.json", 0o644, manifest.as_bytes()),
    ];
    files.extend(names.iter().zip(layers).map(|(name, layer)| (name.as_str(), 0o644, &layer[..])));
    layer(&files)
}

/// The facts of an image of these layers.
fn read(user: &str, layers: &[Vec<u8>]) -> ImageFacts {
    Image::from_stream("test", &archive(user, layers)[..], None).unwrap().read()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Says loudly that a test can't run here; with `CI` set, that is a failure.
fn skip(test: &str, why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{test} must not be skipped in CI: {why}");
    println!("SKIPPED: {test}: {why}");
}
