//! Moves findings from rendered text to where it was written: the template, with the values file as
//! a second location. A fix keeps the edits of the rendered object: who makes it finds the place in the
//! chart. In files of Terraform, fixes are made manually.

use coaming_finding::{Category, Finding, Fix, Location};
use coaming_kube::{RenderMap, SourceId, World};
use coaming_yaml::{Node, Path, Span};

/// Moves all findings in rendered sources. What a random function made is not a leaked credential:
/// such findings are dropped. Returns whether any finding changed.
pub fn relocate(world: &World, findings: &mut Vec<Finding>) -> bool {
    let is_rendered =
        |id: SourceId| world.source(id).is_some_and(|source| source.rendering.is_some());
    let concerned = |finding: &Finding| {
        finding.locations.iter().any(|location| location.source.is_some_and(is_rendered))
    };
    if !findings.iter().any(concerned) {
        return false;
    }
    findings.retain_mut(|finding| {
        if !concerned(finding) {
            return true;
        }
        if is_generated(world, finding) {
            return false;
        }
        let locations = std::mem::take(&mut finding.locations);
        for location in locations {
            move_to_origin(world, location, &mut finding.locations);
        }
        // Expressions of Terraform are changed by people.
        if let Some(fix) =
            finding.fix.as_mut().filter(|_| is_in_terraform(world, &finding.locations))
        {
            *fix = Fix::manual(std::mem::take(&mut fix.title), String::new());
        }
        true
    });
    true
}

fn is_in_terraform(world: &World, locations: &[Location]) -> bool {
    let source = locations.first().and_then(|location| world.source(location.source?));
    let endings = [".tf", ".tofu", ".tf.json", ".tofu.json"];
    source.is_some_and(|source| endings.iter().any(|ending| source.name.ends_with(ending)))
}

fn is_generated(world: &World, finding: &Finding) -> bool {
    if finding.rule.category != Category::Secrets {
        return false;
    }
    let Some(first) = finding.locations.first() else { return false };
    let (Some(id), Some(span)) = (first.source, first.span) else { return false };
    let map = world.source(id).and_then(|source| source.rendering.as_deref());
    map.is_some_and(|map| map.is_generated(span.start..span.end))
}

fn move_to_origin(world: &World, location: Location, moved: &mut Vec<Location>) {
    let source = location.source.and_then(|id| world.source(id));
    let map = source.and_then(|source| source.rendering.as_deref());
    let (Some(source), Some(map)) = (source, map) else {
        moved.push(location);
        return;
    };
    let Some(span) = location.span else {
        moved.push(location);
        return;
    };
    let text = span.text(&source.text);
    let first_line = text.lines().next().unwrap_or_default();
    let line_end = span.start + u32::try_from(first_line.len()).unwrap_or(0);
    let values = values_of(map, span, line_end, text);
    let is_first = moved.is_empty();
    let skipped = patched_value(map, span, text).unwrap_or_default();
    let written = first_line.get(skipped..).unwrap_or_default();
    let start = span.start + u32::try_from(skipped).unwrap_or_default();
    match map.template(start) {
        Some((id, offset)) if world.source(id).is_some() => moved.push(Location {
            source: Some(id),
            path: location.path,
            span: Some(span_at(world, id, offset, written)),
            label: location.label,
        }),
        _ => moved.push(Location { span: None, ..location }),
    }
    if let Some((id, offset)) = values
        && is_first
        && world.source(id).is_some()
    {
        moved.push(Location {
            source: Some(id),
            path: path_at(world, id, offset),
            span: Some(span_at(world, id, offset, "")),
            label: "the value is from here".to_owned(),
        });
    }
}

/// How many bytes come before the value of a field whose value is from another file than its key: a
/// patch of an overlay has made it what it is.
fn patched_value(map: &RenderMap, span: Span, text: &str) -> Option<usize> {
    if !map.is_shared || text.contains('\n') {
        return None;
    }
    let before = text.find(": ")? + 2;
    let (key, _) = map.template(span.start)?;
    let (value, _) = map.template(span.start + u32::try_from(before).ok()?)?;
    (key != value).then_some(before)
}

/// The value that made a field. A collection has many, and its own is that of its first line.
fn values_of(map: &RenderMap, span: Span, line_end: u32, text: &str) -> Option<(SourceId, u32)> {
    let end = if text.contains('\n') { line_end } else { span.end };
    map.values(span.start..end)
}

/// The text at an offset of a template or values file: what was written verbatim, else up to the end
/// of the action or of the line.
fn span_at(world: &World, id: SourceId, offset: u32, written: &str) -> Span {
    let text = world.source(id).map(|source| source.text.as_ref()).unwrap_or_default();
    let rest = text.get(offset as usize..).unwrap_or_default();
    let length = if !written.is_empty() && rest.starts_with(written) {
        written.len()
    } else {
        let line = rest.lines().next().unwrap_or_default();
        line.find("}}").map_or(line.trim_end().len(), |end| {
            line.get(..end).unwrap_or_default().trim_end_matches(['-', ' ']).len()
        })
    };
    Span::new(offset, offset + u32::try_from(length.max(1)).unwrap_or(1))
}

/// The path of the innermost value at an offset of a values file.
fn path_at(world: &World, id: SourceId, offset: u32) -> Path {
    let Some(source) = world.source(id) else { return Path::root() };
    if [".tf", ".tofu", ".tfvars"].iter().any(|ending| source.name.ends_with(ending)) {
        return Path::root();
    }
    let stream = coaming_yaml::parse(std::sync::Arc::clone(&source.text));
    let Some(document) = stream.documents.first() else { return Path::root() };
    let contains = |node: &Node<'_>| {
        node.span()
            .is_some_and(|span| span.start <= offset && offset < span.end.max(span.start + 1))
    };
    let mut node = document.root();
    loop {
        let values = node.entries().map(|entry| entry.value);
        match values.chain(node.items()).find(contains) {
            Some(inner) => node = inner,
            None => return node.path(),
        }
    }
}
