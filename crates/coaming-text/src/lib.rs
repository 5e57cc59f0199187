//! Text that people read: untrusted text made printable, and spelling suggestions.
//!
//! Invariants:
//!
//! * What [`Printable`] writes cannot move a terminal's cursor, change colors, or make text appear
//!   in another order than it has.
//! * There is one notion of "did you mean" in the whole program: [`nearest`].

use std::fmt::{self, Write as _};

/// Text from user input, a file, an image or a server, made safe to print.
///
/// Control characters, and those that change the direction of text, become U+FFFD.
///
/// ```
/// use coaming_text::Printable;
///
/// assert_eq!(Printable("a\u{1b}[31mb\u{202e}c").to_string(), "a\u{fffd}[31mb\u{fffd}c");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(at) = rest.find(is_unprintable) {
            f.write_str(&rest[..at])?;
            f.write_char(char::REPLACEMENT_CHARACTER)?;
            rest = &rest[at + rest[at..].chars().next().map_or(1, char::len_utf8)..];
        }
        f.write_str(rest)
    }
}

/// Whether a character controls how text is shown, and is none itself.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    let changes_direction = matches!(
        c,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    c.is_control() || changes_direction
}

/// The known name that was probably meant, if any is close to `name`: the same but for case and
/// separators, one the beginning of the other, or a few letters apart. Of several the closest, then
/// the first.
///
/// ```
/// use coaming_text::nearest;
///
/// assert_eq!(nearest("run-as-rot", ["run-as-root", "privileged"]), Some("run-as-root"));
/// assert_eq!(nearest("minSeverity", ["select", "min-severity"]), Some("min-severity"));
/// assert_eq!(nearest("nothing-like-it", ["select"]), None);
/// ```
#[must_use]
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
    let written = folded(name);
    // A name this long is not a slip of the finger, and the distance costs the product of lengths.
    if written.is_empty() || written.len() > 64 {
        return None;
    }
    let limit = (written.chars().count() / 4).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other = folded(candidate);
        let shorter = written.len().min(other.len());
        let is_beginning =
            shorter >= 3 && (other.starts_with(&written) || written.starts_with(&other));
        let distance = match strsim::osa_distance(&written, &other) {
            distance if distance <= limit => distance,
            _ if is_beginning => limit + 1,
            _ => continue,
        };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keeps_all_but_what_controls_it() {
        assert_eq!(Printable("").to_string(), "");
        assert_eq!(Printable("größe: 日本").to_string(), "größe: 日本");
        assert_eq!(
            Printable("\r\na\u{85}\u{2066}").to_string(),
            "\u{fffd}\u{fffd}a\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn the_closest_name_is_suggested() {
        let known = ["select", "severity", "min-severity", "registries"];
        assert_eq!(nearest("slect", known), Some("select"));
        assert_eq!(nearest("regist", known), Some("registries"));
        assert_eq!(nearest("MIN_SEVERITY", known), Some("min-severity"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("", known), None);
    }
}
