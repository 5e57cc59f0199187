//! Against a server that answers like Docker, well or badly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use coaming_daemon::{Daemon, DaemonError};
use coaming_http::{BlockingReader, Runtime};

/// Serves these answers, one per connection, and returns the first lines of the requests.
fn serve(socket: &Path, answers: Vec<String>) -> std::thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(socket).unwrap();
    std::thread::spawn(move || {
        let requests = answers.into_iter().map(|answer| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
            // A client that has read enough closes the connection.
            drop(stream.write_all(answer.as_bytes()));
            first
        });
        requests.collect()
    })
}

fn answered(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n{body}")
}

#[test]
fn an_image_is_found_and_exported() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let chunks = "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n";
    let server = serve(
        &socket,
        vec![
            answered("200 OK", r#"{"Id": "sha256:1"}"#),
            answered("200 OK\r\nTransfer-Encoding: chunked", chunks),
            answered("404 Not Found\r\nContent-Length: 0", ""),
        ],
    );
    let runtime = Runtime::shared().unwrap();
    let daemon = Daemon::at(&socket);
    let image = runtime.block_on(daemon.find("registry.example:5000/a/b:1")).unwrap().unwrap();
    assert_eq!(image.id, "sha256:1");
    let archive = runtime.block_on(daemon.export(&image)).unwrap();
    let mut text = String::new();
    BlockingReader::new(runtime.clone(), archive).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    assert_eq!(runtime.block_on(daemon.find("c")).unwrap(), None);
    assert_eq!(
        server.join().unwrap(),
        [
            "GET /images/registry.example:5000/a/b:1/json HTTP/1.1",
            "GET /images/registry.example:5000/a/b:1/get HTTP/1.1",
            "GET /images/c/json HTTP/1.1",
        ]
    );
}

#[test]
fn an_answer_that_ends_early_or_is_not_http_is_an_error() {
    for body in [
        String::new(),
        "HTTP/1.1 200".to_owned(),
        answered("200 OK\r\nContent-Length: 50", r#"{"Id": "sha256:1"}"#),
        answered("200 OK\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n"),
        answered("200 OK\r\nTransfer-Encoding: chunked", "x\r\n"),
        answered("200 OK", "[]"),
        answered("200 OK\r\nContent-Length: 99999999999", "{"),
        answered(&format!("200 OK\r\nX: {}", "y".repeat(1 << 20)), ""),
        answered("307 Moved\r\nLocation: /images/other/json\r\nContent-Length: 0", ""),
        "SSH-2.0\r\n\r\n".to_owned(),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let server = serve(&socket, vec![body.clone()]);
        let found = Runtime::shared().unwrap().block_on(Daemon::at(&socket).find("a"));
        assert!(found.is_err(), "{body:.80}");
        server.join().unwrap();
    }
}

#[test]
fn an_error_of_the_daemon_is_shown_cleaned() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let body = "{\"message\": \"no\\u001b[31m space\"}";
    let server = serve(&socket, vec![answered("500 No", body)]);
    let error = Runtime::shared().unwrap().block_on(Daemon::at(&socket).find("a")).unwrap_err();
    assert!(matches!(error, DaemonError::Refused { status: 500, .. }), "{error}");
    let shown = "answered with status 500: no\u{fffd}[31m space";
    assert!(error.to_string().ends_with(shown), "{error}");
    server.join().unwrap();
}
