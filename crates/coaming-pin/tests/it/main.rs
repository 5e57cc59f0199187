//! Pinning without a registry: the digests come from archives that the tests write.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod references;

use std::path::Path;

use coaming_oci::Digest;

/// A manifest's bytes, and its digest.
fn manifest() -> (&'static [u8], Digest) {
    let bytes = br#"{"schemaVersion":2}"#;
    (bytes, Digest::sha256(bytes))
}

/// An `index.json` that names its one manifest by all of `names`.
fn index(names: &[&str]) -> Vec<u8> {
    let (bytes, digest) = manifest();
    let entries: Vec<serde_json::Value> = names
        .iter()
        .map(|name| {
            serde_json::json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest, "size": bytes.len(),
                "annotations": {"org.opencontainers.image.ref.name": name},
            })
        })
        .collect();
    serde_json::to_vec(&serde_json::json!({"schemaVersion": 2, "manifests": entries})).unwrap()
}

/// Writes a tar of these files.
fn write_tar(path: &Path, files: &[(&str, &[u8])]) {
    let mut tar = tar::Builder::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.finish().unwrap();
}
