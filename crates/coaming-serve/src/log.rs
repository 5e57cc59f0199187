//! What operators read: one line per event on standard error. Text from others is made printable.

use std::fmt::Display;
use std::io::Write as _;

use coaming_text::Printable;

/// Writes a line. A closed standard error does not end the server.
pub(crate) fn say(text: impl Display) {
    let text = text.to_string();
    drop(writeln!(std::io::stderr().lock(), "coaming: {}", Printable(&text)));
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
