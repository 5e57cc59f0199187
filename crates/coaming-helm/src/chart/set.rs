//! `--set` and its kin: `a.b[0]=x,c={d,e}`, with the habits of Helm's own reader.

use std::rc::Rc;

use crate::value::{Kind, Map, Value};

/// How the value after `=` is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    /// `true`, `null` and integers have their own types.
    Resolved,
    /// All is text.
    Text,
    /// JSON.
    Json,
}

/// The largest index in a list.
const MAX_INDEX: usize = 65_536;

/// How deep keys may nest.
const MAX_LEVELS: usize = 30;

/// How much `--set` may assign, in items of lists: an index alone makes a list.
const MAX_ITEMS: usize = 1 << 20;

/// Applies assignments to values.
pub(crate) fn apply(values: &mut Value, assignments: &str, typing: Typing) -> Result<(), String> {
    let given = Given::Parsed(typing);
    let mut parser = Parser { text: assignments, at: 0, given, items: 0 };
    let mut map = owned(values);
    let result = loop {
        match parser.key(&mut map, 0) {
            Ok(()) => {}
            Err(Stop::End) => break Ok(()),
            Err(Stop::Failed(message)) => break Err(message),
        }
    };
    *values = Value::from(map).at(values.origin);
    result
}

/// Applies a text at a path, for `--set-file`.
pub(crate) fn apply_text(values: &mut Value, path: &str, text: &str) -> Result<(), String> {
    let path = format!("{path}=");
    let mut parser = Parser { text: &path, at: 0, given: Given::Text(text), items: 0 };
    let mut map = owned(values);
    match parser.key(&mut map, 0) {
        Ok(()) | Err(Stop::End) => {}
        Err(Stop::Failed(message)) => return Err(message),
    }
    *values = Value::from(map).at(values.origin);
    Ok(())
}

/// A copy that is not shared, as the charts' files and others' values stay as they are.
fn owned(values: &Value) -> Map {
    values.as_map().map(|map| map.borrow().clone()).unwrap_or_default()
}

/// What is assigned.
#[derive(Clone, Copy)]
enum Given<'t> {
    /// What stands after `=`.
    Parsed(Typing),
    /// This text.
    Text(&'t str),
}

/// Why there is no further key.
enum Stop {
    /// The text ended, which is not an error in all places.
    End,
    Failed(String),
}

fn failed<T>(message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed(message.into()))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    given: Given<'t>,
    items: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// The text up to one of the stops, without its escapes.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.next() {
            if c == '\\' {
                text.extend(self.next());
            } else if stops.contains(&c) {
                return (text, Some(c));
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    /// One assignment into `data`.
    fn key(&mut self, data: &mut Map, level: usize) -> Result<(), Stop> {
        let (name, stop) = self.until(&['=', '[', ',', '.']);
        match stop {
            None if name.is_empty() => Err(Stop::End),
            None => failed(format!("key {name:?} has no value")),
            Some('[') => {
                let index = self.index()?;
                let list = match data.get(name.as_str()) {
                    None => Vec::new(),
                    Some(existing) => match existing.as_list() {
                        Some(items) => items.to_vec(),
                        None => return failed(format!("{name:?} is not a list")),
                    },
                };
                let (list, result) = self.item(list, index, level);
                set(data, &name, Value::from(list));
                result
            }
            Some('=') => {
                let (value, result) = self.value()?;
                set(data, &name, value);
                result
            }
            Some('.') => self.nested(data, &name, level),
            Some(_) => failed(format!("key {name:?} has no value (cannot end with ,)")),
        }
    }

    /// The assignment into the mapping at a key.
    fn nested(&mut self, data: &mut Map, name: &str, level: usize) -> Result<(), Stop> {
        let level = deeper(level)?;
        let mut inner = match data.get(name) {
            None => Map::new(),
            Some(existing) if existing.as_map().is_some() => owned(existing),
            Some(_) => return failed(format!("{name:?} is not a mapping")),
        };
        let result = self.key(&mut inner, level);
        if result.is_ok() && inner.is_empty() {
            return failed(format!("key map {name:?} has no value"));
        }
        if !inner.is_empty() {
            let origin = data.get(name).map(|existing| existing.origin).unwrap_or_default();
            set(data, name, Value::from(inner).at(origin));
        }
        result
    }

    /// What is after `[`.
    fn index(&mut self) -> Result<usize, Stop> {
        let (text, stop) = self.until(&[']']);
        if stop.is_none() {
            return Err(Stop::End);
        }
        let index: i64 = match text.parse() {
            Ok(index) => index,
            Err(_) => return failed(format!("error parsing index: {text:?} is not a number")),
        };
        match usize::try_from(index) {
            Ok(index) if index <= MAX_INDEX => Ok(index),
            Ok(_) => failed(format!(
                "index of {index} is greater than maximum supported index of {MAX_INDEX}"
            )),
            Err(_) => failed(format!("negative {index} index not allowed")),
        }
    }

    /// The list with what is assigned to one of its items.
    fn item(
        &mut self,
        list: Vec<Value>,
        index: usize,
        level: usize,
    ) -> (Vec<Value>, Result<(), Stop>) {
        let (text, stop) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            return (list, failed(format!("unexpected data at end of array index: {text:?}")));
        }
        let existing = list.get(index).cloned().unwrap_or(Value::NIL);
        let assigned = match stop {
            None => Err(Stop::End),
            // In a list, the end of the text is not the end of all assignments.
            Some('=') => self.value().map(|(value, _)| value),
            Some('[') => self.inner_list(&existing, level),
            Some(_) => {
                let mut inner = owned(&existing);
                self.key(&mut inner, level).map(|()| Value::from(inner).at(existing.origin))
            }
        };
        match assigned {
            Ok(value) => self.with_item(list, index, value),
            Err(stop) => (list, Err(stop)),
        }
    }

    fn inner_list(&mut self, existing: &Value, level: usize) -> Result<Value, Stop> {
        let level = deeper(level)?;
        let index = self.index()?;
        let items = match existing.as_list() {
            Some(items) => items.to_vec(),
            None if existing.is_nil() => Vec::new(),
            None => return failed("an item is not a list"),
        };
        let (list, result) = self.item(items, index, level);
        result.map(|()| Value::from(list).at(existing.origin))
    }

    fn with_item(
        &mut self,
        mut list: Vec<Value>,
        index: usize,
        value: Value,
    ) -> (Vec<Value>, Result<(), Stop>) {
        if list.len() <= index {
            self.items += index + 1 - list.len();
            if self.items > MAX_ITEMS {
                return (list, failed("lists are too long"));
            }
            list.resize(index + 1, Value::NIL);
        }
        if let Some(item) = list.get_mut(index) {
            *item = value;
        }
        (list, Ok(()))
    }

    /// What is after `=`, and whether more may follow.
    fn value(&mut self) -> Result<(Value, Result<(), Stop>), Stop> {
        let typing = match self.given {
            Given::Text(text) => return Ok((Value::from(text), Ok(()))),
            Given::Parsed(Typing::Json) => return Ok((self.json()?, Ok(()))),
            Given::Parsed(typing) => typing,
        };
        match self.rest().chars().next() {
            None => Ok((Value::from(""), Err(Stop::End))),
            Some('{') => {
                self.next();
                Ok((self.list(typing)?, Ok(())))
            }
            Some(_) => {
                let (text, _) = self.until(&[',']);
                Ok((typed(&text, typing), Ok(())))
            }
        }
    }

    /// `{a,b}`
    fn list(&mut self, typing: Typing) -> Result<Value, Stop> {
        let mut items = Vec::new();
        loop {
            let (item, stop) = self.until(&[',', '}']);
            if stop.is_none() {
                return failed("list must terminate with '}'");
            }
            items.push(typed(&item, typing));
            if stop == Some('}') {
                if self.rest().starts_with(',') {
                    self.next();
                }
                return Ok(Value::from(items));
            }
        }
    }

    fn json(&mut self) -> Result<Value, Stop> {
        if self.skips_to_next() {
            return Ok(Value::NIL);
        }
        let mut values =
            serde_json::Deserializer::from_str(self.rest()).into_iter::<serde_json::Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return failed(format!("not valid JSON: {error}")),
            None => return Ok(Value::NIL),
        };
        self.at += values.byte_offset();
        self.skips_to_next();
        Ok(crate::json::from_json(&value, crate::origin::Origin::default()))
    }

    /// Skips blanks and a comma; whether there was one, or the end of the text.
    fn skips_to_next(&mut self) -> bool {
        self.at += self.rest().len() - self.rest().trim_start().len();
        if self.rest().starts_with(',') {
            self.next();
            return true;
        }
        self.rest().is_empty()
    }
}

fn deeper(level: usize) -> Result<usize, Stop> {
    if level >= MAX_LEVELS {
        return failed(format!(
            "value name nested level is greater than maximum supported nested level of {MAX_LEVELS}"
        ));
    }
    Ok(level + 1)
}

/// Sets an entry; Helm drops a value whose key is empty.
fn set(data: &mut Map, name: &str, value: Value) {
    if !name.is_empty() {
        data.insert(Rc::from(name), value);
    }
}

fn typed(text: &str, typing: Typing) -> Value {
    if typing == Typing::Text {
        return Value::from(text);
    }
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") || is("false") {
        return Value::from(is("true"));
    }
    if is("null") {
        return Kind::Nil.into();
    }
    if text == "0" {
        return Value::int64(0);
    }
    match text.parse::<i64>() {
        Ok(number) if !text.starts_with('0') => Value::int64(number),
        _ => Value::from(text),
    }
}
