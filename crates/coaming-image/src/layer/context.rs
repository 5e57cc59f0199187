//! What the readers of all layers of one image share: the hasher of paths, and the counts that
//! bound the image as a whole.
//!
//! Counts of entries alone bound nothing: a name may have 4,000 bytes. So what is kept is counted in
//! bytes, too, including what the tree and the overlay add to it.

use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::path_hash::PathHash;
use super::retained::RetainedEntry;
use crate::analyse::ParsedFile;
use crate::archive::Entry;
use crate::tree::DependencyBudget;

/// The most entries that are read of an image, in all its layers.
pub(super) const ENTRY_LIMIT: usize = 4_000_000;
/// The most entries of an image that are retained.
const RETAINED_LIMIT: usize = 400_000;
/// The most entries that become leaves of a tree, see [`Tree`](crate::Tree).
const LEAF_LIMIT: usize = 400_000;
/// The most bytes of the leaves of a tree, with what the tree adds to each.
const LEAF_BYTES: usize = 80 << 20;
/// The most bytes of retained entries, without what was parsed in them.
const RETAINED_BYTES: usize = 56 << 20;
/// The most bytes of what was parsed: packages, and the names of their files.
const PARSED_BYTES: usize = 56 << 20;
/// What an entry costs besides its names.
const LEAF_COST: usize = 250;
const RETAINED_COST: usize = 400;
/// The most problems that are reported of an image.
const PROBLEM_LIMIT: usize = 2_000;
/// Whole files above this size are read one at a time, whatever the number of threads.
const LARGE: u64 = 4 << 20;

/// What the readers of all layers share.
pub(crate) struct LayerContext {
    /// One for all layers, so that they agree; another in every run, so that no image can be built
    /// whose paths collide.
    hasher: RandomState,
    entries: AtomicUsize,
    retained: AtomicUsize,
    retained_bytes: AtomicUsize,
    leaves: AtomicUsize,
    leaf_bytes: AtomicUsize,
    parsed_bytes: AtomicUsize,
    problems: AtomicUsize,
    pub(super) budget: Arc<DependencyBudget>,
    large: Mutex<()>,
}

impl LayerContext {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
            retained: AtomicUsize::new(0),
            retained_bytes: AtomicUsize::new(0),
            leaves: AtomicUsize::new(0),
            leaf_bytes: AtomicUsize::new(0),
            parsed_bytes: AtomicUsize::new(0),
            problems: AtomicUsize::new(0),
            budget: Arc::default(),
            large: Mutex::new(()),
        }
    }

    /// The hash of a path, without a kind.
    pub(crate) fn hash(&self, path: &str) -> PathHash {
        PathHash::new(&self.hasher, path)
    }

    /// Whether every entry became a leaf: there were not too many.
    pub(crate) fn has_tree(&self) -> bool {
        self.leaves.load(Ordering::Relaxed) <= LEAF_LIMIT
    }

    /// Gives up the tree of the image.
    pub(crate) fn drop_tree(&self) {
        self.leaves.fetch_max(LEAF_LIMIT + 1, Ordering::Relaxed);
    }

    /// Counts an entry. Whether it may be read.
    pub(super) fn count_entry(&self) -> bool {
        self.entries.fetch_add(1, Ordering::Relaxed) < ENTRY_LIMIT
    }

    /// Counts a leaf. Whether it may become part of the tree.
    pub(super) fn count_leaf(&self, entry: &Entry) -> bool {
        // A path is in the leaf, is a key of the tree, and may be in the set of links.
        let bytes = 3 * entry.path.len() + entry.link.len() + LEAF_COST;
        if !take(&self.leaf_bytes, bytes, LEAF_BYTES) {
            // An incomplete tree is none.
            self.drop_tree();
            return false;
        }
        self.leaves.fetch_add(1, Ordering::Relaxed) < LEAF_LIMIT
    }

    /// Counts what was parsed in a file. Whether it may be kept.
    pub(super) fn count_parsed(&self, parsed: &ParsedFile) -> bool {
        take(&self.parsed_bytes, parsed.weight(), PARSED_BYTES)
    }

    /// Counts a name that is kept besides the entries.
    pub(super) fn count_name(&self, name: &str) -> bool {
        take(&self.retained_bytes, name.len() + 50, RETAINED_BYTES)
    }

    /// Counts a problem. Whether it may be reported.
    pub(super) fn count_problem(&self) -> bool {
        self.problems.fetch_add(1, Ordering::Relaxed) < PROBLEM_LIMIT
    }

    /// Counts a retained entry.
    pub(super) fn count_retained(&self, retained: &RetainedEntry) -> Retention {
        let entry = &retained.entry;
        let text = retained.text.as_ref().map_or(0, String::len);
        let bytes = 2 * entry.path.len() + entry.link.len() + text + RETAINED_COST;
        let before = self.retained.fetch_add(1, Ordering::Relaxed);
        if !take(&self.retained_bytes, bytes, RETAINED_BYTES) {
            let was_kept = self.retained.fetch_max(RETAINED_LIMIT + 1, Ordering::Relaxed);
            let is_first = was_kept <= RETAINED_LIMIT;
            return if is_first { Retention::FirstDropped } else { Retention::Drop };
        }
        match before {
            before if before < RETAINED_LIMIT => Retention::Keep,
            before if before == RETAINED_LIMIT => Retention::FirstDropped,
            _ => Retention::Drop,
        }
    }

    /// Whether enough entries are retained that no more should be retained only to be read later.
    pub(super) fn is_filling_up(&self) -> bool {
        self.retained.load(Ordering::Relaxed) > RETAINED_LIMIT / 2
    }

    /// Waits for the turn of a large file; a small one has none.
    pub(super) fn turn(&self, size: u64) -> Option<MutexGuard<'_, ()>> {
        (size > LARGE).then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Adds to a count of bytes. Whether it stays within its limit; what does not fit is not counted,
/// so that smaller things still fit.
fn take(count: &AtomicUsize, bytes: usize, limit: usize) -> bool {
    let add = |now: usize| now.checked_add(bytes).filter(|sum| *sum <= limit);
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
}

/// What happens to an entry that matters.
pub(super) enum Retention {
    Keep,
    /// There are too many; this is the first, which is reported.
    FirstDropped,
    Drop,
}
