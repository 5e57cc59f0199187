//! Text that knows, for every byte, where it comes from.

use std::ops::Range;
use std::rc::Rc;

use crate::origin::Origin;

/// From this byte on, text has this origin.
pub(crate) type Mark = (u32, Origin);

/// A text whose parts may have different origins. Without marks, all of it has the origin of the
/// value that holds it.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: Rc<str>,
    marks: Option<Rc<Vec<Mark>>>,
}

impl Text {
    pub(crate) fn plain(text: impl Into<Rc<str>>) -> Self {
        Self { text: text.into(), marks: None }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts in `range`, each with its origin; `whole` is the origin of the value.
    pub(crate) fn parts(
        &self,
        range: Range<usize>,
        whole: Origin,
    ) -> impl Iterator<Item = (&str, Origin)> {
        let marks = self.marks.as_deref().map(Vec::as_slice).unwrap_or_default();
        let first = marks.partition_point(|(start, _)| (*start as usize) <= range.start);
        let first = first.saturating_sub(1);
        let count = if marks.is_empty() { 1 } else { marks.len() - first };
        (0..count).filter_map(move |index| {
            let (start, origin) = match marks.get(first + index) {
                Some((start, origin)) => (*start as usize, origin.or(whole)),
                None => (0, whole),
            };
            let next = marks.get(first + index + 1);
            let end = next.map_or(self.text.len(), |(next, _)| *next as usize).min(range.end);
            let from = start.max(range.start);
            let part = self.text.get(from..end).filter(|part| !part.is_empty())?;
            Some((part, origin.advanced(from - start)))
        })
    }

    /// The origin of the byte at `offset`.
    pub(crate) fn origin_at(&self, offset: usize, whole: Origin) -> Origin {
        let Some(marks) = &self.marks else { return whole.advanced(offset) };
        let after = marks.partition_point(|(start, _)| (*start as usize) <= offset);
        match after.checked_sub(1).and_then(|index| marks.get(index)) {
            Some((start, origin)) => origin.or(whole).advanced(offset - *start as usize),
            None => whole,
        }
    }
}

/// Text that is being written, with its marks.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) text: String,
    pub(crate) marks: Vec<Mark>,
}

impl Buffer {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// Appends text of one origin.
    pub(crate) fn push(&mut self, text: &str, origin: Origin) {
        if text.is_empty() {
            return;
        }
        let at = self.text.len();
        let continues = self
            .marks
            .last()
            .is_some_and(|(start, last)| last.advanced(at - *start as usize) == origin);
        if !continues {
            self.marks.push((u32::try_from(at).unwrap_or(u32::MAX), origin));
        }
        self.text.push_str(text);
    }

    /// Appends a part of a text; what it does not know of its origin is `outer`.
    pub(crate) fn push_part(&mut self, text: &Text, range: Range<usize>, whole: Origin) {
        for (part, origin) in text.parts(range, whole) {
            self.push(part, origin);
        }
    }

    /// The finished text.
    pub(crate) fn into_text(self) -> Text {
        Text { text: self.text.into(), marks: Some(Rc::new(self.marks)) }
    }

    /// Helm removes what Go prints for a missing value.
    pub(crate) fn without_no_value(self) -> Self {
        const NO_VALUE: &str = "<no value>";
        if !self.text.contains(NO_VALUE) {
            return self;
        }
        let text = self.into_text();
        let mut kept = Self::default();
        let mut at = 0;
        for (start, found) in text.as_str().match_indices(NO_VALUE) {
            kept.push_part(&text, at..start, Origin::default());
            at = start + found.len();
        }
        kept.push_part(&text, at..text.as_str().len(), Origin::default());
        kept
    }
}
