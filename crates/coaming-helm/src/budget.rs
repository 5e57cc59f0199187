//! What a rendering may cost. A chart is untrusted: its loops, its recursion and its output end.

use std::cell::Cell;

/// How deep values, templates and calls may nest.
pub(crate) const MAX_DEPTH: usize = 400;

/// How many bytes of text one rendering may produce, intermediate results included, and how many
/// nodes it may evaluate (each counts as [`NODE`] bytes).
const TOTAL: u64 = 1 << 29;

/// What the evaluation of one node counts.
const NODE: u64 = 128;

/// The cost that is left.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: Cell::new(TOTAL) }
    }
}

impl Budget {
    /// Pays for `bytes` bytes of text.
    pub(crate) fn bytes(&self, bytes: usize) -> Result<(), String> {
        match self.left.get().checked_sub(bytes as u64) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err("rendering takes too long or produces too much".to_owned())
            }
        }
    }

    /// Pays for `count` nodes.
    pub(crate) fn nodes(&self, count: usize) -> Result<(), String> {
        self.bytes(count.saturating_mul(NODE as usize))
    }
}
