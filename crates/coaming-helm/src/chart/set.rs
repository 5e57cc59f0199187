//! `--set` and its kin: `a.b[0]=x,c={d,e}`.

use std::rc::Rc;

use crate::value::{Map, Value};

/// How the value after `=` is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typing {
    /// `true`, `null` and integers have their own types.
    Resolved,
    /// All is text.
    Text,
}

/// The largest index in a list.
const MAX_INDEX: usize = 65_536;

/// How deep keys may nest.
const MAX_LEVELS: usize = 30;

/// Applies assignments to values.
pub(crate) fn apply(values: &mut Value, assignments: &str, typing: Typing) -> Result<(), String> {
    let mut parser = Parser { chars: assignments.chars().collect(), at: 0, typing };
    while parser.at < parser.chars.len() {
        let (keys, value) = parser.assignment()?;
        *values = assigned(values, &keys, value)?;
    }
    Ok(())
}

/// Applies one value at a path, for `--set-json` and `--set-file`.
pub(crate) fn apply_value(values: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let mut parser =
        Parser { chars: format!("{path}=").chars().collect(), at: 0, typing: Typing::Text };
    let keys = parser.keys()?;
    *values = assigned(values, &keys, value)?;
    Ok(())
}

/// A step of a path.
enum Key {
    Name(String),
    Index(usize),
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    typing: Typing,
}

impl Parser {
    /// The text up to one of the stops, without its escapes.
    fn until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.chars.get(self.at).copied() {
            self.at += 1;
            if c == '\\' {
                if let Some(escaped) = self.chars.get(self.at).copied() {
                    text.push(escaped);
                    self.at += 1;
                }
            } else if stops.contains(&c) {
                return (text, Some(c));
            } else {
                text.push(c);
            }
        }
        (text, None)
    }

    fn keys(&mut self) -> Result<Vec<Key>, String> {
        let mut keys = Vec::new();
        loop {
            if keys.len() > MAX_LEVELS {
                return Err("value name nested level is greater than maximum supported".to_owned());
            }
            let (name, stop) = self.until(&['.', '[', '=', ',']);
            if !name.is_empty() {
                keys.push(Key::Name(name.clone()));
            }
            match stop {
                Some('.') => {}
                Some('=') if !keys.is_empty() => return Ok(keys),
                Some('[') => {
                    let (index, _) = self.until(&[']']);
                    let index: usize = index
                        .parse()
                        .map_err(|_| format!("error parsing index: {index:?} is not a number"))?;
                    if index > MAX_INDEX {
                        return Err(format!("index of {index} is greater than maximum supported"));
                    }
                    keys.push(Key::Index(index));
                }
                _ => return Err(format!("key {name:?} has no value")),
            }
        }
    }

    fn assignment(&mut self) -> Result<(Vec<Key>, Value), String> {
        let keys = self.keys()?;
        if self.chars.get(self.at) == Some(&'{') {
            self.at += 1;
            let mut items = Vec::new();
            loop {
                let (item, stop) = self.until(&[',', '}']);
                if stop == Some('}') && item.is_empty() && items.is_empty() {
                    break;
                }
                items.push(self.typed(&item));
                match stop {
                    Some('}') => break,
                    Some(_) => {}
                    None => return Err("list must terminate with '}'".to_owned()),
                }
            }
            if self.chars.get(self.at) == Some(&',') {
                self.at += 1;
            }
            return Ok((keys, Value::from(items)));
        }
        let (text, _) = self.until(&[',']);
        Ok((keys, self.typed(&text)))
    }

    fn typed(&self, text: &str) -> Value {
        if self.typing == Typing::Text {
            return Value::from(text);
        }
        match text {
            "true" | "True" | "TRUE" => Value::from(true),
            "false" | "False" | "FALSE" => Value::from(false),
            "null" => Value::NIL,
            "0" => Value::int64(0),
            text if text.starts_with('0') => Value::from(text),
            text => match text.parse::<i64>() {
                Ok(number) if !text.starts_with('+') => Value::int64(number),
                _ => Value::from(text),
            },
        }
    }
}

/// The values with one more assignment.
fn assigned(values: &Value, keys: &[Key], value: Value) -> Result<Value, String> {
    let Some((first, rest)) = keys.split_first() else { return Ok(value) };
    match first {
        Key::Name(name) => {
            let mut map = match values.as_map() {
                Some(map) => map.borrow().clone(),
                None => Map::new(),
            };
            let inner = map.get(name.as_str()).cloned().unwrap_or(Value::NIL);
            map.insert(Rc::from(name.as_str()), assigned(&inner, rest, value)?);
            Ok(Value::from(map).at(values.origin))
        }
        Key::Index(index) => {
            let mut items = values.as_list().unwrap_or_default().to_vec();
            if items.len() <= *index {
                items.resize(index + 1, Value::NIL);
            }
            if let Some(item) = items.get_mut(*index) {
                *item = assigned(item, rest, value)?;
            }
            Ok(Value::from(items).at(values.origin))
        }
    }
}
