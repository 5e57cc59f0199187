//! From locations to lines and columns: each file's lines are counted once.

use std::collections::BTreeMap;

use coaming_finding::{FileId, Location};
use coaming_yaml::LineIndex;

use crate::Report;

/// A place as people count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

/// The line starts of every file that a finding points into.
pub(crate) struct Places<'a> {
    files: &'a [crate::File<'a>],
    lines: BTreeMap<FileId, LineIndex>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let mut lines = BTreeMap::new();
        for location in report.findings.iter().flat_map(|finding| &finding.locations) {
            let Some(id) = location.file.filter(|_| location.span.is_some()) else { continue };
            if let Some(file) = report.files.get(id.0 as usize) {
                lines.entry(id).or_insert_with(|| LineIndex::new(file.source));
            }
        }
        Self { files: report.files, lines }
    }

    /// The file a location is in.
    pub(crate) fn file(&self, location: &Location) -> Option<crate::File<'a>> {
        self.files.get(location.file?.0 as usize).copied()
    }

    /// The name of the file a location is in; empty where it is in none.
    pub(crate) fn name(&self, location: &Location) -> &'a str {
        self.file(location).map_or("", |file| file.name)
    }

    /// Lines and columns of a location, where it has a text.
    pub(crate) fn place(&self, location: &Location) -> Option<Place> {
        let (id, span) = (location.file?, location.span?);
        let (lines, source) = (self.lines.get(&id)?, self.files.get(id.0 as usize)?.source);
        let (line, column) = lines.position(source, span.start);
        let (end_line, end_column) = lines.position(source, span.end);
        Some(Place { line, column, end_line, end_column })
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
