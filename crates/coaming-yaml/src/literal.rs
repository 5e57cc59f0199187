//! Literal block scalars (`|`, `|-`), whose indentation is removed on first use.
//!
//! They are most of the text that differs from its notation: dashboards in ConfigMaps,
//! descriptions in CRD schemas. Few of them are ever read, and a copy of each would live as long as
//! its tree.
//!
//! Invariant: a text that [`crate::plain`] stores here begins with `|` or `|-` alone on its line.
//! The next line is not blank, and every other line is blank or indented at least as deeply.

use std::sync::OnceLock;

/// The literal texts of a document, in source order. Each is computed at most once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Literals(Vec<OnceLock<Box<str>>>);

impl Literals {
    /// Reserves an entry for one more text and returns its index.
    pub(crate) fn add(&mut self) -> usize {
        self.0.push(OnceLock::new());
        self.0.len() - 1
    }

    /// The text at `index`, whose notation in the source is `written`.
    pub(crate) fn text(&self, index: usize, written: &str) -> &str {
        self.0.get(index).map_or("", |text| text.get_or_init(|| without_indentation(written)))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the texts of another document of the same source.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// The value of a literal, given its source from the `|` to the end of its last line.
fn without_indentation(written: &str) -> Box<str> {
    let (header, lines) = written.split_once('\n').unwrap_or_default();
    let indentation = lines.bytes().take_while(|&byte| byte == b' ').count();
    let mut text = String::with_capacity(lines.len() + 1);
    for line in lines.split('\n') {
        // A blank line may be shorter than the indentation.
        text += line.get(indentation..).unwrap_or_default();
        text.push('\n');
    }
    if header.ends_with('-') {
        text.pop();
    }
    text.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_indentation_and_keeps_blank_lines() {
        let mut literals = Literals::default();
        for (written, text) in [
            ("|\n  a", "a\n"),
            ("|-\n  a", "a"),
            ("|\n    a\n      b\n\n \n    c", "a\n  b\n\n\nc\n"),
            ("|-\n é\n ü", "é\nü"),
        ] {
            let index = literals.add();
            assert_eq!(literals.text(index, written), text);
            assert_eq!(literals.text(index, written), text, "on the second call");
        }
        assert_eq!(literals.text(99, "|\n a"), "");
    }
}
