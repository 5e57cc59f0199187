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

/// Hangs the mapping that parameters mean on their list.
pub(super) fn hang(document: &mut Document, list: NodeId) {
    let mut root = Values::default();
    for parameter in document.node(list).items() {
        let (Some(name), Some(value)) = (parameter.field("name"), parameter.field("value")) else {
            continue;
        };
        let keys = keys(name.text());
        let is_text = parameter.boolean("forceString") == Some(true);
        if let (Some(keys), Some(name), Some(place)) = (keys, name.span(), value.span()) {
            let text = written(value.text(), is_text);
            root.set(&keys, Leaf { text, place }, name);
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
}

/// The keys of a parameter's name; `None` if it names an item of a list, whose other items are
/// elsewhere.
fn keys(name: &str) -> Option<Vec<String>> {
    let mut keys = vec![String::new()];
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        match c {
            '.' => keys.push(String::new()),
            '[' => return None,
            '\\' => keys.last_mut()?.extend(characters.next()),
            c => keys.last_mut()?.push(c),
        }
    }
    keys.iter().all(|key| !key.is_empty()).then_some(keys)
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

/// Values, by key.
enum Values {
    Leaf(Leaf),
    Below(BTreeMap<String, (Span, Values)>),
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
    fn set(&mut self, keys: &[String], leaf: Leaf, name: Span) {
        let Some((key, rest)) = keys.split_first() else {
            *self = Self::Leaf(leaf);
            return;
        };
        if matches!(self, Self::Leaf(_)) {
            *self = Self::default();
        }
        if let Self::Below(entries) = self {
            let (_, below) = entries.entry(key.clone()).or_insert((name, Self::default()));
            below.set(rest, leaf, name);
        }
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
                let start = entries.values().map(|(name, _)| name.start).min().unwrap_or_default();
                self.push("{", start);
                let mut end = start;
                for (number, (key, (name, below))) in entries.iter().enumerate() {
                    self.push(if number == 0 { "" } else { "," }, name.start);
                    let key = serde_json::Value::from(key.as_str()).to_string();
                    self.push(&key, name.start);
                    self.push(":", name.end);
                    self.values(below);
                    end = self.places.last().copied().unwrap_or(end).max(end);
                }
                self.push("}", end);
                self.push(" ", end);
            }
        }
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
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      parameters:\n      - {name: a.b, value: 'true'}\n      - {name: a.c, value: '1', forceString: true}\n      - {name: 'n\\.x', value: '{1,z}'}\n      - {name: 'l[0]', value: q}\n      - {name: port, value: '080'}\n";
        let mut document = coaming_yaml::parse(text.into()).documents.remove(0);
        let lists = lists(document.root());
        hang(&mut document, lists[0]);
        let part = document.node(lists[0]).parts().next().unwrap();
        let expected =
            serde_json::json!({"a": {"b": true, "c": "1"}, "n.x": ["1", "z"], "port": "080"});
        assert_eq!(part.to_json(), expected);
        let value = part.get("a").and_then(|a| a.get("b")).unwrap();
        assert_eq!(value.span().unwrap().text(text), "'true'");
        assert_eq!(value.path().to_string(), "spec.source.helm.parameters[5].a.b");
        assert_eq!(document.at(&value.path()), Some(value));
        assert!(
            part.get("a").unwrap().span().unwrap().text(text).starts_with("a.b, value: 'true'")
        );
    }
}
