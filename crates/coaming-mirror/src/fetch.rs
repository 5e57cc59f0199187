//! One file from one server: requested with its entity tag, resumed where it broke, replaced whole.

use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use coaming_http::header::{
    CONTENT_RANGE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE,
};
use coaming_http::{
    Client, Error as HttpError, Pace, Request, Response, StatusCode, Url, retry_after,
};

use crate::Progress;
use crate::destination::Destination;

/// The largest file that is downloaded.
const MAX_BYTES: u64 = 8 << 30;
/// How often a file is requested in all: after a broken connection, from where it broke.
const MAX_ATTEMPTS: u32 = 4;

/// Why a file could not be downloaded. The existing file is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The name of an ecosystem has characters that no name has.
    #[error(
        "`{0}` is not a valid ecosystem name: OSV's names are such as `PyPI`, `Debian` or `Red Hat`"
    )]
    Name(String),
    /// The mirror's address is not a URL.
    #[error("`{0}` is not a valid URL")]
    Address(String),
    /// The client could not be set up, such as where a file of certificates cannot be read.
    #[error(transparent)]
    Setup(#[from] HttpError),
    /// The server could not be reached, or broke the connection too often.
    #[error(
        "{address}: {source}; what was received is kept, and the next run continues from there"
    )]
    Connection {
        /// The URL.
        address: String,
        /// The last cause.
        source: Interruption,
    },
    /// The server has no such file.
    #[error("{0}: there is no such file; check the ecosystem's name and the mirror's address")]
    Missing(String),
    /// The server's rate limit is reached, and it asks for a longer pause than is allowed.
    #[error("{address}: rate limited; try again {when}")]
    Limited {
        /// The URL.
        address: String,
        /// `in 60 seconds`, or `later`.
        when: String,
    },
    /// The server answers with another status.
    #[error("{address}: the server answers {status}")]
    Refused {
        /// The URL.
        address: String,
        /// The status.
        status: u16,
    },
    /// The file is larger than any export.
    #[error("{0}: larger than any export; refused")]
    TooLarge(String),
    /// The file does not begin and end like a zip archive.
    #[error("{0}: not a complete zip archive; check the mirror's address")]
    NotAnArchive(String),
    /// The file cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// The system's message.
        source: io::Error,
    },
}

/// Why an attempt did not complete a file.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The connection failed, or broke.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server ended the file early.
    #[error("the connection ended early")]
    Short,
    /// The server's own checksum does not match what it sent.
    #[error("the checksum does not match the server's")]
    Checksum,
    /// The server answers with another range than requested.
    #[error("the server sent another range than requested")]
    Range,
    /// The server's file has changed since its first part was received.
    #[error("the file has changed")]
    Changed,
}

/// How an attempt ended that did not fail for good.
enum Attempt {
    Unchanged,
    /// With the entity tag, and the server's MD5.
    Complete(String, Option<Vec<u8>>),
    Interrupted(Interruption),
}

/// Fetches a file, unless it has not changed. Returns whether it was new.
pub(crate) async fn fetch(
    client: &Client,
    name: &str,
    url: &Url,
    target: &Path,
    progress: &dyn Fn(Progress<'_>),
) -> Result<bool, FetchError> {
    let destination = Destination::new(target)?;
    let mut last = Interruption::Short;
    for _ in 0..MAX_ATTEMPTS {
        match attempt(client, name, url, &destination, progress).await? {
            Attempt::Unchanged => return Ok(false),
            Attempt::Complete(_, checksum) if !destination.matches(checksum.as_deref())? => {
                destination.discard_part();
                last = Interruption::Checksum;
            }
            Attempt::Complete(tag, _) => {
                destination.finish(url.as_str(), &tag)?;
                return Ok(true);
            }
            Attempt::Interrupted(reason) => last = reason,
        }
    }
    Err(FetchError::Connection { address: url.to_string(), source: last })
}

async fn attempt(
    client: &Client,
    name: &str,
    url: &Url,
    destination: &Destination,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Attempt, FetchError> {
    let known = destination.partial();
    // A URL without TLS is one that the user has chosen.
    let request = Request {
        headers: conditions(known.as_ref(), destination.tag().as_deref()),
        streamed: true,
        plain_http: true,
        ..Request::get(url.clone())
    };
    let response = match client.send(&request).await {
        Ok(response) => response,
        Err(error @ HttpError::Timeout { .. }) => return Ok(Attempt::Interrupted(error.into())),
        // The client has tried several times already.
        Err(error) => {
            return Err(FetchError::Connection { address: url.to_string(), source: error.into() });
        }
    };
    let start = match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(Attempt::Unchanged),
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => match (&known, range_start(&response)) {
            (Some((length, _)), Some(start)) if *length == start => start,
            _ => {
                destination.discard_part();
                return Ok(Attempt::Interrupted(Interruption::Range));
            }
        },
        // All was received already, or the file is shorter now: from the beginning.
        StatusCode::RANGE_NOT_SATISFIABLE => {
            destination.discard_part();
            return Ok(Attempt::Interrupted(Interruption::Changed));
        }
        _ => return Err(refused(url, &response)),
    };
    receive(response, start, name, url, destination, progress).await
}

/// The headers that request the rest of a part, or a file only if it has changed.
fn conditions(part: Option<&(u64, String)>, tag: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut add = |name, text: &str| {
        headers.extend(HeaderValue::from_str(text).ok().map(|value| (name, value)));
    };
    if let Some((length, tag)) = part {
        add(RANGE, &format!("bytes={length}-"));
        add(IF_RANGE, tag);
    } else if let Some(tag) = tag {
        add(IF_NONE_MATCH, tag);
    }
    headers
}

/// Receives a file's bytes from `start` on.
async fn receive(
    mut response: Response,
    start: u64,
    name: &str,
    url: &Url,
    destination: &Destination,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Attempt, FetchError> {
    let total = response.content_length().map(|length| start.saturating_add(length));
    let tag = response.header(ETAG.as_str()).unwrap_or_default().to_owned();
    let checksum = checksum(response.headers());
    let mut file = destination.open_part(start, &tag)?;
    let mut received = start;
    let mut pace = Pace::default();
    loop {
        let chunk = match pace.wait(response.chunk()).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Ok(Attempt::Interrupted(error.into())),
        };
        received = received.saturating_add(chunk.len() as u64);
        if received > MAX_BYTES {
            destination.discard_part();
            return Err(FetchError::TooLarge(url.to_string()));
        }
        file.write_all(&chunk).map_err(|source| destination.failed(source))?;
        progress(Progress { name, received, total });
        if let Err(error) = pace.check(received - start) {
            return Ok(Attempt::Interrupted(error.into()));
        }
    }
    if total.is_some_and(|total| total != received) {
        return Ok(Attempt::Interrupted(Interruption::Short));
    }
    file.sync_all().map_err(|source| destination.failed(source))?;
    Ok(Attempt::Complete(tag, checksum))
}

fn refused(url: &Url, response: &Response) -> FetchError {
    let address = url.to_string();
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::GONE => FetchError::Missing(address),
        StatusCode::TOO_MANY_REQUESTS => {
            let wait = retry_after(response.headers());
            let when = wait.map_or_else(
                || "later".to_owned(),
                |wait| format!("in {} seconds", wait.as_secs()),
            );
            FetchError::Limited { address, when }
        }
        status => FetchError::Refused { address, status: status.as_u16() },
    }
}

/// `x-goog-hash: crc32c=…,md5=…`, in one header or in two, from the storage that OSV publishes in.
fn checksum(headers: &HeaderMap) -> Option<Vec<u8>> {
    headers
        .get_all("x-goog-hash")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(|part| part.trim().strip_prefix("md5="))
        .and_then(|text| BASE64.decode(text).ok())
}

/// `bytes 100-199/200`
fn range_start(response: &Response) -> Option<u64> {
    let range = response.header(CONTENT_RANGE.as_str())?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}
