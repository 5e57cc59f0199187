//! Real daemons on sockets of their own, asked for an image that they took in.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod containerd;
mod docker;
mod podman;

use std::path::Path;

use sha2::{Digest as _, Sha256};

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// An OCI layout in an archive: an index of images for two architectures, each with a layer whose one
/// file names the architecture.
fn write_image(path: &Path, name: &str) {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut store = |bytes: Vec<u8>| {
        let digest = digest(&bytes);
        let size = bytes.len();
        files.push((format!("blobs/{}", digest.replace(':', "/")), bytes));
        (digest, size)
    };
    let mut manifests = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let layer = tar(&[("etc/architecture", architecture.repeat(500_000).as_bytes())]);
        let config = serde_json::json!({
            "architecture": architecture, "os": "linux", "config": {"User": "65534"},
            "rootfs": {"type": "layers", "diff_ids": [digest(&layer)]}
        });
        let (config, config_size) = store(config.to_string().into_bytes());
        let (layer, layer_size) = store(layer);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": config_size},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": layer_size}],
        });
        let (digest, size) = store(manifest.to_string().into_bytes());
        manifests.push(serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": size,
            "platform": {"os": "linux", "architecture": architecture}
        }));
    }
    let index = serde_json::json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests
    });
    let (digest, size) = store(index.to_string().into_bytes());
    let outer = serde_json::json!({"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest, "size": size,
        "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    }]});
    files.push(("index.json".into(), outer.to_string().into_bytes()));
    files.push(("oci-layout".into(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec()));
    let members: Vec<(&str, &[u8])> =
        files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    std::fs::write(path, tar(&members)).unwrap();
}
