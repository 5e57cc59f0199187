//! The client against Debian's `docker-registry`, with TLS and basic authentication, and against
//! servers that misbehave. Everything listens on loopback.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod docker_registry;
mod hostile;
mod real;
mod scanners;
mod tokens;
mod wire;

use coaming_oci::{Descriptor, Reference, media_type};
use coaming_registry::Registry;

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

/// Pushes an image of one layer, and gives its manifest's bytes and the layer's descriptor.
fn push_image(registry: &Registry, image: &str, layer: &'static [u8]) -> (Vec<u8>, Descriptor) {
    let image = reference(image);
    let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}"#;
    let config_blob = Descriptor::of("application/vnd.oci.image.config.v1+json", config);
    let layer_blob = Descriptor::of("application/vnd.oci.image.layer.v1.tar", layer);
    registry.push_blob(&image, &config_blob, || Ok(&config[..])).unwrap();
    registry.push_blob(&image, &layer_blob, || Ok(layer)).unwrap();
    let manifest = serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
        "config": config_blob, "layers": [layer_blob],
    }))
    .unwrap();
    registry.push_manifest(&image, media_type::OCI_MANIFEST, &manifest).unwrap();
    (manifest, layer_blob)
}
