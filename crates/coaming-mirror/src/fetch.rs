//! One file from one server: asked by its tag, resumed where it broke off, put in its place whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::{Digest as _, Md5};
use reqwest::header::{
    CONTENT_RANGE, ETAG, HeaderMap, IF_NONE_MATCH, IF_RANGE, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode};
use tokio::runtime::Runtime;

use crate::Progress;

/// A larger file is refused.
const MAX_BYTES: u64 = 8 << 30;
/// A connection that broke is made again so many times, and goes on where it was.
const MAX_ATTEMPTS: u32 = 4;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// A server that says nothing for so long is given up.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// Why a file could not be downloaded. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The name can't stand in an address.
    #[error("`{0}` is no ecosystem's name: OSV's names are such as `PyPI`, `Debian` or `Red Hat`")]
    Name(String),
    /// The client could not be set up.
    #[error("can't make HTTP requests: {0}")]
    Setting(String),
    /// The server could not be reached, or broke off too often.
    #[error("{address}: {reason}; what was received is kept, and the next run goes on from there")]
    Connection {
        /// Where.
        address: String,
        /// What was wrong.
        reason: String,
    },
    /// The server has no such file.
    #[error("{0}: there is no such file; check the ecosystem's name and the mirror's address")]
    Missing(String),
    /// The server asks for patience.
    #[error("{address}: the server limits how often it is asked; try again {when}")]
    Limited {
        /// Where.
        address: String,
        /// `in 60 seconds`, or `later`.
        when: String,
    },
    /// The server refuses, or fails.
    #[error("{address}: the server answers {status}")]
    Refused {
        /// Where.
        address: String,
        /// The status.
        status: u16,
    },
    /// The file is larger than any export.
    #[error("{0}: is larger than any export, and was refused")]
    TooLarge(String),
    /// The file is not what it should be.
    #[error("{0}: is no whole zip archive; is the mirror's address right?")]
    Kind(String),
    /// The file can't be stored.
    #[error("can't write {path}: {source}")]
    Write {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
}

/// Asks servers.
pub(crate) struct Client {
    client: reqwest::Client,
    runtime: Runtime,
}

/// How an attempt ended that did not fail for good.
enum Attempt {
    Unchanged,
    /// With the tag, and the MD5 that the server says.
    Complete(String, Option<Vec<u8>>),
    Broken(String),
}

impl Client {
    pub(crate) fn new() -> Result<Self, FetchError> {
        // Who came first has installed a provider already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| FetchError::Setting(error.to_string()))?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("coaming/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()
            .map_err(|error| FetchError::Setting(error.to_string()))?;
        Ok(Self { client, runtime })
    }

    /// Fetches a file, unless it has not changed; says whether it was new.
    pub(crate) fn fetch(
        &self,
        name: &str,
        address: &str,
        target: &Path,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<bool, FetchError> {
        let place = Place::new(target)?;
        let mut reason = String::new();
        for _ in 0..MAX_ATTEMPTS {
            match self.runtime.block_on(self.attempt(name, address, &place, progress))? {
                Attempt::Unchanged => return Ok(false),
                Attempt::Complete(_, sum) if !place.has(sum.as_deref())? => {
                    drop(place.forget(""));
                    "its checksum is not what the server says".clone_into(&mut reason);
                }
                Attempt::Complete(tag, _) => {
                    place.finish(address, &tag)?;
                    return Ok(true);
                }
                Attempt::Broken(why) => reason = why,
            }
        }
        Err(FetchError::Connection { address: address.to_owned(), reason })
    }

    async fn attempt(
        &self,
        name: &str,
        address: &str,
        place: &Place,
        progress: &dyn Fn(Progress<'_>),
    ) -> Result<Attempt, FetchError> {
        let mut request = self.client.get(address);
        let known = place.partial();
        if let Some((length, tag)) = &known {
            request = request.header(RANGE, format!("bytes={length}-")).header(IF_RANGE, tag);
        } else if let Some(tag) = place.tag() {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Attempt::Broken(cause(&error))),
        };
        let start = match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Attempt::Unchanged),
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => match (&known, range_start(response.headers())) {
                (Some((length, _)), Some(start)) if *length == start => start,
                _ => return Ok(place.forget("the server sends another part than was asked for")),
            },
            // All was there already, or the file is shorter now: from the beginning.
            StatusCode::RANGE_NOT_SATISFIABLE => return Ok(place.forget("the file has changed")),
            status => return Err(refused(address, status, response.headers())),
        };
        receive(response, start, name, address, place, progress).await
    }
}

/// Receives a file's bytes from `start` on.
async fn receive(
    mut response: Response,
    start: u64,
    name: &str,
    address: &str,
    place: &Place,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Attempt, FetchError> {
    let total = response.content_length().map(|length| start.saturating_add(length));
    let tag = header(response.headers(), ETAG.as_str());
    let sum = checksum(response.headers());
    let mut file = place.open(start, &tag)?;
    let mut received = start;
    loop {
        let chunk = match response.chunk().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(error) => return Ok(Attempt::Broken(cause(&error))),
        };
        received = received.saturating_add(chunk.len() as u64);
        if received > MAX_BYTES {
            drop(place.forget(""));
            return Err(FetchError::TooLarge(address.to_owned()));
        }
        file.write_all(&chunk).map_err(|source| place.failed(source))?;
        progress(Progress { name, received, total });
    }
    if total.is_some_and(|total| total != received) {
        return Ok(Attempt::Broken("the connection broke off".to_owned()));
    }
    file.sync_all().map_err(|source| place.failed(source))?;
    Ok(Attempt::Complete(tag, sum))
}

fn refused(address: &str, status: StatusCode, headers: &HeaderMap) -> FetchError {
    let address = address.to_owned();
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => FetchError::Missing(address),
        StatusCode::TOO_MANY_REQUESTS => {
            let seconds: Option<u64> = header(headers, RETRY_AFTER.as_str()).parse().ok();
            let when = seconds.map_or("later".to_owned(), |count| format!("in {count} seconds"));
            FetchError::Limited { address, when }
        }
        status => FetchError::Refused { address, status: status.as_u16() },
    }
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// `x-goog-hash: crc32c=…,md5=…`, which the storage that OSV publishes in sends, in one header or in two.
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
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = header(headers, CONTENT_RANGE.as_str());
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// What is behind a failed request, without the address, which is said anyway.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Where a file lies, with its tag and what was received of the next one beside it.
struct Place {
    target: PathBuf,
    tag: PathBuf,
    part: PathBuf,
    part_tag: PathBuf,
}

/// Removes the tag of a file: whoever asks for it next gets all of it.
pub(crate) fn forget(target: &Path) {
    drop(fs::remove_file(beside(target, ".etag")));
}

fn beside(target: &Path, end: &str) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(end);
    target.with_file_name(name)
}

impl Place {
    fn new(target: &Path) -> Result<Self, FetchError> {
        let place = Self {
            target: target.to_path_buf(),
            tag: beside(target, ".etag"),
            part: beside(target, ".part"),
            part_tag: beside(target, ".part.etag"),
        };
        if let Some(directory) = target.parent() {
            fs::create_dir_all(directory).map_err(|source| place.failed(source))?;
        }
        Ok(place)
    }

    fn failed(&self, source: io::Error) -> FetchError {
        FetchError::Write { path: self.target.display().to_string(), source }
    }

    /// The tag of the file that is there.
    fn tag(&self) -> Option<String> {
        if !self.target.is_file() {
            return None;
        }
        fs::read_to_string(&self.tag).ok().filter(|tag| !tag.is_empty())
    }

    /// How much of the next file is there, and its tag. Only a strong tag names bytes.
    fn partial(&self) -> Option<(u64, String)> {
        let length = fs::metadata(&self.part).ok()?.len();
        let tag = fs::read_to_string(&self.part_tag).ok()?;
        (length > 0 && tag.starts_with('"')).then_some((length, tag))
    }

    /// Begins again.
    fn forget(&self, why: &str) -> Attempt {
        drop(fs::remove_file(&self.part));
        drop(fs::remove_file(&self.part_tag));
        Attempt::Broken(why.to_owned())
    }

    fn open(&self, start: u64, tag: &str) -> Result<File, FetchError> {
        if start > 0 {
            let file = OpenOptions::new().append(true).open(&self.part);
            return file.map_err(|source| self.failed(source));
        }
        fs::write(&self.part_tag, tag).map_err(|source| self.failed(source))?;
        File::create(&self.part).map_err(|source| self.failed(source))
    }

    /// Whether the received file has this MD5, where the server says one.
    fn has(&self, sum: Option<&[u8]>) -> Result<bool, FetchError> {
        let Some(sum) = sum else { return Ok(true) };
        let mut hasher = Md5::new();
        File::open(&self.part)
            .and_then(|mut file| io::copy(&mut file, &mut hasher))
            .map_err(|source| self.failed(source))?;
        Ok(hasher.finalize().as_slice() == sum)
    }

    /// Puts the received file in its place.
    fn finish(&self, address: &str, tag: &str) -> Result<(), FetchError> {
        let archive = self.target.extension().is_some_and(|extension| extension == "zip");
        let whole = !archive || is_archive(&self.part).map_err(|source| self.failed(source))?;
        if !whole {
            drop(self.forget(""));
            return Err(FetchError::Kind(address.to_owned()));
        }
        // Without its tag the old file would be taken for the new one if we stopped in between.
        drop(fs::remove_file(&self.tag));
        fs::rename(&self.part, &self.target).map_err(|source| self.failed(source))?;
        drop(fs::remove_file(&self.part_tag));
        fs::write(&self.tag, tag).map_err(|source| self.failed(source))
    }
}

/// Whether a file begins and ends as a zip archive does: a half one would be read as far as it goes.
fn is_archive(path: &Path) -> io::Result<bool> {
    /// The end of the directory, with the longest comment behind it.
    const END: u64 = 22 + 65_535;
    let mut file = File::open(path)?;
    let mut start = [0; 2];
    if io::Read::read(&mut file, &mut start)? < start.len() || start != *b"PK" {
        return Ok(false);
    }
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut end = Vec::new();
    file.take(END).read_to_end(&mut end)?;
    Ok(end.windows(4).any(|bytes| bytes == b"PK\x05\x06"))
}
