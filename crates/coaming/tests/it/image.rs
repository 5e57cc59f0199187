//! `coaming image`, and images in scans: from a file, a registry, containerd, an SBOM.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use coaming_oci::{Descriptor, Digest, Reference, media_type};
use coaming_test::daemons;
use coaming_test::docker_registry::DockerRegistry;
use coaming_test::image_archives::{docker_archive, tar};
use serde_json::Value;
use snapbox::assert_data_eq;

use super::{coaming, directory, json, stderr, stdout};

const PASSWORD: &str = "vS8kq-2pLx7w";

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: 'IMAGE'}]\n";

/// Runs the program without the user's environment, with its cache in this directory.
fn run(home: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Output {
    let mut command = coaming(arguments);
    command.current_dir(home).env("HOME", home);
    for name in ["DOCKER_HOST", "CONTAINER_HOST", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    command.env_remove("CONTAINERD_ADDRESS").env_remove("CONTAINERD_NAMESPACE");
    command.envs(environment.iter().copied()).output().unwrap()
}

/// The test data; `None`, with a report, if it is not available.
fn data(test: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os("COAMING_DATA") else {
        coaming_test::skip!("{test}: COAMING_DATA does not name the directory with the images");
        return None;
    };
    Some(data.into())
}

/// The image of the article: a world-readable password in one layer, and `cat` in another.
fn layers() -> [Vec<u8>; 2] {
    let users = b"root:x:0:0::/root:/bin/sh\napp:x:10001:10001::/app:/bin/sh\n";
    let netrc = format!("machine a login b password {PASSWORD}\n");
    [
        tar(&[("etc/passwd", 0o644, users), ("app/.netrc", 0o644, netrc.as_bytes())]),
        tar(&[("bin/cat", 0o755, b"\x7fELF")]),
    ]
}

fn config(architecture: &str, layers: &[Vec<u8>]) -> Vec<u8> {
    let diff_ids: Vec<Digest> = layers.iter().map(|layer| Digest::sha256(layer)).collect();
    serde_json::json!({
        "architecture": architecture, "os": "linux", "config": {"User": "app"},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}
    })
    .to_string()
    .into_bytes()
}

/// A Docker archive of the image with this name.
fn archive(name: &str) -> Vec<u8> {
    let layers = layers();
    docker_archive(&config("amd64", &layers), Some(name), &layers)
}

/// The facts of this image.
fn assert_facts(facts: &Value) {
    assert_eq!(facts["user"]["uid"], 10001);
    assert_eq!(facts["credentials"][0]["place"]["path"], "/app/.netrc");
    assert_eq!(facts["credentials"][0]["readable"], true);
    assert_eq!(facts["utilities"][0]["place"]["path"], "/bin/cat");
    assert_eq!(facts["problems"], Value::Array(Vec::new()));
}

/// A scan reports in one finding that there is a credential, and a program to read it with.
fn assert_readable(output: &Output) {
    let findings = json(output)["findings"].as_array().unwrap().clone();
    let readable: Vec<&Value> =
        findings.iter().filter(|it| it["rule"] == "readable-credential").collect();
    assert_eq!(readable.len(), 1, "{findings:#?} {}", stderr(output));
    let message = readable[0]["message"].as_str().unwrap();
    assert!(message.contains("`/app/.netrc`") && message.contains("`/bin/cat`"), "{message}");
    assert!(!findings.iter().any(|it| it["rule"] == "image-credential"), "{findings:#?}");
    assert!(!stdout(output).contains(PASSWORD));
}

#[test]
fn the_page_of_a_real_image() {
    let Some(data) = data("the_page_of_a_real_image") else { return };
    let home = directory(&[]);
    let images = data.join("images");
    let output = run(&images, &["image", "--no-cache", "alpine"], &[("HOME", home.path())]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_data_eq!(stdout(&output), snapbox::file!["image/alpine.txt"]);
}

#[test]
fn a_file_that_is_not_an_image_is_an_error() {
    let home = directory(&[("text", "no archive"), ("bill.json", "{\"bomFormat\": \"CycloneDX\"")]);
    let output = run(home.path(), &["image", "text"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("text is not an image"), "{}", stderr(&output));
    let output = run(home.path(), &["image", "bill.json"], &[]);
    assert!(stderr(&output).contains("bill.json: "), "{}", stderr(&output));
    let output = run(home.path(), &["image", "--from", "daemon", "web:1"], &[]);
    assert!(stderr(&output).contains("containerd has web:1"), "{}", stderr(&output));
}

/// Pushes the image for two platforms, and an index of them.
fn push(server: &DockerRegistry, repository: &str) {
    let registry = super::registry(server);
    let name = format!("{}/{repository}", server.host);
    let reference = |rest: &str| Reference::parse(&format!("{name}{rest}")).unwrap();
    let push_blob = |kind: &str, bytes: &[u8]| {
        let blob = Descriptor::of(kind, bytes);
        let open = || Ok(std::io::Cursor::new(bytes.to_vec()));
        registry.push_blob(&reference(":x"), &blob, open).unwrap();
        blob
    };
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let layers = layers();
        let config =
            push_blob("application/vnd.oci.image.config.v1+json", &config(architecture, &layers));
        let layers =
            layers.map(|layer| push_blob("application/vnd.oci.image.layer.v1.tar", &layer));
        let manifest = serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": config, "layers": layers,
        }))
        .unwrap();
        let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
        let by_digest = reference(&format!("@{}", entry.digest));
        registry.push_manifest(&by_digest, media_type::OCI_MANIFEST, &manifest).unwrap();
        entry.platform = Some(format!("linux/{architecture}").parse().unwrap());
        entries.push(entry);
    }
    let index = serde_json::to_vec(&serde_json::json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries,
    }))
    .unwrap();
    registry.push_manifest(&reference(":1.0"), media_type::OCI_INDEX, &index).unwrap();
}

#[test]
fn from_a_registry_for_a_platform() {
    let Some(server) = DockerRegistry::start("from_a_registry_for_a_platform") else { return };
    push(&server, "team/web");
    let home = directory(&[]);
    let name = format!("{}/team/web:1.0", server.host);
    let ca = server.ca();
    let image = |user: &str, more: &[&str]| {
        let mut arguments = vec!["image", "--from", "registry", "--format", "json", "--ca"];
        arguments.push(ca.to_str().unwrap());
        arguments.extend(more);
        run(home.path(), &arguments, &[("DOCKER_CONFIG", &server.docker_config(user))])
    };
    for architecture in ["amd64", "arm64"] {
        let output = image("reader", &["--platform", &format!("linux/{architecture}"), &name]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let facts = json(&output)["facts"].clone();
        assert_eq!(facts["config"]["architecture"], architecture);
        assert_facts(&facts);
        assert!(!stdout(&output).contains(PASSWORD));
    }
    let output = image("reader", &["--platform", "linux/s390x", &name]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("linux/amd64, linux/arm64"), "{}", stderr(&output));
    let output = image("stranger", &[&name]);
    assert!(stderr(&output).contains("docker login"), "{}", stderr(&output));
    let mirror = format!("docker.io={}", server.host);
    let arguments = ["--mirror", &mirror, "--platform", "linux/amd64", "docker.io/team/web:1.0"];
    let output = image("reader", &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn a_scan_asks_the_registry_for_what_pods_run_and_dockerfiles_build_on() {
    let Some(server) = DockerRegistry::start("a_scan_asks_the_registry") else { return };
    push(&server, "team/web");
    let name = format!("{}/team/web:1.0", server.host);
    let home = directory(&[
        ("pod.yaml", &POD.replace("IMAGE", &name)),
        ("Dockerfile", &format!("FROM {name}\nCOPY web /web\n")),
        ("coaming.yaml", &format!("registries:\n  ca: [{}]\n", server.ca().display())),
    ]);
    let scan = |images: &str| {
        let arguments = ["scan", "--images", images, "--format", "json"];
        run(home.path(), &arguments, &[("DOCKER_CONFIG", &server.docker_config("reader"))])
    };
    let output = scan("require");
    assert_readable(&output);
    // The base image's user is not root: so much is known only by looking.
    assert!(!stdout(&output).contains("image-user"), "{}", stdout(&output));
    assert!(stdout(&scan("never")).contains("image-user"));
}

#[test]
fn out_of_containerd() {
    let Some(running) = daemons::containerd("out_of_containerd") else { return };
    let path = running.directory.path().join("image.tar");
    fs::write(&path, archive("docker.io/shop/web:1.0")).unwrap();
    daemons::import(&running, "k8s.io", &path);
    let home = directory(&[("pod.yaml", &POD.replace("IMAGE", "shop/web:1.0"))]);
    let environment = [("CONTAINERD_ADDRESS", running.socket.as_path())];
    let arguments = ["image", "--from", "daemon", "--format", "json", "shop/web:1.0"];
    // The second time out of the cache.
    for _ in 0..2 {
        let output = run(home.path(), &arguments, &environment);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert_facts(&json(&output)["facts"]);
    }
    assert_readable(&run(home.path(), &["scan", "--format", "json", "pod.yaml"], &environment));
}

#[test]
fn an_sbom_has_no_users_and_tools() {
    let settings = "images:\n  archives:\n    shop/web:1.0: web.cdx.json\n";
    let pod = POD.replace("IMAGE", "shop/web:1.0");
    let home = directory(&[("pod.yaml", &pod), ("coaming.yaml", settings)]);
    fs::write(home.path().join("web.tar"), archive("shop/web:1.0")).unwrap();
    let arguments = ["image", "--format", "cyclonedx", "-o", "web.cdx.json", "web.tar"];
    let written = run(home.path(), &arguments, &[]);
    assert_eq!(written.status.code(), Some(0), "{}", stderr(&written));
    let scan = |images: &str| {
        let arguments = ["scan", "--images", images, "--format", "json", "pod.yaml"];
        let output = run(home.path(), &arguments, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        json(&output)["findings"].clone()
    };
    assert_eq!(scan("auto"), scan("never"));
}
