//! Downloads from a real HTTP server on this machine.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use coaming_mirror::{Downloaded, FetchError, Request, download};

/// A file on the server.
#[derive(Clone)]
struct Served {
    body: Vec<u8>,
    tag: String,
    /// `x-goog-hash`, as the storage that OSV publishes in sends it; may be empty.
    hash: &'static str,
    /// The next answer breaks off after so many bytes.
    break_after: Option<usize>,
    status: u16,
}

#[derive(Default)]
struct State {
    files: HashMap<String, Served>,
    /// `GET /path range-or-dash`, in order.
    log: Vec<String>,
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
            status: 200,
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
        let request = Request {
            mirror: Some(self.address.clone()),
            ecosystems: vec!["Red Hat".to_owned()],
            directory: directory.to_path_buf(),
        };
        download(&request, &|_| {}).unwrap()
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
    if served.status != 200 {
        let status = served.status;
        drop(write!(
            stream,
            "HTTP/1.1 {status} No\r\nRetry-After: 60\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
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

/// What begins and ends as a zip archive does.
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
fn a_broken_download_goes_on_where_it_was() {
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
fn a_part_of_another_file_is_not_gone_on_with() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("the new one"), "\"2\"");
    fs::create_dir(directory.path().join("Red Hat")).unwrap();
    fs::write(directory.path().join("Red Hat/all.zip.part"), b"PK old").unwrap();
    fs::write(directory.path().join("Red Hat/all.zip.part.etag"), "\"1\"").unwrap();
    assert!(server.download(directory.path()).failed.is_empty());
    assert_eq!(fs::read(directory.path().join("Red Hat/all.zip")).unwrap(), archive("the new one"));
}

#[test]
fn a_failure_leaves_the_old_file_and_says_what_to_do() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    server.download(directory.path());
    let file = directory.path().join("Red Hat/all.zip");
    server.change(EXPORT, |served| served.status = 429);
    let limited = server.download(directory.path());
    assert!(matches!(limited.failed[0].1, FetchError::Limited { .. }));
    assert!(limited.failed[0].1.to_string().contains("in 60 seconds"));
    assert_eq!(limited.unchanged.len(), 2, "the others are not lost");
    server.put(EXPORT, b"<html>a login page</html>", "\"3\"");
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::Kind(_)));
    server.state.lock().unwrap().files.remove(EXPORT);
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::Missing(_)));
    assert_eq!(fs::read(&file).unwrap(), archive("one"));
}

#[test]
fn what_is_not_whole_or_not_what_the_server_says_replaces_nothing() {
    let (server, directory) = (Server::start(), tempfile::tempdir().unwrap());
    server.put(EXPORT, &archive("one"), "\"1\"");
    server.change(EXPORT, |served| served.hash = "osvrHbSS8rcrMGuNlRtVfQ==");
    assert!(server.download(directory.path()).failed.is_empty());
    server.put(EXPORT, b"PK half an archive", "\"2\"");
    assert!(matches!(server.download(directory.path()).failed[0].1, FetchError::Kind(_)));
    server.put(EXPORT, &archive("two"), "\"3\"");
    server.change(EXPORT, |served| served.hash = "osvrHbSS8rcrMGuNlRtVfQ==");
    let error = server.download(directory.path()).failed.remove(0).1.to_string();
    assert!(error.contains("its checksum is not what the server says"), "{error}");
    assert_eq!(fs::read(directory.path().join("Red Hat/all.zip")).unwrap(), archive("one"));
}

#[test]
fn a_server_that_is_gone_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let request = Request {
        mirror: Some("http://127.0.0.1:9".to_owned()),
        ecosystems: vec!["PyPI".to_owned()],
        directory: directory.path().to_path_buf(),
    };
    let result = download(&request, &|_| {}).unwrap();
    assert_eq!(result.failed.len(), 3);
    assert!(matches!(result.failed[0].1, FetchError::Connection { .. }));
    let odd = Request { ecosystems: vec!["../x".to_owned()], ..request };
    assert!(matches!(download(&odd, &|_| {}), Err(FetchError::Name(_))));
}
