//! Images of OCI layouts that are signed as cosign does, and the rule about those that are not.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use coaming_oci::Digest;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{coaming_at_home, directory, json as parsed, stderr};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn openssl(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Puts a blob into a layout; its descriptor.
fn blob(layout: &Path, media_type: &str, bytes: &[u8]) -> Value {
    let digest = Digest::sha256(bytes);
    let path = layout.join(digest.blob_path());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    json!({"mediaType": media_type, "digest": digest.to_string(), "size": bytes.len()})
}

fn manifest(layout: &Path, config: &Value, layers: &[Value]) -> Value {
    let document =
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    blob(layout, MANIFEST, document.to_string().as_bytes())
}

/// A layout with an image, and with a signature of `signed` if there is one.
fn layout(root: &Path, sign: impl FnOnce(&str) -> Option<(Vec<u8>, Vec<u8>)>) {
    let config = blob(
        root,
        "application/vnd.oci.image.config.v1+json",
        br#"{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}"#,
    );
    let image = manifest(root, &config, &[]);
    let digest = image["digest"].as_str().unwrap().to_owned();
    let mut listed = vec![image];
    if let Some((payload, signature)) = sign(&digest) {
        let mut layer = blob(root, "application/vnd.dev.cosign.simplesigning.v1+json", &payload);
        let signature = BASE64_STANDARD.encode(signature);
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        let config = blob(root, "application/vnd.oci.image.config.v1+json", b"{}");
        let mut signed = manifest(root, &config, &[layer]);
        signed["annotations"] = json!({"kind": "dev.cosignproject.cosign/sigs"});
        listed.push(signed);
    }
    fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    let index = json!({"schemaVersion": 2, "manifests": listed});
    fs::write(root.join("index.json"), index.to_string()).unwrap();
}

/// What cosign signs: which image it is.
fn payload(digest: &str) -> Vec<u8> {
    let image = json!({"docker-manifest-digest": digest});
    json!({"critical": {"image": image, "type": "cosign container image signature"}})
        .to_string()
        .into_bytes()
}

/// A directory with a pod, the keys of two people, and a configuration that names the first.
fn files() -> TempDir {
    let files = directory(&[
        (
            "pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n    - name: web\n      \
             image: shop/web:1.0\n",
        ),
        (
            "coaming.yaml",
            "images:\n  archives:\n    shop/web:1.0: web\n  signatures:\n    keys: [alice.pub]\n",
        ),
    ]);
    for name in ["alice", "bob"] {
        let curve = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let key = format!("{name}.key");
        openssl(files.path(), &[&["genpkey", "-out", &key], &curve[..]].concat());
        let public = openssl(files.path(), &["pkey", "-in", &key, "-pubout"]);
        fs::write(files.path().join(format!("{name}.pub")), public).unwrap();
    }
    files
}

fn scan(files: &TempDir) -> Output {
    coaming_at_home(
        files.path(),
        &["scan", "--select", "image-unsigned", "--format", "json", "pod.yaml"],
    )
    .output()
    .unwrap()
}

/// The message of the only finding; empty if there is none.
fn message(files: &TempDir) -> String {
    let output = scan(files);
    let report = parsed(&output);
    assert_eq!(report["errors"], json!([]), "{}", stderr(&output));
    let findings = report["findings"].as_array().unwrap().clone();
    assert!(findings.len() <= 1, "{findings:?}");
    findings.first().map(|it| it["message"].as_str().unwrap().to_owned()).unwrap_or_default()
}

fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok();
    if !found {
        coaming_test::skip!("image_signatures: openssl is not installed");
    }
    found
}

#[test]
fn an_image_counts_as_signed_by_those_who_are_named() {
    if !has_openssl() {
        return;
    }
    let files = files();
    let sign = |key: &str, payload: Vec<u8>| {
        fs::write(files.path().join("payload"), &payload).unwrap();
        let key = format!("{key}.key");
        let signature = openssl(files.path(), &["dgst", "-sha256", "-sign", &key, "payload"]);
        Some((payload, signature))
    };
    let web = files.path().join("web");
    let other = format!("sha256:{}", "a".repeat(64));
    layout(&web, |digest| sign("alice", payload(digest)));
    assert_eq!(message(&files), "");
    for (signature, expected) in [
        (None, "it is not signed"),
        (Some(("bob", None)), "it is signed by none of the given keys"),
        (Some(("alice", Some(&other))), "it is about another image"),
    ] {
        fs::remove_dir_all(&web).unwrap();
        layout(&web, |digest| {
            let (key, about) = signature?;
            sign(key, payload(about.map_or(digest, String::as_str)))
        });
        let shown = message(&files);
        assert!(shown.ends_with(&format!("has no signature that counts: {expected}")), "{shown}");
    }
}

#[test]
fn what_is_not_known_about_signatures_is_said() {
    if !has_openssl() {
        return;
    }
    let files = files();
    fs::create_dir_all(files.path().join("web/etc")).unwrap();
    fs::write(files.path().join("web/etc/os-release"), "ID=debian\n").unwrap();
    let unknown = scan(&files);
    assert!(stderr(&unknown).contains("the signatures of 1 image are not known"), "{unknown:?}");
    fs::remove_file(files.path().join("alice.pub")).unwrap();
    let without_key = scan(&files);
    assert_eq!(without_key.status.code(), Some(2));
    assert!(stderr(&without_key).contains("alice.pub"), "{without_key:?}");
    fs::write(files.path().join("coaming.yaml"), "").unwrap();
    let nobody = scan(&files);
    assert!(stderr(&nobody).contains("`image-unsigned` judges no image"), "{nobody:?}");
}
