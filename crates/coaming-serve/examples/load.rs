//! What `bench/admission/run` measures: reviews per second over TLS, and how long each takes.
//!
//! `load ADDRESS CA BODY SECONDS CONNECTIONS STREAMS` sends the body in a file to `/validate`, over
//! a number of connections with a number of requests at once in each, and prints one line of JSON.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::TlsConnector;

type Client = SendRequest<Full<Bytes>>;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(load());
}

async fn load() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, ca, body, seconds, connections, streams] = arguments.as_slice() else {
        panic!("ADDRESS CA BODY SECONDS CONNECTIONS STREAMS");
    };
    let body = Bytes::from(std::fs::read(body).unwrap());
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let (start, mut tasks) = (Instant::now(), Vec::new());
    for _ in 0..connections.parse().unwrap() {
        let client = connect(address, ca).await;
        for _ in 0..streams.parse().unwrap() {
            tasks.push(tokio::spawn(ask(client.clone(), address.clone(), body.clone(), end)));
        }
    }
    let (mut times, mut errors) = (Vec::new(), 0_u64);
    for task in tasks {
        let (own, failed) = task.await.unwrap();
        times.extend(own);
        errors += failed;
    }
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{{\"reviews\": {}, \"errors\": {errors}, \"seconds\": {:.3}, \"p50\": {}, \"p99\": {}}}",
        times.len(),
        start.elapsed().as_secs_f64(),
        at(50).as_micros(),
        at(99).as_micros()
    );
}

async fn connect(address: &str, ca: &str) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let (client, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

/// Asks one review after the other; the times of those that were answered, and how many were not.
async fn ask(
    mut client: Client,
    address: String,
    body: Bytes,
    end: Instant,
) -> (Vec<Duration>, u64) {
    let (mut times, mut errors) = (Vec::new(), 0);
    while Instant::now() < end {
        let start = Instant::now();
        let request = Request::post(format!("https://{address}/validate"))
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))
            .unwrap();
        let answered = async {
            let answer = client.send_request(request).await?;
            let status = answer.status();
            answer.into_body().collect().await.map(|_| status)
        };
        match answered.await {
            Ok(status) if status.is_success() => times.push(start.elapsed()),
            _ => errors += 1,
        }
    }
    (times, errors)
}
