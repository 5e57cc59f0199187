//! Unpacked blocks of advisories, shared between threads and bounded in bytes.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::advisory::Block;

/// More bytes are not kept.
const MAX_BYTES: usize = 128 << 20;

/// The blocks, by their numbers. Looking one up takes a shared lock, which readers do not wait for.
#[derive(Debug, Default)]
pub(crate) struct BlockCache(RwLock<Blocks>);

#[derive(Debug, Default)]
struct Blocks {
    by_number: HashMap<u32, Arc<Block>>,
    bytes: usize,
}

impl BlockCache {
    pub(crate) fn get(&self, number: u32) -> Option<Arc<Block>> {
        // A panic elsewhere cannot leave the map half changed: each change is one insertion.
        let blocks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        blocks.by_number.get(&number).cloned()
    }

    /// Keeps a block. Two threads may read the same one; the first is kept.
    pub(crate) fn insert(&self, number: u32, block: Block) -> Arc<Block> {
        let block = Arc::new(block);
        let size = block.size();
        let mut blocks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = blocks.by_number.get(&number) {
            return Arc::clone(known);
        }
        if blocks.bytes.saturating_add(size) > MAX_BYTES {
            // Rare enough that dropping all costs less than tracking which were used last.
            *blocks = Blocks::default();
        }
        blocks.bytes += size;
        blocks.by_number.insert(number, Arc::clone(&block));
        block
    }
}
