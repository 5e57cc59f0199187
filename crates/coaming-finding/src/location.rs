//! Where something is: a file, a path in an object, and the text it covers.

use std::fmt;

use coaming_yaml::{Path, Span};

/// The identity of a source: a file, a rendered chart, one object of a cluster.
///
/// It is given once, when the source is taken in, and never to another source: an old id finds
/// nothing, and never something else. The order of ids is the order in which sources were taken
/// in, which for files is that of their names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// The id with this number. Whoever takes in sources numbers them: `coaming_kube::World` for
    /// what it gets, and a reader that takes in sources in portions for all of them.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for SourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceId({})", self.0)
    }
}

/// One place that a finding points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The source; `None` for what is in none.
    pub source: Option<SourceId>,
    /// The field in its object.
    pub path: Path,
    /// The text to point to; `None` where the source has no text of its own (a live cluster, a
    /// rendered chart).
    pub span: Option<Span>,
    /// What this place has to do with the finding, in a few words; empty where that is obvious.
    pub label: String,
}

/// A place in a text as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in Unicode scalar values, from 1.
    pub column: u32,
}

impl Position {
    /// The position of the byte `offset` in `text`.
    ///
    /// Looks at the whole text before it: for a report's few places, not for each node.
    #[must_use]
    pub fn of(text: &str, offset: u32) -> Self {
        let mut end = (offset as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &text[..end];
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let column = before[start..].chars().filter(|&c| c != '\u{feff}').count() + 1;
        Self {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters() {
        let text = "a\näb: c\n";
        let offset = u32::try_from(text.find('c').unwrap()).unwrap();
        assert_eq!(Position::of(text, offset), Position { line: 2, column: 5 });
        assert_eq!(Position::of(text, 99), Position { line: 3, column: 1 });
    }
}
