//! The gate between the text of inputs and what is shown: every excerpt, edit, diff and message
//! passes through it.
//!
//! * [`InputText`] is the text of an input. It cannot be printed: it implements neither `Display`
//!   nor `AsRef<str>`, and its `Debug` shows only a length.
//! * [`ShownLines`] gives lines of it as [`Excerpt`]s, and edits as [`ShownEdit`]s, but only those
//!   that cannot contain a secret.
//! * [`MaskedWriter`] is for answers that name objects of the input.
//! * [`masked`] is for messages: texts of our own that may quote an input.
//! * [`is_shown_version`] and what is beside it judge packages, which strangers' SBOMs name.
//! * [`KnownValues`] is for errors of what computes with inputs, such as templates: it makes
//!   [`ShownText`] of them, without the values of the inputs that are secrets.
//!
//! The gate is stricter than the detector: hiding a harmless line costs little. It knows a secret
//! by the rules of the detector, by the names on the line, above it and beside it, also misspelled
//! ones, by the command that takes it, and by its characters. A line also counts as secret if it is
//! below a field that holds secrets (`stringData`), however deep.
//!
//! ```compile_fail
//! // The text of an input cannot be printed.
//! println!("{}", coaming_secret::gate::InputText::new("password: hunter2"));
//! ```

mod forms;
mod known;
mod line;
mod lines;
mod message;
mod name;
mod package;
mod setting;
mod word;
mod writer;

use std::fmt;

use coaming_yaml::Document;
use coaming_yaml::edit::{self, Edit, TextEdit};
use coaming_yaml::{LineIndex, Span};

use std::cell::OnceCell;

pub use known::{KnownValues, ShownText};
pub use lines::hidden_lines;
pub use message::{is_shown_value, masked, masked_names, shown_name};
pub use package::{is_shown_package_name, is_shown_version, shown_purl};
pub use writer::MaskedWriter;

/// The text of an input, which cannot be printed.
#[derive(Clone, Copy, Default)]
pub struct InputText<'a>(&'a str);

impl<'a> InputText<'a> {
    /// A text that must pass the gate before it is shown.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Debug for InputText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputText({} bytes)", self.0.len())
    }
}

/// The lines of an input, counted once, and judged when the first of them is to be shown.
pub struct ShownLines<'a> {
    text: &'a str,
    index: LineIndex,
    rejected: Vec<Span>,
    hidden: OnceCell<Vec<bool>>,
}

impl fmt::Debug for ShownLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShownLines").field("lines", &self.index.len()).finish_non_exhaustive()
    }
}

/// A line of an input that may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excerpt<'a> {
    /// The offset of the line in the text.
    pub start: usize,
    text: &'a str,
}

impl<'a> Excerpt<'a> {
    /// The line, without its line break.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// An edit of an input whose new text may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownEdit {
    /// The text that is replaced.
    pub span: Span,
    text: String,
}

impl ShownEdit {
    /// The new text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> ShownLines<'a> {
    /// Counts the lines of a text.
    #[must_use]
    pub fn new(text: InputText<'a>) -> Self {
        Self::with_rejected(text, Vec::new())
    }

    /// Like [`Self::new`]. At the spans are values that the API rejects, which may be anything.
    #[must_use]
    pub fn with_rejected(text: InputText<'a>, rejected: Vec<Span>) -> Self {
        let index = LineIndex::new(text.0);
        Self { text: text.0, index, rejected, hidden: OnceCell::new() }
    }

    /// For each line, whether it may contain a secret.
    fn hidden(&self) -> Vec<bool> {
        let mut hidden = hidden_lines(self.text);
        for span in &self.rejected {
            let value = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
            if message::is_shown_rejected(value) {
                continue;
            }
            let (first, _) = self.index.position(self.text, span.start);
            let count = value.matches('\n').count() + 1;
            let from = usize::try_from(first).map_or(0, |first| first.saturating_sub(1));
            hidden.iter_mut().skip(from).take(count).for_each(|hidden| *hidden = true);
        }
        hidden
    }

    /// How many lines there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.index.len()
    }

    /// Line and column of an offset, from 1.
    #[must_use]
    pub fn position(&self, offset: u32) -> (u32, u32) {
        self.index.position(self.text, offset)
    }

    /// A line by its number, from 1; `None` if it has more than `limit` bytes, or may contain a
    /// secret.
    #[must_use]
    pub fn line(&self, number: u32, limit: usize) -> Option<Excerpt<'a>> {
        let start = self.index.start(number)? as usize;
        let end = self.index.start(number + 1).map_or(self.text.len(), |next| next as usize);
        let line = self.text.get(start..end)?.trim_end_matches(['\r', '\n']);
        let hidden = self.hidden.get_or_init(|| self.hidden());
        let is_hidden = hidden.get(number.checked_sub(1)? as usize).copied().unwrap_or(true);
        (line.len() <= limit && !is_hidden).then_some(Excerpt { start, text: line })
    }

    /// What edits of one document change; `None` if they cannot be made, or write a secret.
    #[must_use]
    pub fn document_edits(&self, document: &Document, edits: &[Edit]) -> Option<Vec<ShownEdit>> {
        self.edits(&edit::apply(self.text, document, edits).ok()?)
    }

    /// What edits of the text change; `None` if they write a secret.
    #[must_use]
    pub fn edits(&self, edits: &[TextEdit]) -> Option<Vec<ShownEdit>> {
        let shown = edits.iter().map(|edit| {
            let (before, after) = self.around(edit.span)?;
            let written = format!("{before}{}{after}", edit.replacement);
            let first = before.matches('\n').count();
            let count = edit.replacement.matches('\n').count() + 1;
            let hidden = hidden_lines(&written);
            let is_harmless = edit.replacement.trim().is_empty();
            let is_hidden = hidden.iter().skip(first).take(count).any(|&hidden| hidden);
            (is_harmless || !is_hidden)
                .then(|| ShownEdit { span: edit.span, text: edit.replacement.clone() })
        });
        shown.collect()
    }

    /// The text around an edit that decides what its lines are: from the last lines at the margin
    /// to the end of its own line. `None` if that is too long to judge.
    fn around(&self, span: Span) -> Option<(&'a str, &'a str)> {
        const MAX_BEFORE: usize = 64 << 10;
        let before = self.text.get(..span.start as usize)?;
        let at_margin = |line: &str| line.starts_with(|c: char| !c.is_whitespace() && c != '-');
        let mut start = before.rfind('\n').map_or(0, |newline| newline + 1);
        // A field at the margin is above all that it contains.
        while start > 0 && !before.get(start..).is_some_and(at_margin) {
            start = before.get(..start - 1)?.rfind('\n').map_or(0, |newline| newline + 1);
            if before.len() - start > MAX_BEFORE {
                return None;
            }
        }
        let rest = self.text.get(span.end as usize..)?;
        let end = rest.find('\n').unwrap_or(rest.len());
        Some((before.get(start..)?, rest.get(..end)?))
    }
}

#[cfg(test)]
mod tests;
