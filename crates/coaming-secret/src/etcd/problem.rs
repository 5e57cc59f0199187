//! What in a file does not make sense: told, counted, and never in the way of the rest.

/// So many problems of one file are told one by one.
const MAX_TOLD: usize = 20;

/// The problems of a file, in the order in which they were met.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    told: Vec<String>,
    more: u64,
}

impl Problems {
    pub(super) fn add(&mut self, problem: impl Into<String>) {
        if self.told.len() < MAX_TOLD {
            self.told.push(problem.into());
        } else {
            self.more += 1;
        }
    }

    /// All of them as text; of very many, how many more there are.
    pub(super) fn into_messages(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("{} more problems like these", self.more));
        }
        self.told
    }
}
