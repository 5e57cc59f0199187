//! Bearer tokens, and the servers that get credentials.

use std::net::TcpStream;

use coaming_registry::{Options, Registry, RegistryError};
use coaming_test::http_server::{Request, Server, reply};

use super::{impatient, reference, registry};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A registry with a token service beside it, at `realm` or at itself.
fn with_tokens(realm: Option<&'static str>) -> Server {
    Server::start(move |_, request: &Request, stream: &mut TcpStream| {
        if request.path.starts_with("/token") {
            let known = request.header("authorization") == Some("Basic dTpw");
            let body: &[u8] =
                if known { br#"{"token":"for-u"}"# } else { br#"{"access_token":"for-all"}"# };
            return reply(stream, 200, &[], body);
        }
        match request.header("authorization") {
            Some("Bearer for-u") => reply(stream, 200, &[("Docker-Content-Digest", DIGEST)], b""),
            Some(_) => reply(stream, 403, &[], b""),
            None => {
                let own = format!("http://{}/token", request.header("host").unwrap());
                let realm = realm.unwrap_or(&own);
                let challenge =
                    format!(r#"Bearer realm="{realm}",service="s",scope="repository:a/b:pull""#);
                reply(stream, 401, &[("WWW-Authenticate", &challenge)], b"");
            }
        }
    })
}

fn logged_in(server: &Server, directory: &tempfile::TempDir) -> Registry {
    let path = directory.path().join("config.json");
    let text = format!(r#"{{"auths": {{"{}": {{"auth": "dTpw"}}}}}}"#, server.host);
    std::fs::write(&path, text).unwrap();
    registry(Options { docker_config: Some(path), ..impatient(server) })
}

#[test]
fn a_token_is_fetched_once() {
    let directory = tempfile::tempdir().unwrap();
    let server = with_tokens(None);
    let client = logged_in(&server, &directory);
    for tag in ["1", "2", "3"] {
        let image = reference(&format!("{}/a/b:{tag}", server.host));
        assert_eq!(client.resolve(&image).unwrap().to_string(), DIGEST);
    }
    let requests = server.requests();
    let tokens: Vec<_> = requests.iter().filter(|r| r.path.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(tokens[0].path, "/token?scope=repository%3Aa%2Fb%3Apull&service=s");
}

#[test]
fn without_credentials_the_anonymous_token_is_tried() {
    let server = with_tokens(None);
    let error = registry(impatient(&server))
        .resolve(&reference(&format!("{}/a/b:1", server.host)))
        .unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { .. }), "{error}");
}

#[test]
fn credentials_do_not_go_to_a_token_service_without_tls() {
    let directory = tempfile::tempdir().unwrap();
    let server = with_tokens(Some("http://198.51.100.7/token"));
    // Without `--plain-http`: loopback alone may do without TLS.
    let path = directory.path().join("config.json");
    let text = format!(r#"{{"auths": {{"{}": {{"auth": "dTpw"}}}}}}"#, server.host);
    std::fs::write(&path, text).unwrap();
    let mut options = Options { docker_config: Some(path), ..impatient(&server) };
    options.http.plain_http.clear();
    let client = registry(options);
    let error = client.resolve(&reference(&format!("{}/a/b:1", server.host))).unwrap_err();
    assert!(error.to_string().contains("its token service has no TLS"), "{error}");
    assert!(!error.to_string().contains("dTpw"));
}
