//! Literal texts (`|`, `|-`), made without their indentation when somebody asks.
//!
//! They are most of what can't stand as it is written: dashboards in ConfigMaps, descriptions in
//! CRDs' schemas. Few of them are ever asked for, and a copy of each would live as long as its tree.
//!
//! Invariant: what [`crate::plain`] hands over here begins with `|` or `|-` alone on its line; the
//! first line below is not blank, and each other one is blank or indented at least as deep.

use std::sync::OnceLock;

/// The literal texts of a document, in their order: each is made once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Literals(Vec<OnceLock<Box<str>>>);

impl Literals {
    /// Room for one more; tells its place.
    pub(crate) fn add(&mut self) -> usize {
        self.0.push(OnceLock::new());
        self.0.len() - 1
    }

    /// The text at `place`, which is written so.
    pub(crate) fn text(&self, place: usize, written: &str) -> &str {
        self.0.get(place).map_or("", |text| text.get_or_init(|| without_indentation(written)))
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.0.shrink_to_fit();
    }
}

/// What the text means that is written so, from its `|` to the end of its last line.
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
    fn indentation_goes_and_blank_lines_stay() {
        let mut literals = Literals::default();
        for (written, text) in [
            ("|\n  a", "a\n"),
            ("|-\n  a", "a"),
            ("|\n    a\n      b\n\n \n    c", "a\n  b\n\n\nc\n"),
            ("|-\n é\n ü", "é\nü"),
        ] {
            let place = literals.add();
            assert_eq!(literals.text(place, written), text);
            assert_eq!(literals.text(place, written), text, "asked again");
        }
        assert_eq!(literals.text(99, "|\n a"), "");
    }
}
