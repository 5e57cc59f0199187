//! The functions that manifests are commonly made with. All others are unknown.

use crate::convert;
use crate::eval::number;
use crate::value::{Entry, Item, Kind, Site, Value};

/// The result of a function; `None` if it is not known.
pub(crate) fn call(name: &str, arguments: Vec<Value>, site: Site) -> Option<Value> {
    let value = |kind| Value::new(kind, site);
    let text = |text: String| Value::text(text, site);
    match name {
        "sensitive" | "nonsensitive" | "toset" | "tolist" | "tomap" | "identity" => {
            arguments.into_iter().next()
        }
        "tostring" => arguments.first()?.as_text().map(text),
        "tobool" => arguments.first()?.as_bool().map(Kind::Bool).map(value),
        "tonumber" => arguments.first()?.as_number().and_then(number).map(value),
        "yamlencode" | "jsonencode" => {
            let inner = arguments.into_iter().next()?;
            Some(value(Kind::Encoded(Box::new(inner))))
        }
        "yamldecode" | "jsondecode" => convert::decode(arguments.into_iter().next()?, site),
        "try" => first_known(arguments),
        "coalesce" => {
            let is_set = |it: &Value| {
                !matches!(it.kind, Kind::Null) && it.as_text().is_none_or(|text| !text.is_empty())
            };
            let found = arguments.into_iter().find(|it| it.is_unknown() || is_set(it))?;
            (!found.is_unknown()).then_some(found)
        }
        "lookup" => {
            let [map, key, default @ ..] = arguments.as_slice() else { return None };
            let Kind::Object(_) = map.kind else { return None };
            map.get(&key.as_text()?).or(default.first()).cloned()
        }
        "merge" => merge(arguments, site),
        "concat" => concat(arguments, site),
        "flatten" => flatten(arguments.into_iter().next()?, site),
        "compact" => {
            let Kind::List(items) = arguments.into_iter().next()?.kind else { return None };
            let is_set = |item: &Item| {
                !matches!(item.value.kind, Kind::Null)
                    && item.value.as_text().is_none_or(|text| !text.is_empty())
            };
            Some(value(Kind::List(items.into_iter().filter(is_set).collect())))
        }
        "keys" | "values" => {
            let elements = arguments.first().filter(|it| matches!(it.kind, Kind::Object(_)))?;
            let one = |(key, value)| if name == "keys" { key } else { value };
            let items = elements.elements()?.into_iter().map(one);
            let items = items.map(|value| Item { site: value.site, value });
            Some(value(Kind::List(items.collect())))
        }
        "element" => {
            let Kind::List(items) = &arguments.first()?.kind else { return None };
            let index = arguments.get(1)?.as_text()?.parse::<usize>().ok()?;
            items.get(index.checked_rem(items.len())?).map(|item| item.value.clone())
        }
        "length" => {
            let it = arguments.first()?;
            let length = match &it.kind {
                Kind::Text(_) => it.as_text()?.chars().count(),
                _ => it.elements()?.len(),
            };
            Some(Value::number(length as u64, site))
        }
        "contains" => {
            let [list, wanted] = arguments.as_slice() else { return None };
            let found: Option<Vec<bool>> =
                list.elements()?.iter().map(|(_, it)| it.equals(wanted)).collect();
            Some(value(Kind::Bool(found?.contains(&true))))
        }
        "format" => format_text(&arguments).map(text),
        "join" => {
            let separator = arguments.first()?.as_text()?;
            let parts: Option<Vec<String>> =
                arguments.get(1)?.elements()?.iter().map(|(_, it)| it.as_text()).collect();
            Some(text(parts?.join(&separator)))
        }
        "split" => {
            let (separator, whole) = (arguments.first()?.as_text()?, arguments.get(1)?.as_text()?);
            if separator.is_empty() {
                return None;
            }
            let item = |part: &str| Item { site, value: Value::text(part, site) };
            Some(value(Kind::List(whole.split(&separator).map(item).collect())))
        }
        _ => of_text(name, &arguments).map(text),
    }
}

/// Functions from texts to a text.
fn of_text(name: &str, arguments: &[Value]) -> Option<String> {
    let argument = |place: usize| arguments.get(place)?.as_text();
    let first = || argument(0);
    Some(match name {
        "lower" => first()?.to_lowercase(),
        "upper" => first()?.to_uppercase(),
        "trimspace" | "chomp" => first()?.trim().to_owned(),
        "trimprefix" => {
            let (text, prefix) = (first()?, argument(1)?);
            text.strip_prefix(&prefix).unwrap_or(&text).to_owned()
        }
        "trimsuffix" => {
            let (text, suffix) = (first()?, argument(1)?);
            text.strip_suffix(&suffix).unwrap_or(&text).to_owned()
        }
        "replace" => {
            let (text, from, to) = (first()?, argument(1)?, argument(2)?);
            // Between slashes, it is a regular expression.
            if from.is_empty() || from.starts_with('/') || to.len() > 1024 {
                return None;
            }
            text.replace(&from, &to)
        }
        "indent" => {
            let (spaces, text) = (argument(0)?.parse::<usize>().ok()?, argument(1)?);
            text.replace('\n', &format!("\n{:1$}", "", spaces.min(64)))
        }
        _ => return None,
    })
}

/// The first argument without an error; what is only unknown may be any of them.
fn first_known(arguments: Vec<Value>) -> Option<Value> {
    let found = arguments.into_iter().find(|it| !matches!(it.kind, Kind::Missing(_)))?;
    (!found.is_unknown()).then_some(found)
}

fn merge(arguments: Vec<Value>, site: Site) -> Option<Value> {
    let mut merged: Vec<Entry> = Vec::new();
    for argument in arguments {
        match argument.kind {
            Kind::Object(entries) => {
                for entry in entries {
                    merged.retain(|other| other.key != entry.key);
                    merged.push(entry);
                }
            }
            Kind::Null => {}
            _ => return None,
        }
    }
    Some(Value::new(Kind::Object(merged), site))
}

fn concat(arguments: Vec<Value>, site: Site) -> Option<Value> {
    let mut all = Vec::new();
    for argument in arguments {
        match argument.kind {
            Kind::List(items) => all.extend(items),
            // What the list adds is not known; what is there is judged.
            Kind::Unknown(_) | Kind::Missing(_) => all.push(Item { site, value: argument }),
            _ => return None,
        }
    }
    Some(Value::new(Kind::List(all), site))
}

fn flatten(list: Value, site: Site) -> Option<Value> {
    let Kind::List(items) = list.kind else { return None };
    let mut flat = Vec::new();
    for item in items {
        if item.value.is_unknown() {
            return None;
        }
        match item.value.kind {
            Kind::List(_) => {
                let Kind::List(inner) = flatten(item.value, site)?.kind else { return None };
                flat.extend(inner);
            }
            _ => flat.push(item),
        }
    }
    Some(Value::new(Kind::List(flat), site))
}

/// `format` with `%s`, `%d`, `%v` and `%q`, and numbers with leading zeros.
fn format_text(arguments: &[Value]) -> Option<String> {
    let (pattern, mut rest) = (arguments.first()?.as_text()?, arguments.iter().skip(1));
    let mut out = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next()? {
            '%' => out.push('%'),
            's' | 'd' | 'v' => out.push_str(&rest.next()?.as_text()?),
            'q' => out.push_str(&serde_json::Value::from(rest.next()?.as_text()?).to_string()),
            '0' => {
                let width = chars.next()?.to_digit(10)? as usize;
                (chars.next()? == 'd').then_some(())?;
                out.push_str(&format!("{:0>1$}", rest.next()?.as_text()?, width));
            }
            _ => return None,
        }
    }
    Some(out)
}
