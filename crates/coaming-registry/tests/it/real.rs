//! Against a real registry.

use std::io::Read as _;

use coaming_oci::{Descriptor, Digest, media_type};
use coaming_registry::{Options, RegistryError};
use coaming_test::docker_registry::DockerRegistry;

use super::{logged_in, push_image, reference, registry};

#[test]
fn pushed_content_can_be_pulled() {
    let Some(server) = DockerRegistry::start("what_is_pushed_is_found_again") else { return };
    let registry = registry(logged_in(&server));
    let name = format!("{}/team/web", server.host);
    let layer: &'static [u8] = Box::leak(vec![7; 3_000_000].into_boxed_slice());
    let (manifest, blob) = push_image(&registry, &format!("{name}:1.0"), layer);
    let tagged = reference(&format!("{name}:1.0"));
    assert_eq!(registry.resolve(&tagged).unwrap(), Digest::sha256(&manifest));
    let by_digest = reference(&format!("{name}@{}", Digest::sha256(&manifest)));
    assert_eq!(registry.manifest(&by_digest).unwrap().bytes, manifest);
    let image = registry.image(&tagged, Some(&"linux/amd64".parse().unwrap())).unwrap();
    assert_eq!(image.layers, std::slice::from_ref(&blob));
    let mut bytes = Vec::new();
    registry.blob(&tagged, &blob).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, layer);
    push_image(&registry, &format!("{name}:1.1"), b"other");
    assert_eq!(registry.tags(&tagged).unwrap(), ["1.0", "1.1"]);
    // A descriptor with another size does not match.
    let wrong = Descriptor { size: blob.size - 1, ..blob };
    let mut reader = registry.blob(&tagged, &wrong).unwrap();
    assert!(
        reader
            .read_to_end(&mut Vec::new())
            .unwrap_err()
            .to_string()
            .contains("digest or size does not match")
    );
}

#[test]
fn an_index_resolves_to_itself_and_gives_each_platform() {
    let Some(server) = DockerRegistry::start("an_index_resolves_to_itself") else { return };
    let registry = registry(logged_in(&server));
    let name = format!("{}/multi", server.host);
    let mut entries = Vec::new();
    for (tag, layer, architecture) in
        [("a", &b"for amd64"[..], "amd64"), ("b", b"for arm64", "arm64")]
    {
        let (manifest, _) = push_image(&registry, &format!("{name}:{tag}"), layer);
        let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
        entry.platform = Some(format!("linux/{architecture}").parse().unwrap());
        entries.push(entry);
    }
    let index = serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    }))
    .unwrap();
    let tagged = reference(&format!("{name}:2"));
    registry.push_manifest(&tagged, media_type::OCI_INDEX, &index).unwrap();
    assert_eq!(registry.resolve(&tagged).unwrap(), Digest::sha256(&index));
    let image = registry.image(&tagged, Some(&"linux/arm64".parse().unwrap())).unwrap();
    assert_eq!(image.digest, Digest::sha256(&index));
    assert_eq!(image.manifest_digest, entries[1].digest);
    let none = registry.image(&tagged, Some(&"linux/s390x".parse().unwrap())).unwrap_err();
    assert!(none.to_string().contains("it exists for linux/amd64, linux/arm64"), "{none}");
}

#[test]
fn missing_and_forbidden_content_is_reported() {
    let Some(server) = DockerRegistry::start("what_is_not_there_or_not_for_us") else { return };
    let registry = registry(logged_in(&server));
    push_image(&registry, &format!("{}/web:1", server.host), b"x");
    let missing = reference(&format!("{}/web:99", server.host));
    let error = registry.resolve(&missing).unwrap_err();
    assert!(matches!(&error, RegistryError::NotFound { what, .. } if what == "web:99"), "{error}");

    let there = reference(&format!("{}/web:1", server.host));
    let config = Some(server.docker_config("stranger").join("config.json"));
    let stranger = super::registry(Options { docker_config: config, ..logged_in(&server) });
    let error = stranger.resolve(&there).unwrap_err();
    assert!(error.to_string().contains("docker login"), "{error}");

    let mut options = logged_in(&server);
    options.http.ca.clear();
    let no_ca = super::registry(options);
    let error = no_ca.resolve(&there).unwrap_err();
    assert!(matches!(error, RegistryError::Certificate { .. }), "{error}");
    assert!(error.to_string().contains("--ca"), "{error}");
}

#[test]
fn referrers_are_found_by_the_referrers_tag() {
    let Some(server) = DockerRegistry::start("referrers_are_found_by_the_tag") else { return };
    let registry = registry(logged_in(&server));
    let name = format!("{}/web", server.host);
    let (manifest, _) = push_image(&registry, &format!("{name}:1"), b"x");
    let digest = Digest::sha256(&manifest);
    let subject = reference(&format!("{name}@{digest}"));
    assert_eq!(registry.referrers(&subject, None).unwrap(), []);
    let (sbom, _) = push_image(&registry, &format!("{name}:sbom"), b"{}");
    let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &sbom);
    entry.artifact_type = Some("application/spdx+json".to_owned());
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": [entry]});
    let tag = reference(&format!("{name}:{}", digest.to_string().replace(':', "-")));
    registry
        .push_manifest(&tag, media_type::OCI_INDEX, &serde_json::to_vec(&index).unwrap())
        .unwrap();
    let found = registry.referrers(&subject, Some("application/spdx+json")).unwrap();
    assert_eq!(found, [entry]);
    assert_eq!(registry.referrers(&subject, Some("application/vex+json")).unwrap(), []);
}

#[test]
fn a_mirror_comes_first_and_a_dead_one_costs_nothing() {
    let Some(server) = DockerRegistry::start("a_mirror_comes_first") else { return };
    let registry = registry(logged_in(&server));
    push_image(&registry, &format!("{}/hub/library/nginx:1", server.host), b"x");
    let mirrors = vec!["127.0.0.1:1".to_owned(), format!("{}/hub", server.host)];
    let options =
        Options { mirrors: [("docker.io".to_owned(), mirrors)].into(), ..logged_in(&server) };
    let mirrored = super::registry(options);
    assert!(mirrored.resolve(&reference("nginx:1")).is_ok());
}
