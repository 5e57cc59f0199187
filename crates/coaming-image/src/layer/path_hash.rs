//! A path as a number: enough to ask whether a layer has something there, and what.

use std::hash::{BuildHasher, RandomState};

use crate::archive::{Entry, EntryKind};

/// The hash of an absolute path, with two bits for the kind of the entry there.
///
/// Hashes sort by path first: the entries of one path are neighbors in a sorted list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PathHash(u64);

const DIRECTORY: u64 = 1;
const EXECUTABLE: u64 = 2;
const FLAGS: u64 = DIRECTORY | EXECUTABLE;

impl PathHash {
    /// The hash of a path alone.
    pub(super) fn new(hasher: &RandomState, path: &str) -> Self {
        Self(hasher.hash_one(path) << FLAGS.count_ones())
    }

    /// The same path, with the kind of this entry.
    pub(crate) fn with_kind_of(self, entry: &Entry) -> Self {
        let directory = entry.kind == EntryKind::Directory;
        let executable = entry.kind == EntryKind::File && entry.mode & 0o111 != 0;
        Self(
            self.0
                | if directory { DIRECTORY } else { 0 }
                | if executable { EXECUTABLE } else { 0 },
        )
    }

    /// Whether both are of the same path, whatever the kinds of their entries.
    pub(crate) fn is_same_path(self, other: Self) -> bool {
        self.0 | FLAGS == other.0 | FLAGS
    }

    /// Whether the entry is a directory.
    pub(crate) fn is_directory(self) -> bool {
        self.0 & DIRECTORY != 0
    }

    /// Whether the entry is a regular file that may be executed.
    pub(crate) fn is_executable(self) -> bool {
        self.0 & EXECUTABLE != 0
    }
}
