//! Registries that scan images: servers on loopback that give recorded answers, only to requests that
//! follow the registry's API.

use std::net::TcpStream;

use coaming_oci::{Descriptor, Digest, Reference, media_type};
use coaming_registry::{
    AttachmentKind, Image, Options, Registry, RegistryError, ScanState, Scanner,
};
use coaming_test::docker_registry::DockerRegistry;
use coaming_test::http_server::{Request, Server, reply};

use super::{impatient, logged_in, push_image, reference, registry};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn image() -> Image {
    Image {
        digest: DIGEST.parse().unwrap(),
        manifest_digest: DIGEST.parse().unwrap(),
        manifest: Vec::new(),
        config: Descriptor::of("x", b""),
        layers: Vec::new(),
    }
}

/// A server that gives `body` at `path` to requests with `authorization`, and rejects others.
fn server(path: &'static str, authorization: Option<&'static str>, body: &'static [u8]) -> Server {
    Server::start(move |_, request: &Request, stream: &mut TcpStream| {
        if request.header("authorization") != authorization {
            reply(stream, 401, &[], b"");
        } else if request.path == path {
            reply(stream, 200, &[("Content-Type", "application/json")], body);
        } else {
            reply(stream, 404, &[], b"");
        }
    })
}

/// A client that is logged in there, and the reference of an image.
fn client(server: &Server, auth: &str, directory: &tempfile::TempDir) -> (Registry, Reference) {
    let path = directory.path().join("config.json");
    let text = format!(r#"{{"auths": {{"{}": {{"auth": "{auth}"}}}}}}"#, server.host);
    std::fs::write(&path, text).unwrap();
    let options = Options { docker_config: Some(path), ..impatient(server) };
    let image = reference(&format!("{}/team/sub/web:1.10", server.host));
    (registry(options), image)
}

#[test]
fn harbor() {
    let directory = tempfile::tempdir().unwrap();
    let path = "/api/v2.0/projects/team/repositories/sub%252Fweb/artifacts/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/additions/vulnerabilities";
    let server = server(path, Some("Basic dTpw"), include_bytes!("../recorded/harbor.json"));
    let (registry, name) = client(&server, "dTpw", &directory);
    let report = registry.scan_report(Scanner::Harbor, &name, &image(), None).unwrap();
    assert_eq!(report.vulnerabilities.len(), 2);
    let accepted = server.requests()[0].header("x-accept-vulnerabilities").unwrap().to_owned();
    assert!(accepted.contains("application/vnd.security.vulnerability.report; version=1.1"));
    // An image that Harbor has no report for.
    let other = Image { manifest_digest: DIGEST.replace("e3", "e4").parse().unwrap(), ..image() };
    let report = registry.scan_report(Scanner::Harbor, &name, &other, None).unwrap();
    assert_eq!(report.state, ScanState::NotScanned);
    let (stranger, name) = client(&server, "eDp5", &directory);
    let error = stranger.scan_report(Scanner::Harbor, &name, &image(), None).unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
}

#[test]
fn quay_by_its_application_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = "/api/v1/repository/team/sub/web/manifest/sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855/security?vulnerabilities=true";
    let server = server(path, Some("Bearer t"), include_bytes!("../recorded/quay.json"));
    // "$oauthtoken:t"
    let (registry, name) = client(&server, "JG9hdXRodG9rZW46dA==", &directory);
    let report = registry.scan_report(Scanner::Quay, &name, &image(), None).unwrap();
    let ids: Vec<&str> = report.vulnerabilities.iter().map(|found| found.id.as_str()).collect();
    assert_eq!(ids, ["CVE-2019-12900", "RHSA-2022:1065"]);
}

#[test]
fn trusted_registry_of_both_ages() {
    let directory = tempfile::tempdir().unwrap();
    for path in [
        "/api/v0/imagescan/scansummary/repositories/team/sub/web/1.10?detailed=true",
        "/api/v0/imagescan/repositories/team/sub/web/1.10?detailed=true",
    ] {
        let server = server(path, Some("Basic dTpw"), include_bytes!("../recorded/trusted.json"));
        let (registry, name) = client(&server, "dTpw", &directory);
        let report = registry.scan_report(Scanner::TrustedRegistry, &name, &image(), None).unwrap();
        assert_eq!(report.vulnerabilities.len(), 2);
    }
}

#[test]
fn google_page_by_page() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(|_, request, stream| {
        let known = request.header("authorization") == Some("Bearer t");
        if !known || !request.path.starts_with("/v1/projects/team/occurrences?filter=resourceUrl") {
            return reply(stream, 403, &[], b"");
        }
        if request.path.ends_with("&pageToken=next") {
            return reply(stream, 200, &[], include_bytes!("../recorded/google.json"));
        }
        reply(stream, 200, &[], br#"{"nextPageToken":"next"}"#);
    });
    // "oauth2accesstoken:t"
    let (registry, name) = client(&server, "b2F1dGgyYWNjZXNzdG9rZW46dA==", &directory);
    let base = format!("http://{}", server.host);
    let report = registry.scan_report(Scanner::Google, &name, &image(), Some(&base)).unwrap();
    assert_eq!(report.vulnerabilities.len(), 2);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn red_hat_without_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(|_, request, stream| {
        let body: &[u8] = match request.path.as_str() {
            _ if request.header("authorization").is_some() => return reply(stream, 400, &[], b""),
            path if path
                .starts_with("/api/v1/images/id/57ea8cd9c624c035f96f3304/vulnerabilities?") =>
            {
                include_bytes!("../recorded/red_hat.json")
            }
            path if path
                .starts_with("/api/v1/images?filter=repositories.manifest_schema2_digest") =>
            {
                include_bytes!("../recorded/red_hat_images.json")
            }
            _ => return reply(stream, 404, &[], b""),
        };
        reply(stream, 200, &[], body);
    });
    let (registry, name) = client(&server, "dTpw", &directory);
    let base = format!("http://{}/api/", server.host);
    let report = registry.scan_report(Scanner::RedHat, &name, &image(), Some(&base)).unwrap();
    assert_eq!((report.grade.as_deref(), report.vulnerabilities.len()), (Some("B"), 2));
}

#[test]
fn the_scanner_is_detected() {
    let directory = tempfile::tempdir().unwrap();
    for (path, body, scanner) in [
        ("/api/v2.0/systeminfo", &br#"{"harbor_version":"v2.9"}"#[..], Some(Scanner::Harbor)),
        ("/api/v0/meta/features", br#"{"scanningEnabled":true}"#, Some(Scanner::TrustedRegistry)),
        ("/elsewhere", b"", None),
    ] {
        let server = server(path, Some("Basic dTpw"), body);
        let (registry, name) = client(&server, "dTpw", &directory);
        assert_eq!(registry.scanner(&name).unwrap(), scanner);
    }
    let google = reference("europe-docker.pkg.dev/p/r/web:1");
    let registry = registry(Options::default());
    assert_eq!(registry.scanner(&google).unwrap(), Some(Scanner::Google));
}

#[test]
fn endless_reports_are_cut() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(|_, _, stream| {
        reply(stream, 200, &[("Content-Length", "99999999999")], b"{");
    });
    let (registry, name) = client(&server, "dTpw", &directory);
    let error = registry.scan_report(Scanner::Quay, &name, &image(), None).unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { .. }), "{error}");
}

#[test]
fn attached_documents_are_read() {
    let Some(server) = DockerRegistry::start("attached_documents_are_read") else { return };
    let registry = registry(logged_in(&server));
    let name = format!("{}/web", server.host);
    let (manifest, _) = push_image(&registry, &format!("{name}:1"), b"x");
    let digest = Digest::sha256(&manifest);
    let mut entries = Vec::new();
    for (tag, kind, document) in [
        (
            "vex",
            "application/vnd.openvex+json",
            &br#"{"statements":[{"vulnerability":{"name":"CVE-1"},"status":"not_affected"}]}"#[..],
        ),
        ("sbom", "application/spdx+json", br#"{"spdxVersion":"SPDX-2.3"}"#),
        ("broken", "application/sarif+json", b"{}"),
        ("other", "application/vnd.example", b"?"),
    ] {
        let (manifest, _) = push_image(&registry, &format!("{name}:{tag}"), document);
        let mut entry = Descriptor::of(media_type::OCI_MANIFEST, &manifest);
        entry.artifact_type = Some(kind.to_owned());
        entries.push(entry);
    }
    let index = serde_json::json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": entries});
    let tag = reference(&format!("{name}:{}", digest.to_string().replace(':', "-")));
    let bytes = serde_json::to_vec(&index).unwrap();
    registry.push_manifest(&tag, media_type::OCI_INDEX, &bytes).unwrap();
    let attached = registry.attachments(&reference(&format!("{name}@{digest}"))).unwrap();
    let (found, problems) = (attached.documents, attached.problems);
    assert_eq!((found.len(), problems.len()), (2, 1), "{problems:?}");
    assert!(found.iter().any(|attachment| attachment.kind == AttachmentKind::Spdx));
    let is_vex = |kind: &AttachmentKind| matches!(kind, AttachmentKind::Vex(statements) if statements[0].status == "not_affected");
    assert!(found.iter().any(|attachment| is_vex(&attachment.kind)));
}

#[test]
fn a_file_is_pushed_and_pulled() {
    let Some(server) = DockerRegistry::start("a_file_goes_and_comes_back") else { return };
    let registry = registry(logged_in(&server));
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("a.db"), directory.path().join("b.db"));
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(&from, &bytes).unwrap();
    let name = reference(&format!("{}/company/advisories:1", server.host));
    let kind = "application/vnd.coaming.advisories.v1";
    let digest = registry.push_file(&name, &from, kind, "application/vnd.sqlite3").unwrap();
    assert_eq!(registry.resolve(&name).unwrap(), digest);
    assert_eq!(registry.pull_file(&name, &to, kind, |_| Ok(())).unwrap(), Digest::sha256(&bytes));
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
    // An artifact of another type replaces nothing.
    let other = reference(&format!("{}/company/advisories:2", server.host));
    push_image(&registry, &other.to_string(), b"an image");
    let error = registry.pull_file(&other, &to, kind, |_| Ok(())).unwrap_err();
    assert!(error.to_string().contains("check the name"), "{error}");
    let refuse = |_: &std::path::Path| Err(std::io::Error::other("rejected"));
    let error = registry.pull_file(&name, &to, kind, refuse).unwrap_err();
    assert!(error.to_string().contains("rejected"), "{error}");
    assert_eq!(std::fs::read(&to).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}
