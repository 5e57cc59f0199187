//! Download the changed files of OSV's exports, EPSS's scores and CISA's catalog.
//!
//! Invariants:
//!
//! * A file is replaced whole, or the old one stays: a received part is kept beside it, and the next
//!   run continues from there, unless the server's file has changed in the meantime.
//! * A file that has not changed is not downloaded again: the request names its entity tag.
//! * A file that fails does not affect the others; the failure is reported with what to do.
//! * Sizes and times are bounded.

mod destination;
mod fetch;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use coaming_http::{Client, Url};

pub use fetch::{FetchError, Interruption};

/// Where OSV publishes its exports.
pub const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// Where today's scores of EPSS are.
const EPSS: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";
/// Where CISA's catalog of known exploited vulnerabilities is.
const EXPLOITED: &str =
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

/// The ecosystems that are downloaded by default.
pub const ECOSYSTEMS: [&str; 18] = [
    "AlmaLinux",
    "Alpine",
    "Chainguard",
    "Debian",
    "Go",
    "Maven",
    "NuGet",
    "Packagist",
    "PyPI",
    "Red Hat",
    "Rocky Linux",
    "RubyGems",
    "SUSE",
    "Ubuntu",
    "Wolfi",
    "crates.io",
    "npm",
    "openSUSE",
];

/// What to download, and where to.
#[derive(Clone, Debug)]
pub struct DownloadOptions {
    /// The URL below which a mirror has all files: `<mirror>/PyPI/all.zip`,
    /// `<mirror>/epss_scores-current.csv.gz`, `<mirror>/known_exploited_vulnerabilities.json`.
    /// `None` means OSV, EPSS and CISA themselves.
    pub mirror: Option<String>,
    /// The ecosystems, by OSV's names.
    pub ecosystems: Vec<String>,
    /// The directory with the downloads.
    pub directory: PathBuf,
    /// How to reach the servers: see [`http_options`].
    pub http: coaming_http::Options,
}

/// How to reach the servers by default. The pauses are short: without a network, each file fails.
#[must_use]
pub fn http_options() -> coaming_http::Options {
    coaming_http::Options {
        connect_timeout: Duration::from_secs(20),
        backoff: Duration::from_millis(100),
        ..coaming_http::Options::default()
    }
}

/// The progress of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The name of the file's contents.
    pub name: &'a str,
    /// How many bytes were received.
    pub received: u64,
    /// The file's size, if the server states it.
    pub total: Option<u64>,
}

/// The outcome for all files.
#[derive(Debug, Default)]
pub struct Downloaded {
    /// What was new.
    pub changed: Vec<String>,
    /// What had not changed.
    pub unchanged: Vec<String>,
    /// What failed, and why.
    pub failed: Vec<(String, FetchError)>,
    /// When the newest of the files was received, in this run or an earlier one.
    pub newest: Option<SystemTime>,
}

/// Removes the entity tag of a file that turned out to be damaged: the next run downloads the file
/// again. A file from elsewhere is left alone.
pub fn forget(file: &Path) {
    destination::forget(file);
}

/// Downloads the files that changed. Writes them on the calling thread.
///
/// # Errors
///
/// If nothing could be tried; the failures of single files are in the result.
pub async fn download(
    options: &DownloadOptions,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Downloaded, FetchError> {
    let client = Client::new(options.http.clone())?;
    let mut result = Downloaded::default();
    for (name, url, file) in files(options)? {
        let file = options.directory.join(&file);
        let fetched = fetch::fetch(&client, &name, &url, &file, progress).await;
        let received = std::fs::metadata(&file).and_then(|metadata| metadata.modified()).ok();
        result.newest = result.newest.max(received);
        match fetched {
            Ok(true) => result.changed.push(name),
            Ok(false) => result.unchanged.push(name),
            Err(error) => result.failed.push((name, error)),
        }
    }
    Ok(result)
}

/// The name, URL and path of each requested file.
fn files(options: &DownloadOptions) -> Result<Vec<(String, Url, PathBuf)>, FetchError> {
    let base = options.mirror.as_deref().unwrap_or(OSV).trim_end_matches('/');
    let url = |text: &str| Url::parse(text).map_err(|_| FetchError::Address(text.to_owned()));
    let mut files = Vec::new();
    for name in &options.ecosystems {
        let plain = |each: char| each.is_ascii_alphanumeric() || " .-_".contains(each);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(FetchError::Name(name.clone()));
        }
        let address = format!("{base}/{}/all.zip", name.replace(' ', "%20"));
        files.push((name.clone(), url(&address)?, Path::new(name).join("all.zip")));
    }
    for (name, address) in [("EPSS", EPSS), ("CISA's list", EXPLOITED)] {
        let file = address.rsplit('/').next().unwrap_or(address);
        let own = options.mirror.as_ref().map(|_| format!("{base}/{file}"));
        files.push((name.to_owned(), url(own.as_deref().unwrap_or(address))?, file.into()));
    }
    Ok(files)
}
