//! Text edits between block indicators: `key: value` lines and `- item` lines.

use super::plan::{Change, Within, step_into};
use super::render::{Layout, Quoting, in_style_of, inline};
use super::text::{Editor, Slot, expanded_value};
use super::{EditError, Value};
use crate::parse::find_indicator;
use crate::path::{Path, Step};
use crate::tree::{Entry, Node, ScalarStyle, Style};

/// A member of a collection in its text: from its key or dash to the end of its value.
pub(super) struct Member {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) removed: bool,
}

impl<'d> Editor<'d> {
    pub(super) fn edit_block_mapping(
        &mut self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        let column = self.column(self.span(node).range().start);
        let mut members = Vec::new();
        let mut previous_end = self.span(node).range().start;
        let written: Vec<Entry<'d>> =
            node.entries().filter(|entry| entry.key.alias() == node.alias()).collect();
        for entry in &written {
            let key = self.span(entry.key).range();
            let value = self.span(entry.value).range();
            let start = self.key_start(previous_end, key.start);
            let end = value.end.max(key.end);
            let change = change_of(within, &Step::from(entry.name()));
            let removed = change == Some(&Change::Remove);
            if removed {
                self.touch(entry.value, &path.join(entry.name()), true);
                self.touch(entry.key, &path.join(entry.name()), true);
            } else if let Some(Change::Rename(name)) = change
                && node.get(entry.name()) == Some(entry.value)
            {
                self.rename(node, entry.key, name, path)?;
            } else if let Some(change) = change
                && node.get(entry.name()) == Some(entry.value)
            {
                let after = self.after_colon(key.end, value.start);
                let slot = Slot::Value { after, column };
                self.edit(entry.value, change, &path.join(entry.name()), slot)?;
            }
            previous_end = end;
            members.push(Member { start, end, removed });
        }
        let added = self.added_entries(node, &written, within, path)?;
        self.note_members(node, path, &members, !added.is_empty());
        let all_removed = !members.is_empty() && members.iter().all(|member| member.removed);
        let nothing_else = members
            .last()
            .is_some_and(|last| last.end >= self.span(node).range().end)
            && members.first().is_some_and(|first| first.start <= self.span(node).range().start);
        if all_removed && nothing_else && (added.is_empty() || !self.has_own_lines(&members, slot))
        {
            self.remove_own_comments(&members);
            return self.replace_in_block(node, &Value::Mapping(added), slot);
        }
        let layout = self.layout(node);
        let lines: String = added
            .iter()
            .map(|(key, value)| {
                format!("{}{}", layout.line(column), layout.entry(key, value, column))
            })
            .collect();
        self.add_lines(node, &members, lines, column);
        self.remove_lines(&members);
        Ok(())
    }

    /// The entries that are not in the text yet. A merged entry that changes is written as an
    /// explicit entry.
    fn added_entries(
        &mut self,
        node: Node<'d>,
        written: &[Entry<'d>],
        within: &Within,
        path: &Path,
    ) -> Result<Vec<(String, Value)>, EditError> {
        let mut added = Vec::new();
        for (step, change) in &within.members {
            let Step::Key(key) = step else { continue };
            let below = step_into(path, step);
            let merged = node
                .entry(key)
                .filter(|entry| written.iter().all(|written| written.value != entry.value));
            match (merged, change) {
                (Some(_), Change::Remove | Change::Rename(_)) => {
                    return Err(EditError::Merged { path: below });
                }
                (Some(entry), change) => {
                    let value = expanded_value(entry.value, change, &below)?;
                    if entry.value.to_json() != serde_json::Value::from(&value) {
                        added.push((key.to_string(), value));
                    }
                }
                (None, change) if node.get(key).is_none() && change.creates() => {
                    added.push((key.to_string(), change.created(&below)?));
                }
                (None, _) => {}
            }
        }
        Ok(added)
    }

    pub(super) fn edit_block_sequence(
        &mut self,
        node: Node<'d>,
        within: &Within,
        path: &Path,
        slot: Slot,
    ) -> Result<(), EditError> {
        let column = self.column(self.span(node).range().start);
        let mut members = Vec::new();
        let mut previous_end = self.span(node).range().start;
        for (index, item) in node.items().enumerate() {
            let value = self.span(item).range();
            let start = self.dash(previous_end, value.start.max(previous_end + 1));
            let end = value.end.max(start + 1);
            let change = change_of(within, &Step::Index(index));
            let removed = change == Some(&Change::Remove);
            if removed {
                self.touch(item, &path.join(index), true);
            } else if let Some(change) = change {
                let slot = Slot::Item { after: start + 1, column };
                self.edit(item, change, &path.join(index), slot)?;
            }
            previous_end = end;
            members.push(Member { start, end, removed });
        }
        self.note_members(node, path, &members, !within.appended.is_empty());
        if members.iter().all(|member| member.removed)
            && (within.appended.is_empty() || !self.has_own_lines(&members, slot))
        {
            self.remove_own_comments(&members);
            return self.replace_in_block(node, &Value::Sequence(within.appended.clone()), slot);
        }
        let layout = self.layout(node);
        let lines: String = within
            .appended
            .iter()
            .map(|item| format!("{}{}", layout.line(column), layout.item(item, column)))
            .collect();
        // A comment at the column of the key belongs to the next key.
        let own_comments = match slot {
            Slot::Value { column: key, .. } => column.max(key + 1),
            _ => column,
        };
        self.add_lines(node, &members, lines, own_comments);
        self.remove_lines(&members);
        Ok(())
    }

    /// Records that a collection changes if members are added or removed.
    pub(super) fn note_members(
        &mut self,
        node: Node<'d>,
        path: &Path,
        members: &[Member],
        adds: bool,
    ) {
        if adds || members.iter().any(|member| member.removed) {
            self.touch(node, path, false);
        }
    }

    /// Puts lines after the last member that stays, after its comment on that line, and after those
    /// below it that are at least in the column `own_comments`.
    fn add_lines(
        &mut self,
        node: Node<'d>,
        members: &[Member],
        lines: String,
        own_comments: usize,
    ) {
        if lines.is_empty() {
            return;
        }
        let last_is_removed = members.last().is_some_and(|last| last.removed);
        let kept = members.iter().rev().find(|member| !member.removed).map(|member| member.end);
        let at = match kept {
            Some(kept) if last_is_removed => self.line_end(kept),
            _ => self.after_comments(self.line_end(self.span(node).range().end), own_comments),
        };
        self.put(at, at, lines);
    }

    /// The end of the last of the comments in the lines after this one that are at least in this
    /// column.
    fn after_comments(&self, line_end: usize, column: usize) -> usize {
        let mut end = line_end;
        loop {
            let next = self.next_line(end);
            let line = self.text(next, self.line_end(next));
            let indentation = line.len() - line.trim_start_matches(' ').len();
            if next == end || indentation < column || !self.is_comment(next + indentation) {
                return end;
            }
            end = self.line_end(next);
        }
    }

    fn ends_block_scalar(&self, end: usize) -> bool {
        self.document.root().descendants().any(|node| {
            let is_block =
                matches!(node.scalar_style(), Some(ScalarStyle::Literal | ScalarStyle::Folded));
            is_block && node.alias().is_none() && self.span(node).range().end == end
        })
    }

    /// Whether every member is on lines of its own below a key, so that new members can take the
    /// lines of removed ones without their comments.
    fn has_own_lines(&self, members: &[Member], slot: Slot) -> bool {
        matches!(slot, Slot::Value { .. })
            && members.iter().all(|member| {
                let before = self.text(self.line_start(member.start), member.start);
                before.trim_matches(' ').is_empty()
            })
    }

    /// Removes the comments of members whose collection is replaced by something on one line: those
    /// above the first and at the end of the last.
    fn remove_own_comments(&mut self, members: &[Member]) {
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return };
        let end = self.own_comment_end(last.end);
        if end > last.end {
            self.put(last.end, end, "");
        }
        let before = self.text(self.line_start(first.start), first.start);
        let start = self.own_comment_start(first.start);
        if before.trim().is_empty() && start < self.line_start(first.start) {
            let from = self.line_end(self.line_start(start.saturating_sub(1)));
            let to = self.line_end(self.line_start(self.line_start(first.start) - 1));
            self.put(from, to, "");
        }
    }

    /// Removes the lines of members, including their comments on these lines and right above.
    fn remove_lines(&mut self, members: &[Member]) {
        let mut removed = members.iter().filter(|member| member.removed).peekable();
        while let Some(member) = removed.next() {
            let line_start = self.line_start(member.start);
            let is_first_on_line =
                self.text(line_start, member.start).trim_matches([' ', '\u{feff}']).is_empty();
            if is_first_on_line {
                let line_start = self.own_comment_start(member.start);
                // With the line break before it, so that lines added after it have theirs. The
                // first line has none; a byte order mark there stays.
                let end = self.line_end(member.end);
                if line_start > 0 {
                    let before = self.line_end(self.line_start(line_start - 1));
                    self.remove_line(before, end);
                } else {
                    let mark = self.text(0, member.start).trim_end_matches(' ').len();
                    let mut after = self.next_line(end);
                    while let Some(next) =
                        removed.next_if(|next| self.line_start(next.start) == after)
                    {
                        after = self.next_line(self.line_end(next.end));
                    }
                    self.put(mark, after, "");
                }
                continue;
            }
            // After a dash: what follows moves up.
            let mut end = self.next_significant(member.end);
            while let Some(next) = removed.next_if(|next| next.start == end) {
                end = self.next_significant(next.end);
            }
            self.put(member.start, end, "");
        }
    }

    /// Where the lines of a member start that is the first on its line: at the first of the
    /// comments right above it that are in its column. A blank line separates a comment from what
    /// follows it.
    fn own_comment_start(&self, member: usize) -> usize {
        let column = self.column(member);
        let mut start = self.line_start(member);
        while start > 0 {
            let above = self.line_start(start - 1);
            let line = self.text(above, start);
            let is_own = line.get(..column).is_some_and(|blank| blank.trim().is_empty())
                && line.get(column..).is_some_and(|rest| rest.starts_with('#'))
                && self.is_comment(above + column);
            if !is_own {
                break;
            }
            start = above;
        }
        start
    }

    /// Whether a comment starts at this byte: a `#` in a block scalar is text.
    fn is_comment(&self, position: usize) -> bool {
        self.document.comments().iter().any(|comment| comment.span.range().start == position)
    }

    /// The end of a member's line if only a comment follows the member there, else its own end.
    fn own_comment_end(&self, end: usize) -> usize {
        let line_end = self.line_end(end);
        if self.text(end, line_end).trim_start().starts_with('#') { line_end } else { end }
    }

    /// Removes a line, from the end of the one before it. A block scalar there must not gain the
    /// blank lines that follow.
    fn remove_line(&mut self, before: usize, end: usize) {
        let rest = self.text(end, self.source.len());
        let next = rest.strip_prefix(self.newline).unwrap_or_default();
        let is_blank = |line: &&str| line.trim().is_empty() && line.ends_with('\n');
        let blank: usize = next.split_inclusive('\n').take_while(is_blank).map(str::len).sum();
        let end = if blank > 0 && self.ends_block_scalar(before) { end + blank } else { end };
        self.put(before, end, "");
    }

    fn next_line(&self, line_end: usize) -> usize {
        let rest = self.text(line_end, self.source.len());
        let line_break = rest.split_inclusive('\n').next().unwrap_or_default();
        line_end + if line_break.trim().is_empty() { line_break.len() } else { 0 }
    }

    /// The first byte after this line that is not space: a key, or a comment.
    fn next_significant(&self, position: usize) -> usize {
        let rest = self.text(self.line_end(position), self.source.len());
        self.source.len() - rest.trim_start().len()
    }

    /// Where an entry starts: at its `?`, or the tag or anchor of its key, or the key.
    fn key_start(&self, previous_end: usize, key: usize) -> usize {
        let start = self.skip_blank(previous_end, key);
        if self.text(start, key).starts_with(['?', '&', '!']) { start } else { key }
    }

    fn after_colon(&self, key_end: usize, value_start: usize) -> usize {
        let between = self.text(key_end, value_start);
        find_indicator(between, |byte, _| byte == b':')
            .map_or(value_start, |colon| key_end + colon as usize + 1)
    }

    fn dash(&self, from: usize, to: usize) -> usize {
        let between = self.text(from, to);
        find_indicator(between, |byte, next| {
            byte == b'-' && next.is_none_or(|next| next.is_ascii_whitespace())
        })
        .map_or(from, |dash| from + dash as usize)
    }

    /// Replaces a node with a value.
    pub(super) fn replace_in_block(
        &mut self,
        node: Node<'d>,
        value: &Value,
        slot: Slot,
    ) -> Result<(), EditError> {
        let old = self.span(node).range();
        let after = match slot {
            Slot::Root => old.start,
            Slot::Value { after, .. } | Slot::Item { after, .. } | Slot::Flow { after } => after,
        };
        let is_alias = self.alias_of(node).is_some();
        let was_block = !is_alias && node.style() == Some(Style::Block);
        let was_flow = !is_alias && node.style() == Some(Style::Flow) && old.len() > 2;
        self.drop_properties(after, old.start);
        if is_nested(value) && !was_flow {
            if was_block {
                self.replace_block(node, value, slot);
            } else {
                self.replace_with_block(node, value, slot);
            }
            return Ok(());
        }
        let text = match (value, node.scalar_style()) {
            (Value::Str(text), Some(style)) if !is_alias => in_style_of(text, style),
            _ => None,
        };
        let text = text.unwrap_or_else(|| match value {
            Value::Str(text)
                if self.layout(node).fits_literal(text)
                    && !self.has_more_on_line(old.end)
                    && !self.text(after, old.start).contains('#') =>
            {
                let layout = self.layout(node);
                let column = match slot {
                    Slot::Value { column, .. } => column + layout.step,
                    Slot::Item { column, .. } => column + 2,
                    Slot::Root | Slot::Flow { .. } => layout.step,
                };
                layout.literal(text, column)
            }
            value => inline(value, Quoting::Block),
        });
        self.replace_with_line(&old, after, text, was_block, slot);
        Ok(())
    }

    /// Replaces a node with a value on one line.
    fn replace_with_line(
        &mut self,
        old: &std::ops::Range<usize>,
        after: usize,
        text: String,
        was_block: bool,
        slot: Slot,
    ) {
        let gap = self.text(after, old.start);
        if matches!(slot, Slot::Value { .. }) && was_block {
            if gap.contains('#') {
                // Comments between the key and its old value stay where they are.
                let lines_start = self.line_end(self.line_start(old.start).saturating_sub(1));
                self.put(after, after, format!(" {text}"));
                self.put(lines_start.max(after), old.end, "");
            } else {
                self.put_over_gap(after, old.end, format!(" {text}"));
            }
        } else if old.is_empty() && !gap.contains('#') {
            self.put_over_gap(after, old.end, format!(" {text}"));
        } else if old.is_empty() {
            self.put(after, after, format!(" {text}"));
        } else {
            self.put(old.start, old.end, text);
        }
    }

    /// Replaces everything from `after` on. What was marked to go inside already is part of it.
    fn put_over_gap(&mut self, after: usize, end: usize, text: String) {
        self.withdraw(after, end);
        self.put(after, end, text);
    }

    /// Replaces a block collection with another one.
    fn replace_block(&mut self, node: Node<'d>, value: &Value, slot: Slot) {
        let old = self.span(node).range();
        let layout = self.layout_before_comment(node);
        let at = self.column(old.start);
        let column = match slot {
            // A sequence may be at its key's column, a mapping may not.
            Slot::Value { column, .. } if at <= column && matches!(value, Value::Mapping(_)) => {
                column + layout.step
            }
            _ => at,
        };
        let shift = " ".repeat(column - at);
        self.put(old.start, old.end, format!("{shift}{}", layout.block(value, column)));
    }

    /// The layout for a node's replacement. If a comment follows, the replacement must not end with
    /// a block scalar, which would absorb the comment.
    fn layout_before_comment(&self, node: Node<'d>) -> Layout {
        let layout = self.layout(node);
        let literals = layout.literals && !self.has_more_on_line(self.span(node).range().end);
        Layout { literals, ..layout }
    }

    /// A block collection in place of a value on one line, or of nothing.
    fn replace_with_block(&mut self, node: Node<'d>, value: &Value, slot: Slot) {
        let old = self.span(node).range();
        let layout = self.layout(node);
        match slot {
            Slot::Value { after, column: key } if !self.text(after, old.start).contains('\n') => {
                let column = match value {
                    Value::Sequence(_) => key + layout.sequence_step,
                    _ => key + layout.step,
                };
                self.put_over_gap(after, old.end, String::new());
                // Comments below it that are deeper than its key belong to it, such as examples.
                let at = self.after_comments(self.line_end(old.end), column.max(key + 1));
                self.put(at, at, format!("{}{}", layout.line(column), layout.block(value, column)));
            }
            Slot::Item { after, column } if old.is_empty() => {
                let layout = self.layout_before_comment(node);
                self.put_over_gap(after, old.end, format!(" {}", layout.block(value, column + 2)));
            }
            Slot::Root => {
                let layout = self.layout_before_comment(node);
                self.put(old.start, old.end, layout.block(value, self.column(old.start)));
            }
            Slot::Value { after, .. } | Slot::Item { after, .. } | Slot::Flow { after } => {
                // Its tags and anchors go, so what was after them moves there.
                let layout = self.layout_before_comment(node);
                let start = self.skip_blank(after, old.start);
                self.put_over_gap(start, old.end, layout.block(value, self.column(start)));
            }
        }
    }
}

/// Whether a value needs lines of its own in block style.
fn is_nested(value: &Value) -> bool {
    match value {
        Value::Mapping(entries) => !entries.is_empty(),
        Value::Sequence(items) => !items.is_empty(),
        _ => false,
    }
}

/// The change to a member, if any.
pub(super) fn change_of<'c>(within: &'c Within, step: &Step) -> Option<&'c Change> {
    within.members.iter().find(|(other, _)| other == step).map(|(_, change)| change)
}
