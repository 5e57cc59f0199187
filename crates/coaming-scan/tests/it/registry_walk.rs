//! Which images a walk lists, from Debian's `docker-registry`.

use std::collections::BTreeSet;

use coaming_http::Runtime;
use coaming_oci::{Descriptor, Digest, Reference, media_type};
use coaming_registry::{Options, Registry};
use coaming_scan::{TagRange, WalkScope, WalkedImage, walk};
use coaming_test::docker_registry::DockerRegistry;
use globset::{Glob, GlobSet};
use serde_json::json;

fn registry(server: &DockerRegistry, user: &str) -> Registry {
    let http = coaming_http::Options { ca: vec![server.ca()], ..Default::default() };
    let docker_config = Some(server.docker_config(user).join("config.json"));
    let options = Options { http, docker_config, ..Options::default() };
    Registry::new(options, Runtime::shared().unwrap()).unwrap()
}

/// Pushes an image that nothing but its number tells from others.
fn push(registry: &Registry, server: &DockerRegistry, name: &str, number: usize) -> Digest {
    let reference = Reference::parse(&format!("{}/{name}", server.host)).unwrap();
    let config = json!({"architecture": "amd64", "os": "linux", "number": number}).to_string();
    let blob = Descriptor::of("application/vnd.oci.image.config.v1+json", config.as_bytes());
    let open = || Ok(std::io::Cursor::new(config.clone().into_bytes()));
    registry.push_blob(&reference, &blob, open).unwrap();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": blob, "layers": [],
    });
    let bytes = manifest.to_string().into_bytes();
    registry.push_manifest(&reference, media_type::OCI_MANIFEST, &bytes).unwrap()
}

fn listed(registry: &Registry, server: &DockerRegistry, scope: &WalkScope) -> Vec<WalkedImage> {
    let (images, problems) = walk(registry, &server.host, scope).unwrap();
    assert_eq!(problems, Vec::<String>::new());
    images
}

fn names(images: &[WalkedImage]) -> Vec<&str> {
    images.iter().flat_map(|image| &image.names).map(String::as_str).collect()
}

fn only(glob: &str) -> Option<GlobSet> {
    Some(GlobSet::builder().add(Glob::new(glob).unwrap()).build().unwrap())
}

#[test]
fn each_digest_is_listed_once_and_in_one_shard() {
    let Some(server) = DockerRegistry::start("each_digest_is_listed_once_and_in_one_shard") else {
        return;
    };
    let registry = registry(&server, "reader");
    for number in 0..24 {
        push(&registry, &server, &format!("shop/app{}:1.{number}", number % 3), number);
    }
    let same = push(&registry, &server, "copy/app:latest", 0);
    let all = listed(&registry, &server, &WalkScope::default());
    assert_eq!((all.len(), names(&all).len()), (24, 25));
    assert_eq!(all, listed(&registry, &server, &WalkScope::default()));
    let copied = all.iter().find(|image| image.digest == same).unwrap();
    assert_eq!(copied.names, ["copy/app:latest", "shop/app0:1.0"]);
    for count in [2, 3, 5] {
        let mut found = BTreeSet::new();
        for index in 0..count {
            let shard = format!("{index}/{count}").parse().unwrap();
            for image in listed(&registry, &server, &WalkScope { shard, ..WalkScope::default() }) {
                assert!(all.contains(&image), "{index}/{count}");
                assert!(found.insert(image.digest.to_string()), "{index}/{count}");
            }
        }
        assert_eq!(found.len(), 24, "{count}");
    }
}

#[test]
fn tags_are_chosen_by_range_and_by_newest() {
    let Some(server) = DockerRegistry::start("tags_are_chosen_by_range_and_by_newest") else {
        return;
    };
    let registry = registry(&server, "reader");
    let tags = ["1.9", "1.10.2", "v1.10.3", "2.0-alpine", "1.27-alpine", "latest", "2024.1.2.3"];
    for (number, tag) in tags.iter().enumerate() {
        push(&registry, &server, &format!("shop/web:{tag}"), number);
        push(&registry, &server, &format!("team/a/web:{tag}"), 100 + number);
    }
    for (glob, range, newest, expected) in [
        ("shop/*", Some(">=1.10, <2"), None, &["1.10.2", "1.27-alpine", "v1.10.3"][..]),
        ("shop/*", Some(">=3"), None, &[]),
        ("shop/*", None, Some(1), &["2.0-alpine", "2024.1.2.3", "latest", "v1.10.3"]),
        ("shop/*", Some("<2"), Some(1), &["1.27-alpine", "v1.10.3"]),
        ("s*", Some("^2"), None, &["2.0-alpine"]),
    ] {
        let scope = WalkScope {
            repositories: only(glob),
            range: range.map(|range| range.parse::<TagRange>().unwrap()),
            newest,
            ..WalkScope::default()
        };
        let images = listed(&registry, &server, &scope);
        let expected: Vec<String> = expected.iter().map(|tag| format!("shop/web:{tag}")).collect();
        assert_eq!(names(&images), expected, "{glob} {range:?} {newest:?}");
    }
    let deep = WalkScope { repositories: only("team/**"), ..WalkScope::default() };
    assert_eq!(names(&listed(&registry, &server, &deep)).len(), tags.len());
}

#[test]
fn what_cannot_be_listed_is_named() {
    let Some(server) = DockerRegistry::start("what_cannot_be_listed_is_named") else { return };
    let reader = registry(&server, "reader");
    push(&reader, &server, "shop/web:1", 1);
    // Without a login there is no catalog.
    let stranger = registry(&server, "stranger");
    let error = walk(&stranger, &server.host, &WalkScope::default()).unwrap_err().to_string();
    assert!(error.contains(&server.host), "{error}");
    let scope = WalkScope { repositories: only("nothing/*"), ..WalkScope::default() };
    assert_eq!(listed(&reader, &server, &scope), []);
}
