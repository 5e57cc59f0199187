//! `coaming image --registry-results`, against HTTP servers on loopback that are an image's registry and
//! its scanner: the interfaces' own paths, with recorded answers.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::Arc;

use coaming_oci::Digest;
use serde_json::json;

use super::{coaming, directory, json as json_of, stderr, stdout};

/// What a server answers, by the beginning of the path.
type Answers = BTreeMap<String, (&'static str, Vec<u8>)>;

/// Serves `answers` until the process ends; says where.
fn serve(make: impl FnOnce(&str) -> Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let answers = Arc::new(make(&host));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = Arc::clone(&answers);
            std::thread::spawn(move || answer(stream, &answers));
        }
    });
    host
}

fn answer(mut stream: TcpStream, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut request = String::new();
    drop(reader.read_line(&mut request));
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
        line.clear();
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    // The longest beginning that fits; the root of the API answers for itself alone.
    let found = answers.iter().rev().find(|(start, _)| {
        path.starts_with(start.as_str()) && (start.as_str() != "/v2/" || path == "/v2/")
    });
    let (status, kind, body) = match found {
        Some((_, (kind, body))) => ("200 OK", *kind, body.as_slice()),
        None => ("404 Not Found", "text/plain", &b""[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    // A client that has hung up is no failure.
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)));
}

/// One file of a tar archive.
fn tar_entry(name: &str, contents: &str) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    for (at, text) in
        [(100, "0000644\0"), (108, "0000000\0"), (116, "0000000\0"), (136, "00000000000\0")]
    {
        header[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    header[124..136].copy_from_slice(format!("{:011o}\0", contents.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut entry = header.to_vec();
    entry.extend(contents.as_bytes());
    entry.resize(entry.len().div_ceil(512) * 512, 0);
    entry
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const APK: &str = "P:zlib\nV:1.2.12-r1\nA:x86_64\n\nP:busybox\nV:1.35.0-r17\nA:x86_64\n\n";

/// An Alpine image of two packages with documents attached to it, and a scanner's answers beside.
fn registry(scanner: &[(&str, &[u8])]) -> String {
    registry_with(scanner, |_| attached())
}

/// The same with other documents, made of the image's digest.
fn registry_with(
    scanner: &[(&str, &[u8])],
    attached: impl FnOnce(&str) -> Vec<(&'static str, serde_json::Value)>,
) -> String {
    serve(|_| {
        let mut layer = tar_entry("etc/os-release", "ID=alpine\nVERSION_ID=3.16.2\n");
        layer.extend(tar_entry("lib/apk/db/installed", APK));
        layer.extend([0; 1024]);
        let config = json!({"os": "linux", "architecture": "amd64", "config": {"User": "10001"},
            "rootfs": {"type": "layers", "diff_ids": [Digest::sha256(&layer)]}})
        .to_string()
        .into_bytes();
        let mut answers =
            Answers::from([("/v2/".to_owned(), ("application/json", b"{}".to_vec()))]);
        let manifest = manifest(
            &mut answers,
            "application/vnd.oci.image.config.v1+json",
            &config,
            "application/vnd.oci.image.layer.v1.tar",
            &layer,
        );
        let digest = Digest::sha256(&manifest);
        answers.insert("/v2/shop/web/manifests/1".to_owned(), (MANIFEST, manifest));
        let referrers: Vec<_> = attached(&digest.to_string())
            .into_iter()
            .map(|(kind, document)| {
                let artifact = self::manifest(
                    &mut answers,
                    "application/vnd.oci.empty.v1+json",
                    b"{}",
                    kind,
                    document.to_string().as_bytes(),
                );
                json!({"mediaType": MANIFEST, "artifactType": kind, "digest": Digest::sha256(&artifact), "size": artifact.len()})
            })
            .collect();
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": referrers});
        answers.insert(
            format!("/v2/shop/web/referrers/{digest}"),
            ("application/vnd.oci.image.index.v1+json", index.to_string().into_bytes()),
        );
        for (path, body) in scanner {
            answers.insert(
                path.replace("DIGEST", &digest.to_string()),
                ("application/json", body.to_vec()),
            );
        }
        answers
    })
}

/// Puts a manifest with its two blobs there.
fn manifest(
    answers: &mut Answers,
    config_type: &str,
    config: &[u8],
    layer_type: &str,
    layer: &[u8],
) -> Vec<u8> {
    let descriptor = |kind: &str, bytes: &[u8]| json!({"mediaType": kind, "digest": Digest::sha256(bytes), "size": bytes.len()});
    let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": layer_type,
        "config": descriptor(config_type, config), "layers": [descriptor(layer_type, layer)]})
    .to_string()
    .into_bytes();
    for bytes in [config, layer] {
        let path = format!("/v2/shop/web/blobs/{}", Digest::sha256(bytes));
        answers.insert(path, ("application/octet-stream", bytes.to_vec()));
    }
    let path = format!("/v2/shop/web/manifests/{}", Digest::sha256(&manifest));
    answers.insert(path, (MANIFEST, manifest.clone()));
    manifest
}

fn attached() -> Vec<(&'static str, serde_json::Value)> {
    vec![
        (
            "application/vnd.cyclonedx+json",
            json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [
                {"type": "library", "name": "zlib", "version": "1.2.12-r1",
                 "purl": "pkg:apk/alpine/zlib@1.2.12-r1?arch=x86_64"},
                {"type": "library", "name": "left-pad", "version": "1.0.0", "purl": "pkg:npm/left-pad@1.0.0"}]}),
        ),
        (
            "application/vnd.openvex+json",
            json!({"@context": "https://openvex.dev/ns/v0.2.0", "statements": [
                {"vulnerability": {"name": "CVE-2022-37434"}, "status": "not_affected",
                 "justification": "vulnerable_code_not_present"}]}),
        ),
        (
            "application/sarif+json",
            json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}},
                "results": [{"ruleId": "CVE-2022-37434", "message": {"text": "zlib"}}]}]}),
        ),
    ]
}

fn run(host: &str, arguments: &[&str]) -> Output {
    let osv = json!({"schema_version": "1.6.0", "id": "ALPINE-CVE-2022-37434", "upstream": ["CVE-2022-37434"],
        "modified": "2025-01-01T00:00:00Z", "affected": [{
            "package": {"ecosystem": "Alpine:v3.16", "name": "zlib"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.12-r2"}]}]}]});
    let files = directory(&[("osv/1.json", &osv.to_string()), ("docker/config.json", "{}")]);
    let at = |arguments: &[&str]| {
        coaming(arguments)
            .current_dir(files.path())
            .env("XDG_CACHE_HOME", files.path().join("cache"))
            .env("HOME", files.path())
            .env("DOCKER_CONFIG", files.path().join("docker"))
            .output()
            .unwrap()
    };
    at(&["db", "build", "osv"]);
    let image = format!("{host}/shop/web:1");
    let output = at(&[
        &["image", "--plain-http", host, "--registry-results", "--from", "registry", &image],
        arguments,
    ]
    .concat());
    assert!(!output.stdout.is_empty(), "{}", stderr(&output));
    output
}

/// The open vulnerabilities, and the reasons for the ignored ones.
fn judged(output: &Output) -> (Vec<serde_json::Value>, Vec<String>) {
    let known = json_of(output)["vulnerabilities"].clone();
    let reasons = known["ignored"].as_array().unwrap().iter();
    let reasons = reasons.map(|each| each["reason"].as_str().unwrap().to_owned()).collect();
    (known["vulnerabilities"].as_array().unwrap().clone(), reasons)
}

/// A document that says of a product that it is not affected.
fn vex(product: &serde_json::Value) -> (&'static str, serde_json::Value) {
    let document = json!({"@context": "https://openvex.dev/ns/v0.2.0", "author": "Alice", "statements": [
        {"vulnerability": {"name": "CVE-2022-37434"}, "status": "not_affected", "products": [product],
         "impact_statement": "nothing is inflated"}]});
    ("application/vnd.openvex+json", document)
}

#[test]
fn attached_vex_has_no_effect_unless_it_is_trusted() {
    let host = registry(&[]);
    let shown = run(&host, &["--fail-on", "fixable"]);
    assert_eq!(shown.status.code(), Some(1), "{}", stdout(&shown));
    let warning = "has no effect: its signature was not verified, and anyone who can push";
    assert!(stdout(&shown).contains(warning), "{}", stdout(&shown));
    let trusted = run(&host, &["--fail-on", "fixable", "--trust-registry-vex"]);
    let out = stdout(&trusted);
    assert_eq!(trusted.status.code(), Some(0), "{out}");
    assert!(out.contains("you trust it with --trust-registry-vex; its signature was not"), "{out}");
    let word = "ignored: CVE-2022-37434 in zlib 1.2.12-r1, not affected: vulnerable_code_not_present (says sha256:";
    assert!(out.contains(word), "{out}");
    let alone = super::run(&["image", "--trust-registry-vex", "crates"]);
    assert_eq!(alone.status.code(), Some(2), "it goes with --registry-results");
}

#[test]
fn attached_vex_counts_for_this_image_alone() {
    let other = format!("pkg:oci/web@sha256:{}", "0".repeat(64));
    let zlib = json!({"@id": "pkg:apk/alpine/zlib"});
    let with_part = |image: &str| json!({"@id": image, "subcomponents": [&zlib]});
    for (make, counts) in [
        (
            Box::new(|digest: &str| json!(format!("pkg:oci/web@{digest}")))
                as Box<dyn Fn(&str) -> _>,
            true,
        ),
        (Box::new(|digest: &str| with_part(&format!("pkg:oci/web@{digest}"))), true),
        (Box::new(|_: &str| zlib.clone()), true),
        (Box::new(|_: &str| json!(other.clone())), false),
        (Box::new(|_: &str| with_part(&other)), false),
        (Box::new(|_: &str| with_part("https://example.com/another-product")), false),
    ] {
        let mut product = json!(null);
        let host = registry_with(&[], |digest| {
            product = make(digest);
            vec![vex(&product)]
        });
        let output = run(&host, &["--format", "json", "--trust-registry-vex"]);
        let (left, reasons) = judged(&output);
        assert_eq!(
            (left.len(), reasons.len()),
            (usize::from(!counts), usize::from(counts)),
            "{product}"
        );
        for reason in reasons {
            assert!(
                reason.starts_with("not affected: nothing is inflated (says sha256:"),
                "{reason}"
            );
            let whose = "in the image's registry, by Alice; its signature was not verified)";
            assert!(reason.ends_with(whose), "{reason}");
        }
    }
}

#[test]
fn what_cyclonedx_says_beside_the_image_counts_as_well_and_the_user_has_the_last_word() {
    let bill = json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "components": [{"type": "library", "name": "zlib", "bom-ref": "z", "purl": "pkg:apk/alpine/zlib"}],
        "vulnerabilities": [{"id": "CVE-2022-37434", "affects": [{"ref": "z"}],
            "analysis": {"state": "not_affected", "justification": "code_not_reachable"}}]});
    let host = registry_with(&[], |_| vec![("application/vnd.cyclonedx+json", bill)]);
    let arguments = ["--format", "json", "--trust-registry-vex"];
    let (left, reasons) = judged(&run(&host, &arguments));
    assert_eq!((left.len(), reasons.len()), (0, 1));
    let own = tempfile::NamedTempFile::new().unwrap();
    let (_, mut document) = vex(&json!("pkg:apk/alpine/zlib"));
    document["statements"][0]["status"] = json!("affected");
    std::fs::write(own.path(), document.to_string()).unwrap();
    let ours = ["--vex", own.path().to_str().unwrap()];
    let (left, _) = judged(&run(&host, &[&arguments[..], &ours].concat()));
    assert_eq!(left.len(), 1, "we say that it is");
}

const HARBOR: &[u8] = include_bytes!("../../../coaming-registry/tests/recorded/harbor.json");

fn harbor() -> String {
    registry(&[
        ("/api/v2.0/systeminfo", br#"{"harbor_version": "v2.9"}"#),
        (
            "/api/v2.0/projects/shop/repositories/web/artifacts/DIGEST/additions/vulnerabilities",
            HARBOR,
        ),
    ])
}

#[test]
fn what_the_registry_found_is_shown_beside_our_own() {
    let output = run(&harbor(), &[]);
    let out = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{out}{}", stderr(&output));
    let page = out.split("Registry results").nth(1).unwrap();
    for line in [
        "Trivy v0.37.2: scanned, 2023-02-20T09:11:23.123456Z, 2 vulnerabilities: 1 critical, 1 low",
        "critical   CVE-2022-37434       zlib 1.2.12-r1 (fixed in 1.2.12-r2)",
        "compared with our findings: 1 found by both",
        "only the registry lists (1): CVE-2023-0001 in busybox",
        "1 packages are in it and on our list",
        "only in it (1): pkg:npm/left-pad@1.0.0",
        "only on our list (1): pkg:apk/alpine/busybox@1.35.0-r17",
        "CVE-2022-37434: not_affected (vulnerable_code_not_present); we list it",
        "attached SARIF",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[test]
fn programs_get_all_of_it() {
    let output = run(&harbor(), &["--format", "json"]);
    let registry = json_of(&output)["registry"].clone();
    assert_eq!(registry["report"]["state"], "complete");
    assert_eq!(registry["report"]["vulnerabilities"][1]["id"], "CVE-2023-0001", "{registry:#}");
    let only_theirs = json!([{"id": "CVE-2023-0001", "package": "busybox"}]);
    assert_eq!(registry["comparison"]["both"], json!(["CVE-2022-37434"]));
    assert_eq!(registry["comparison"]["only_theirs"], only_theirs);
    let formats: Vec<_> =
        registry["attached"].as_array().unwrap().iter().map(|each| &each["format"]).collect();
    assert_eq!(formats.len(), 3, "{registry:#}");
    assert_eq!(registry["problems"], json!([]));
}

#[test]
fn every_kind_of_registry_can_be_named() {
    let recorded = |name: &str| {
        let path = super::root().join("crates/coaming-registry/tests/recorded").join(name);
        std::fs::read(path).unwrap()
    };
    let quay = "/api/v1/repository/shop/web/manifest/DIGEST/security?vulnerabilities=true";
    let trusted = "/api/v0/imagescan/scansummary/repositories/shop/web/1?detailed=true";
    let google = "/v1/projects/shop/occurrences?filter=resourceUrl";
    let images = "/red/v1/images?filter=repositories.manifest_schema2_digest";
    let red = "/red/v1/images/id/57ea8cd9c624c035f96f3304/vulnerabilities?";
    for (kind, answers, below, found, grade) in [
        ("quay", vec![(quay, recorded("quay.json"))], "", "CVE-2019-12900", json!(null)),
        (
            "trusted-registry",
            vec![(trusted, recorded("trusted.json"))],
            "",
            "CVE-2016-6329",
            json!(null),
        ),
        ("google", vec![(google, recorded("google.json"))], "/", "CVE-2011-3374", json!(null)),
        (
            "red-hat",
            vec![(red, recorded("red_hat.json")), (images, recorded("red_hat_images.json"))],
            "/red/",
            "CVE-2016-2180",
            json!("B"),
        ),
    ] {
        let answers: Vec<(&str, &[u8])> =
            answers.iter().map(|(path, body)| (*path, body.as_slice())).collect();
        let host = registry(&answers);
        let url = format!("http://{host}{below}");
        let mut arguments = vec!["--format", "json", "--registry-scanner", kind];
        if !below.is_empty() {
            arguments.extend(["--registry-scanner-url", &url]);
        }
        let output = run(&host, &arguments);
        let report = json_of(&output)["registry"]["report"].clone();
        assert_eq!(report["vulnerabilities"].as_array().unwrap().len(), 2, "{kind}: {report:#}");
        assert_eq!(report["vulnerabilities"][0]["id"], found, "{kind}");
        assert_eq!(report["grade"], grade, "{kind}");
    }
}

#[test]
fn a_registry_that_does_not_scan_says_so_and_one_that_fails_costs_only_its_part() {
    let output = run(&registry(&[]), &[]);
    assert!(stdout(&output).contains("the registry has no known scanner"));
    assert_eq!(output.status.code(), Some(0));
    let broken = registry(&[
        ("/api/v2.0/systeminfo", br#"{"harbor_version": "v2.9"}"#),
        (
            "/api/v2.0/projects/shop/repositories/web/artifacts/DIGEST/additions/vulnerabilities",
            b"{",
        ),
    ]);
    let output = run(&broken, &[]);
    assert_eq!(output.status.code(), Some(2));
    let out = stdout(&output);
    assert!(out.contains("CVE-2022-37434") && out.contains("note: "), "{out}");
}

#[test]
fn files_have_no_registry() {
    let output = super::run(&["image", "--registry-results", "Cargo.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let output = super::run(&["image", "--registry-results", "crates"]);
    assert!(stderr(&output).contains("--registry-results"), "{}", stderr(&output));
}
