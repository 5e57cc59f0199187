//! Download what changed of OSV's exports, EPSS's scores and CISA's list.
//!
//! The facade is synchronous; a private runtime runs what is asynchronous. Invariants:
//!
//! * A file appears whole, or the old one stays: what was received is kept beside it, and the next run
//!   goes on from there, unless the server's file has changed meanwhile.
//! * What has not changed is not downloaded again: the server is asked by the tag that it gave.
//! * A file that fails costs no other, and is said to have failed, with what to do.
//! * Sizes are bounded.

mod fetch;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use fetch::FetchError;

/// Where OSV publishes its exports.
pub const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// Where EPSS's scores of today are.
const EPSS: &str = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz";
/// Where CISA's list is.
const EXPLOITED: &str =
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

/// The ecosystems that are downloaded where nothing else is asked for.
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
pub struct Request {
    /// The address below which everything lies: `<mirror>/PyPI/all.zip`,
    /// `<mirror>/epss_scores-current.csv.gz`, `<mirror>/known_exploited_vulnerabilities.json`. `None` is
    /// OSV, EPSS and CISA themselves.
    pub mirror: Option<String>,
    /// The ecosystems, by OSV's names.
    pub ecosystems: Vec<String>,
    /// The directory that holds the downloads.
    pub directory: PathBuf,
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is downloaded.
    pub name: &'a str,
    /// How many bytes there are.
    pub received: u64,
    /// How many there will be, where the server says so.
    pub total: Option<u64>,
}

/// What became of the files.
#[derive(Debug, Default)]
pub struct Downloaded {
    /// What was new.
    pub changed: Vec<String>,
    /// What had not changed.
    pub unchanged: Vec<String>,
    /// What failed, and why.
    pub failed: Vec<(String, FetchError)>,
    /// When the newest of the files was received, whichever run it was in.
    pub newest: Option<SystemTime>,
}

/// Forgets which version of a file was downloaded, because it turned out to be damaged: the next run
/// downloads it anew. A file that is none of ours is left alone.
pub fn forget(file: &Path) {
    fetch::forget(file);
}

/// Downloads what changed.
///
/// # Errors
///
/// Where nothing could even be tried; what fails for a single file is in the result.
pub fn download(
    request: &Request,
    progress: &dyn Fn(Progress<'_>),
) -> Result<Downloaded, FetchError> {
    let client = fetch::Client::new()?;
    let mut result = Downloaded::default();
    for (name, address, file) in files(request)? {
        let file = request.directory.join(&file);
        let fetched = client.fetch(&name, &address, &file, progress);
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

/// The names, addresses and places of what is asked for.
fn files(request: &Request) -> Result<Vec<(String, String, PathBuf)>, FetchError> {
    let base = request.mirror.as_deref().unwrap_or(OSV).trim_end_matches('/');
    let mut files = Vec::new();
    for name in &request.ecosystems {
        let plain = |each: char| each.is_ascii_alphanumeric() || " .-_".contains(each);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(FetchError::Name(name.clone()));
        }
        let address = format!("{base}/{}/all.zip", name.replace(' ', "%20"));
        files.push((name.clone(), address, Path::new(name).join("all.zip")));
    }
    for (name, address) in [("EPSS", EPSS), ("CISA's list", EXPLOITED)] {
        let file = address.rsplit('/').next().unwrap_or(address);
        let own = request.mirror.as_ref().map(|_| format!("{base}/{file}"));
        files.push((name.to_owned(), own.unwrap_or_else(|| address.to_owned()), file.into()));
    }
    Ok(files)
}
