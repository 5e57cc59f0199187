//! Whole images, read as the program reads them.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a skipped test is reported")]

mod differences;
mod generated;
mod hostile;
mod links;
mod package_ownership;
mod peers;
mod real;
mod rpm_log;
mod sbom;

use coaming_image::{Image, ImageFacts};
use coaming_test::image_archives::{docker_archive, gzip, tar};

/// A docker archive of layers, for a user.
fn archive(user: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let config = serde_json::json!({
        "os": "linux", "architecture": "amd64", "config": {"User": user},
        "rootfs": {"type": "layers", "diff_ids": []}
    });
    docker_archive(config.to_string().as_bytes(), None, layers)
}

/// The facts of an image of these layers.
fn read(user: &str, layers: &[Vec<u8>]) -> ImageFacts {
    Image::from_stream("test", &archive(user, layers)[..], None).unwrap().read()
}

/// Reports that a test cannot run here; with `CI` set, that is a failure.
fn skip(test: &str, why: &str) {
    coaming_test::skip!("{test}: {why}");
}
