//! From a field of a template to the values that made it, and from a value to what it makes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use coaming_kube::{FilePlace, RenderMap, Source, SourceId, World};
use coaming_yaml::Span;
use lsp_types::Location;

use crate::position::{Lines, first_line};
use crate::uri;

/// The places in values files that made what the template `name` writes at a byte: what is on its
/// line, from that byte on if there is something, else before it.
pub(crate) fn values_of(world: &World, name: &str, text: &str, offset: u32) -> Vec<Location> {
    let line = line_around(text, offset);
    let mut found = BTreeSet::new();
    for_each_mark(world, |map, template, values| {
        let is_here = named(world, map, template).is_some_and(|source| source.name == name);
        if is_here && line.start <= template.offset && template.offset <= line.end {
            found.insert((template.offset, place(map, values)));
        }
    });
    // The node under the cursor is the last one that starts at or before it.
    let under = found.iter().map(|(start, _)| *start).filter(|start| *start <= offset).max();
    let start = under.or_else(|| found.iter().map(|(start, _)| *start).min());
    let places = found.iter().filter(|(at, _)| Some(*at) == start);
    locations(world, places.filter_map(|(_, place)| *place))
}

/// The places in templates that write the value which is at a byte of the values file `name`.
pub(crate) fn uses_of(world: &World, name: &str, text: &str, offset: u32) -> Vec<Location> {
    let line = line_around(text, offset);
    let mut found = BTreeSet::new();
    for_each_mark(world, |map, template, values| {
        let is_here = named(world, map, values).is_some_and(|source| source.name == name);
        if is_here && line.start <= values.offset && values.offset <= line.end {
            found.insert(place(map, template));
        }
    });
    locations(world, found.into_iter().flatten())
}

/// Calls back for each part of what the chart renders to that a value made.
fn for_each_mark(world: &World, mut call: impl FnMut(&RenderMap, FilePlace, FilePlace)) {
    let maps = world.sources().filter_map(|(_, source)| source.rendering.as_deref());
    for map in maps {
        for mark in &map.marks {
            if let (Some(template), Some(values)) = (mark.template, mark.values) {
                call(map, template, values);
            }
        }
    }
}

fn place(map: &RenderMap, place: FilePlace) -> Option<(SourceId, u32)> {
    Some((*map.files.get(place.file as usize)?, place.offset))
}

fn named<'w>(world: &'w World, map: &RenderMap, at: FilePlace) -> Option<&'w Source> {
    world.source(place(map, at)?.0)
}

fn locations(world: &World, places: impl Iterator<Item = (SourceId, u32)>) -> Vec<Location> {
    let mut locations: Vec<Location> = Vec::new();
    for (id, offset) in places {
        let Some(source) = world.source_arc(id) else { continue };
        let Some(location) = location(source, offset) else { continue };
        if !locations.contains(&location) {
            locations.push(location);
        }
    }
    locations
}

fn location(source: &Arc<Source>, offset: u32) -> Option<Location> {
    let end = u32::try_from(source.text.len()).unwrap_or(u32::MAX);
    let span = first_line(&source.text, Span::new(offset, end.max(offset)));
    let uri = uri::of_path(Path::new(&source.name))?;
    Some(Location { uri, range: Lines::new(&source.text).range(span) })
}

/// The line around a byte.
fn line_around(text: &str, offset: u32) -> Span {
    let at = offset as usize;
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let rest = text.get(at..).unwrap_or_default();
    let end = at + rest.find('\n').unwrap_or(rest.len());
    Span::new(u32::try_from(start).unwrap_or(0), u32::try_from(end).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found() {
        assert_eq!(line_around("a\nbc\nd", 3), Span::new(2, 4));
        assert_eq!(line_around("a\nbc\nd", 2), Span::new(2, 4));
        assert_eq!(line_around("a\nbc\nd", 6), Span::new(5, 6));
        assert_eq!(line_around("", 0), Span::new(0, 0));
    }
}
