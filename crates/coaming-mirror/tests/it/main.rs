//! Downloads from a real HTTP server on this machine.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coaming_http::Runtime;
use coaming_mirror::{DownloadOptions, Downloaded, FetchError, download, http_options};

/// A file on the server.
#[derive(Clone)]
struct Served {
    body: Vec<u8>,
    tag: String,
    /// `x-goog-hash`, as the storage that OSV publishes in sends it; may be empty.
    hash: &'static str,
    /// The next answer ends after this many bytes.
    break_after: Option<usize>,
    /// The status of the next answers, one each, before 200.
    refusals: Vec<(u16, &'static str)>,
}

#[derive(Default)]
struct State {
    files: HashMap<String, Served>,
    /// `GET /path range-or-dash`, in order.
    log: Vec<String>,
}

fn options(mirror: &str, directory: &std::path::Path) -> DownloadOptions {
    DownloadOptions {
        mirror: Some(mirror.to_owned()),
        ecosystems: vec!["Red Hat".to_owned()],
        directory: directory.to_path_buf(),
        http: coaming_http::Options {
            patience: Duration::from_secs(5),
            backoff: Duration::from_millis(1),
            ..http_options()
        },
    }
}

fn run(options: &DownloadOptions) -> Result<Downloaded, FetchError> {
    Runtime::shared().unwrap().block_on(download(options, &|_| {}))
}

struct Server {
    address: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shared);
            }
        });
        let server = Self { address, state };
        server.put("/epss_scores-current.csv.gz", b"scores", "\"e\"");
        server.put("/known_exploited_vulnerabilities.json", b"{}", "\"k\"");
        server
    }

    fn put(&self, path: &str, body: &[u8], tag: &str) {
        let served = Served {
            body: body.to_vec(),
            tag: tag.to_owned(),
            hash: "",
            break_after: None,
            refusals: Vec::new(),
        };
        self.state.lock().unwrap().files.insert(path.to_owned(), served);
    }

    fn change(&self, path: &str, change: impl FnOnce(&mut Served)) {
        change(self.state.lock().unwrap().files.get_mut(path).unwrap());
    }

    fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    fn download(&self, directory: &std::path::Path) -> Downloaded {
        run(&options(&self.address, directory)).unwrap()
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let Some(Ok(first)) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let headers: HashMap<String, String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        })
        .collect();
    let mut state = state.lock().unwrap();
    state.log.push(format!("{path} {}", headers.get("range").map_or("-", String::as_str)));
    let Some(served) = state.files.get_mut(&path) else {
        drop(write!(
            stream,
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        return;
    };
    if !served.refusals.is_empty() {
        let (status, wait) = served.refusals.remove(0);
        drop(write!(
            stream,
            "HTTP/1.1 {status} No\r\nRetry-After: {wait}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        ));
        return;
    }
    let tag = served.tag.clone();
    if headers.get("if-none-match") == Some(&tag) {
        drop(write!(stream, "HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n"));
        return;
    }
    let asked = headers.get("range").filter(|_| headers.get("if-range") == Some(&tag));
    let start: usize = asked.map_or(0, |range| {
        range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap()
    });
    let (status, range) = match start {
        0 => ("200 OK", String::new()),
        _ => {
            let length = served.body.len();
            (
                "206 Partial Content",
                format!("Content-Range: bytes {start}-{}/{length}\r\n", length - 1),
            )
        }
    };
    let hash = match served.hash {
        "" => String::new(),
        hash => format!("x-goog-hash: crc32c=AAAAAA==\r\nx-goog-hash: md5={hash}\r\n"),
    };
    let body = &served.body[start..];
    let sent = served.break_after.take().map_or(body, |count| &body[..count]);
    drop(write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: {tag}\r\n{hash}{range}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    ));
    drop(stream.write_all(sent));
}

const EXPORT: &str = "/Red%20Hat/all.zip";

/// Bytes that begin and end like a zip archive.
fn archive(text: &str) -> Vec<u8> {
    [b"PK ", text.as_bytes(), b"PK\x05\x06", &[0; 18]].concat()
}

#[test]
fn what_has_not_changed_is_not_downloaded_again() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    assert_eq!(server.download(directory.path()).changed.len(), 3);
    let file = directory.path().join("Red Hat/all.zip");
    assert_eq!(fs::read(&file).unwrap(), archive("one"));
    let again = server.download(directory.path());
    assert_eq!((again.changed.len(), again.unchanged.len()), (0, 3));
    server.put(EXPORT, &archive("two"), "\"2\"");
    assert_eq!(server.download(directory.path()).changed, ["Red Hat"]);
    assert_eq!(fs::read(&file).unwrap(), archive("two"));
}

#[test]
fn a_broken_download_is_resumed() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    let body = archive(&"7".repeat(10_000));
    server.put(EXPORT, &body, "\"1\"");
    server.change(EXPORT, |served| served.break_after = Some(4000));
    assert!(server.download(directory.path()).failed.is_empty());
    assert_eq!(fs::read(directory.path().join("Red Hat/all.zip")).unwrap(), body);
    let log = server.log();
    assert_eq!(log[0], "/Red%20Hat/all.zip -");
    assert!(log[1].starts_with("/Red%20Hat/all.zip bytes="), "{log:?}");
}

#[test]
fn a_part_of_another_file_is_not_continued() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("the new one"), "\"2\"");
    fs::create_dir(directory.path().join("Red Hat")).unwrap();
    fs::write(directory.path().join("Red Hat/all.zip.part"), b"PK old").unwrap();
    fs::write(directory.path().join("Red Hat/all.zip.part.etag"), "\"1\"").unwrap();
    assert!(server.download(directory.path()).failed.is_empty());
    assert_eq!(fs::read(directory.path().join("Red Hat/all.zip")).unwrap(), archive("the new one"));
}

#[test]
fn a_failure_leaves_the_old_file_and_is_reported() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    server.download(directory.path());
    let file = directory.path().join("Red Hat/all.zip");
    server.change(EXPORT, |served| served.refusals = vec![(429, "60")]);
    let limited = server.download(directory.path());
    assert!(matches!(limited.failed[0].1, FetchError::Limited { .. }));
    assert!(limited.failed[0].1.to_string().contains("in 60 seconds"));
    assert_eq!(limited.unchanged.len(), 2, "the others are not lost");
    server.put(EXPORT, b"<html>a login page</html>", "\"3\"");
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::NotAnArchive(_)));
    server.state.lock().unwrap().files.remove(EXPORT);
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::Missing(_)));
    assert_eq!(fs::read(&file).unwrap(), archive("one"));
}

#[test]
fn an_incomplete_or_corrupt_file_replaces_nothing() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    server.change(EXPORT, |served| served.hash = "osvrHbSS8rcrMGuNlRtVfQ==");
    assert!(server.download(directory.path()).failed.is_empty());
    server.put(EXPORT, b"PK half an archive", "\"2\"");
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::NotAnArchive(_)));
    server.put(EXPORT, &archive("two"), "\"3\"");
    server.change(EXPORT, |served| served.hash = "osvrHbSS8rcrMGuNlRtVfQ==");
    let error = server.download(directory.path()).failed.remove(0).1.to_string();
    assert!(error.contains("the checksum does not match the server's"), "{error}");
    assert_eq!(fs::read(directory.path().join("Red Hat/all.zip")).unwrap(), archive("one"));
}

#[test]
fn a_busy_server_is_waited_for_as_it_asks() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    server.change(EXPORT, |served| served.refusals = vec![(429, "1"), (503, "0")]);
    assert!(server.download(directory.path()).failed.is_empty());
    let requests = server.log().iter().filter(|line| line.starts_with(EXPORT)).count();
    assert_eq!(requests, 3);
}

#[test]
fn a_server_that_is_gone_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let gone = options("http://127.0.0.1:9", directory.path());
    let result = run(&gone).unwrap();
    assert_eq!(result.failed.len(), 3);
    assert!(matches!(result.failed[0].1, FetchError::Connection { .. }));
    let odd = DownloadOptions { ecosystems: vec!["../x".to_owned()], ..gone.clone() };
    assert!(matches!(run(&odd), Err(FetchError::Name(_))));
    let odd = DownloadOptions { mirror: Some("mirror".to_owned()), ..gone };
    assert!(matches!(run(&odd), Err(FetchError::Address(_))));
}

#[test]
fn a_file_of_authorities_must_have_some() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options("https://127.0.0.1:9", directory.path());
    options.http.ca = vec![directory.path().join("ca.pem")];
    assert!(matches!(run(&options), Err(FetchError::Setup(_))), "it does not exist");
    fs::write(directory.path().join("ca.pem"), "nothing").unwrap();
    let error = run(&options).unwrap_err().to_string();
    assert!(error.ends_with("contains no certificates in PEM format"), "{error}");
}
