//! What does not make sense in a file: reported, counted, and never in the way of the rest.

/// At most this many problems of a file are reported one by one.
const MAX_REPORTED: usize = 20;

/// The problems of a file, in the order in which they were found.
#[derive(Clone, Debug, Default)]
pub(super) struct Problems {
    reported: Vec<String>,
    more: u64,
}

impl Problems {
    pub(super) fn add(&mut self, problem: impl Into<String>) {
        if self.reported.len() < MAX_REPORTED {
            self.reported.push(problem.into());
        } else {
            self.more += 1;
        }
    }

    /// The problems as text; the last one counts those that were left out.
    pub(super) fn into_messages(mut self) -> Vec<String> {
        if self.more > 0 {
            self.reported.push(format!("{} more problems like these", self.more));
        }
        self.reported
    }
}
