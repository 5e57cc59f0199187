//! The text back end: which bytes change when values change.
//!
//! [`Editor`] walks the change and the tree together and collects text edits; `block` and `flow`
//! implement the two styles. This code does not have to handle every special case of YAML, because
//! [`apply`] parses the result and compares it with the intended value.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::model::{changed, check_node_kind};
use super::plan::{Change, Within, plan, step_into};
use super::render::{Layout, Quoting, in_style_of, string};
use super::shared::without_aliased;
use super::{Edit, EditError, Value};
use crate::parse::{find_indicator, property_length};
use crate::path::{Path, Step};
use crate::tree::{Document, Kind, Node, Scalar, Span, Style};

/// A replacement of some bytes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextEdit {
    /// The bytes to replace; empty for an insertion.
    pub span: Span,
    /// The text that replaces them.
    pub replacement: String,
}

/// The text edits that make all `edits` to one document of `source`, sorted, none overlapping
/// another. Empty if everything is so already. `source` is the text of the whole stream.
///
/// # Errors
///
/// See [`EditError`]. All edits are made or none.
pub fn apply(
    source: &str,
    document: &Document,
    edits: &[Edit],
) -> Result<Vec<TextEdit>, EditError> {
    if !document.has_spans() {
        return Err(EditError::NoText);
    }
    if source != document.source() {
        return Err(EditError::OtherText);
    }
    if edits.iter().any(|edit| document.is_sealed_at(edit.path())) {
        return Err(EditError::Unwritable);
    }
    let change = plan(edits)?;
    let root = document.root();
    let wanted = changed(root, &change, &Path::root())?;
    if let Some(direct) = without_aliased(document, edits)
        && let Ok(text_edits) = write_shared(document, &direct, &wanted)
    {
        return Ok(text_edits);
    }
    let write = |literals: bool| {
        let mut editor = Editor::new(document, literals);
        editor.edit(root, &change, &Path::root(), Slot::Root)?;
        editor.check_anchors()?;
        let text_edits = in_order(editor.edits)?;
        verify(document, &text_edits, &wanted)?;
        Ok(text_edits)
    };
    match write(true) {
        // Indented comments below would become part of a text that is written after a `|`.
        Err(EditError::Unwritable) => write(false),
        written => written,
    }
}

/// Makes edits in anchored texts, if their aliases then have the values that are wanted of them.
fn write_shared(
    document: &Document,
    direct: &[Edit],
    wanted: &serde_json::Value,
) -> Result<Vec<TextEdit>, EditError> {
    let mut editor = Editor::new(document, true);
    editor.edit(document.root(), &plan(direct)?, &Path::root(), Slot::Root)?;
    let text_edits = in_order(editor.edits)?;
    verify(document, &text_edits, wanted)?;
    Ok(text_edits)
}

/// The text with the edits made. Edits that do not fit the text or overlap are left out.
#[must_use]
pub fn apply_to_text(source: &str, edits: &[TextEdit]) -> String {
    let added: usize = edits.iter().map(|edit| edit.replacement.len()).sum();
    let mut out = String::with_capacity(source.len() + added);
    let mut at = 0;
    for edit in edits {
        let range = edit.span.range();
        if let Some(kept) = source.get(at..range.start)
            && source.is_char_boundary(range.end)
        {
            out.push_str(kept);
            out.push_str(&edit.replacement);
            at = range.end;
        }
    }
    out.push_str(source.get(at..).unwrap_or_default());
    out
}

/// Sorts edits and joins those that touch; insertions come before a removal at the same byte.
fn in_order(mut edits: Vec<TextEdit>) -> Result<Vec<TextEdit>, EditError> {
    edits.retain(|edit| edit.span.start != edit.span.end || !edit.replacement.is_empty());
    edits.sort_by_key(|edit| edit.span);
    let mut out: Vec<TextEdit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match out.last_mut() {
            Some(last) if edit.span.start < last.span.end => return Err(EditError::Unwritable),
            Some(last) if edit.span.start == last.span.end => {
                last.span.end = edit.span.end;
                last.replacement.push_str(&edit.replacement);
            }
            _ => out.push(edit),
        }
    }
    Ok(out)
}

/// Reads the document after the edits: it must be what was wanted.
fn verify(
    document: &Document,
    edits: &[TextEdit],
    wanted: &serde_json::Value,
) -> Result<(), EditError> {
    let Span { start, end } = document.span();
    let local = edits.iter().map(|edit| {
        let outside = edit.span.start < start || edit.span.end > end;
        let span = Span::new(edit.span.start.checked_sub(start)?, edit.span.end - start);
        (!outside).then(|| TextEdit { span, replacement: edit.replacement.clone() })
    });
    let local: Vec<TextEdit> = local.collect::<Option<_>>().ok_or(EditError::Unwritable)?;
    let text = apply_to_text(document.span().text(document.source()), &local);
    let mut stream = crate::parse(Arc::from(text));
    if let [after] = stream.documents.as_mut_slice() {
        after.open_as_in(document);
    }
    let same = match stream.documents.as_slice() {
        [after] => after.root().to_json() == *wanted,
        // A document of which nothing is left is left out.
        [] => wanted.is_null(),
        _ => false,
    };
    if stream.errors.is_empty() && same { Ok(()) } else { Err(EditError::Unwritable) }
}

/// The syntactic position of a node, which determines how a replacement is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// The root of the document.
    Root,
    /// After the colon that ends at byte `after`; the key's mapping is at `column`.
    Value {
        /// One past the colon.
        after: usize,
        /// The mapping's column.
        column: usize,
    },
    /// After the dash that ends at byte `after` and is at `column`.
    Item {
        /// One past the dash.
        after: usize,
        /// The dash's column.
        column: usize,
    },
    /// Between brackets.
    Flow {
        /// One past the colon, comma or bracket before it.
        after: usize,
    },
}

/// Walks a change and a tree together and collects the text edits.
pub(super) struct Editor<'d> {
    pub(super) document: &'d Document,
    pub(super) source: &'d str,
    pub(super) newline: &'static str,
    /// Whether a text of several lines may be written after a `|`.
    literals: bool,
    edits: Vec<TextEdit>,
    /// Nodes whose text changes, with their paths, and whether the whole node is replaced.
    touched: Vec<(Span, Path, bool)>,
    /// Alias tokens that are replaced.
    expanded: BTreeSet<Span>,
}

impl<'d> Editor<'d> {
    fn new(document: &'d Document, literals: bool) -> Self {
        let source = document.source();
        let own = document.span().text(source);
        let crlf = own.find('\n').is_some_and(|at| own[..at].ends_with('\r'));
        Self {
            document,
            source,
            newline: if crlf { "\r\n" } else { "\n" },
            literals,
            edits: Vec::new(),
            touched: Vec::new(),
            expanded: BTreeSet::new(),
        }
    }

    pub(super) fn edit(
        &mut self,
        node: Node<'d>,
        change: &Change,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        match change {
            Change::Set(value) if node.to_json() == serde_json::Value::from(value) => Ok(()),
            Change::Set(value) => self.replace(node, value, path, slot),
            Change::Remove | Change::Rename(_) => Err(EditError::Root),
            Change::Within(within) if !within.creates() && node.is_null() => Ok(()),
            Change::Within(within) if node.is_null() => {
                self.replace(node, &within.created(path)?, path, slot)
            }
            Change::Within(within) => {
                check_node_kind(node, within, path)?;
                if self.alias_of(node).is_some() {
                    return self.expand(node, change, path, slot);
                }
                self.edit_members(node, within, path, slot)
            }
        }
    }

    /// Replaces an alias by its value, with the change applied.
    fn expand(
        &mut self,
        node: Node<'d>,
        change: &Change,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        if changed(node, change, path)? == node.to_json() {
            return Ok(());
        }
        let value = expanded_value(node, change, path)?;
        self.replace(node, &value, path, slot)
    }

    fn edit_members(
        &mut self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        match (node.kind(), node.style()) {
            (Kind::Mapping, Some(Style::Block)) => {
                self.edit_block_mapping(node, within, path, slot)
            }
            (Kind::Sequence, Some(Style::Block)) => {
                self.edit_block_sequence(node, within, path, slot)
            }
            (Kind::Mapping | Kind::Sequence, _) => self.edit_flow(node, within, path, slot),
            (Kind::Scalar, _) => Ok(()),
        }
    }

    fn replace(
        &mut self,
        node: Node<'d>,
        value: &Value,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        self.touch(node, path, true);
        match slot {
            Slot::Flow { after } => self.replace_in_flow(node, value, after),
            // JSON stays JSON.
            Slot::Root
                if node.style() == Some(Style::Flow)
                    && self.flow_quoting(node) == Quoting::Json =>
            {
                self.replace_in_flow(node, value, self.span(node).range().start)
            }
            slot => self.replace_in_block(node, value, slot),
        }
    }

    /// Writes another name over a key, in the key's own quotes.
    pub(super) fn rename(
        &mut self,
        node: Node<'d>,
        key: Node<'d>,
        name: &str,
        path: &Path,
    ) -> Result<(), EditError> {
        if key.alias() != node.alias() {
            return Err(EditError::Unwritable);
        }
        let text = key
            .scalar_style()
            .and_then(|style| in_style_of(name, style))
            .unwrap_or_else(|| string(name, Quoting::Flow));
        self.touch(node, path, false);
        let range = self.span(key).range();
        self.put(range.start, range.end, text);
        Ok(())
    }

    /// Records that a node's text changes, or is replaced.
    pub(super) fn touch(&mut self, node: Node<'d>, path: &Path, whole: bool) {
        if let Some(site) = self.alias_of(node) {
            self.expanded.insert(site);
        }
        self.touched.push((self.span(node), path.clone(), whole));
    }

    /// Rejects changes to the text of an anchor that still has other users.
    fn check_anchors(&self) -> Result<(), EditError> {
        let contains =
            |outer: Span, inner: Span| outer.start <= inner.start && inner.end <= outer.end;
        let users: Vec<(Span, Span)> = self
            .document
            .root()
            .descendants()
            .filter_map(|node| Some((node.span()?, self.alias_of(node)?)))
            .collect();
        for (span, path, whole) in &self.touched {
            let affected = |anchored: Span, site: Span| {
                let changes = contains(anchored, *span);
                let vanishes = *whole && contains(*span, anchored) && !contains(*span, site);
                (changes || vanishes) && !self.expanded.contains(&site)
            };
            let users: BTreeSet<Span> = users
                .iter()
                .filter(|&&(anchored, site)| affected(anchored, site))
                .map(|&(_, site)| site)
                .collect();
            if !users.is_empty() {
                return Err(EditError::SharedAnchor { path: path.clone(), users: users.len() });
            }
        }
        Ok(())
    }

    /// The alias token that stands for this node itself, not for something around it.
    pub(super) fn alias_of(&self, node: Node<'d>) -> Option<Span> {
        let site = node.alias()?;
        let around = node.parent().and_then(Node::alias);
        (around != Some(site)).then_some(site.span)
    }

    /// The source bytes of this node: for an alias, those of its token.
    pub(super) fn span(&self, node: Node<'d>) -> Span {
        let own = node.span().unwrap_or(Span::new(0, 0));
        self.alias_of(node).unwrap_or(own)
    }

    pub(super) fn put(&mut self, start: usize, end: usize, replacement: impl Into<String>) {
        let at = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        let span = Span::new(at(start), at(end));
        self.edits.push(TextEdit { span, replacement: replacement.into() });
    }

    /// Discards the removals between two offsets, because the whole range is replaced.
    pub(super) fn withdraw(&mut self, start: usize, end: usize) {
        self.edits.retain(|edit| {
            let range = edit.span.range();
            range.start < start || range.end > end || !edit.replacement.is_empty()
        });
    }

    /// The first byte from `from` on, up to `to`, that is neither space nor part of a comment.
    pub(super) fn skip_blank(&self, from: usize, to: usize) -> usize {
        let between = self.source.get(from..to).unwrap_or_default();
        find_indicator(between, |byte, _| !byte.is_ascii_whitespace() && byte != b'#')
            .map_or(to, |at| from + at as usize)
    }

    pub(super) fn text(&self, start: usize, end: usize) -> &'d str {
        self.source.get(start..end).unwrap_or_default()
    }

    pub(super) fn line_start(&self, position: usize) -> usize {
        self.text(0, position).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Where the line ends, before its line break.
    pub(super) fn line_end(&self, position: usize) -> usize {
        let rest = self.text(position, self.source.len());
        let line = rest.split('\n').next().unwrap_or_default();
        position + line.strip_suffix('\r').unwrap_or(line).len()
    }

    /// The number of characters before an offset on its line.
    pub(super) fn column(&self, position: usize) -> usize {
        let before = self.text(self.line_start(position), position);
        before.chars().filter(|&c| c != '\u{feff}').count()
    }

    /// The white space that a line begins with.
    pub(super) fn indent(&self, position: usize) -> &'d str {
        let start = self.line_start(position);
        let line = self.text(start, self.line_end(start));
        let indented = line.trim_start_matches([' ', '\t']);
        line.get(..line.len() - indented.len()).unwrap_or_default()
    }

    /// Whether something other than a line break and space follows on the line.
    pub(super) fn has_more_on_line(&self, position: usize) -> bool {
        !self.text(position, self.line_end(position)).trim().is_empty()
    }

    /// The tags and anchors between `after` and a node go with its old value.
    pub(super) fn drop_properties(&mut self, after: usize, value_start: usize) {
        let mut at = self.skip_blank(after, value_start);
        while at < value_start {
            let rest = self.text(at, value_start);
            let token = property_length(rest);
            let gap = rest[token..].len() - rest[token..].trim_start_matches([' ', '\t']).len();
            self.put(at, at + token + gap, "");
            at = self.skip_blank(at + token, value_start);
        }
    }

    /// How block collections are laid out near a node, else anywhere in the document.
    pub(super) fn layout(&self, node: Node<'d>) -> Layout {
        let mut step = None;
        let mut sequence_step = None;
        let around = std::iter::successors(Some(node), |node| node.parent());
        for mapping in around.chain(self.document.root().descendants()) {
            if step.is_some() && sequence_step.is_some() {
                break;
            }
            if !mapping.is_mapping() || mapping.style() != Some(Style::Block) {
                continue;
            }
            let column = self.column(self.span(mapping).range().start);
            for entry in mapping.entries().filter(|entry| entry.value.alias().is_none()) {
                if entry.value.style() != Some(Style::Block) {
                    continue;
                }
                let below = self.column(self.span(entry.value).range().start);
                let known = if entry.value.is_mapping() { &mut step } else { &mut sequence_step };
                if known.is_none() {
                    *known = below.checked_sub(column);
                }
            }
        }
        Layout {
            step: step.filter(|&step| step > 0).unwrap_or(2),
            sequence_step: sequence_step.unwrap_or(0),
            newline: self.newline,
            literals: self.literals,
        }
    }

    /// How keys and texts are quoted between the brackets around a node.
    pub(super) fn flow_quoting(&self, node: Node<'d>) -> Quoting {
        let around = std::iter::successors(Some(node), |node| node.parent())
            .take_while(|node| node.style() != Some(Style::Block));
        let key = around.filter_map(|node| node.entries().next()).map(|entry| entry.key).next();
        match key.and_then(Node::scalar_style) {
            Some(crate::tree::ScalarStyle::DoubleQuoted) => Quoting::Json,
            Some(_) => Quoting::Flow,
            None if self.document.root().style() == Some(Style::Flow) => Quoting::Json,
            None => Quoting::Flow,
        }
    }
}

/// The value of a node with a change in it, its entries in the order of the text.
pub(super) fn expanded_value(
    node: Node<'_>,
    change: &Change,
    path: &Path,
) -> Result<Value, EditError> {
    let within = match change {
        Change::Set(value) => return Ok(value.clone()),
        Change::Remove | Change::Rename(_) => return Ok(Value::Null),
        Change::Within(within) if node.is_null() && within.creates() => {
            return within.created(path);
        }
        Change::Within(within) => within,
    };
    check_node_kind(node, within, path)?;
    let of_member = |step: &Step| {
        within.members.iter().find(|(other, _)| other == step).map(|(_, change)| change)
    };
    let member = |node: Node<'_>, step: Step| -> Result<Option<Value>, EditError> {
        let unchanged = Change::Within(Within::default());
        match of_member(&step) {
            Some(Change::Remove) => Ok(None),
            Some(Change::Rename(_)) => expanded_value(node, &unchanged, path).map(Some),
            change => {
                let below = step_into(path, &step);
                expanded_value(node, change.unwrap_or(&unchanged), &below).map(Some)
            }
        }
    };
    match node.kind() {
        Kind::Scalar => match node.scalar() {
            // Its notation cannot be kept.
            Some(Scalar::UInt(_)) => Err(EditError::Unwritable),
            _ => Ok(node.into()),
        },
        Kind::Sequence => {
            let mut items = Vec::new();
            for (index, item) in node.items().enumerate() {
                items.extend(member(item, Step::Index(index))?);
            }
            items.extend(within.appended.iter().cloned());
            Ok(Value::Sequence(items))
        }
        Kind::Mapping => {
            let mut entries: Vec<(String, Value)> = Vec::new();
            for entry in node.entries() {
                entries.retain(|(key, _)| key != entry.name());
                let value = member(entry.value, Step::from(entry.name()))?;
                let name = match of_member(&Step::from(entry.name())) {
                    Some(Change::Rename(name)) => name,
                    _ => entry.name(),
                };
                entries.extend(value.map(|value| (name.to_owned(), value)));
            }
            for (step, change) in &within.members {
                let Step::Key(key) = step else { continue };
                if node.get(key).is_none() && change.creates() {
                    entries.push((key.to_string(), change.created(&step_into(path, step))?));
                }
            }
            Ok(Value::Mapping(entries))
        }
    }
}
