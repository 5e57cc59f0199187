//! The laws themselves, for one text.

use coaming_yaml::edit::{self, Edit, EditError, Value};
use coaming_yaml::{Document, Kind, Node, Path, ScalarStyle, Step, Stream, Style, parse};
use serde_json::Value as Json;

/// Every span covers exactly the text of its node: read alone, it says the same.
pub(crate) fn spans_are_exact(document: &Document) {
    for node in document.root().descendants() {
        if node.descendants().any(|node| node.alias().is_some()) {
            continue;
        }
        let span = node.span().unwrap();
        let source = document.source();
        let text = span.text(source);
        if let Some(parent) = node.parent() {
            let around = parent.span().unwrap();
            assert!(around.start <= span.start && span.end <= around.end, "{node:?}");
        }
        if span.start == span.end {
            assert!(node.is_null() || node.text().is_empty(), "{node:?}");
            continue;
        }
        assert_eq!(text.trim_start_matches([' ', '\r', '\n']), text, "{node:?}");
        let is_block_scalar =
            matches!(node.scalar_style(), Some(ScalarStyle::Literal | ScalarStyle::Folded));
        if !ends_with_block_scalar(node) {
            assert_eq!(text.trim_end(), text, "{node:?}");
        }
        // Its indentation counts from what is around it.
        let is_measured =
            is_block_scalar && text.lines().next().unwrap().contains(char::is_numeric);
        if is_tagged_inside(node) || is_key(node) || is_value_by_tag(node) || is_measured {
            continue;
        }
        assert_eq!(read_alone(node, text), Some(node.to_json()), "{node:?}: {text}");
    }
}

fn ends_with_block_scalar(node: Node<'_>) -> bool {
    let is_block = |node: &Node<'_>| {
        matches!(node.scalar_style(), Some(ScalarStyle::Literal | ScalarStyle::Folded))
    };
    let end = node.span().unwrap().end;
    node.descendants().any(|inner| is_block(&inner) && inner.span().unwrap().end == end)
}

/// A key is a string whatever it looks like, so it cannot be compared.
fn is_key(node: Node<'_>) -> bool {
    node.parent().is_some_and(|parent| parent.entries().any(|entry| entry.key == node))
}

/// The text of a lone `key: value` pair between brackets needs them around it.
fn is_tagged_inside(node: Node<'_>) -> bool {
    let text = node.span().unwrap().text(node.document().source());
    node.style() == Some(Style::Flow) && !text.starts_with(['{', '['])
}

fn is_value_by_tag(node: Node<'_>) -> bool {
    node.document().source().contains("!!") && node.kind() == Kind::Scalar
}

fn read_alone(node: Node<'_>, text: &str) -> Option<Json> {
    let source = node.document().source();
    let start = node.span().unwrap().start as usize;
    let line = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let column = source[line..start].chars().filter(|&c| c != '\u{feff}').count();
    // Other lines keep their indentation, so the first one needs its own.
    let mut alone = " ".repeat(column) + text;
    // A block scalar's last line break is part of its value, not of its text.
    let followed = source[node.span().unwrap().range().end..].starts_with(['\n', '\r']);
    if followed && ends_with_block_scalar(node) {
        alone.push('\n');
    }
    let stream = parse(alone.into());
    assert_eq!(stream.errors, [], "{text}");
    match stream.documents.as_slice() {
        [] => Some(Json::Null),
        [document] => Some(document.root().to_json()),
        _ => None,
    }
}

/// A tree's value survives being written and read again.
pub(crate) fn renders_stably(document: &Document) {
    let once = Value::from(document.root()).to_yaml();
    let again = parse(once.as_str().into());
    assert_eq!(again.errors, [], "{once}");
    let root = again.documents.first().map(Document::root);
    assert_eq!(root.map_or(Json::Null, Node::to_json), document.root().to_json(), "{once}");
    if let Some(root) = root {
        assert_eq!(Value::from(root).to_yaml(), once);
    }
}

/// Every node has one path, which leads to it; of duplicate keys, to the last.
pub(crate) fn paths_lead_back(document: &Document) {
    for node in document.root().descendants().filter(|&node| !is_key(node)) {
        let found = document.at(&node.path());
        let shadowed = std::iter::successors(Some(node), |node| node.parent())
            .any(|node| !node.duplicate_keys().is_empty());
        assert!(found == Some(node) || shadowed, "{node:?}");
    }
}

/// Which of the outcomes a change had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Edited,
    Refused(EditError),
}

/// All back ends give the same object; what is not edited stays; the other documents too.
pub(crate) fn edits_agree(stream: &Stream, index: usize, edits: &[Edit]) -> Outcome {
    let document = &stream.documents[index];
    let source = document.source();
    let before = document.root().to_json();
    let mut wanted = before.clone();
    let model = edit::apply_to_value(&mut wanted, edits);
    let patch = edit::to_json_patch(document.root(), edits);
    assert_eq!(model.is_ok(), patch.is_ok());
    let text_edits = match edit::apply(source, document, edits) {
        Ok(text_edits) => text_edits,
        Err(error) => return Outcome::Refused(error),
    };
    assert_eq!(model, Ok(()));
    let mut patched = before;
    let patch: json_patch::Patch = serde_json::from_value(patch.unwrap()).unwrap();
    json_patch::patch(&mut patched, &patch).unwrap();
    assert_eq!(patched, wanted, "JSON Patch for {edits:?}");

    let after = edit::apply_to_text(source, &text_edits);
    let again = parse(after.as_str().into());
    assert_eq!(again.errors, stream.errors_moved(&again), "{after}");
    assert_eq!(again.documents.len(), stream.documents.len(), "{edits:?}\n{source}\n---\n{after}");
    for (position, document) in again.documents.iter().enumerate() {
        if position == index {
            assert_eq!(document.root().to_json(), wanted, "{edits:?}\n{after}");
        } else {
            let other = &stream.documents[position];
            assert_eq!(document.root().to_json(), other.root().to_json(), "{after}");
        }
    }
    if edits.iter().all(|edit| !loses_comments(document, edit)) {
        assert_eq!(comments(&again), comments(stream), "{edits:?}\n{source}\n---\n{after}");
    }
    if edits.iter().all(|edit| matches!(edit, Edit::Set { .. })) {
        let twice = edit::apply(&after, &again.documents[index], edits);
        assert_eq!(twice, Ok(Vec::new()), "{edits:?}\n{after}");
    }
    Outcome::Edited
}

/// Whether an edit takes text away that may contain or be next to comments.
fn loses_comments(document: &Document, edit: &Edit) -> bool {
    match edit {
        Edit::Remove { .. } => true,
        Edit::Append { .. } | Edit::Rename { .. } => false,
        Edit::Set { path, .. } => document.at(path).is_some_and(|node| {
            let is_block_scalar =
                matches!(node.scalar_style(), Some(ScalarStyle::Literal | ScalarStyle::Folded));
            node.kind() != Kind::Scalar || is_block_scalar
        }),
    }
}

fn comments(stream: &Stream) -> Vec<&str> {
    let comments = stream.documents.iter().flat_map(Document::comments);
    let mut texts: Vec<&str> =
        comments.map(|comment| comment.span.text(&stream.source).trim_end()).collect();
    texts.sort_unstable();
    texts
}

trait Errors {
    fn errors_moved(&self, other: &Self) -> Vec<coaming_yaml::SyntaxError>;
}

impl Errors for Stream {
    /// This stream's errors, at the places where `other` has them.
    fn errors_moved(&self, other: &Self) -> Vec<coaming_yaml::SyntaxError> {
        let mut errors = self.errors.clone();
        for (error, moved) in errors.iter_mut().zip(&other.errors) {
            error.offset = moved.offset;
            // The parser's messages name places too.
            error.message.clone_from(&moved.message);
        }
        errors
    }
}

/// Edits for a document, chosen by numbers.
pub(crate) fn choose_edits(document: &Document, choices: &[u32]) -> Vec<Edit> {
    let places: Vec<Path> =
        document.root().descendants().filter(|&node| !is_key(node)).map(Node::path).collect();
    let choose = |choice: u32| {
        let path = places[choice as usize / 16 % places.len()].clone();
        let node = document.at(&path).unwrap_or(document.root());
        let mapping = std::iter::successors(Some(node), |node| node.parent())
            .find(|node| node.is_mapping() || node.is_null())
            .map_or(path.clone(), Node::path);
        match choice % 16 {
            0 => Edit::Remove { path },
            1 => match path.steps().last() {
                Some(Step::Key(_)) => Edit::Rename { path, key: "other name".to_owned() },
                _ => Edit::Remove { path },
            },
            2 => Edit::Append {
                path: if node.is_sequence() { path } else { mapping.join("more") },
                value: value_for(choice),
            },
            3 | 4 => Edit::Append { path: mapping.join("added"), value: value_for(choice) },
            5..=8 => Edit::Set { path, value: value_for(choice) },
            9..=12 => Edit::Set { path: mapping.join("new"), value: value_for(choice) },
            _ => Edit::Set { path: mapping.join("new").join("below it"), value: value_for(choice) },
        }
    };
    choices.iter().map(|&choice| choose(choice)).collect()
}

fn value_for(choice: u32) -> Value {
    let text = ["plain", "yes", "a: b", "two\nlines", "two\nlines\n", "", "0777", "ü #1", " x"];
    match choice / 256 % 8 {
        0 => true.into(),
        1 => Value::Int(i64::from(choice)),
        2 => Value::Sequence(vec!["ALL".into(), Value::Mapping(Vec::new())]),
        3 => Value::Mapping(vec![
            ("a".to_owned(), 1.into()),
            (
                "b c".to_owned(),
                Value::Sequence(vec![Value::Mapping(vec![("d".to_owned(), Value::Null)])]),
            ),
        ]),
        4 => Value::Null,
        5 => Value::Mapping(Vec::new()),
        _ => text[choice as usize / 2048 % text.len()].into(),
    }
}

/// Whether a refusal is about what the edits ask for, rather than about how the file is written.
pub(crate) fn is_about_structure(error: &EditError) -> bool {
    matches!(
        error,
        EditError::Conflict { .. }
            | EditError::NotAMapping { .. }
            | EditError::NotASequence { .. }
            | EditError::NoSuchItem { .. }
            | EditError::Root
            | EditError::SharedAnchor { .. }
            | EditError::Merged { .. }
    )
}
