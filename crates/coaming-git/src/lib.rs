//! Read the history of a git repository, each version of a file once.
//!
//! Invariants:
//!
//! * Nothing is fetched, no program is run, nothing is written, and no configuration outside the
//!   repository is read: a repository may be a stranger's.
//! * Each version of a file (a blob) is listed once, by the oldest commit that has it. Commits are
//!   ordered so that parents come before their children, and by time among those that could be in
//!   any order. The result is the same on every run.
//! * Every tree is read once, whatever the number of commits that share it.
//! * A version that is larger than the caller's limit is never unpacked.

mod blobs;
mod commits;
mod error;
mod staged;

use std::convert::Infallible;
use std::path::Path;
use std::str::FromStr;

use gix::ObjectId;

pub use error::GitError;

/// Which part of a history to read.
#[derive(Clone, Debug, Default)]
pub enum Since {
    /// All of it.
    #[default]
    Beginning,
    /// What is not reachable from this revision: `v1.2.0`, `origin/main`, `1a2b3c4`.
    Revision(String),
    /// Commits at or after this time, in seconds since 1970.
    Time(i64),
}

impl FromStr for Since {
    type Err = Infallible;

    /// A day (`2026-03-31`, from midnight UTC) or else a revision.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let day = time::macros::format_description!("[year]-[month]-[day]");
        Ok(match time::Date::parse(text, day) {
            Ok(date) => Self::Time(date.midnight().assume_utc().unix_timestamp()),
            Err(_) => Self::Revision(text.to_owned()),
        })
    }
}

/// A commit that introduced a version of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The object id in hexadecimal digits.
    pub id: String,
    /// When the author made the change, in the author's time zone; `None` if the commit does not
    /// have a valid date.
    pub date: Option<time::Date>,
}

/// A version of a file.
#[derive(Clone, Debug)]
pub struct Version {
    /// The path in the repository.
    pub path: String,
    /// The oldest commit with this version, as an index of [`History::commits`]; `None` for a
    /// staged version.
    pub commit: Option<usize>,
    /// Whether the commit that is checked out (`HEAD`) still has this version.
    pub is_in_head: bool,
    /// Whether that commit or the last one of a branch still has this version.
    pub is_in_branch: bool,
    id: ObjectId,
}

/// The versions of files in a repository.
#[derive(Debug)]
pub struct History {
    repository: gix::ThreadSafeRepository,
    commits: Vec<Commit>,
    versions: Vec<Version>,
    /// For staged versions, what they replace.
    replaced: Vec<Version>,
    is_staged: bool,
    is_shallow: bool,
    missing: usize,
    submodules: usize,
}

impl History {
    /// Lists all versions of files that the branches, tags and other references reach.
    ///
    /// # Errors
    ///
    /// There is no repository at or above `path`, it cannot be read, or it does not have the
    /// revision.
    pub fn read(path: &Path, since: &Since) -> Result<Self, GitError> {
        let repository = open(path)?;
        let local = repository.to_thread_local();
        let walk = commits::Walk::of(&local, since)?;
        let finder = blobs::Finder::new(&local)?;
        let submodules = finder.submodules();
        let found = finder.find(&walk);
        let is_shallow = local.is_shallow().map_err(GitError::read)?;
        let missing = walk.missing + found.missing;
        let mut versions = found.versions;
        // Versions of one file are deltas of each other: who reads them in this order unpacks less.
        versions.sort_by(|a, b| (&a.path, a.commit).cmp(&(&b.path, b.commit)));
        let commits = walk.into_commits();
        let replaced = Vec::new();
        Ok(Self {
            repository,
            commits,
            versions,
            replaced,
            is_staged: false,
            is_shallow,
            missing,
            submodules,
        })
    }

    /// Lists the versions that the next commit would add: what is staged and differs from `HEAD`.
    ///
    /// # Errors
    ///
    /// As [`History::read`].
    pub fn staged(path: &Path) -> Result<Self, GitError> {
        let repository = open(path)?;
        let (versions, replaced) = staged::versions(&repository.to_thread_local())?;
        Ok(Self {
            repository,
            commits: Vec::new(),
            versions,
            replaced,
            is_staged: true,
            is_shallow: false,
            missing: 0,
            submodules: 0,
        })
    }

    /// The commits, parents first.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// The versions, sorted by path and age.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// For staged versions, the versions in `HEAD` that are changed, moved or removed.
    #[must_use]
    pub fn replaced(&self) -> &[Version] {
        &self.replaced
    }

    /// Whether these are the versions that the next commit would add.
    #[must_use]
    pub fn is_staged(&self) -> bool {
        self.is_staged
    }

    /// How many submodules the commit that is checked out has: repositories of their own.
    #[must_use]
    pub fn submodules(&self) -> usize {
        self.submodules
    }

    /// Whether older commits were left out when the repository was cloned.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        self.is_shallow
    }

    /// How many commits and trees the repository names but does not contain.
    #[must_use]
    pub fn missing(&self) -> usize {
        self.missing
    }

    /// A reader of contents, for one thread.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let mut repository = self.repository.to_thread_local();
        repository.object_cache_size(None);
        Reader { repository }
    }
}

/// Reads the contents of versions.
#[derive(Debug)]
pub struct Reader {
    repository: gix::Repository,
}

impl Reader {
    /// Reads the content of a version into `buffer`; `false` if it has more than `limit` bytes.
    ///
    /// # Errors
    ///
    /// The object is missing, as in a partial clone, or damaged.
    pub fn read(
        &self,
        version: &Version,
        limit: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, GitError> {
        let header = self.repository.find_header(version.id).map_err(GitError::read)?;
        if header.size() > limit {
            return Ok(false);
        }
        let object = self.repository.find_object(version.id).map_err(GitError::read)?;
        buffer.clear();
        buffer.extend_from_slice(&object.data);
        Ok(true)
    }
}

/// Opens the repository at or above a path. Only its own configuration counts.
fn open(path: &Path) -> Result<gix::ThreadSafeRepository, GitError> {
    let options = || gix::open::Options::isolated().open_path_as_is(true);
    let trust = gix::sec::trust::Mapping { full: options(), reduced: options() };
    let absent = |source: Box<dyn std::error::Error + Send + Sync>| GitError::NoRepository {
        path: path.display().to_string(),
        source,
    };
    // A relative path to a bare repository is not found otherwise.
    let real = path.canonicalize().map_err(|source| absent(source.into()))?;
    let directory = if real.is_dir() { &real } else { real.parent().unwrap_or(&real) };
    gix::ThreadSafeRepository::discover_opts(
        directory,
        gix::discover::upwards::Options::default(),
        trust,
    )
    .map_err(|source| absent(source.into()))
}
