//! Text from a document as an error message may quote it.

use coaming_text::Printable;

/// The most characters that are quoted.
const MAX_CHARS: usize = 80;

/// The text made printable and shortened.
#[must_use]
pub fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", Printable(text.get(..end).unwrap_or_default())),
        None => Printable(text).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_have_no_control_characters() {
        assert_eq!(quote("linux/arm64"), "linux/arm64");
        assert_eq!(quote("a\u{1b}[31m\u{202e}"), "a\u{fffd}[31m\u{fffd}");
        assert_eq!(quote(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
    }
}
