//! What the readers of all layers of one image share: the hasher of paths, and the counts that
//! bound the image as a whole.

use std::hash::RandomState;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::path_hash::PathHash;
use crate::tree::DependencyBudget;

/// The most entries that are read of an image, in all its layers.
pub(super) const ENTRY_LIMIT: usize = 4_000_000;
/// The most entries of an image that are retained.
const RETAINED_LIMIT: usize = 400_000;
/// The most entries that become leaves of a tree, see [`Tree`](crate::Tree).
const LEAF_LIMIT: usize = 400_000;
/// Whole files above this size are read one at a time, whatever the number of threads.
const LARGE: u64 = 4 << 20;

/// What the readers of all layers share.
pub(crate) struct LayerContext {
    /// One for all layers, so that they agree; another in every run, so that no image can be built
    /// whose paths collide.
    hasher: RandomState,
    entries: AtomicUsize,
    retained: AtomicUsize,
    leaves: AtomicUsize,
    pub(super) budget: Arc<DependencyBudget>,
    large: Mutex<()>,
}

impl LayerContext {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
            retained: AtomicUsize::new(0),
            leaves: AtomicUsize::new(0),
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

    /// Counts an entry. Whether it may be read.
    pub(super) fn count_entry(&self) -> bool {
        self.entries.fetch_add(1, Ordering::Relaxed) < ENTRY_LIMIT
    }

    /// Counts a leaf. Whether it may become part of the tree.
    pub(super) fn count_leaf(&self) -> bool {
        self.leaves.fetch_add(1, Ordering::Relaxed) < LEAF_LIMIT
    }

    /// Counts a retained entry.
    pub(super) fn count_retained(&self) -> Retention {
        match self.retained.fetch_add(1, Ordering::Relaxed) {
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

/// What happens to an entry that matters.
pub(super) enum Retention {
    Keep,
    /// There are too many; this is the first, which is reported.
    FirstDropped,
    Drop,
}
