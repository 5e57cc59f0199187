//! Readiness, metrics and reload, for this machine alone.
//!
//! One thread, one connection at a time, of which no more than a small head is read, for a short
//! time: a client that hangs delays the next, and nothing else.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::{Event, Status};

/// The most bytes of a request.
const MAX_HEAD: usize = 8 << 10;
/// The most headers of a request.
const MAX_HEADERS: usize = 64;
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Serves `/healthz`, `/readyz`, `/metrics` and `POST /reload` until the agent is gone.
pub fn serve_status(listener: &TcpListener, status: &Status, events: &Sender<Event>) {
    for stream in listener.incoming().flatten() {
        // A client that has hung up, or sends something else, gets no answer.
        drop(serve(stream, status, events));
    }
}

fn serve(mut stream: TcpStream, status: &Status, events: &Sender<Event>) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let Some((method, path)) = read(&mut stream)? else { return Ok(()) };
    let (code, body) = match (method.as_str(), path.as_str()) {
        ("GET", "/healthz") => ("200 OK", "ok\n".to_owned()),
        ("GET", "/readyz") => match status.not_ready() {
            reasons if reasons.is_empty() => ("200 OK", "ok\n".to_owned()),
            reasons => ("503 Service Unavailable", reasons),
        },
        ("GET", "/metrics") => ("200 OK", status.metrics()),
        ("POST", "/reload") => match events.send(Event::Reload) {
            Ok(()) => ("202 Accepted", "asking the stores\n".to_owned()),
            Err(_) => ("503 Service Unavailable", "the agent is ending\n".to_owned()),
        },
        ("GET" | "POST", _) => ("404 Not Found", "there is nothing here\n".to_owned()),
        _ => ("405 Method Not Allowed", "only GET and POST\n".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {code}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

/// The method and path of a request; `None` if it is not one.
fn read(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let end = Instant::now() + TIMEOUT;
    let mut head = Vec::new();
    let mut part = [0; 1024];
    while head.len() < MAX_HEAD && Instant::now() < end {
        let count = stream.read(&mut part)?;
        if count == 0 {
            break;
        }
        head.extend_from_slice(part.get(..count).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&head) {
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(_)) => {
                let parts = request.method.zip(request.path);
                return Ok(parts.map(|(method, path)| (method.to_owned(), path.to_owned())));
            }
            Err(_) => break,
        }
    }
    Ok(None)
}
