//! The typed resources of the Kubernetes provider (`kubernetes_deployment_v1`) as objects of the API.
//!
//! The provider's names are those of the API, with underscores and, for lists of blocks, in the
//! singular. The API's own schema says which field is meant, and whether it is a list.

use coaming_kube::schema::{ApiField, ApiType};

use crate::value::{Entry, Item, Kind, Value};

/// The object that a typed resource makes, from its body as an object; `None` if its type is not that
/// of an object of the API.
pub(crate) fn object(resource: &str, body: &Value) -> Option<Value> {
    let kind = kind_of(resource)?;
    let (api_version, shape) = ApiType::stable(&kind)?;
    let Kind::Object(entries) = &body.kind else { return None };
    let mut object: Vec<Entry> = Vec::new();
    let text = |key: &str, text: &str| Entry {
        key: key.to_owned(),
        key_site: body.site,
        site: body.site,
        value: Value::text(text, body.site),
    };
    object.push(text("apiVersion", api_version));
    object.push(text("kind", &kind));
    for entry in entries {
        // The values of this resource are plain, and the provider encodes them.
        let is_plain_secret = kind == "Secret" && entry.key == "data";
        let entry = if is_plain_secret {
            Entry { key: "string_data".to_owned(), ..entry.clone() }
        } else {
            entry.clone()
        };
        // What only the provider knows: `timeouts`, `wait_for_rollout`.
        if let Some((key, shape)) = field(shape, &entry.key) {
            object.extend(converted(entry, key, shape));
        }
    }
    Some(Value::new(Kind::Object(object), body.site))
}

/// The API's kind: `kubernetes_cron_job_v1` is a `CronJob`.
fn kind_of(resource: &str) -> Option<String> {
    let name = resource.strip_prefix("kubernetes_")?;
    let words = name.split('_').filter(|word| {
        let version = word.strip_prefix('v').unwrap_or_default();
        !version.starts_with(|c: char| c.is_ascii_digit())
    });
    let kind: String = words.map(capitalized).collect();
    Some(match kind.as_str() {
        "ApiService" => "APIService".to_owned(),
        "CsiDriver" => "CSIDriver".to_owned(),
        _ => kind,
    })
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The API's field for a name of the provider.
fn field(of: ApiType, name: &str) -> Option<(String, ApiType)> {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    words.for_each(|word| camel.push_str(&capitalized(word)));
    let of_y = camel.strip_suffix('y').map(|stem| format!("{stem}ies"));
    let acronyms =
        ["Ip", "Pid", "Ipc", "Cidr", "Dns", "Tls", "Id", "Fs", "Api", "Uid", "Url", "Ca"];
    let upper = acronyms.iter().find_map(|acronym| {
        let stem = camel.strip_suffix(acronym)?;
        Some(format!("{stem}{}", acronym.to_uppercase()))
    });
    let plurals = [format!("{camel}s"), format!("{camel}es")];
    let names = [camel].into_iter().chain(plurals).chain(of_y).chain(upper);
    names.into_iter().find_map(|name| match of.field(&name) {
        ApiField::Known(shape) => Some((name, shape)),
        _ => None,
    })
}

/// A field of the provider as that of the API; `None` if it is not set.
fn converted(entry: Entry, key: String, shape: ApiType) -> Option<Entry> {
    let value = value_of(entry.value, &key, shape)?;
    Some(Entry { key, value, ..entry })
}

fn value_of(value: Value, key: &str, shape: ApiType) -> Option<Value> {
    let site = value.site;
    let kind = match value.kind {
        Kind::Null => return None,
        Kind::List(items) => match shape.item() {
            // An empty list of blocks is none.
            Some(_) if items.is_empty() => return None,
            Some(shape) => {
                let items = items.into_iter().filter_map(|item| {
                    let value = value_of(item.value, key, shape)?;
                    Some(Item { site: item.site, value })
                });
                Kind::List(items.collect())
            }
            // A block that occurs once.
            None => return value_of(items.into_iter().next()?.value, key, shape),
        },
        Kind::Object(entries) if shape.value().is_none() => {
            let mut object = Vec::with_capacity(entries.len());
            for entry in entries {
                match field(shape, &entry.key) {
                    Some((key, shape)) => object.extend(converted(entry, key, shape)),
                    None if matches!(shape.field(&entry.key), ApiField::Open) => object.push(entry),
                    None => {}
                }
            }
            Kind::Object(object)
        }
        Kind::Text(pieces) => {
            let value = Value::new(Kind::Text(pieces), site);
            let text = value.as_text();
            if text.as_deref() == Some("") && is_number(key) {
                return None;
            }
            // The provider takes numbers as texts where they may be absent.
            match text.as_deref().and_then(whole_number).filter(|_| is_number(key)) {
                Some(number) => Kind::Number(number.into()),
                None => return Some(value),
            }
        }
        kind => kind,
    };
    Some(Value::new(kind, site))
}

/// A whole number; the mode of a file is an octal one.
fn whole_number(text: &str) -> Option<i64> {
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// Whether a field that the provider takes as text is a number in the API.
fn is_number(key: &str) -> bool {
    const NUMBERS: [&str; 11] = [
        "runAsUser",
        "runAsGroup",
        "fsGroup",
        "supplementalGroups",
        "targetPort",
        "port",
        "replicas",
        "minAvailable",
        "maxUnavailable",
        "maxSurge",
        "defaultMode",
    ];
    NUMBERS.contains(&key)
}
