//! Calls of gRPC over a Unix socket: as much of it as containerd's services need.
//!
//! Invariants: what is kept of an answer is bounded, and so is how long the other side may be silent;
//! an answer that breaks off is an error, never an end.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use prost::Message;
use tokio::runtime::Runtime;

/// How long the other side may be silent.
const TIMEOUT: Duration = Duration::from_secs(120);
/// The largest message that is taken: what containerd itself takes.
const MESSAGE_LIMIT: usize = 16 << 20;
/// How many bytes may be on their way.
const WINDOW: u32 = 4 << 20;
/// The most bytes of headers.
const HEADER_LIMIT: u32 = 64 << 10;
/// Before each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;
/// The status of a call about something that is not there.
pub(crate) const NOT_FOUND: u32 = 5;

/// Why a call has no answer, or no more of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GrpcError {
    /// The socket can't be opened, or the answer breaks off.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The service answered with an error of its own.
    #[error("{message} (status {code})")]
    Status {
        /// gRPC's number for it.
        code: u32,
        /// The service's words.
        message: String,
    },
}

/// What a service answers to one call: messages, one after the other.
pub(crate) struct Answers {
    // Drives the connection too, which lives as long as this.
    runtime: Runtime,
    body: h2::RecvStream,
    buffer: BytesMut,
}

/// Calls a method (`/package.Service/Method`) in one of containerd's namespaces, or in none.
pub(crate) fn call(
    socket: &Path,
    namespace: &str,
    method: &str,
    request: &impl Message,
) -> Result<Answers, GrpcError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let body = runtime.block_on(timed(start(socket, namespace, method, framed(request))))?;
    Ok(Answers { runtime, body, buffer: BytesMut::new() })
}

/// Calls a method that answers with one message.
pub(crate) fn ask<T: Message + Default>(
    socket: &Path,
    namespace: &str,
    method: &str,
    request: &impl Message,
) -> Result<T, GrpcError> {
    let mut answers = call(socket, namespace, method, request)?;
    let answer = answers.next()?.ok_or_else(|| invalid("there is no answer"))?;
    // What counts is the status, which comes last.
    while answers.next::<T>()?.is_some() {}
    Ok(answer)
}

async fn start(
    socket: &Path,
    namespace: &str,
    method: &str,
    message: Bytes,
) -> Result<h2::RecvStream, GrpcError> {
    let stream = tokio::net::UnixStream::connect(socket).await?;
    let (client, connection) = h2::client::Builder::new()
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADER_LIMIT)
        .handshake::<_, Bytes>(stream)
        .await
        .map_err(broken)?;
    // How it ends, the stream says as well.
    tokio::spawn(async move { drop(connection.await) });
    let mut request = Request::post(format!("http://localhost{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if !namespace.is_empty() {
        request = request.header("containerd-namespace", namespace);
    }
    let request = request.body(()).map_err(|_| invalid("the name can't stand in a header"))?;
    let mut client = client.ready().await.map_err(broken)?;
    let (response, mut stream) = client.send_request(request, false).map_err(broken)?;
    stream.send_data(message, true).map_err(broken)?;
    let response = response.await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(invalid(&format!("the answer is no gRPC: {}", response.status())).into());
    }
    // An answer without messages may have its status here.
    status(response.headers()).transpose()?;
    Ok(response.into_body())
}

impl Answers {
    /// The next message; `None` at the end, if the service says that all went well.
    pub(crate) fn next<T: Message + Default>(&mut self) -> Result<Option<T>, GrpcError> {
        let Self { runtime, body, buffer } = self;
        let Some(bytes) = runtime.block_on(timed(next_message(body, buffer)))? else {
            return Ok(None);
        };
        let message = T::decode(bytes).map_err(|error| invalid(&error.to_string()))?;
        Ok(Some(message))
    }
}

async fn next_message(
    body: &mut h2::RecvStream,
    buffer: &mut BytesMut,
) -> Result<Option<Bytes>, GrpcError> {
    loop {
        if let Some(message) = take_message(buffer)? {
            return Ok(Some(message));
        }
        let Some(chunk) = body.data().await else {
            let trailers = body.trailers().await.map_err(broken)?.unwrap_or_default();
            return match status(&trailers) {
                Some(Err(error)) => Err(error),
                Some(Ok(())) | None if !buffer.is_empty() => {
                    Err(invalid("the answer ends within a message").into())
                }
                Some(Ok(())) => Ok(None),
                None => Err(invalid("the answer breaks off").into()),
            };
        };
        let chunk = chunk.map_err(broken)?;
        body.flow_control().release_capacity(chunk.len()).map_err(broken)?;
        buffer.extend_from_slice(&chunk);
    }
}

/// The first message of what has arrived, if all of it has.
fn take_message(buffer: &mut BytesMut) -> io::Result<Option<Bytes>> {
    let Some(&[compressed, a, b, c, d]) = buffer.first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if compressed != 0 {
        return Err(invalid("the answer is compressed, which was not asked for"));
    }
    if length > MESSAGE_LIMIT {
        return Err(invalid("a message is larger than is taken"));
    }
    if buffer.len() < PREFIX_BYTES + length {
        return Ok(None);
    }
    buffer.advance(PREFIX_BYTES);
    Ok(Some(buffer.split_to(length).freeze()))
}

fn framed(message: &impl Message) -> Bytes {
    let encoded = message.encode_to_vec();
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + encoded.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(encoded.len()).unwrap_or(u32::MAX));
    framed.extend_from_slice(&encoded);
    framed.freeze()
}

/// What headers or trailers say of how it went; `None` if nothing.
fn status(headers: &HeaderMap) -> Option<Result<(), GrpcError>> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
    let code = text("grpc-status")?.parse().unwrap_or(u32::MAX);
    if code == 0 {
        return Some(Ok(()));
    }
    let message = text("grpc-message").unwrap_or_else(|| "no reason given".to_owned());
    Some(Err(GrpcError::Status { code, message: crate::printable(&message) }))
}

/// The same, but not for ever.
async fn timed<T>(future: impl Future<Output = Result<T, GrpcError>>) -> Result<T, GrpcError> {
    match tokio::time::timeout(TIMEOUT, future).await {
        Ok(outcome) => outcome,
        Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
    }
}

fn broken(error: h2::Error) -> GrpcError {
    if error.is_io() {
        error.into_io().map_or_else(|| invalid("the connection broke").into(), Into::into)
    } else {
        invalid(&error.to_string()).into()
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes messages off some bytes until there are no more.
    fn messages(bytes: &[u8]) -> io::Result<Vec<Bytes>> {
        let mut buffer = BytesMut::from(bytes);
        std::iter::from_fn(|| take_message(&mut buffer).transpose()).collect()
    }

    #[test]
    fn takes_messages_as_they_are_complete() {
        let bytes = b"\0\0\0\0\x02ab\0\0\0\0\0\0\0\0\0\x01c\0\0";
        assert_eq!(messages(bytes).unwrap(), [&b"ab"[..], b"", b"c"]);
        assert_eq!(messages(&bytes[..6]).unwrap(), Vec::<Bytes>::new());
        assert!(messages(b"\x01\0\0\0\0").is_err());
        assert!(messages(b"\0\xff\xff\xff\xff").is_err());
    }

    #[test]
    fn a_status_is_read_and_made_printable() {
        let headers = |code: &str, message: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-status", code.parse().unwrap());
            headers.insert("grpc-message", message.parse().unwrap());
            headers
        };
        assert!(status(&HeaderMap::new()).is_none());
        assert!(status(&headers("0", "")).unwrap().is_ok());
        let error = status(&headers("5", "image \"a\": not found")).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "image \"a\": not found (status 5)");
        assert!(status(&headers("five", "x")).unwrap().is_err());
    }

    proptest::proptest! {
        #[test]
        fn takes_any_bytes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            drop(messages(&bytes));
        }
    }
}
