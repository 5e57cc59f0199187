//! Code actions: the fixes of findings, suppressions with a reason, and all safe fixes of a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use coaming_finding::{Applicability, Finding, Fix, SourceId};
use coaming_kube::{Source, SourceKind, World};
use coaming_scan::Engine;
use coaming_secret::gate::masked;
use coaming_yaml::edit::{TextEdit, apply};
use coaming_yaml::{LineIndex, Span};
use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, Command, Diagnostic, Range, WorkspaceEdit,
};
use serde::{Deserialize, Serialize};

use crate::diagnostics;
use crate::position::Lines;
use crate::workspace::{Judgement, Placed, Workspace};

/// All safe fixes of a file at once.
pub(crate) const FIX_ALL: &str = "source.fixAll.coaming";
/// The command that clients with a prompt for reasons have: it asks, and then calls [`SUPPRESS`].
const ASK_REASON: &str = "coaming.askReason";
/// The command of the server that suppresses a finding with a given reason.
pub(crate) const SUPPRESS: &str = "coaming.suppress";

/// The edits of files, by path.
pub(crate) type Edits = BTreeMap<PathBuf, (Arc<str>, Vec<TextEdit>)>;

/// Where a suppression goes, and why.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SuppressArguments {
    /// The document.
    pub(crate) uri: lsp_types::Uri,
    /// The line of the finding, from 0.
    pub(crate) line: u32,
    /// The rule.
    pub(crate) rule: String,
    /// The reason; empty until the user was asked.
    #[serde(default)]
    pub(crate) reason: String,
}

/// What code actions are asked about.
pub(crate) struct Asked<'a> {
    pub(crate) judgement: &'a Judgement,
    pub(crate) text: &'a str,
    pub(crate) uri: &'a lsp_types::Uri,
    pub(crate) range: Range,
    /// The kinds that the client wants; empty for all.
    pub(crate) only: &'a [CodeActionKind],
    /// Whether the client asks its user for reasons.
    pub(crate) asks_for_reasons: bool,
    /// Makes the client's edit of edits of files; `None` if one of them changed since.
    pub(crate) edit: &'a dyn Fn(&Edits) -> Option<WorkspaceEdit>,
    /// Whether the text with a comment more suppresses the finding.
    pub(crate) suppresses: &'a dyn Fn(&Placed, &str) -> bool,
}

impl Asked<'_> {
    fn wants(&self, kind: &CodeActionKind) -> bool {
        let is_below = |wanted: &CodeActionKind| {
            let rest = kind.as_str().strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.only.is_empty() || self.only.iter().any(is_below)
    }

    /// The actions for the findings in the range.
    pub(crate) fn actions(&self, workspace: &Workspace) -> Vec<CodeActionOrCommand> {
        let mut actions = Vec::new();
        if self.wants(&CodeActionKind::QUICKFIX) {
            let lines = Lines::new(self.text);
            for placed in &self.judgement.findings {
                let range = diagnostics::range(placed, self.text, &lines);
                if range.start <= self.range.end && self.range.start <= range.end {
                    self.add(placed, range, &mut actions);
                }
            }
        }
        let fix_all = CodeActionKind::from(FIX_ALL.to_owned());
        if self.wants(&fix_all)
            && let Some(edit) = self.fix_all(workspace)
        {
            actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: "Apply all safe fixes in this file".to_owned(),
                kind: Some(fix_all),
                edit: Some(edit),
                ..CodeAction::default()
            }));
        }
        actions
    }

    fn add(&self, placed: &Placed, range: Range, actions: &mut Vec<CodeActionOrCommand>) {
        let finding = &placed.finding;
        let about = vec![Diagnostic {
            range,
            code: Some(lsp_types::NumberOrString::String(finding.rule.id.to_string())),
            source: Some(diagnostics::SOURCE.to_owned()),
            message: masked(&finding.message).into_owned(),
            ..Diagnostic::default()
        }];
        if let Some(fix) = &finding.fix
            && let Some(edit) = edits(fix, self.judgement).as_ref().and_then(|it| (self.edit)(it))
        {
            let care = match fix.applicability {
                Applicability::Unsafe => " (may break the application)",
                Applicability::Safe | Applicability::Manual => "",
            };
            actions.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: masked(&format!("{}{care}", capitalized(&fix.title))).into_owned(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(about.clone()),
                is_preferred: Some(fix.applicability == Applicability::Safe),
                edit: Some(edit),
                ..CodeAction::default()
            }));
        }
        let rule = finding.rule.id.to_string();
        let at = placed.span.start;
        let Some((insertion, _)) = suppression(self.text, at, &rule, "") else { return };
        let with_reason = suppression(self.text, at, &rule, "a reason");
        if !with_reason.is_some_and(|(_, text)| (self.suppresses)(placed, &text)) {
            return;
        }
        let title = format!("Suppress `{rule}` here, with a reason");
        let action = if self.asks_for_reasons {
            let line = range.start.line;
            let arguments =
                SuppressArguments { uri: self.uri.clone(), line, rule, reason: String::new() };
            let arguments = serde_json::to_value(arguments).ok().map(|value| vec![value]);
            let command = ASK_REASON.to_owned();
            let command = Command { title: title.clone(), command, arguments };
            CodeAction { command: Some(command), ..CodeAction::default() }
        } else {
            let edit = self.edit_here(insertion);
            CodeAction { edit, ..CodeAction::default() }
        };
        actions.push(CodeActionOrCommand::CodeAction(CodeAction {
            title,
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(about),
            ..action
        }));
    }

    /// An edit of the document itself.
    fn edit_here(&self, edit: TextEdit) -> Option<WorkspaceEdit> {
        let path = crate::uri::to_path(self.uri)?;
        (self.edit)(&BTreeMap::from([(path, (Arc::from(self.text), vec![edit]))]))
    }

    /// All safe fixes of the document that need no other file.
    fn fix_all(&self, workspace: &Workspace) -> Option<WorkspaceEdit> {
        let subject = self.judgement.sources.get(&Engine::SUBJECT)?;
        if subject.kind != SourceKind::Manifest {
            return None;
        }
        let alone = World::numbered([(Engine::SUBJECT, Arc::clone(subject))]);
        let plan = coaming_fix::plan(
            vec![alone.into()],
            false,
            |world| {
                world.source_arc(Engine::SUBJECT).map(|it| workspace.review(it)).unwrap_or_default()
            },
            |_| None,
        );
        let change = plan.changes.first()?;
        self.edit_here(difference(&change.before, &change.after))
    }
}

/// The edits of a fix, by file; `None` if it has none, or they do not apply.
fn edits(fix: &Fix, judgement: &Judgement) -> Option<Edits> {
    let mut edits = Edits::new();
    let mut add = |id: SourceId, new: &dyn Fn(&Source) -> Option<Vec<TextEdit>>| {
        let source = judgement.sources.get(&id)?;
        let path = PathBuf::from(&source.name);
        let entry = edits.entry(path).or_insert_with(|| (Arc::clone(&source.text), Vec::new()));
        entry.1.extend(new(source)?);
        Some(())
    };
    for of_document in &fix.edits {
        add(of_document.source, &|source| {
            let document = source.documents().get(of_document.document as usize)?;
            apply(&source.text, document, &of_document.edits).ok()
        })?;
    }
    for of_file in &fix.file_edits {
        add(of_file.source, &|_| Some(of_file.edits.clone()))?;
    }
    edits.retain(|_, (_, edits)| !edits.is_empty());
    (!edits.is_empty()).then_some(edits)
}

/// The comment that suppresses a finding which starts at a byte, as an edit and as the text with it.
/// JSON has no comments.
pub(crate) fn suppression(
    text: &str,
    at: u32,
    rule: &str,
    reason: &str,
) -> Option<(TextEdit, String)> {
    if text.trim_start().starts_with('{') {
        return None;
    }
    let lines = LineIndex::new(text);
    let (line, _) = lines.position(text, at);
    let start = lines.start(line)?;
    let rest = text.get(start as usize..)?;
    let indent: String = rest.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    // The reason is one line of a comment, whatever was entered.
    let reason: String = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let comment = format!("{indent}# coaming: ignore[{rule}] {reason}");
    let replacement = format!("{}{end}", comment.trim_end());
    let edit = TextEdit { span: Span::new(start, start), replacement };
    let changed = coaming_yaml::edit::apply_to_text(text, std::slice::from_ref(&edit));
    Some((edit, changed))
}

/// The edit between two texts: what is between their common start and end.
fn difference(before: &str, after: &str) -> TextEdit {
    let same = |(a, b): &(char, char)| a == b;
    let start: usize =
        before.chars().zip(after.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (rest, new) = (&before[start..], &after[start..]);
    let end: usize =
        rest.chars().rev().zip(new.chars().rev()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    TextEdit {
        span: Span::new(narrow(start), narrow(before.len() - end)),
        replacement: new[..new.len() - end].to_owned(),
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Whether a finding of another judgement is the same one.
pub(crate) fn is_same(a: &Finding, b: &Finding) -> bool {
    a.rule.id == b.rule.id
        && a.object == b.object
        && a.container == b.container
        && a.message == b.message
        && a.locations.first().map(|it| &it.path) == b.locations.first().map(|it| &it.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_difference_is_edited() {
        let edit = difference("a\nb\nc\n", "a\nx\nc\n");
        assert_eq!((edit.span, edit.replacement.as_str()), (Span::new(2, 3), "x"));
        let edit = difference("aa", "aaa");
        assert_eq!((edit.span, edit.replacement.as_str()), (Span::new(2, 2), "a"));
        let edit = difference("ä", "ö");
        assert_eq!((edit.span, edit.replacement.as_str()), (Span::new(0, 2), "ö"));
    }

    #[test]
    fn a_comment_goes_above_the_line() {
        let text = "spec:\n  hostPID: true\n";
        let (_, changed) = suppression(text, 8, "host-namespaces", "it\nmeasures").unwrap();
        assert_eq!(
            changed,
            "spec:\n  # coaming: ignore[host-namespaces] it measures\n  hostPID: true\n"
        );
        assert!(suppression("{\"spec\": {}}", 2, "a", "b").is_none());
    }
}
