//! Servers that are slow, busy or broken, or send wrong or endless answers.

use std::io::{Read as _, Write as _};

use coaming_oci::{Descriptor, Digest};
use coaming_registry::{Options, RegistryError};
use coaming_test::http_server::{Server, reply};

use super::{impatient, reference, registry};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn resolve(server: &Server) -> Result<Digest, RegistryError> {
    registry(impatient(server)).resolve(&reference(&format!("{}/a:1", server.host)))
}

#[test]
fn a_short_rate_limit_is_waited_for() {
    // The pause itself is tested beside the code that computes it.
    let server = Server::start(|before, _, stream| match before {
        0 => reply(stream, 429, &[("Retry-After", "1")], b""),
        _ => reply(stream, 200, &[("Docker-Content-Digest", DIGEST)], b""),
    });
    assert_eq!(resolve(&server).unwrap().to_string(), DIGEST);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_long_rate_limit_is_reported_at_once() {
    let server = Server::start(|_, _, stream| reply(stream, 429, &[("Retry-After", "3600")], b""));
    let error = resolve(&server).unwrap_err();
    assert!(error.to_string().contains("try again in 3600 s"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_endless_rate_limit_ends() {
    let server = Server::start(|_, _, stream| reply(stream, 429, &[("Retry-After", "0")], b""));
    let error = resolve(&server).unwrap_err();
    assert!(matches!(error, RegistryError::RateLimited { .. }), "{error}");
    assert!(server.requests().len() <= 10);
}

#[test]
fn silence_is_a_timeout() {
    let server = Server::start(|_, _, _| {
        loop {
            std::thread::park();
        }
    });
    let error = resolve(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Timeout { .. }), "{error}");
    assert_eq!(server.requests().len(), 1, "it is not repeated");
}

#[test]
fn a_closed_port_is_reported() {
    let client = registry(Options::default());
    let error = client.resolve(&reference("127.0.0.1:1/a:1")).unwrap_err();
    assert!(error.to_string().starts_with("cannot reach 127.0.0.1:1: "), "{error}");
}

#[test]
fn endless_manifests_and_lists_are_cut() {
    let server = Server::start(|_, request, stream| {
        if request.path.contains("tags") {
            let next = format!("<{}x>; rel=\"next\"", request.path);
            reply(stream, 200, &[("Link", &next)], br#"{"tags":["a"]}"#);
        } else if request.method == "HEAD" {
            reply(stream, 405, &[], b"");
        } else {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
        }
    });
    let error = resolve(&server).unwrap_err();
    assert!(matches!(error, RegistryError::TooLarge { .. }), "{error}");
    let image = reference(&format!("{}/a", server.host));
    let error = registry(impatient(&server)).tags(&image).unwrap_err();
    assert!(error.to_string().contains("has no end"), "{error}");
}

#[test]
fn a_manifest_with_another_digest_is_refused() {
    let server = Server::start(|_, request, stream| match request.method.as_str() {
        "HEAD" => reply(stream, 200, &[("Docker-Content-Digest", "sha256:<script>")], b""),
        _ => reply(stream, 200, &[("Docker-Content-Digest", DIGEST)], b"{}"),
    });
    let error = resolve(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Corrupt { .. }), "{error}");
}

#[test]
fn redirections_end_and_take_no_credentials_along() {
    let server = Server::start(|_, _, stream| reply(stream, 307, &[("Location", "/v2/a/b")], b""));
    let error = resolve(&server).unwrap_err();
    assert!(matches!(error, RegistryError::Redirect { .. }), "{error}");
    assert!(server.requests().len() < 10);
}

#[test]
fn a_message_of_a_server_is_cleaned() {
    let body =
        serde_json::json!({"errors": [{"message": format!("\u{1b}[31m{}", "x".repeat(5000))}]});
    let body = serde_json::to_vec(&body).unwrap();
    let server = Server::start(move |_, _, stream| reply(stream, 418, &[], &body));
    let text = resolve(&server).unwrap_err().to_string();
    assert!(text.contains("418") && text.contains("[31mxxx"), "{text}");
    assert!(text.len() < 500 && !text.contains('\u{1b}'));
}

#[test]
fn a_broken_blob_is_resumed() {
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for with_ranges in [true, false] {
        let contents = bytes.clone();
        let server = Server::start(move |before, request, stream| {
            let start: usize = request
                .header("range")
                .filter(|_| with_ranges)
                .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok())
                .unwrap_or(0);
            let length = (contents.len() - start).to_string();
            let range = format!("bytes {start}-{}/{}", contents.len() - 1, contents.len());
            let headers = [("Content-Length", length.as_str()), ("Content-Range", &range)];
            let status = if start > 0 { 206 } else { 200 };
            // The first connections break in the middle.
            let end = if before < 3 { start + (before + 1) * 200_000 } else { contents.len() };
            reply(stream, status, &headers, &contents[start..end.min(contents.len())]);
        });
        let blob = Descriptor::of("application/octet-stream", &bytes);
        let image = reference(&format!("{}/a", server.host));
        let mut read = Vec::new();
        registry(impatient(&server)).blob(&image, &blob).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(Digest::sha256(&read), blob.digest);
        assert!(server.requests().len() >= 3);
    }
}

#[test]
fn a_blob_of_another_digest_or_size_is_refused() {
    for body in [&b"falsehood"[..], b"fal", b"falsehood and more", b""] {
        let server = Server::start(move |_, _, stream| reply(stream, 200, &[], body));
        let image = reference(&format!("{}/a", server.host));
        let blob = Descriptor { size: 9, ..Descriptor::of("x", b"the truth") };
        let mut reader = registry(impatient(&server)).blob(&image, &blob).unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("digest or size does not match"), "{error}");
        assert!(server.requests().len() < 10);
    }
}
