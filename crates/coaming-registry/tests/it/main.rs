//! The client against Debian's `docker-registry`, with TLS and basic authentication, and against
//! servers that misbehave. Everything listens on loopback.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod hostile;
mod real;
mod scanners;
mod tokens;

use std::time::Duration;

use coaming_http::Runtime;
use coaming_oci::{Descriptor, Reference, media_type};
use coaming_registry::{Options, Registry};
use coaming_test::docker_registry::DockerRegistry;
use coaming_test::http_server::Server;

fn reference(text: &str) -> Reference {
    Reference::parse(text).unwrap()
}

fn registry(options: Options) -> Registry {
    Registry::new(options, Runtime::shared().unwrap()).unwrap()
}

/// How a user who is logged in reaches a real registry.
fn logged_in(server: &DockerRegistry) -> Options {
    let http = coaming_http::Options { ca: vec![server.ca()], ..Default::default() };
    let docker_config = Some(server.docker_config("reader").join("config.json"));
    Options { http, docker_config, ..Options::default() }
}

/// How to reach a test's server: without credentials, and with little patience.
fn impatient(server: &Server) -> Options {
    let http = coaming_http::Options {
        plain_http: [server.host.clone()].into(),
        timeout: Duration::from_millis(700),
        patience: Duration::from_secs(3),
        backoff: Duration::from_millis(10),
        ..Default::default()
    };
    let docker_config = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/no-login.json").into());
    Options { http, docker_config, ..Options::default() }
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
