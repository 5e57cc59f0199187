//! Where the text of a rendered source comes from: its templates and values.

use std::ops::Range;

use crate::SourceId;

/// Where the bytes of a rendered text come from.
#[derive(Clone, Debug, Default)]
pub struct RenderMap {
    /// Where parts begin, in the order of the text.
    pub marks: Vec<RenderMark>,
    /// The names of the files that places refer to.
    pub names: Vec<String>,
    /// The sources of these files, in the same order; known once sources have ids.
    pub files: Vec<SourceId>,
    /// Whether other renderings use the same files, so that what one of them does not need may be
    /// for another one.
    pub is_shared: bool,
}

/// From this byte on, the text comes from these places.
#[derive(Clone, Copy, Debug)]
pub struct RenderMark {
    /// The byte in the rendered text.
    pub start: u32,
    /// The template node that wrote it.
    pub template: Option<FilePlace>,
    /// The place in a values file that it is from, if a value made it.
    pub values: Option<FilePlace>,
    /// Whether a random function made it, so that every installation has another value.
    pub generated: bool,
}

/// A byte of a file.
#[derive(Clone, Copy, Debug)]
pub struct FilePlace {
    /// The index of the file in the map.
    pub file: u32,
    /// The byte in its text.
    pub offset: u32,
    /// Whether the following bytes come from the following bytes of the file, and not all from the
    /// same node.
    pub verbatim: bool,
}

impl RenderMap {
    fn touching(&self, range: Range<u32>) -> impl Iterator<Item = &RenderMark> {
        let after = self.marks.partition_point(|mark| mark.start <= range.start);
        let first = after.saturating_sub(1);
        let marks = self.marks.get(first..).unwrap_or_default();
        marks.iter().take_while(move |mark| mark.start < range.end.max(range.start + 1))
    }

    fn resolve(&self, place: FilePlace, by: u32) -> Option<(SourceId, u32)> {
        let source = *self.files.get(place.file as usize)?;
        let offset = if place.verbatim { place.offset.saturating_add(by) } else { place.offset };
        Some((source, offset))
    }

    /// The place in a template that wrote the byte at `offset`.
    #[must_use]
    pub fn template(&self, offset: u32) -> Option<(SourceId, u32)> {
        let mark = self.touching(offset..offset + 1).next()?;
        self.resolve(mark.template?, offset - mark.start.min(offset))
    }

    /// The first place in a values file that made a byte of this range.
    #[must_use]
    pub fn values(&self, range: Range<u32>) -> Option<(SourceId, u32)> {
        let start = range.start;
        self.touching(range)
            .find_map(|mark| self.resolve(mark.values?, start.saturating_sub(mark.start)))
    }

    /// Whether a random function made a byte of this range.
    #[must_use]
    pub fn is_generated(&self, range: Range<u32>) -> bool {
        self.touching(range).any(|mark| mark.generated)
    }
}
