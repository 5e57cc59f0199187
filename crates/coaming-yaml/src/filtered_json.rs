//! Build a tree directly from JSON text, with unwanted values left out or replaced.
//!
//! Most of an API server's response is never read (the status, the managed fields), and some of it
//! must not be kept. The text streams into the arena: there is no intermediate tree, and omitted
//! values never use memory. Depth is bounded by `serde_json` (128 levels).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::arena::{Shape, Typing};
use crate::builder::Builder;
use crate::json::{NO_SPAN, add_scalar};
use crate::tree::{Document, Style};

/// Decides which parts of a JSON text become part of a tree.
///
/// Paths consist of the names of object members. The items of an array have the array's path.
pub trait JsonFilter {
    /// Whether the member at this path becomes part of the tree.
    fn keeps(&mut self, path: &[Cow<'_, str>]) -> bool;

    /// The string that replaces the string, number, or boolean at this path; `None` keeps it
    /// unchanged.
    fn replacement(&mut self, path: &[Cow<'_, str>], text: &str) -> Option<String>;
}

/// Reads one JSON object into a tree, such as an item of an API server's list. Nodes have no spans.
///
/// It is a seed, so that the list around the object can be streamed as well.
pub struct JsonTree<'f> {
    /// Members to add before those of the text.
    pub first: &'f [(&'f str, &'f str)],
    /// Decides what becomes part of the tree.
    pub filter: &'f mut dyn JsonFilter,
}

impl fmt::Debug for JsonTree<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonTree").field("first", &self.first).finish_non_exhaustive()
    }
}

impl<'de> DeserializeSeed<'de> for JsonTree<'_> {
    type Value = Document;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Document, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for JsonTree<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Document, A::Error> {
        let mut builder = Builder::new(Arc::from(""), 0);
        let mut path = Vec::new();
        Tree { builder: &mut builder, path: &mut path, filter: self.filter }
            .object(self.first, map)?;
        Ok(builder.into_document(NO_SPAN, Vec::new(), false))
    }
}

/// Adds one value to the tree.
struct Tree<'b, 'de> {
    builder: &'b mut Builder,
    path: &'b mut Vec<Cow<'de, str>>,
    filter: &'b mut dyn JsonFilter,
}

impl<'de> Tree<'_, 'de> {
    /// The same for a nested value.
    fn inner(&mut self) -> Tree<'_, 'de> {
        Tree { builder: self.builder, path: self.path, filter: self.filter }
    }

    fn object<A: MapAccess<'de>>(
        mut self,
        first: &[(&str, &str)],
        mut map: A,
    ) -> Result<(), A::Error> {
        self.open(Shape::mapping(Style::Flow))?;
        for (key, value) in first {
            add_scalar(self.builder, key, Typing::Text);
            add_scalar(self.builder, value, Typing::Text);
        }
        while let Some(key) = map.next_key_seed(Key)? {
            self.path.push(key);
            if self.filter.keeps(self.path) {
                let key = self.path.last().map_or("", |key| key);
                add_scalar(self.builder, key, Typing::Text);
                map.next_value_seed(self.inner())?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            self.path.pop();
        }
        self.close()
    }

    fn open<E: serde::de::Error>(&mut self, shape: Shape) -> Result<(), E> {
        self.builder.open(shape, NO_SPAN, 0).map_err(|error| E::custom(error.message))
    }

    fn close<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.builder.close(Some(0)).map_err(|error| E::custom(error.message))
    }

    fn scalar(&mut self, text: &str, typing: Typing) {
        match self.filter.replacement(self.path, text) {
            Some(replacement) => add_scalar(self.builder, &replacement, Typing::Text),
            None => add_scalar(self.builder, text, typing),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Tree<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        add_scalar(self.builder, "null", Typing::Resolved);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.scalar(if value { "true" } else { "false" }, Typing::Resolved);
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.scalar(&value.to_string(), Typing::Resolved);
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.scalar(&value.to_string(), Typing::Resolved);
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        // Formatted by `serde_json`, as in [`crate::from_json`].
        self.scalar(&serde_json::Value::from(value).to_string(), Typing::Resolved);
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.scalar(text, Typing::Text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.open(Shape::Sequence(Style::Flow))?;
        while items.next_element_seed(self.inner())?.is_some() {}
        self.close()
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        self.object(&[], map)
    }
}

/// The name of a member, borrowed from the text if it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{from_json, parse};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Drops members named `drop` and replaces scalars below members named `hide`.
    struct ByName;

    impl JsonFilter for ByName {
        fn keeps(&mut self, path: &[Cow<'_, str>]) -> bool {
            path.last().is_none_or(|name| name != "drop")
        }

        fn replacement(&mut self, path: &[Cow<'_, str>], _: &str) -> Option<String> {
            path.iter().any(|name| name == "hide").then(|| "-".to_owned())
        }
    }

    /// The result of [`ByName`], computed on a second tree.
    fn filtered(value: &Value, hidden: bool) -> Value {
        match value {
            Value::Object(members) => members
                .iter()
                .filter(|(name, _)| *name != "drop")
                .map(|(name, value)| (name.clone(), filtered(value, hidden || name == "hide")))
                .collect(),
            Value::Array(items) => items.iter().map(|item| filtered(item, hidden)).collect(),
            Value::Null => Value::Null,
            _ if hidden => "-".into(),
            value => value.clone(),
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
            "(yes|0x1f|1e3|\\PC{0,6})".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            let key = prop_oneof!["drop", "hide", "[a-c\"\\\\é]{0,3}"];
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..5)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    fn tree(text: &str, first: &[(&str, &str)]) -> Result<Document, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let document = JsonTree { first, filter: &mut ByName }.deserialize(&mut deserializer)?;
        deserializer.end().map(|()| document)
    }

    proptest! {
        #[test]
        fn tree_equals_tree_of_filtered_value(value in value()) {
            let value = json!({"root": value});
            let document = tree(&value.to_string(), &[]).unwrap();
            let expected = from_json(&filtered(&value, false));
            prop_assert_eq!(document.root().to_json(), expected.root().to_json());
            prop_assert_eq!(document.root().span(), None);
            let pretty = serde_json::to_string_pretty(&filtered(&value, false)).unwrap();
            let parsed = parse(pretty.into());
            prop_assert_eq!(document.root().to_json(), parsed.documents[0].root().to_json());
        }
    }

    #[test]
    fn members_from_the_caller_come_first() {
        let document = tree("{\"kind\":\"X\"}", &[("apiVersion", "v1")]).unwrap();
        let names: Vec<&str> = document.root().entries().map(|entry| entry.name()).collect();
        assert_eq!(names, ["apiVersion", "kind"]);
    }

    #[test]
    fn rejects_text_that_is_not_a_single_object() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in ["", "[]", "1", "{", "{}{}", "{\"a\":}", &deep] {
            assert!(tree(text, &[]).is_err(), "{text}");
        }
    }
}
