//! Reading parts of documents that may have any shape.
//!
//! A document of a few bytes per entry takes many times its size in memory, so entries are counted
//! while they are read. Serde gives the readers of nested lists no state of their own: the count is
//! that of the thread, which reads one document at a time.

use std::cell::Cell;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A value, or nothing where it does not have the expected shape. The rest of the document stays
/// readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(Value::deserialize(deserializer)?).ok()))
    }
}

/// Reads text; anything else reads as empty text.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(optional_text(deserializer)?.unwrap_or_default())
}

/// Reads text; anything else reads as nothing.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    struct Any;

    impl<'de> Visitor<'de> for Any {
        type Value = Option<String>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a text")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(text.to_owned()))
        }

        fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
            Ok(Some(text))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }

    deserializer.deserialize_any(Any)
}

/// Reads text of which only the start is kept.
pub(crate) fn short_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(start_of(&text(deserializer)?))
}

/// The start of a text for people: whole ones are most of some documents.
pub(crate) fn start_of(text: &str) -> String {
    text.chars().take(256).collect()
}

/// Reads a list; `null` reads as an empty one. A value that is not a list is an error: a statement
/// must not lose what it is limited to.
pub(crate) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads the entries of a list that have the expected shape; anything else reads as an empty list.
pub(crate) fn items<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let entries = match Value::deserialize(deserializer)? {
        Value::Array(entries) => entries,
        _ => Vec::new(),
    };
    Ok(entries.into_iter().filter_map(|entry| T::deserialize(entry).ok()).collect())
}

/// The most entries of all lists of a document: packages, references, statements.
pub(crate) const MAX_ENTRIES: usize = 1_000_000;

thread_local! {
    static ENTRIES: Cell<usize> = const { Cell::new(0) };
}

/// Starts to count the entries of another document.
pub(crate) fn start_count() {
    ENTRIES.set(0);
}

/// Reads a list whose entries are counted; `null` reads as an empty one.
pub(crate) fn counted<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    filtered(deserializer, |_| true)
}

/// Reads the values of an object, which are counted; `null` reads as none.
pub(crate) fn counted_values<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Values<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Values<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        // A field of this name in another format.
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Vec::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::new();
            while let Some((_, value)) = map.next_entry::<IgnoredAny, T>()? {
                count()?;
                values.push(value);
            }
            Ok(values)
        }
    }

    deserializer.deserialize_any(Values(PhantomData))
}

/// Reads the values of an optional object, which are counted.
pub(crate) fn counted_values_option<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    counted_values(deserializer).map(Some)
}

/// Counts an entry.
fn count<E: serde::de::Error>() -> Result<(), E> {
    let count = ENTRIES.get() + 1;
    ENTRIES.set(count);
    if count > MAX_ENTRIES {
        return Err(E::custom(format!("more than {MAX_ENTRIES} entries")));
    }
    Ok(())
}

/// Reads an optional list whose entries are counted.
pub(crate) fn counted_option<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    counted(deserializer).map(Some)
}

/// Reads a list, and keeps and counts only the entries that pass.
pub(crate) fn filtered<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
    passes: fn(&T) -> bool,
) -> Result<Vec<T>, D::Error> {
    struct List<T>(fn(&T) -> bool, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a list")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element()? {
                if !(self.0)(&entry) {
                    continue;
                }
                count()?;
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_any(List(passes, PhantomData))
}
