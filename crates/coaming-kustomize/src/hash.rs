//! The suffix of a generated name: a hash of the content, as Kustomize computes it.

use sha2::{Digest as _, Sha256};

use crate::resource::Resources;
use crate::scalar::Resolved;
use crate::schema::Schema;
use crate::value::{Kind, Value};

/// How many characters a suffix has.
const LENGTH: usize = 10;

/// Adds the hashes to the names of what generators made.
pub(crate) fn add_to_names(resources: &mut Resources, schema: &Schema) -> Result<(), String> {
    for resource in &mut resources.list {
        if !resource.needs_hash {
            continue;
        }
        let hash = of_object(&resource.root);
        resource.remember(schema);
        let name = format!("{}-{hash}", resource.name());
        resource.set_name(&name);
    }
    Ok(())
}

fn of_object(root: &Value) -> String {
    let kind = root.str_at(&["kind"]);
    let mut fields: Vec<(&str, Option<&Value>)> = vec![("data", root.get("data"))];
    let extra = if kind == "Secret" { "stringData" } else { "binaryData" };
    if let Some(value) = root.get(extra).filter(|value| value.is_map()) {
        fields.push((extra, Some(value)));
    }
    if kind == "Secret" {
        fields.push(("type", root.get("type")));
    }
    let mut json = vec![("kind".to_owned(), quoted(kind))];
    // Kustomize means the name, and looks for it in a field that does not exist.
    json.push(("name".to_owned(), quoted("")));
    for (name, value) in fields {
        let text = value.map_or_else(|| quoted(""), to_json);
        json.push((name.to_owned(), text));
    }
    suffix(&object(json))
}

/// The first digits of the hash, without those that could spell words.
fn suffix(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let letter = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        c => c,
    };
    hex.chars().take(LENGTH).map(letter).collect()
}

fn object(mut fields: Vec<(String, String)>) -> String {
    fields.sort();
    let fields: Vec<String> =
        fields.into_iter().map(|(key, value)| format!("{}:{value}", quoted(&key))).collect();
    format!("{{{}}}", fields.join(","))
}

/// JSON as Go writes it.
fn to_json(value: &Value) -> String {
    match &value.kind {
        Kind::Map(entries) => {
            let field =
                |entry: &crate::value::Entry| (entry.key.to_string(), to_json(&entry.value));
            object(entries.iter().map(field).collect())
        }
        Kind::List(items) => {
            let items: Vec<String> = items.iter().map(to_json).collect();
            format!("[{}]", items.join(","))
        }
        Kind::Scalar(scalar) => match scalar.resolved() {
            Resolved::Null => "null".to_owned(),
            Resolved::Bool(value) => value.to_string(),
            Resolved::Int(value) => value.to_string(),
            Resolved::UInt(value) => value.to_string(),
            Resolved::Float(value) => value.to_string(),
            Resolved::Text(text) => quoted(&text),
        },
    }
}

/// A JSON string with the escapes that Go adds for HTML.
fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => escaped.push(c),
        }
    }
    escaped
}
