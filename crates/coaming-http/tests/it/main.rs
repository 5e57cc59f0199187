//! The client against servers on loopback that a test controls.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use coaming_http::header::{AUTHORIZATION, HeaderValue};
use coaming_http::{Client, Error, Options, Request, Response, Runtime, StatusCode, Url};
use coaming_test::certificates::Certificates;
use coaming_test::http_server::{Server, reply};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

fn client(options: Options) -> Client {
    Client::new(Options { backoff: Duration::from_millis(1), ..options }).unwrap()
}

fn request(url: &str) -> Request<'static> {
    Request::get(Url::parse(url).unwrap())
}

fn send(client: &Client, request: &Request<'_>) -> Result<Response, Error> {
    Runtime::shared().unwrap().block_on(client.send(request))
}

fn get(server: &Server, path: &str) -> Result<Response, Error> {
    send(&client(Options::default()), &request(&format!("http://{}{path}", server.host)))
}

/// Serves one answer per connection over TLS.
fn start_tls(certificates: &Certificates, answer: String) -> String {
    coaming_http::install_tls_provider();
    let chain = vec![CertificateDer::from_pem_slice(certificates.server.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificates.key.as_bytes()).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // A client that does not trust the certificate hangs up.
            if stream.read(&mut [0; 4096]).is_ok() {
                drop(stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()));
                stream.conn.send_close_notify();
                drop(stream.flush());
            }
        }
    });
    host
}

#[test]
fn an_authority_is_trusted_only_if_it_is_given() {
    let certificates = Certificates::for_loopback();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &certificates.ca).unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi";
    let host = start_tls(&certificates, answer.to_owned());
    let url = format!("https://{host}/");
    let error = send(&client(Options::default()), &request(&url)).unwrap_err();
    assert!(matches!(error, Error::Certificate { .. }), "{error}");
    assert_eq!(error.to_string(), "its issuer is not a trusted authority");
    let trusting = client(Options { ca: vec![ca], ..Options::default() });
    let response = send(&trusting, &request(&url)).unwrap();
    assert_eq!(Runtime::shared().unwrap().block_on(response.bytes(2)).unwrap(), b"hi");
}

#[test]
fn a_redirect_does_not_leave_tls() {
    let plain = Server::start(|_, _, stream| reply(stream, 200, &[], b""));
    let certificates = Certificates::for_loopback();
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, &certificates.ca).unwrap();
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n",
        plain.host
    );
    let host = start_tls(&certificates, answer);
    let client = client(Options { ca: vec![ca], ..Options::default() });
    let error = send(&client, &request(&format!("https://{host}/"))).unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
    assert_eq!(plain.requests().len(), 0);
}

#[test]
fn redirects_end_and_take_no_credentials_to_another_host() {
    let other = Server::start(|_, _, stream| reply(stream, 200, &[], b""));
    let location = format!("http://{}/there", other.host);
    let server = Server::start(move |_, request, stream| {
        let location = if request.path == "/away" { location.as_str() } else { "/loop" };
        reply(stream, 307, &[("Location", location)], b"");
    });
    let mut away = request(&format!("http://{}/away", server.host));
    away.headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic dTpw"));
    let response = send(&client(Options::default()), &away).unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(server.requests()[0].header("authorization"), Some("Basic dTpw"));
    assert_eq!(other.requests()[0].header("authorization"), None);
    let error = get(&server, "/loop").unwrap_err();
    assert!(matches!(error, Error::Redirect { .. }), "{error}");
    assert!(server.requests().len() < 10);
}

#[test]
fn plain_http_needs_permission() {
    // An address for documentation: nobody is there.
    let url = "http://198.51.100.7/";
    let error = send(&client(Options::default()), &request(url)).unwrap_err();
    assert!(matches!(error, Error::PlainHttp { .. }), "{error}");
}

#[test]
fn a_body_is_read_up_to_its_limit() {
    let server = Server::start(|_, request, stream| match request.path.as_str() {
        "/stated" => reply(stream, 200, &[("Content-Length", "99999999999")], b"x"),
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 65536]).is_ok() {}
        }
        _ => reply(stream, 200, &[], &[b'x'; 100]),
    });
    let runtime = Runtime::shared().unwrap();
    for path in ["/stated", "/endless", "/short"] {
        let response = get(&server, path).unwrap();
        let error = runtime.block_on(response.bytes(99)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 99 }), "{path}: {error}");
    }
    let response = get(&server, "/short").unwrap();
    assert_eq!(runtime.block_on(response.bytes(100)).unwrap().len(), 100);
}

#[test]
fn a_busy_server_and_a_broken_connection_are_retried() {
    let server = Server::start(|before, _, stream| match before {
        0 => reply(stream, 503, &[], b""),
        1 => {}
        2 => reply(stream, 429, &[("Retry-After", "0")], b""),
        _ => reply(stream, 200, &[], b""),
    });
    assert_eq!(get(&server, "/").unwrap().status(), StatusCode::OK);
    assert_eq!(server.requests().len(), 4);
    let busy = Server::start(|_, _, stream| reply(stream, 429, &[("Retry-After", "3600")], b""));
    assert_eq!(get(&busy, "/").unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(busy.requests().len(), 1, "an hour is longer than the patience");
}
