//! Convert byte offsets to lines and columns, for texts that are queried often.

/// Where the lines of a text start.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// Sorted positions within long lines and their columns. Without them, each lookup in a
    /// single-line document would count from the start of the text.
    marks: Vec<Mark>,
}

/// A known position in a long line.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// A byte offset, between two characters.
    offset: u32,
    /// The number of characters before it on the line.
    column: u32,
}

/// Lines longer than this many bytes have marks.
const LONG_LINE: usize = 4 << 10;
/// The approximate number of bytes between two marks.
const MARK_BYTES: usize = 1 << 10;

impl LineIndex {
    /// Builds the index in one pass over the text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        // Counting first is faster than growing the vector.
        let mut starts = Vec::with_capacity(newlines.clone().count() + 1);
        starts.push(0);
        starts.extend(newlines.map(|at| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        let mut index = Self { starts, marks: Vec::new() };
        index.add_marks(text);
        index
    }

    fn add_marks(&mut self, text: &str) {
        let ends = self.starts.iter().skip(1).map(|&start| start as usize);
        for (&start, end) in self.starts.iter().zip(ends.chain([text.len()])) {
            let mut from = start as usize;
            if end.saturating_sub(from) <= LONG_LINE {
                continue;
            }
            let mut column = 0;
            while end - from > MARK_BYTES {
                let mut to = from + MARK_BYTES;
                while !text.is_char_boundary(to) {
                    to -= 1;
                }
                column += columns(text.get(from..to).unwrap_or_default());
                from = to;
                let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
                self.marks.push(Mark { offset: narrow(from), column: narrow(column) });
            }
        }
    }

    /// The line and column of a byte offset, both counted from 1. Columns count Unicode scalar
    /// values, except byte order marks. Takes time logarithmic in the length of the text.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32) -> (u32, u32) {
        let line = self.starts.partition_point(|&start| start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let mut end = (offset as usize).min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let next = self.marks.partition_point(|mark| mark.offset as usize <= end);
        let mark = next.checked_sub(1).and_then(|mark| self.marks.get(mark));
        let (from, before) = match mark.filter(|mark| mark.offset > start) {
            Some(mark) => (mark.offset, mark.column as usize),
            None => (start, 0),
        };
        let column = before + columns(text.get(from as usize..end).unwrap_or_default()) + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }

    /// The byte offset at which a line starts. Lines are counted from 1.
    #[must_use]
    pub fn start(&self, line: u32) -> Option<u32> {
        self.starts.get((line as usize).checked_sub(1)?).copied()
    }

    /// The number of lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are no lines. Always `false`, because even an empty text has one line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

/// The number of columns that a part of a line takes up.
fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().filter(|&c| c != '\u{feff}').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_start_at_one() {
        let text = "a\näb: c\n";
        let lines = LineIndex::new(text);
        assert_eq!(lines.position(text, 0), (1, 1));
        assert_eq!(lines.position(text, 7), (2, 5));
        assert_eq!(lines.position(text, 99), (3, 1));
        assert_eq!(lines.start(2), Some(2));
    }

    #[test]
    fn long_lines_have_the_same_columns_as_counting_gives() {
        let long: String = "aä日\u{feff}b".chars().cycle().take(20_000).collect();
        let text = format!("{long}\nshort\n{long}{long}\r\nend");
        let index = LineIndex::new(&text);
        assert!(!index.marks.is_empty());
        let (mut line, mut column) = (1, 1);
        for (at, c) in text.char_indices() {
            let offset = u32::try_from(at).unwrap();
            if at % 7 == 0 || c == '\n' {
                assert_eq!(index.position(&text, offset), (line, column), "{at}");
            }
            match c {
                '\n' => (line, column) = (line + 1, 1),
                '\u{feff}' => {}
                _ => column += 1,
            }
        }
    }
}
