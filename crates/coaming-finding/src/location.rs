//! Where something is: a file, a path in an object, and the text it covers.

use coaming_yaml::{Path, Span};

/// The index of a file among the inputs of a run: the file's place in the sorted list of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One place that a finding points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file; `None` where the object came without one (a live cluster, an admission review).
    pub file: Option<FileId>,
    /// The field in its object.
    pub path: Path,
    /// The text to point to; `None` where there is none.
    pub span: Option<Span>,
    /// What this place has to do with it, in a few words; empty where the message says it all.
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
