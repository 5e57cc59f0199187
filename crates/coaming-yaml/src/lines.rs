//! From byte offsets to lines and columns, for a text that is asked often.

/// Where the lines of a text start.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
    /// In long lines, some places and their columns, sorted. Without them, each position in a
    /// document on one line would be counted from its start.
    marks: Vec<Mark>,
}

/// A place in a long line.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// A byte offset, between two characters.
    offset: u32,
    /// How many characters of the line are before it.
    column: u32,
}

/// A line with more bytes has marks.
const LONG_LINE: usize = 4 << 10;
/// About so many bytes are between two marks.
const MARK_BYTES: usize = 1 << 10;

impl LineIndex {
    /// Looks through the whole text once.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let newlines = memchr::memchr_iter(b'\n', text.as_bytes());
        // Counting is quicker than growing.
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

    /// Line and column of a byte offset, both from 1; columns count Unicode scalar values, without
    /// byte order marks. Takes time logarithmic in the text.
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

    /// The byte at which a line starts; lines count from 1.
    #[must_use]
    pub fn start(&self, line: u32) -> Option<u32> {
        self.starts.get((line as usize).checked_sub(1)?).copied()
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is no line: never, as an empty text has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

/// How many columns a part of a line takes.
fn columns(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().filter(|&c| c != '\u{feff}').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_as_people_do() {
        let text = "a\näb: c\n";
        let lines = LineIndex::new(text);
        assert_eq!(lines.position(text, 0), (1, 1));
        assert_eq!(lines.position(text, 7), (2, 5));
        assert_eq!(lines.position(text, 99), (3, 1));
        assert_eq!(lines.start(2), Some(2));
    }

    #[test]
    fn long_lines_are_counted_as_short_ones() {
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
