//! Each way to name an image, and those that are left alone.

use std::sync::Arc;

use coaming_kube::{Source, SourceKind, looks_like_kubernetes};
use coaming_pin::{Archives, Outcome, Sources, find, pin};
use proptest::prelude::*;

use super::{index, manifest};

/// Knows `nginx:1.27`, `nginx:1.29`, `nginx:latest` and `ghcr.io/team/web:v1`.
fn sources() -> Sources {
    let directory = tempfile::tempdir().unwrap();
    let (bytes, digest) = manifest();
    let blob = directory.path().join(digest.blob_path());
    std::fs::create_dir_all(blob.parent().unwrap()).unwrap();
    std::fs::write(blob, bytes).unwrap();
    let names = ["nginx:1.27", "nginx:1.29", "nginx:latest", "ghcr.io/team/web:v1"];
    std::fs::write(directory.path().join("index.json"), index(&names)).unwrap();
    let mut archives = Archives::default();
    archives.add(directory.path()).unwrap();
    Sources { archives, registry: None }
}

fn file(kind: SourceKind, text: &str) -> Source {
    if kind != SourceKind::Manifest {
        return Source::text("file", text.into(), kind);
    }
    let stream = coaming_yaml::parse(text.into());
    let documents = stream.documents.into_iter().filter(looks_like_kubernetes).collect();
    Source::new("file", stream.source, documents)
}

fn pinned(kind: SourceKind, text: &str) -> Outcome {
    let files = [file(kind, text)];
    pin(&files, find(&files), &sources(), None)
}

/// The new text, with `@D` for the digest.
fn after(kind: SourceKind, text: &str) -> String {
    let outcome = pinned(kind, text);
    let after: Arc<str> = outcome.changes.first().map_or_else(|| text.into(), |c| c.after.clone());
    after.replace(&manifest().1.to_string(), "D")
}

#[test]
fn helm_values() {
    for (before, wanted) in [
        ("image: nginx:1.27\n", "image: nginx:1.27@D\n"),
        ("image: nginx\ntag: '1.27'\n", "image: nginx\ntag: '1.27@D'\n"),
        ("image: nginx\nimageTag: \"1.27\"\n", "image: nginx\nimageTag: \"1.27@D\"\n"),
        (
            "a:\n- image: {repository: nginx, tag: \"1.27\"}\n",
            "a:\n- image: {repository: nginx, tag: \"1.27@D\"}\n",
        ),
        (
            "image: # ours\n  registry: ghcr.io\n  repository: team/web\n  tag: v1 # now\n  digest:\n",
            "image: # ours\n  registry: ghcr.io\n  repository: team/web\n  tag: v1 # now\n  digest: D\n",
        ),
        (
            "global: {imageRegistry: ghcr.io}\nimage: {registry: docker.io, repository: team/web, tag: v1}\n",
            "global: {imageRegistry: ghcr.io}\nimage: {registry: docker.io, repository: team/web, tag: \"v1@D\"}\n",
        ),
        ("sidecarImage: nginx:1.27\n", "sidecarImage: nginx:1.27@D\n"),
    ] {
        assert_eq!(after(SourceKind::HelmValues, before), wanted);
    }
    for left in [
        "image: nginx\n",
        "backgroundImage: picture\n",
        "repository: https://charts.example.com\n",
        "image: {repository: nginx}\n",
        "image: {repository: nginx, tag: ''}\n",
        "image: {repository: nginx, tag: 1.10}\n",
        "image: {repository: nginx, tag: '{{ .Chart.AppVersion }}'}\n",
        "image: nginx:1.27@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n",
        "image: {name: nginx, tag: 1.27}\n",
    ] {
        assert_eq!(after(SourceKind::HelmValues, left), left);
    }
    let reason = |text: &str| pinned(SourceKind::HelmValues, text).unpinned[0].reason.clone();
    assert!(reason("image: {repository: nginx, tag: 1.10}\n").contains("put it in quotes"));
    assert!(reason("image: {repository: nginx, tag: ''}\n").contains("write the tag here"));
    assert!(reason("image: redis:7\n").contains("`--offline` does not ask"));
}

#[test]
fn kustomizations() {
    for (before, wanted) in [
        (
            "images:\n- name: nginx\n  newTag: '1.27'\n",
            "images:\n- name: nginx\n  newTag: '1.27'\n  digest: D\n",
        ),
        (
            "images:\n- {name: web, newName: ghcr.io/team/web, newTag: v1}\n",
            "images:\n- {name: web, newName: ghcr.io/team/web, newTag: v1, digest: D}\n",
        ),
        (
            "images:\n- name: nginx\n  newName: nginx2\n",
            "images:\n- name: nginx\n  newName: nginx2\n",
        ),
        (
            "helmCharts:\n- valuesInline: {image: nginx:1.27}\n",
            "helmCharts:\n- valuesInline: {image: nginx:1.27@D}\n",
        ),
    ] {
        // Whether a digest needs quotes between brackets is the editor's business.
        let plain = |text: &str| text.replace('"', "");
        assert_eq!(plain(&after(SourceKind::Kustomization, before)), wanted);
    }
}

#[test]
fn manifests() {
    let pod = |containers: &str| {
        format!("apiVersion: v1\nkind: Pod\nspec:\n  containers: {containers}\n")
    };
    let json = r#"{"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "c", "image": "nginx"}]}}"#;
    assert_eq!(after(SourceKind::Manifest, json), json.replace("nginx", "nginx:latest@D"));
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    image: nginx:1.27\n";
    assert_eq!(after(SourceKind::Manifest, release), release.replace("1.27", "1.27@D"));
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      valuesObject:\n        image: nginx:1.27\n";
    assert_eq!(after(SourceKind::Manifest, application), application.replace("1.27", "1.27@D"));
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}",
        pod("[{name: c, image: 'nginx:1.27'}]").trim_end().replace('\n', "\n  ")
    );
    assert_eq!(after(SourceKind::Manifest, &list), list.replace("1.27", "1.27@D"));
    // What an alias shares with something else is changed by its author alone; the rest is pinned
    // all the same.
    let shared = pod(
        "\n  - {name: a, image: &i 'nginx:1.27', args: [*i]}\n  - {name: b, image: 'nginx:1.29'}",
    );
    let outcome = pinned(SourceKind::Manifest, &shared);
    assert!(outcome.unpinned.iter().any(|unpinned| unpinned.reason.contains("anchor")));
    assert_eq!(after(SourceKind::Manifest, &shared), shared.replace("1.29", "1.29@D"));
}

#[test]
fn dockerfiles() {
    let text = "FROM nginx:1.27 AS a\r\nFROM a\r\nFROM scratch\r\nCOPY --from=0 /x /x\r\nCOPY --from=nginx /x /x\r\n";
    let wanted = text.replace("1.27", "1.27@D").replace("=nginx ", "=nginx:latest@D ");
    assert_eq!(after(SourceKind::Dockerfile, text), wanted);
    let variable = "ARG V=1\nFROM nginx:${V}\n";
    assert_eq!(after(SourceKind::Dockerfile, variable), variable);
    assert!(pinned(SourceKind::Dockerfile, variable).unpinned[0].reason.contains("build argument"));
}

#[test]
fn updates_within_what_the_archives_hold() {
    let files = [file(SourceKind::HelmValues, "image: nginx:1.27\n")];
    let update = "".parse().unwrap();
    let outcome = pin(&files, find(&files), &sources(), Some(&update));
    assert_eq!(
        outcome.changes[0].after.replace(&manifest().1.to_string(), "D"),
        "image: nginx:1.29@D\n"
    );
}

proptest! {
    /// Whatever values hold: what is written parses, images alone have changed, and a second time
    /// nothing does.
    #[test]
    fn only_images_change(
        names in proptest::collection::vec("[a-z]{1,4}", 1..6),
        images in proptest::collection::vec(
            prop_oneof![Just("nginx:1.27"), Just("redis:7"), Just("x"), Just("'nginx:1.29'"), Just("{repository: nginx, tag: \"1.27\"}"), Just("[1, {image: nginx:1.27}]")],
            6,
        ),
    ) {
        let mut text = String::new();
        for (position, (name, image)) in names.iter().zip(&images).enumerate() {
            text.push_str(&format!("{name}{position}:  # note {position}\n    image:   {image}\n"));
        }
        let first = after(SourceKind::HelmValues, &text);
        let before = text.replace(['\'', '"'], "");
        prop_assert_eq!(first.replace("@D", "").replace(['\'', '"'], ""), before);
        let again = first.replace("@D", &format!("@{}", manifest().1));
        prop_assert!(pinned(SourceKind::HelmValues, &again).changes.is_empty());
    }
}
