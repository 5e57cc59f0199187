//! Locations: a source, a path in an object, and the text that it covers.

use std::fmt;

use coaming_yaml::{Path, Span};

/// The identity of a source: a file, a rendered chart, one object of a cluster.
///
/// It is assigned once, when the source is added, and never reused: the id of a removed source
/// finds nothing. Ids are in the order in which sources were added; files are added by name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u64);

impl SourceId {
    /// The id with this number. Numbers are assigned by `coaming_kube::World`, or by a reader that
    /// adds sources in several portions.
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

/// One location that a finding points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The source; `None` if the location is not in a source.
    pub source: Option<SourceId>,
    /// The field in its object.
    pub path: Path,
    /// The span in the text; `None` if the source has no text of its own (a live cluster, a
    /// rendered chart).
    pub span: Option<Span>,
    /// How this location relates to the finding, in a few words; empty if that is obvious.
    pub label: String,
}

/// A line and column in a text, as people count them.
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
    /// Scans the whole text before the offset: use it for a report's few locations, not for each
    /// node.
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
