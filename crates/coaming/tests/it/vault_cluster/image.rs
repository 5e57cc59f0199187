//! An image with this program and its launcher alone, for the cluster's containerd.

use std::path::{Path, PathBuf};
use std::process::Command;

use coaming_test::image_archives::{docker_archive, tar};

use crate::root;

/// Its name.
pub(crate) const NAME: &str = "docker.io/lab/coaming:1";

/// The archive of the image: the program under test, and the libraries that it is linked with.
pub(crate) fn archive(directory: &Path) -> PathBuf {
    let program = directory.join("coaming");
    let mut strip = Command::new("strip");
    strip.arg("-o").arg(&program).arg(env!("CARGO_BIN_EXE_coaming"));
    assert!(strip.status().unwrap().success());
    // Where it is in the published image, too.
    let path = coaming_vault::PROGRAM;
    let mut files =
        vec![(path.trim_start_matches('/').to_owned(), std::fs::read(&program).unwrap())];
    let libraries = Command::new("ldd").arg(&program).output().unwrap();
    let text = String::from_utf8(libraries.stdout).unwrap();
    for path in text.split_whitespace().filter(|word| word.starts_with('/')) {
        files.push((path.trim_start_matches('/').to_owned(), std::fs::read(path).unwrap()));
    }
    files.push((coaming_vault::LAUNCHER.trim_start_matches('/').to_owned(), launcher()));
    let files: Vec<(&str, u32, &[u8])> =
        files.iter().map(|(path, bytes)| (path.as_str(), 0o755, &bytes[..])).collect();
    let layer = tar(&files);
    let layer_file = directory.join("layer.tar");
    std::fs::write(&layer_file, &layer).unwrap();
    let sum = Command::new("sha256sum").arg(&layer_file).output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap();
    let digest = format!("sha256:{}", sum.split_whitespace().next().unwrap());
    let config = serde_json::json!({
        "architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": [path], "User": "65532"},
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    });
    let archive = directory.join("image.tar");
    let bytes = docker_archive(config.to_string().as_bytes(), Some(NAME), &[layer]);
    std::fs::write(&archive, bytes).unwrap();
    archive
}

/// The launcher, which runs in images that have no libraries: linked statically, as in the published image.
fn launcher() -> Vec<u8> {
    let target = root().join("target/static-launcher");
    let triple = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--quiet", "--locked", "--package", "coaming-launch"])
        .args(["--target", &triple, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(root());
    assert!(cargo.status().unwrap().success());
    std::fs::read(target.join(&triple).join("debug/coaming-launch")).unwrap()
}
