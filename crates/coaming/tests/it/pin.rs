//! `coaming pin`: against a real registry, against archives, and with nobody to ask.

use std::fs;
use std::path::Path;
use std::process::Output;

use coaming_oci::{Descriptor, Digest, Reference, media_type};
use coaming_test::docker_registry::DockerRegistry;

use super::{coaming, directory, stderr, stdout};

/// Pushes an image under these tags, as an index of two platforms; gives the index's digest.
fn push(server: &DockerRegistry, repository: &str, tags: &[&str]) -> Digest {
    let registry = super::registry(server);
    let named =
        |tag: &str| Reference::parse(&format!("{}/{repository}:{tag}", server.host)).unwrap();
    let image = named("x");
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = format!(
            r#"{{"architecture":"{architecture}","os":"linux","of":"{repository} {tags:?}"}}"#
        );
        let bytes = config.into_bytes();
        let blob = Descriptor::of("application/vnd.oci.image.config.v1+json", &bytes);
        registry.push_blob(&image, &blob, || Ok(std::io::Cursor::new(bytes.clone()))).unwrap();
        let manifest = serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": blob, "layers": [],
        }))
        .unwrap();
        let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
        let by_digest = Reference::parse(&format!("{}/{repository}@{}", server.host, entry.digest));
        registry.push_manifest(&by_digest.unwrap(), media_type::OCI_MANIFEST, &manifest).unwrap();
        entry.platform = Some(format!("linux/{architecture}").parse().unwrap());
        entries.push(entry);
    }
    let index = serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    }))
    .unwrap();
    let mut digest = Digest::sha256(&index);
    for tag in tags {
        digest = registry.push_manifest(&named(tag), media_type::OCI_INDEX, &index).unwrap();
    }
    digest
}

fn pin(server: &DockerRegistry, directory: &Path, arguments: &[&str]) -> Output {
    let ca = server.ca();
    let mut all = vec!["pin", "--ca", ca.to_str().unwrap()];
    all.extend(arguments);
    coaming(&all)
        .current_dir(directory)
        .env("DOCKER_CONFIG", server.docker_config("reader"))
        .output()
        .unwrap()
}

#[test]
fn everywhere_an_image_is_named() {
    let Some(server) = DockerRegistry::start("everywhere_an_image_is_named") else { return };
    let host = server.host.as_str();
    let digest = push(&server, "team/web", &["1.0", "latest"]);
    let text =
        |template: &str| template.replace("HOST", host).replace("@DIGEST", &format!("@{digest}"));
    let cases = [
        (
            "web.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web} # ours\nspec:\n  template:\n    spec:\n      initContainers:\n        - {name: i, image: HOST/team/web}\n      containers:\n        -   name: c\n            image: 'HOST/team/web:1.0'   # the server\n      volumes: [{name: v, image: {reference: \"HOST/team/web:1.0\"}}]\n---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: HOST/team/web:1.0}]}}}\n---\napiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: m}\nspec: {image: HOST/team/web:1.0, version: v1}\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web} # ours\nspec:\n  template:\n    spec:\n      initContainers:\n        - {name: i, image: \"HOST/team/web:latest@DIGEST\"}\n      containers:\n        -   name: c\n            image: 'HOST/team/web:1.0@DIGEST'   # the server\n      volumes: [{name: v, image: {reference: \"HOST/team/web:1.0@DIGEST\"}}]\n---\napiVersion: argoproj.io/v1alpha1\nkind: Rollout\nspec: {template: {spec: {containers: [{image: \"HOST/team/web:1.0@DIGEST\"}]}}}\n---\napiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: m}\nspec: {image: \"HOST/team/web:1.0@DIGEST\", version: v1}\n",
        ),
        (
            "overlay/kustomization.yaml",
            "resources: [../web.yaml]\nimages:\n  - name: web\n    newName: HOST/team/web # moved\n    newTag: \"1.0\"\n",
            "resources: [../web.yaml]\nimages:\n  - name: web\n    newName: HOST/team/web # moved\n    newTag: \"1.0\"\n    digest: DIGEST\n",
        ),
        (
            "chart/values.yaml",
            "image:\n  registry: HOST\n  repository: team/web\n  tag: 1.0 # ours\nsidecar:\n  image:\n    repository: HOST/team/web\n    tag: '1.0'\n    digest: \"\"\nproxyImage: HOST/team/web:1.0\njob:\n  image: HOST/team/web\n  tag: latest\n",
            "image:\n  registry: HOST\n  repository: team/web\n  tag: 1.0 # ours\nsidecar:\n  image:\n    repository: HOST/team/web\n    tag: '1.0'\n    digest: \"DIGEST\"\nproxyImage: HOST/team/web:1.0@DIGEST\njob:\n  image: HOST/team/web\n  tag: latest@DIGEST\n",
        ),
        (
            "Dockerfile",
            "ARG V=1\nFROM --platform=linux/amd64 HOST/team/web:1.0 AS build\nFROM build AS test\nFROM HOST/team/web:$V\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=HOST/team/web /a /a\n",
            "ARG V=1\nFROM --platform=linux/amd64 HOST/team/web:1.0@DIGEST AS build\nFROM build AS test\nFROM HOST/team/web:$V\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=HOST/team/web:latest@DIGEST /a /a\n",
        ),
    ];
    let files: Vec<(&str, String)> =
        cases.iter().map(|(name, before, _)| (*name, text(before))).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let directory = directory(&files);
    fs::write(directory.path().join("chart/Chart.yaml"), "name: c\n").unwrap();
    fs::create_dir(directory.path().join("chart/templates")).unwrap();
    fs::write(directory.path().join("chart/templates/x.yaml"), "image: {{ .Values.x }}\n").unwrap();

    let diff = pin(&server, directory.path(), &["--diff"]);
    assert_eq!(diff.status.code(), Some(1), "{}", stderr(&diff));
    assert!(stdout(&diff).contains("# Deployment web, container c: "), "{}", stdout(&diff));
    let output = pin(&server, directory.path(), &[]);
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Dockerfile: line 4, FROM"), "{told}");
    for (name, _, after) in cases {
        let written = fs::read_to_string(directory.path().join(name)).unwrap();
        assert_eq!(written, text(after).replace("DIGEST", &digest.to_string()), "{name}");
    }
    let again = pin(&server, directory.path(), &[]);
    assert!(stdout(&again).starts_with("Nothing was pinned. "), "{}", stdout(&again));
    let password = "s3cret-of-the-reader";
    assert!(!told.contains(password) && !stdout(&output).contains(password));
}

#[test]
fn updates_move_to_the_newest_that_fits() {
    let Some(server) = DockerRegistry::start("updates_move_to_the_newest") else { return };
    push(&server, "web", &["1.2.0"]);
    let newer = push(&server, "web", &["1.10.0", "1.11.0-rc1"]);
    let next = push(&server, "web", &["2.0.0"]);
    let text = |tag: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  containers:\n    - {{name: c, image: \"{}/web:{tag}\"}}\n",
            server.host
        )
    };
    let files = directory(&[("a.yaml", &text("1.2.0"))]);
    let path = files.path().join("a.yaml");
    let output = pin(&server, files.path(), &["--update"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&format!("1.10.0@{newer}")));
    pin(&server, files.path(), &["--update=^2"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), text(&format!("2.0.0@{next}")));
    let wrong = pin(&server, files.path(), &["--update=newest"]);
    assert!(stderr(&wrong).contains("is not a valid version range"), "{}", stderr(&wrong));
}

#[test]
fn what_a_registry_does_not_have_costs_nothing_else() {
    let Some(server) = DockerRegistry::start("what_a_registry_does_not_have") else { return };
    let digest = push(&server, "web", &["1"]);
    let pod = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: '{}/{image}'}}]}}\n",
            server.host
        )
    };
    let files = directory(&[
        ("a.yaml", &pod("web:9")),
        ("b.yaml", &pod("web:1")),
        ("c.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n"),
    ]);
    let output = pin(&server, files.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(
        told.contains("a.yaml: Pod p, container c: `") && told.contains("has no `web:9`"),
        "{told}"
    );
    assert!(told.contains("error: c.yaml"), "{told}");
    assert_eq!(
        fs::read_to_string(files.path().join("b.yaml")).unwrap(),
        pod(&format!("web:1@{digest}"))
    );
}

#[test]
fn from_archives_and_offline() {
    let manifest = br#"{"schemaVersion":2}"#;
    let digest = Digest::sha256(manifest);
    let blob = format!("layout/{}", digest.blob_path());
    let index = format!(
        r#"{{"manifests":[{{"digest":"{digest}","size":19,"annotations":{{"org.opencontainers.image.ref.name":"docker.io/library/nginx:1.27"}}}}]}}"#
    );
    let pod = |image: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec: {{containers: [{{name: c, image: '{image}'}}, {{name: d, image: 'redis:7'}}]}}\n"
        )
    };
    let files = directory(&[
        ("deploy/a.yaml", &pod("nginx:1.27")),
        ("layout/index.json", &index),
        (&blob, std::str::from_utf8(manifest).unwrap()),
    ]);
    let run = |arguments: &[&str]| coaming(arguments).current_dir(files.path()).output().unwrap();
    let output = run(&["pin", "--offline", "--archive", "layout", "deploy"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("container d: `redis:7`: no archive has its digest"));
    let after = fs::read_to_string(files.path().join("deploy/a.yaml")).unwrap();
    assert_eq!(after, pod(&format!("nginx:1.27@{digest}")));

    fs::write(files.path().join(&blob), "{}").unwrap();
    let output = run(&["pin", "--offline", "--archive", "layout", "deploy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is damaged"), "{}", stderr(&output));
    fs::write(files.path().join(&blob), manifest).unwrap();

    // What coaming.yaml names is at hand too: from there, and whatever its name in the archive is.
    let config = "images: {archives: {'redis:7': ../layout, 'other:1': ../gone}}\n";
    fs::write(files.path().join("deploy/coaming.yaml"), config).unwrap();
    let output = run(&["pin", "--offline", "deploy"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after = fs::read_to_string(files.path().join("deploy/a.yaml")).unwrap();
    assert!(after.contains(&format!("'redis:7@{digest}'")), "{after}");
    let gone = config.replace("'other:1'", "'redis:7'").replacen("'redis:7'", "'other:1'", 1);
    fs::write(files.path().join("deploy/coaming.yaml"), gone).unwrap();
    fs::write(files.path().join("deploy/a.yaml"), pod("nginx:1.27")).unwrap();
    let output = run(&["pin", "--offline", "deploy"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("gone: cannot be read"), "{}", stderr(&output));
}
