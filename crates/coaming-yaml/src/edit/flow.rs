//! Text edits between brackets: YAML's flow style, and JSON.

use super::block::{Member, change_of};
use super::plan::{Change, Within, step_into};
use super::render::{Flow, Quoting, in_style_of};
use super::text::{Editor, Slot};
use super::{EditError, Value};
use crate::path::{Path, Step};
use crate::tree::{Node, Style};

impl<'d> Editor<'d> {
    pub(super) fn edit_flow(
        &mut self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        let members = self.edit_flow_members(node, within, path)?;
        let added = self.added_members(node, within, path)?;
        let adds = match &added {
            Value::Mapping(entries) => !entries.is_empty(),
            Value::Sequence(items) => !items.is_empty(),
            _ => false,
        };
        self.note_members(node, path, &members, adds);
        if members.iter().all(|member| member.removed) {
            return match (adds || !members.is_empty(), slot) {
                (false, _) => Ok(()),
                (true, Slot::Flow { after }) => self.replace_in_flow(node, &added, after),
                (true, Slot::Root) if self.flow_quoting(node) == Quoting::Json => {
                    self.replace_in_flow(node, &added, self.span(node).range().start)
                }
                // An empty collection says nothing on how the file is written.
                (true, slot) => self.replace_in_block(node, &added, slot),
            };
        }
        let span = self.span(node).range();
        if !self.text(span.start, span.end).starts_with(['{', '[']) {
            return Err(EditError::Unwritable);
        }
        if adds {
            self.add_flow_members(node, &members, &added);
        }
        self.remove_flow_members(&members, adds);
        Ok(())
    }

    fn edit_flow_members(
        &mut self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
    ) -> Result<Vec<Member>, EditError> {
        let mut members = Vec::new();
        let mut previous_end = self.span(node).range().start + 1;
        let entries = node.entries().filter(|entry| entry.key.alias() == node.alias());
        let keyed = entries.map(|entry| (Some(entry.key), entry.value));
        let items = node.items().map(|item| (None, item));
        for (index, (key, value)) in keyed.chain(items).enumerate() {
            let step = key.map_or(Step::Index(index), |key| Step::from(key.text()));
            let below = step_into(path, &step);
            let first = self.span(key.unwrap_or(value)).range();
            let own = self.span(value).range();
            let start = self.member_start(previous_end, first.start);
            let end = own.end.max(first.end);
            let change = change_of(within, &step);
            let removed = change == Some(&Change::Remove);
            if removed {
                self.touch(value, &below, true);
                self.touch(key.unwrap_or(value), &below, true);
            } else if let (Some(Change::Rename(name)), Some(key)) = (change, key) {
                self.rename(node, key, name, path)?;
            } else if let Some(change) = change
                && key.is_none_or(|key| node.get(key.text()) == Some(value))
            {
                let after = key.map_or(start, |_| first.end);
                self.edit(value, change, &below, Slot::Flow { after })?;
            }
            previous_end = end;
            members.push(Member { start, end, removed });
        }
        Ok(members)
    }

    /// Where a member's text starts: after the comma, at its tag, anchor or `?` if it has one.
    fn member_start(&self, previous_end: usize, first: usize) -> usize {
        let start = self.skip_blank(previous_end, first);
        if self.text(start, first).starts_with(',') {
            self.skip_blank(start + 1, first)
        } else {
            start
        }
    }

    fn added_members(
        &self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
    ) -> Result<Value, EditError> {
        if node.is_sequence() {
            return Ok(Value::Sequence(within.appended.clone()));
        }
        let mut entries = Vec::new();
        for (step, change) in &within.members {
            let Step::Key(key) = step else { continue };
            let below = step_into(path, step);
            match node.entry(key) {
                None if change.creates() => {
                    entries.push((key.to_string(), change.created(&below)?))
                }
                Some(entry) if entry.key.alias() != node.alias() => {
                    return Err(EditError::Merged { path: below });
                }
                _ => {}
            }
        }
        Ok(Value::Mapping(entries))
    }

    fn add_flow_members(&mut self, node: Node<'d>, members: &[Member], added: &Value) {
        let Some(last) = members.iter().rev().find(|member| !member.removed) else { return };
        let close = self.span(node).range().end.saturating_sub(1);
        let last_is_removed = members.last().is_some_and(|last| last.removed);
        let style = self.flow_style(node);
        let spread = self.text(last.end, close).contains('\n');
        // A removed member may be the only one on a line of its own.
        let indent = self.indent(members.last().map_or(last.start, |last| last.start));
        let nested_indent = (spread && style.quoting == Quoting::Json).then_some(indent);
        let separator = match (spread, style.spaced) {
            (true, _) => format!("{}{indent}", self.newline),
            (false, true) => " ".to_owned(),
            (false, false) => String::new(),
        };
        let texts: Vec<String> = match added {
            Value::Mapping(entries) => {
                entries.iter().map(|(key, value)| style.entry(key, value, nested_indent)).collect()
            }
            Value::Sequence(items) => {
                items.iter().map(|item| style.value(item, nested_indent)).collect()
            }
            _ => Vec::new(),
        };
        let joined = texts.join(&format!(",{separator}"));
        let next = members.iter().find(|member| member.start > last.start);
        if let Some(next) = next.filter(|next| self.text(last.end, next.start).contains('#')) {
            self.put(next.start, next.start, joined);
            return;
        }
        let after = self.skip_blank(last.end, close);
        let has_comma = !last_is_removed && self.text(after, close).starts_with(',');
        // A comma is written right after the value; the member after a comment on that line.
        let comma_end = if has_comma { after + 1 } else { last.end };
        let commented = spread && !last_is_removed && self.has_more_on_line(comma_end);
        let at = if commented { self.line_end(comma_end) } else { comma_end };
        let trailing = if has_comma { "," } else { "" };
        match (has_comma, commented) {
            (false, true) => {
                self.put(last.end, last.end, ",");
                self.put(at, at, format!("{separator}{joined}"));
            }
            (false, false) => self.put(at, at, format!(",{separator}{joined}")),
            (true, _) => self.put(at, at, format!("{separator}{joined}{trailing}")),
        }
    }

    /// Removes members with one comma each; what is between them otherwise stays.
    fn remove_flow_members(&mut self, members: &[Member], adds: bool) {
        let mut index = 0;
        while let Some(member) = members.get(index) {
            if !member.removed {
                index += 1;
                continue;
            }
            let run = members[index..].iter().take_while(|member| member.removed).count();
            let last_end = members[index + run - 1].end;
            let before = index.checked_sub(1).and_then(|before| members.get(before));
            match (members.get(index + run), before) {
                (Some(next), _) if !self.text(last_end, next.start).contains('#') => {
                    self.put(member.start, next.start, "");
                }
                (Some(_), before) if self.owns_comment(before, member.start, last_end) => {
                    let (line, end) = (self.line_start(member.start), self.line_end(last_end));
                    if self.text(line, member.start).trim().is_empty() {
                        self.put(line, end + self.newline.len(), "");
                    } else {
                        self.put(member.start, end, "");
                    }
                }
                (Some(next), _) => {
                    let comma = self.skip_blank(last_end, next.start);
                    if self.text(last_end, comma).trim().is_empty() {
                        let rest = self.text(comma + 1, next.start);
                        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                        self.put(member.start, comma + 1 + gap, "");
                    } else {
                        self.put(member.start, last_end, "");
                        self.put(comma, comma + 1, "");
                    }
                }
                (None, Some(before)) if !self.text(before.end, member.start).contains('#') => {
                    let owns = self.owns_comment(Some(before), member.start, last_end);
                    let end = if owns { self.line_end(last_end) } else { last_end };
                    self.put(before.end, end, "");
                }
                (None, Some(before)) => {
                    let comma = self.skip_blank(before.end, member.start);
                    if adds {
                        // What is added takes the place.
                        let owns = self.owns_comment(Some(before), member.start, last_end);
                        let end = if owns { self.line_end(last_end) } else { last_end };
                        self.put(member.start, end, "");
                        break;
                    }
                    self.put(comma, comma + 1, "");
                    if self.owns_comment(Some(before), member.start, last_end) {
                        let line = self.line_start(member.start);
                        let start = line.saturating_sub(self.newline.len()).max(comma + 1);
                        self.put(start, self.line_end(last_end), "");
                    } else {
                        self.put(member.start, last_end, "");
                    }
                }
                (None, None) => {}
            }
            index += run;
        }
    }

    /// Whether the comment behind removed members is theirs: nothing else is on their lines.
    fn owns_comment(&self, before: Option<&Member>, start: usize, last_end: usize) -> bool {
        let shares_line = before.is_some_and(|before| before.end > self.line_start(start));
        let rest = self.text(last_end, self.line_end(last_end)).trim_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        !shares_line && rest.starts_with('#')
    }

    /// Replaces a node in a flow collection with a value.
    pub(super) fn replace_in_flow(
        &mut self,
        node: Node<'d>,
        value: &Value,
        after: usize,
    ) -> Result<(), EditError> {
        let old = self.span(node).range();
        let style = self.flow_style(node);
        let properties = self.skip_colon(after, old.start);
        self.drop_properties(properties, old.start);
        let text = match (value, node.scalar_style(), style.quoting) {
            (Value::Str(text), Some(quotes), Quoting::Flow) if self.alias_of(node).is_none() => {
                in_style_of(text, quotes)
            }
            _ => None,
        };
        // What is on one line stays on one.
        let is_empty = node.entries().next().is_none() && node.items().next().is_none();
        let layout = if is_empty { node.parent().unwrap_or(node) } else { node };
        let around = self.span(layout).range();
        let is_spread = self.text(around.start, around.end).contains('\n');
        let indent = (self.json_unit().is_some() && is_spread).then(|| self.indent(old.start));
        let text = text.unwrap_or_else(|| style.value(value, indent));
        if !old.is_empty() {
            self.put(old.start, old.end, text);
        } else if self.text(0, properties).ends_with(':') {
            self.put(properties, properties, format!(" {text}"));
        } else if node.parent().is_some_and(Node::is_mapping) {
            self.put(old.start, old.start, format!(": {text}"));
        } else {
            self.put(old.start, old.start, text);
        }
        Ok(())
    }

    /// One past the colon between a key's end and its value, if there is one.
    fn skip_colon(&self, after: usize, value_start: usize) -> usize {
        let colon = self.skip_blank(after, value_start);
        if self.text(colon, value_start).starts_with(':') { colon + 1 } else { after }
    }

    fn flow_style(&self, node: Node<'d>) -> Flow<'d> {
        let quoting = self.flow_quoting(node);
        Flow {
            quoting,
            spaced: quoting != Quoting::Json || self.has_spaced_colons(),
            newline: self.newline,
            unit: self.json_unit().unwrap_or("  "),
        }
    }

    /// Whether the document's first entry has a space after its colon.
    fn has_spaced_colons(&self) -> bool {
        let mut mappings = self.document.root().descendants();
        let first = mappings.find_map(|node| node.entries().next());
        first.is_none_or(|entry| {
            let key = self.span(entry.key).range();
            self.text(key.end, self.span(entry.value).range().start).ends_with([' ', '\n', '\t'])
        })
    }

    /// One level of indentation of a JSON document that is spread over several lines.
    fn json_unit(&self) -> Option<&'d str> {
        let root = self.document.root();
        if root.style() != Some(Style::Flow) {
            return None;
        }
        let first = root.entries().next().map(|entry| entry.key).or_else(|| root.items().next())?;
        let (open, first) = (self.span(root).range().start, self.span(first).range().start);
        let unit = self.indent(first);
        (self.text(open, first).contains('\n') && !unit.is_empty()).then_some(unit)
    }
}
