//! From locations to lines and columns: a file's lines are counted once, and only where they are asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use coaming_finding::{Category, Finding, Fix, Location, SourceId};
use coaming_secret::gate::{Excerpt, ShownEdit, ShownLines};
use coaming_yaml::Span;

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
    lines: BTreeMap<SourceId, OnceCell<ShownLines<'a>>>,
    /// Where the files have values that the API rejects.
    rejected: BTreeMap<SourceId, Vec<Span>>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let lines = report.files.keys().map(|&id| (id, OnceCell::new())).collect();
        let mut rejected: BTreeMap<SourceId, Vec<Span>> = BTreeMap::new();
        let of_schema = |finding: &&Finding| finding.rule.category == Category::Schema;
        for location in report.findings.iter().filter(of_schema).flat_map(|it| &it.locations) {
            if let Some((id, span)) = location.source.zip(location.span) {
                rejected.entry(id).or_default().push(span);
            }
        }
        Self { files: report.files, lines, rejected }
    }

    fn lines(&self, id: SourceId) -> Option<&ShownLines<'a>> {
        let source = self.files.get(&id)?.source;
        let rejected = || self.rejected.get(&id).cloned().unwrap_or_default();
        let lines = self.lines.get(&id)?;
        Some(lines.get_or_init(|| ShownLines::with_rejected(source, rejected())))
    }

    /// The file a location is in.
    pub(crate) fn file(&self, location: &Location) -> Option<crate::File<'a>> {
        self.files.get(&location.source?).copied()
    }

    /// Whether a finding is about what a chart or an overlay makes of a file: a fix has to find an edit
    /// of that file that changes nothing else.
    pub(crate) fn is_rendered(&self, finding: &Finding) -> bool {
        let file = finding.locations.first().and_then(|location| self.file(location));
        finding.object.is_some() && file.is_some_and(|file| file.documents.is_empty())
    }

    /// The name of the file a location is in; empty where it is in none.
    pub(crate) fn name(&self, location: &Location) -> &'a str {
        self.file(location).map_or("", |file| file.name)
    }

    /// Lines and columns of a location, where it has a text.
    pub(crate) fn place(&self, location: &Location) -> Option<Place> {
        let (id, span) = (location.source?, location.span?);
        let lines = self.lines(id)?;
        let (line, column) = lines.position(span.start);
        let (end_line, end_column) = lines.position(span.end);
        Some(Place { line, column, end_line, end_column })
    }

    /// The line that a location starts in; `None` for one of more than `limit` bytes, and for one
    /// that may contain a secret.
    pub(crate) fn line(&self, location: &Location, limit: usize) -> Option<Excerpt<'a>> {
        let lines = self.lines(location.source?)?;
        lines.line(lines.position(location.span?.start).0, limit)
    }

    /// The lines around the start of a location, each with its number; a line that may contain a
    /// secret, or is longer than `limit` bytes, has no text.
    pub(crate) fn around(
        &self,
        location: &Location,
        context: u32,
        limit: usize,
    ) -> Vec<(u32, Option<&'a str>)> {
        let Some((lines, span)) = location.source.and_then(|id| self.lines(id)).zip(location.span)
        else {
            return Vec::new();
        };
        let (line, _) = lines.position(span.start);
        let last = u32::try_from(lines.count()).unwrap_or(u32::MAX);
        let shown = line.saturating_sub(context).max(1)..=line.saturating_add(context).min(last);
        shown.map(|it| (it, lines.line(it, limit).map(|line| line.text().trim_end()))).collect()
    }

    /// What a fix changes in the text of each file; `None` where it cannot be
    /// said in text, or writes a secret.
    pub(crate) fn text_edits(&self, fix: &Fix) -> Option<Vec<(&'a str, Vec<Replacement>)>> {
        let mut by_file: BTreeMap<SourceId, Vec<Replacement>> = BTreeMap::new();
        for edits in &fix.edits {
            let id = edits.source;
            let file = self.files.get(&id)?;
            let document = file.documents.get(edits.document as usize)?;
            let lines = self.lines(id)?;
            let changes = lines.document_edits(document, &edits.edits)?;
            by_file.entry(id).or_default().extend(replacements(lines, &changes));
        }
        for edits in &fix.file_edits {
            let lines = self.lines(edits.source)?;
            let replaced = replacements(lines, &lines.edits(&edits.edits)?);
            by_file.entry(edits.source).or_default().extend(replaced);
        }
        let named =
            by_file.into_iter().map(|(id, replaced)| Some((self.files.get(&id)?.name, replaced)));
        named.collect::<Option<Vec<_>>>().filter(|files| !files.is_empty())
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

fn replacements(lines: &ShownLines<'_>, changes: &[ShownEdit]) -> Vec<Replacement> {
    let replaced = changes.iter().map(|change| {
        let (line, column) = lines.position(change.span.start);
        let (end_line, end_column) = lines.position(change.span.end);
        let place = Place { line, column, end_line, end_column };
        Replacement { place, text: change.text().to_owned() }
    });
    replaced.collect()
}
