//! Where in a chart or overlay an edit of a rendered object may be made: proposals, which the caller
//! verifies by rendering again.
//!
//! In this order: the values that made the field or the mapping around it; the resource or patch that
//! did; values behind a condition that leaves the field out
//! (`{{- with .Values.securityContext }}`); the template.

mod actions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coaming_finding::SourceId;
use coaming_kube::{RenderMap, Source, World};
use coaming_source::Recipe;
use coaming_yaml::edit::{Edit, TextEdit, Value, apply, apply_to_text};
use coaming_yaml::{Document, Node, Path, Span, Step};

/// A new text of one of the chart's files.
pub(crate) struct Proposal {
    pub(crate) file: String,
    pub(crate) text: String,
}

/// A rendered chart with the texts of its files.
pub(crate) struct Scene<'s> {
    /// What it rendered to.
    pub(crate) world: &'s World,
    pub(crate) recipe: &'s Recipe,
    /// The files that were changed before.
    pub(crate) texts: &'s BTreeMap<String, Arc<str>>,
}

/// A file, and an offset in it in bytes.
type Place = (SourceId, u32);

/// The field of an edit in a rendered document.
struct Field<'s> {
    source: &'s Source,
    map: &'s RenderMap,
    document: &'s Document,
    /// The innermost node on the way to the field that exists.
    nearest: Node<'s>,
    /// The rest of the path, which does not exist.
    missing: &'s [Step],
}

impl<'s> Scene<'s> {
    /// The texts that may make this edit, the best first.
    pub(crate) fn proposals(&self, source: SourceId, document: u32, edit: &Edit) -> Vec<Proposal> {
        let Some(field) = self.field(source, document, edit) else { return Vec::new() };
        let mut proposals = Vec::new();
        proposals.extend(self.in_values(&field, edit));
        proposals.extend(self.in_resource(&field, edit));
        proposals.extend(self.behind_conditions(&field, edit));
        proposals.extend(self.inserted(&field, edit));
        proposals.extend(self.below_key(&field, edit));
        proposals.extend(self.without_line(&field, edit));
        proposals.extend(self.in_template(&field, edit));
        proposals
    }

    fn field<'e>(&self, source: SourceId, document: u32, edit: &'e Edit) -> Option<Field<'e>>
    where
        's: 'e,
    {
        let source = self.world.source(source)?;
        let document = source.documents().get(document as usize)?;
        let path = path_of(edit);
        let mut nearest = document.root();
        let mut missing = path.steps();
        while let [step, rest @ ..] = missing {
            let below = match step {
                Step::Key(key) => nearest.get(key),
                Step::Index(index) => nearest.items().nth(*index),
            };
            let Some(below) = below else { break };
            (nearest, missing) = (below, rest);
        }
        let map = source.rendering.as_deref()?;
        Some(Field { source, map, document, nearest, missing })
    }

    /// The name and the text of a file of the chart.
    fn file(&self, id: SourceId) -> Option<(String, Arc<str>)> {
        let name = &self.world.source(id)?.name;
        self.text(name).map(|text| (name.clone(), text))
    }

    fn text(&self, name: &str) -> Option<Arc<str>> {
        let on_disk = self.recipe.text(name)?;
        Some(self.texts.get(name).cloned().unwrap_or(on_disk))
    }

    /// The edit in the values that made the field, or the mapping that lacks it.
    fn in_values(&self, field: &Field<'_>, edit: &Edit) -> Vec<Proposal> {
        self.in_document(field, edit, |span| field.map.values(span.start..span.end))
    }

    /// The edit in the resource or patch that made the field, or the mapping that lacks it. A
    /// template is not a document.
    fn in_resource(&self, field: &Field<'_>, edit: &Edit) -> Vec<Proposal> {
        self.in_document(field, edit, |span| field.map.template(span.start))
    }

    /// The edit in the document that a field is from, or in those that the fields beside it are from.
    fn in_document(
        &self,
        field: &Field<'_>,
        edit: &Edit,
        place: impl Fn(Span) -> Option<Place>,
    ) -> Vec<Proposal> {
        if field.missing.is_empty() || field.nearest.entries().next().is_none() {
            let at = field.nearest.span().and_then(place);
            return at.and_then(|at| self.at_place(field, edit, at, None)).unwrap_or_default();
        }
        let mut files = BTreeSet::new();
        let mut proposals = Vec::new();
        for entry in field.nearest.entries() {
            let Some(at) = entry.key.span().and_then(&place) else { continue };
            if files.insert(at.0) {
                let beside = self.at_place(field, edit, at, Some(entry.name()));
                proposals.extend(beside.unwrap_or_default());
            }
        }
        proposals
    }

    /// The edit where a field is from, or the one with this name beside it.
    fn at_place(
        &self,
        field: &Field<'_>,
        edit: &Edit,
        (file, offset): Place,
        beside: Option<&str>,
    ) -> Option<Vec<Proposal>> {
        let (file, text) = self.file(file)?;
        let stream = coaming_yaml::parse(Arc::clone(&text));
        let is_here = |document: &&Document| {
            let span = document.span();
            span.start <= offset && offset < span.end.max(span.start + 1)
        };
        let outer = stream.documents.iter().find(is_here)?;
        let mut found = node_at(outer.root(), offset)?;
        // A patch in a kustomization is YAML in a block.
        let block = outer.at(&found).and_then(|node| coaming_yaml::embedded_yaml(&text, node));
        let inner = block.filter(|_| outer.at(&found).is_some_and(|node| !node.is_mapping()));
        let inner = inner.map(coaming_yaml::parse).filter(|inner| inner.errors.is_empty());
        let inner = inner.as_ref().and_then(|inner| inner.documents.first());
        if let Some(inner) = inner {
            found = node_at(inner.root(), offset)?;
        }
        let document = inner.unwrap_or(outer);
        let base = match beside {
            None => innermost_like(field.nearest, document, found),
            // The place of a field is that of its value, which may be a mapping's first field.
            Some(name) => {
                let is_it = |path: &Path| path.last() == Some(&Step::from(name));
                let of_entry = std::iter::successors(Some(found), Path::parent).find(is_it)?;
                of_entry.parent()?
            }
        };
        let path = below(&base, field.missing);
        let mut proposals = Vec::new();
        proposals.extend(edit_part(file.clone(), &text, document, &path, edit));
        if matches!(edit, Edit::Remove { .. }) && field.nearest.as_bool() == Some(true) {
            // A template that prints a switch cannot leave it out, but prints `false`.
            let off = Edit::Set { path: path.clone(), value: Value::Bool(false) };
            proposals.extend(edit_part(file, &text, document, &path, &off));
        }
        Some(proposals)
    }

    /// The edit in values on which a template's condition for the missing field depends.
    fn behind_conditions(&self, field: &Field<'_>, edit: &Edit) -> Vec<Proposal> {
        let [Step::Key(key), rest @ ..] = field.missing else { return Vec::new() };
        let Some((file, text, start)) = self.template_of(field) else { return Vec::new() };
        let Some((directory, _)) = file.rsplit_once("templates/") else { return Vec::new() };
        let values = format!("{directory}values.yaml");
        let Some(written) = self.text(&values) else { return Vec::new() };
        let stream = coaming_yaml::parse(Arc::clone(&written));
        let Some(document) = stream.documents.first() else { return Vec::new() };
        // What a condition leaves out may come before the first field that is there.
        let start = self.line_of_parent(field, &file, &text, start).unwrap_or(start);
        let conditions = actions::conditions_of_key(&text, start, key);
        let proposals = conditions.into_iter().filter_map(|condition| {
            let path = below(&Path::root().join_keys(condition.iter().map(String::as_str)), rest);
            edit_part(values.clone(), &written, document, &path, edit)
        });
        proposals.collect()
    }

    /// The template that wrote the innermost existing node, its text, and the node's place there.
    fn template_of(&self, field: &Field<'_>) -> Option<(String, Arc<str>, usize)> {
        let first = field.nearest.entries().next()?.key;
        let (file, offset) = field.map.template(first.span()?.start)?;
        let (file, text) = self.file(file)?;
        Some((file, text, offset as usize))
    }

    /// The missing field, written into the template below a line that is always rendered.
    fn inserted(&self, field: &Field<'_>, edit: &Edit) -> Option<Proposal> {
        let (file, text, start) = self.template_of(field)?;
        let first = field.nearest.entries().next()?.key.text();
        if !text.get(start..)?.starts_with(first) {
            return None;
        }
        let column = start - actions::line_start(&text, start);
        let of_parent = self.line_of_parent(field, &file, &text, start);
        // The field would be there twice once its condition holds.
        if actions::has_key(&text, of_parent.unwrap_or(start), column, missing_key(field)?) {
            return None;
        }
        let after = self.last_certain_line(field, &file, &text, start).or(of_parent)?;
        Some(Proposal { text: insert(&text, after, &lines(field, edit, column)?)?, file })
    }

    /// The missing field, written below the mapping's key where a helper or values write the mapping.
    fn below_key(&self, field: &Field<'_>, edit: &Edit) -> Option<Proposal> {
        let parent = field.nearest.parent()?;
        let entry = parent.entries().find(|entry| entry.value == field.nearest)?;
        let key = entry.key.span()?.start as usize;
        let first = field.nearest.entries().next()?.key.span()?.start as usize;
        let (id, offset) = field.map.template(entry.key.span()?.start)?;
        let (file, text) = self.file(id)?;
        let offset = offset as usize;
        let end = actions::line_end(&text, offset);
        let is_alone =
            text.get(offset..end)?.trim_end().strip_suffix(':') == Some(entry.key.text());
        let column_in = |text: &str, at: usize| at - actions::line_start(text, at);
        let rendered = &field.source.text;
        let further = column_in(rendered, first).checked_sub(column_in(rendered, key))?;
        let column = column_in(&text, offset) + further;
        let is_there = actions::has_key(&text, end, column, missing_key(field)?);
        if !is_alone || further == 0 || is_there {
            return None;
        }
        Some(Proposal { text: insert(&text, end, &lines(field, edit, column)?)?, file })
    }

    /// The end of the last line with a plain field of the mapping that no condition inside the
    /// mapping leaves out.
    fn last_certain_line(
        &self,
        field: &Field<'_>,
        file: &str,
        text: &str,
        start: usize,
    ) -> Option<usize> {
        let column = start - actions::line_start(text, start);
        let ends = field.nearest.entries().filter_map(|entry| {
            let value = entry.value.span()?;
            let written = field.source.text.get(value.range())?;
            // What comes after a key without a value may become its value.
            let is_plain = entry.value.scalar().is_some()
                && !written.is_empty()
                && !written.contains('\n')
                && !written.starts_with(['|', '>']);
            let (id, offset) = field.map.template(entry.key.span()?.start)?;
            let offset = offset as usize;
            let is_here = self.world.source(id)?.name == file
                && text.get(offset..)?.starts_with(entry.key.text())
                && offset - actions::line_start(text, offset) == column;
            let end = actions::line_end(text, offset);
            let is_certain = offset >= start && actions::is_balanced(text.get(start..end)?);
            (is_plain && is_here && is_certain).then_some(end)
        });
        ends.max()
    }

    /// The end of the line with the key of the mapping, if nothing else is in it.
    fn line_of_parent(
        &self,
        field: &Field<'_>,
        file: &str,
        text: &str,
        start: usize,
    ) -> Option<usize> {
        let parent = field.nearest.parent()?;
        let entry = parent.entries().find(|entry| entry.value == field.nearest)?;
        let (id, offset) = field.map.template(entry.key.span()?.start)?;
        let end = actions::line_end(text, offset as usize);
        let line = text.get(offset as usize..end)?;
        let is_alone = line.trim_end().strip_suffix(':') == Some(entry.key.text());
        (self.world.source(id)?.name == file && is_alone && end <= start).then_some(end)
    }

    /// The template without the line of a field whose value an action writes.
    fn without_line(&self, field: &Field<'_>, edit: &Edit) -> Option<Proposal> {
        let Edit::Remove { .. } = edit else { return None };
        let parent = field.nearest.parent().filter(|_| field.missing.is_empty())?;
        let entry = parent.entries().find(|entry| entry.value == field.nearest)?;
        let (id, offset) = field.map.template(entry.key.span()?.start)?;
        let (file, text) = self.file(id)?;
        let (start, end) = (
            actions::line_start(&text, offset as usize),
            actions::line_end(&text, offset as usize),
        );
        let line = text.get(start..end)?;
        let is_plain = line.trim_start().starts_with(entry.key.text())
            && line.trim_end().ends_with("}}")
            && !actions::has_block(line);
        is_plain.then(|| Proposal {
            text: format!(
                "{}{}",
                text.get(..start).unwrap_or_default(),
                text.get(end..).unwrap_or_default()
            ),
            file,
        })
    }

    /// The edit of the rendered text, made in the template where that has the same text.
    fn in_template(&self, field: &Field<'_>, edit: &Edit) -> Option<Proposal> {
        let rendered = &field.source.text;
        let edits = apply(rendered, field.document, std::slice::from_ref(edit)).ok()?;
        let mut found: Option<(String, Arc<str>)> = None;
        let mut moved = Vec::with_capacity(edits.len());
        for TextEdit { span, replacement } in edits {
            // An insertion comes after the byte before it.
            let anchor =
                if span.start == span.end { span.start.checked_sub(1)? } else { span.start };
            let (id, offset) = field.map.template(anchor)?;
            let (file, text) = self.file(id)?;
            if found.as_ref().is_some_and(|(other, _)| *other != file) {
                return None;
            }
            let length = (span.end - span.start).max(1);
            let same = rendered.get(anchor as usize..(anchor + length) as usize)?;
            if !text.get(offset as usize..)?.starts_with(same) {
                return None;
            }
            let start = if span.start == span.end { offset + 1 } else { offset };
            let replacement =
                shifted(&replacement, rendered, anchor as usize, &text, offset as usize);
            if span.start == span.end && actions::splits_key(&text, start as usize, &replacement) {
                return None;
            }
            moved.push(TextEdit {
                span: Span::new(start, start + span.end - span.start),
                replacement,
            });
            found = Some((file, text));
        }
        let (file, text) = found?;
        moved.sort_by_key(|edit| edit.span);
        moved
            .iter()
            .all(|edit| !edit.replacement.contains("{{"))
            .then(|| Proposal { text: apply_to_text(&text, &moved), file })
    }
}

fn path_of(edit: &Edit) -> &Path {
    match edit {
        Edit::Set { path, .. }
        | Edit::Remove { path }
        | Edit::Rename { path, .. }
        | Edit::Append { path, .. } => path,
    }
}

/// The key that is missing in a mapping.
fn missing_key<'f>(field: &'f Field<'_>) -> Option<&'f str> {
    match field.missing.first()? {
        Step::Key(key) => Some(key),
        Step::Index(_) => None,
    }
}

/// The lines of a missing field, at a column.
fn lines(field: &Field<'_>, edit: &Edit, column: usize) -> Option<String> {
    let value = match edit {
        Edit::Set { value, .. } => value.clone(),
        Edit::Append { value, .. } => Value::Sequence(vec![value.clone()]),
        Edit::Remove { .. } | Edit::Rename { .. } => return None,
    };
    let nested = field.missing.iter().rev().try_fold(value, |value, step| match step {
        Step::Key(key) => Some(Value::Mapping(vec![(key.to_string(), value)])),
        Step::Index(_) => None,
    })?;
    Some(nested.to_yaml().lines().map(|line| format!("{:column$}{line}\n", "")).collect())
}

/// The place of a node that begins where the node at `found` does: a list or a mapping begins with its
/// first item or field.
fn innermost_like(node: Node<'_>, document: &Document, found: Path) -> Path {
    let shape = |node: Node<'_>| (node.is_sequence(), node.is_mapping());
    let is_alike = |path: &Path| document.at(path).is_some_and(|other| shape(other) == shape(node));
    let outwards = std::iter::successors(Some(found.clone()), Path::parent);
    outwards.into_iter().find(is_alike).unwrap_or(found)
}

fn below(base: &Path, steps: &[Step]) -> Path {
    steps.iter().fold(base.clone(), |path, step| path.join(step.clone()))
}

/// The path of the innermost node at a byte of a document; a key is at its value's path.
fn node_at(node: Node<'_>, offset: u32) -> Option<Path> {
    let covers = |node: Node<'_>| {
        node.span()
            .is_some_and(|span| span.start <= offset && offset < span.end.max(span.start + 1))
    };
    for entry in node.entries() {
        if covers(entry.value) {
            return node_at(entry.value, offset);
        }
        if covers(entry.key) {
            return Some(entry.value.path());
        }
    }
    node.items()
        .find(|item| covers(*item))
        .map_or_else(|| Some(node.path()), |item| node_at(item, offset))
}

/// A file with the edit at another path of one of its documents, which may be embedded in it.
fn edit_part(
    file: String,
    text: &str,
    document: &Document,
    path: &Path,
    edit: &Edit,
) -> Option<Proposal> {
    let path = path.clone();
    let edit = match edit.clone() {
        Edit::Set { value, .. } => Edit::Set { path, value },
        Edit::Remove { .. } => Edit::Remove { path },
        Edit::Rename { key, .. } => Edit::Rename { path, key },
        Edit::Append { value, .. } => Edit::Append { path, value },
    };
    let edits =
        apply(document.source(), document, &[edit]).ok().filter(|edits| !edits.is_empty())?;
    Some(Proposal { text: apply_to_text(text, &edits), file })
}

fn insert(text: &str, at: usize, lines: &str) -> Option<String> {
    let (before, after) = text.split_at_checked(at)?;
    let newline = if before.ends_with('\n') || before.is_empty() { "" } else { "\n" };
    (!lines.contains("{{")).then(|| format!("{before}{newline}{lines}{after}"))
}

/// Lines for rendered text, with the indentation of the template: `nindent` may move a helper's.
fn shifted(lines: &str, rendered: &str, anchor: usize, template: &str, offset: usize) -> String {
    let indentation = |text: &str, at: usize| {
        let start = actions::line_start(text, at);
        let line = text.get(start..).unwrap_or_default();
        line.len() - line.trim_start_matches(' ').len()
    };
    let (from, to) = (indentation(rendered, anchor), indentation(template, offset));
    if from == to || !lines.contains('\n') {
        return lines.to_owned();
    }
    let less = " ".repeat(from.saturating_sub(to));
    let more = " ".repeat(to.saturating_sub(from));
    let line = |line: &str| {
        let rest = line.strip_prefix(less.as_str()).unwrap_or(line);
        if rest.trim().is_empty() { rest.to_owned() } else { format!("{more}{rest}") }
    };
    lines.split_inclusive('\n').map(line).collect()
}
