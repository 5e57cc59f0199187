//! From locations to lines and columns: a file's lines are counted once, and only where they are asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use coaming_finding::{Fix, Location, SourceId};
use coaming_yaml::LineIndex;
use coaming_yaml::edit::TextEdit;

use crate::Report;

/// A place as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

/// Text that comes in the place of other text.
pub(crate) struct Replacement {
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// The line starts of every file, counted when the first finding that points into it is shown.
pub(crate) struct Places<'a> {
    files: &'a BTreeMap<SourceId, crate::File<'a>>,
    lines: BTreeMap<SourceId, OnceCell<LineIndex>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let lines = report.files.keys().map(|&id| (id, OnceCell::new())).collect();
        Self { files: report.files, lines }
    }

    fn lines(&self, id: SourceId) -> Option<(&LineIndex, &'a str)> {
        let source = self.files.get(&id)?.source;
        let lines = self.lines.get(&id)?.get_or_init(|| LineIndex::new(source));
        Some((lines, source))
    }

    /// The file a location is in.
    pub(crate) fn file(&self, location: &Location) -> Option<crate::File<'a>> {
        self.files.get(&location.source?).copied()
    }

    /// The name of the file a location is in; empty where it is in none.
    pub(crate) fn name(&self, location: &Location) -> &'a str {
        self.file(location).map_or("", |file| file.name)
    }

    /// Lines and columns of a location, where it has a text.
    pub(crate) fn place(&self, location: &Location) -> Option<Place> {
        let (id, span) = (location.source?, location.span?);
        let (lines, source) = self.lines(id)?;
        let (line, column) = lines.position(source, span.start);
        let (end_line, end_column) = lines.position(source, span.end);
        Some(Place { line, column, end_line, end_column })
    }

    /// The line that a location starts in, with its offset in the text; `None` for one of more than
    /// `limit` bytes.
    pub(crate) fn line(&self, location: &Location, limit: usize) -> Option<(usize, &'a str)> {
        let (lines, source) = self.lines(location.source?)?;
        let line = lines.position(source, location.span?.start).0;
        let start = lines.start(line)? as usize;
        let end = lines.start(line + 1).map_or(source.len(), |next| next as usize);
        let line = source.get(start..end.min(start.saturating_add(limit + 2)))?;
        let line = line.trim_end_matches(['\r', '\n']);
        (line.len() <= limit).then_some((start, line))
    }

    /// What a fix changes in the text of each file; `None` where it can't be said in text.
    pub(crate) fn text_edits(&self, fix: &Fix) -> Option<Vec<(&'a str, Vec<Replacement>)>> {
        let mut by_file: BTreeMap<SourceId, Vec<Replacement>> = BTreeMap::new();
        for edits in &fix.edits {
            let id = edits.source;
            let file = self.files.get(&id)?;
            let document = file.documents.get(edits.document as usize)?;
            let changes = coaming_yaml::edit::apply(file.source, document, &edits.edits).ok()?;
            by_file.entry(id).or_default().extend(self.replacements(id, &changes)?);
        }
        for edits in &fix.file_edits {
            let replaced = self.replacements(edits.source, &edits.edits)?;
            by_file.entry(edits.source).or_default().extend(replaced);
        }
        let named =
            by_file.into_iter().map(|(id, replaced)| Some((self.files.get(&id)?.name, replaced)));
        named.collect::<Option<Vec<_>>>().filter(|files| !files.is_empty())
    }

    fn replacements(&self, id: SourceId, changes: &[TextEdit]) -> Option<Vec<Replacement>> {
        let (lines, source) = self.lines(id)?;
        let replaced = changes.iter().map(|change| {
            let (line, column) = lines.position(source, change.span.start);
            let (end_line, end_column) = lines.position(source, change.span.end);
            let place = Place { line, column, end_line, end_column };
            Replacement { place, text: change.replacement.clone() }
        });
        Some(replaced.collect())
    }

    /// `file:line:column`, or what of it is known.
    pub(crate) fn shown(&self, location: &Location) -> String {
        let name = crate::text::plain(self.name(location));
        match self.place(location) {
            Some(place) => format!("{name}:{}:{}", place.line, place.column),
            None => name,
        }
    }
}
