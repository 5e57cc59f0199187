//! Partition refinement: which items no set of a series tells apart.

use fixedbitset::FixedBitSet;

/// Items `0..count`, in blocks. All items start in one block; each set splits the blocks that it
/// cuts, in time proportional to the set.
pub(crate) struct Partition {
    block_of: Vec<u32>,
    sizes: Vec<usize>,
    /// Scratch space by block: how many of its items the current set holds.
    hits: Vec<usize>,
}

impl Partition {
    pub(crate) fn new(count: usize) -> Self {
        Self { block_of: vec![0; count], sizes: vec![count], hits: vec![0] }
    }

    /// Splits by sets that are disjoint. The largest of them, or what is in none of them, needs no
    /// look: it is what the others leave over.
    pub(crate) fn split_by<'s>(&mut self, sets: impl Iterator<Item = &'s FixedBitSet>) {
        let count = self.block_of.len();
        let sized = sets.map(|set| (set.count_ones(..count.min(set.len())), set));
        let mut sized: Vec<_> = sized.collect();
        let rest = count.saturating_sub(sized.iter().map(|(size, _)| size).sum());
        sized.sort_by_key(|(size, _)| *size);
        if let Some(&(largest, _)) = sized.last()
            && largest > rest
        {
            if rest > 0 {
                let mut others = FixedBitSet::with_capacity(count);
                others.insert_range(..);
                for (_, set) in &sized {
                    others.difference_with(set);
                }
                self.split(&others);
            }
            sized.pop();
        }
        for (_, set) in sized {
            self.split(set);
        }
    }

    fn split(&mut self, set: &FixedBitSet) {
        let count = self.block_of.len();
        let items = || set.ones().take_while(|&item| item < count);
        let mut touched = Vec::new();
        for item in items() {
            let block = self.block_of[item] as usize;
            if self.hits[block] == 0 {
                touched.push(block);
            }
            self.hits[block] += 1;
        }
        let mut moved_to: Vec<Option<u32>> = vec![None; self.sizes.len()];
        for block in touched {
            let hits = std::mem::take(&mut self.hits[block]);
            if hits < self.sizes[block] {
                moved_to[block] = u32::try_from(self.sizes.len()).ok();
                self.sizes[block] -= hits;
                self.sizes.push(hits);
                self.hits.push(0);
            }
        }
        for item in items() {
            if let Some(block) = moved_to[self.block_of[item] as usize] {
                self.block_of[item] = block;
            }
        }
    }

    /// The block of each item.
    pub(crate) fn into_blocks(self) -> Vec<u32> {
        self.block_of
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Two items share a block exactly if every set holds both or neither.
        #[test]
        fn blocks_are_what_no_set_tells_apart(
            series in prop::collection::vec(prop::collection::vec(0u8..4, 12), 0..6),
        ) {
            let mut partition = Partition::new(12);
            for cells in &series {
                // Items with 0 are in no set of this step.
                let sets: Vec<FixedBitSet> = (1..4)
                    .map(|cell| (0..12).filter(|&item| cells[item] == cell).collect())
                    .collect();
                partition.split_by(sets.iter());
            }
            let blocks = partition.into_blocks();
            for a in 0..12 {
                for b in 0..12 {
                    let alike = series.iter().all(|cells| cells[a] == cells[b]);
                    prop_assert_eq!(blocks[a] == blocks[b], alike);
                }
            }
        }
    }
}
