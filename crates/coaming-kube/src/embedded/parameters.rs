//! Values of charts that an application of Argo CD gives one by one (`helm.parameters`): they are
//! read as the mapping that they mean, so that they are judged as values are.

use std::collections::BTreeMap;

use coaming_yaml::{Document, Node, NodeId, Span};

use crate::Fields as _;

/// The lists of parameters of an object.
pub(super) fn lists(object: Node<'_>) -> Vec<NodeId> {
    let is_argo =
        object.string("apiVersion").is_some_and(|version| version.starts_with("argoproj.io/"));
    let spec = object.mapping("spec");
    let spec = match object.string("kind") {
        Some("Application") if is_argo => spec,
        Some("ApplicationSet") if is_argo => spec.mapping("template").mapping("spec"),
        _ => return Vec::new(),
    };
    let sources = spec.mapping("source").into_iter().chain(spec.list("sources"));
    let lists = sources.filter_map(|source| source.mapping("helm").sequence("parameters"));
    lists.map(Node::id).collect()
}

/// Hangs the mapping that parameters mean on their list. Returns how many are not in it.
pub(super) fn hang(document: &mut Document, list: NodeId) -> u32 {
    let mut root = Values::default();
    let mut unread = 0;
    for parameter in document.node(list).items() {
        let (Some(name), Some(value)) = (parameter.field("name"), parameter.field("value")) else {
            continue;
        };
        let keys = keys(name.text());
        let is_text = parameter.boolean("forceString") == Some(true);
        if let (Some(keys), Some(name), Some(place)) = (keys, name.span(), value.span()) {
            let text = written(value.text(), is_text);
            root.set(&keys, Leaf { text, place }, name);
        } else {
            unread += 1;
        }
    }
    let mut text = Text::default();
    text.values(&root);
    if let (Values::Below(entries), Some(end)) = (&root, text.places.last().copied())
        && !entries.is_empty()
    {
        text.places.push(end);
        document.hang(list, &text.text, text.places);
    }
    unread
}

/// The highest number of an item that is read: the items before it are made, too.
const MAX_ITEM: usize = 64;

/// A part of a parameter's name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Field(String),
    Item(usize),
}

/// The keys of a parameter's name: `a.b[0].c`; `None` if it is not one that Helm takes.
fn keys(name: &str) -> Option<Vec<Key>> {
    let mut keys = Vec::new();
    let mut key = String::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        match c {
            // An item's number ends the key before it.
            '.' if key.is_empty() && matches!(keys.last(), Some(Key::Item(_))) => {}
            '.' if key.is_empty() => return None,
            '.' => keys.push(Key::Field(std::mem::take(&mut key))),
            '[' => {
                if !key.is_empty() {
                    keys.push(Key::Field(std::mem::take(&mut key)));
                }
                let number: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let number = number.trim().parse().ok().filter(|number| *number <= MAX_ITEM)?;
                keys.push(Key::Item(number));
            }
            '\\' => key.extend(rest.next()),
            c => key.push(c),
        }
    }
    if !key.is_empty() {
        keys.push(Key::Field(key));
    } else if !matches!(keys.last(), Some(Key::Item(_))) {
        return None;
    }
    matches!(keys.first(), Some(Key::Field(_))).then_some(keys)
}

/// A value as JSON, with the type that Helm gives it.
fn written(value: &str, is_text: bool) -> String {
    let is_number = || {
        let digits = value.strip_prefix('-').unwrap_or(value);
        digits == "0" || !digits.starts_with('0') && value.parse::<i64>().is_ok()
    };
    if !is_text && (matches!(value, "true" | "false" | "null") || is_number()) {
        return value.to_owned();
    }
    let list = value.strip_prefix('{').and_then(|value| value.strip_suffix('}'));
    match list.filter(|_| !is_text) {
        Some(items) => serde_json::Value::from_iter(items.split(',')).to_string(),
        None => serde_json::Value::from(value).to_string(),
    }
}

/// Values, by key or by the number of an item.
enum Values {
    Leaf(Leaf),
    Below(BTreeMap<String, (Span, Values)>),
    Items(BTreeMap<usize, (Span, Values)>),
}

struct Leaf {
    text: String,
    place: Span,
}

impl Default for Values {
    fn default() -> Self {
        Self::Below(BTreeMap::new())
    }
}

impl Values {
    fn set(&mut self, keys: &[Key], leaf: Leaf, name: Span) {
        let Some((key, rest)) = keys.split_first() else {
            *self = Self::Leaf(leaf);
            return;
        };
        match (key, &self) {
            (Key::Field(_), Self::Below(_)) | (Key::Item(_), Self::Items(_)) => {}
            (Key::Field(_), _) => *self = Self::default(),
            (Key::Item(_), _) => *self = Self::Items(BTreeMap::new()),
        }
        let below = match (key, self) {
            (Key::Field(key), Self::Below(entries)) => {
                entries.entry(key.clone()).or_insert((name, Self::default()))
            }
            (Key::Item(number), Self::Items(items)) => {
                items.entry(*number).or_insert((name, Self::default()))
            }
            _ => return,
        };
        below.1.set(rest, leaf, name);
    }
}

/// Values as JSON, with the place of each byte.
#[derive(Default)]
struct Text {
    text: String,
    places: Vec<u32>,
}

impl Text {
    fn values(&mut self, values: &Values) {
        match values {
            Values::Leaf(leaf) => {
                self.push(&leaf.text, leaf.place.start);
                // The next byte's place is where the value ends.
                self.push(" ", leaf.place.end);
            }
            Values::Below(entries) => {
                let start = self.open("{", entries.values());
                let mut end = start;
                for (number, (key, (name, below))) in entries.iter().enumerate() {
                    self.push(if number == 0 { "" } else { "," }, name.start);
                    let key = serde_json::Value::from(key.as_str()).to_string();
                    self.push(&key, name.start);
                    self.push(":", name.end);
                    self.values(below);
                    end = self.places.last().copied().unwrap_or(end).max(end);
                }
                self.push("} ", end);
            }
            Values::Items(items) => {
                let start = self.open("[", items.values());
                let mut end = start;
                let count = items.keys().next_back().map_or(0, |last| last + 1);
                for number in 0..count {
                    self.push(if number == 0 { "" } else { "," }, end);
                    match items.get(&number) {
                        Some((_, below)) => self.values(below),
                        None => self.push("null", end),
                    }
                    end = self.places.last().copied().unwrap_or(end).max(end);
                }
                self.push("] ", end);
            }
        }
    }

    /// Opens a mapping or a list where the first of its values is named; returns the place.
    fn open<'v>(&mut self, bracket: &str, of: impl Iterator<Item = &'v (Span, Values)>) -> u32 {
        let start = of.map(|(name, _)| name.start).min().unwrap_or_default();
        self.push(bracket, start);
        start
    }

    fn push(&mut self, text: &str, place: u32) {
        self.text.push_str(text);
        self.places.resize(self.text.len(), place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_the_mapping_that_they_mean() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: a.b, value: 'true'}\n      - {name: a.c, value: '1', forceString: true}\n      - {name: 'n\\.x', value: '{1,z}'}\n      - {name: 'l[1].x', value: 'true'}\n      - {name: 'l[1].y[0]', value: z}\n      - {name: 'l[99]', value: q}\n      - {name: '[0]', value: q}\n      - {name: port, value: '080'}\n";
        let mut document = coaming_yaml::parse(text.into()).documents.remove(0);
        let lists = lists(document.root());
        assert_eq!(hang(&mut document, lists[0]), 2);
        let part = document.node(lists[0]).parts().next().unwrap();
        let expected = serde_json::json!({"a": {"b": true, "c": "1"}, "l": [null, {"x": true, "y": ["z"]}], "n.x": ["1", "z"], "port": "080"});
        assert_eq!(part.to_json(), expected);
        let value = part.get("a").and_then(|a| a.get("b")).unwrap();
        assert_eq!(value.span().unwrap().text(text), "'true'");
        assert_eq!(value.path().to_string(), "spec.source.helm.parameters[8].a.b");
        assert_eq!(document.at(&value.path()), Some(value));
        assert!(
            part.get("a").unwrap().span().unwrap().text(text).starts_with("a.b, value: 'true'")
        );
    }
}
