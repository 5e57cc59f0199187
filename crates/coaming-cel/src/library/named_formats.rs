//! Named formats: `format.dns1123Label().validate(name)`.

use std::sync::LazyLock;

use regex::Regex;

use super::opaque::Opaque;
use super::url::Url;
use crate::lang::declarations::Library;
use crate::lang::eval::{EvalError, Machine, NO_OVERLOAD};
use crate::lang::time::Timestamp;
use crate::lang::value::Value;

/// A format.
#[derive(Debug)]
pub(crate) struct NamedFormat {
    pub(crate) name: &'static str,
    /// The complaints about a text; none if it has the format.
    validate: fn(&str) -> Vec<String>,
}

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const LABEL_1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const QUALIFIED: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const LABEL_VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const UUID: &str = "(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}";

/// The complaint of upstream about a text that does not match.
fn mismatch(what: &str, pattern: &str, examples: &[&str]) -> String {
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}'")).collect();
    format!("{what} (e.g. {}, regex used for validation is '{pattern}')", examples.join(",  or "))
}

fn matches(text: &str, pattern: &str) -> bool {
    static PATTERNS: LazyLock<Vec<(&str, Option<Regex>)>> = LazyLock::new(|| {
        [LABEL, SUBDOMAIN, LABEL_1035, QUALIFIED, LABEL_VALUE, UUID]
            .map(|pattern| (pattern, Regex::new(&format!("^(?:{pattern})$")).ok()))
            .to_vec()
    });
    let known = PATTERNS.iter().find(|(own, _)| *own == pattern);
    known.and_then(|(_, regex)| regex.as_ref()).is_some_and(|regex| regex.is_match(text))
}

fn length(text: &str, limit: usize, unit: &str) -> Option<String> {
    (text.len() > limit).then(|| format!("must be no more than {limit} {unit}"))
}

fn dns1123_label(text: &str) -> Vec<String> {
    let what = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or \
                '-', and must start and end with an alphanumeric character";
    let mut out: Vec<String> = length(text, 63, "characters").into_iter().collect();
    if !matches(text, LABEL) {
        out.push(mismatch(what, LABEL, &["my-name", "123-abc"]));
    }
    out
}

fn dns1123_subdomain(text: &str) -> Vec<String> {
    let what = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, \
                '-' or '.', and must start and end with an alphanumeric character";
    let mut out: Vec<String> = length(text, 253, "characters").into_iter().collect();
    if !matches(text, SUBDOMAIN) {
        out.push(mismatch(what, SUBDOMAIN, &["example.com"]));
    }
    out
}

fn dns1035_label(text: &str) -> Vec<String> {
    let what = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start \
                with an alphabetic character, and end with an alphanumeric character";
    let mut out: Vec<String> = length(text, 63, "characters").into_iter().collect();
    if !matches(text, LABEL_1035) {
        out.push(mismatch(what, LABEL_1035, &["my-name", "abc-123"]));
    }
    out
}

/// A prefix may end with a dash, which the rest of the name follows.
fn prefix_of(text: &str) -> String {
    match text.strip_suffix('-') {
        Some(stem) if text.len() > 1 => format!("{stem}a"),
        _ => text.to_owned(),
    }
}

const QUALIFIED_NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must \
                              start and end with an alphanumeric character";

fn qualified_name(text: &str) -> Vec<String> {
    let examples = ["MyName", "my.name", "123-abc"];
    let parts: Vec<&str> = text.split('/').collect();
    let mut out = Vec::new();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                out.push("prefix part must be non-empty".to_owned());
            } else {
                let complaints = dns1123_subdomain(prefix);
                out.extend(complaints.into_iter().map(|text| format!("prefix part {text}")));
            }
            name
        }
        _ => {
            let what = format!("a valid label key {QUALIFIED_NAME}");
            let shown = mismatch(&what, QUALIFIED, &examples);
            let rest = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("{shown} {rest}")];
        }
    };
    if name.is_empty() {
        out.push("name part must be non-empty".to_owned());
    } else if let Some(complaint) = length(name, 63, "bytes") {
        out.push(format!("name part {complaint}"));
    }
    if !matches(name, QUALIFIED) {
        let what = format!("name part {QUALIFIED_NAME}");
        out.push(mismatch(&what, QUALIFIED, &examples));
    }
    out
}

fn label_value(text: &str) -> Vec<String> {
    let what = "a valid label must be an empty string or consist of alphanumeric characters, '-', \
                '_' or '.', and must start and end with an alphanumeric character";
    let mut out: Vec<String> = length(text, 63, "bytes").into_iter().collect();
    if !matches(text, LABEL_VALUE) {
        out.push(mismatch(what, LABEL_VALUE, &["MyValue", "my_value", "12345"]));
    }
    out
}

fn complaint(is_valid: bool, message: &str) -> Vec<String> {
    if is_valid { Vec::new() } else { vec![message.to_owned()] }
}

fn uri(text: &str) -> Vec<String> {
    let Err(EvalError(message)) = Url::parse(text) else { return Vec::new() };
    let message = message.trim_start_matches("URL parse error during conversion from string: ");
    vec![message.to_owned()]
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len() - body.len();
    text.len().is_multiple_of(4)
        && padding <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && Timestamp::parse(&format!("{text}T00:00:00Z")).is_some()
}

const FORMATS: &[NamedFormat] = &[
    NamedFormat { name: "dns1123Label", validate: dns1123_label },
    NamedFormat { name: "dns1123Subdomain", validate: dns1123_subdomain },
    NamedFormat { name: "dns1035Label", validate: dns1035_label },
    NamedFormat { name: "qualifiedName", validate: qualified_name },
    NamedFormat { name: "dns1123LabelPrefix", validate: |text| dns1123_label(&prefix_of(text)) },
    NamedFormat {
        name: "dns1123SubdomainPrefix",
        validate: |text| dns1123_subdomain(&prefix_of(text)),
    },
    NamedFormat { name: "dns1035LabelPrefix", validate: |text| dns1035_label(&prefix_of(text)) },
    NamedFormat { name: "labelValue", validate: label_value },
    NamedFormat { name: "uri", validate: uri },
    NamedFormat {
        name: "uuid",
        validate: |text| complaint(matches(text, UUID), "does not match the UUID format"),
    },
    NamedFormat { name: "byte", validate: |text| complaint(is_base64(text), "invalid base64") },
    NamedFormat { name: "date", validate: |text| complaint(is_date(text), "invalid date") },
    NamedFormat {
        name: "datetime",
        validate: |text| complaint(Timestamp::parse(text).is_some(), "invalid datetime"),
    },
];

fn named(name: &str) -> Option<Value> {
    let format = FORMATS.iter().find(|format| format.name == name)?;
    Some(Value::opaque(Opaque::Format(format)))
}

fn validate(machine: &mut Machine<'_>, arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::Opaque(opaque), Value::String(text)] = arguments else { return NO_OVERLOAD };
    let Opaque::Format(format) = &**opaque else { return NO_OVERLOAD };
    machine.charge_bytes(text.len())?;
    let complaints = (format.validate)(text);
    if complaints.is_empty() {
        return Ok(Value::Optional(None));
    }
    let complaints = complaints.iter().map(|text| Value::string(text)).collect();
    Ok(Value::some(Value::list(complaints)))
}

macro_rules! constructors {
    ($($full:literal $name:literal),* $(,)?) => {
        Library {
            signatures: concat!(
                "format.named(string) optional_type(kubernetes.NamedFormat)\n",
                "@kubernetes.NamedFormat validate(string) optional_type(list(string))\n",
                $($full, "() kubernetes.NamedFormat\n"),*
            ),
            natives: &[
                ("format.named", |_, arguments| match arguments {
                    [Value::String(name)] => {
                        Ok(named(name).map_or(Value::Optional(None), Value::some))
                    }
                    _ => NO_OVERLOAD,
                }),
                ("validate", validate),
                $(($full, |_, _| named($name).map_or(NO_OVERLOAD, Ok))),*
            ],
        }
    };
}

pub(crate) const LIBRARY: Library = constructors![
    "format.dns1123Label" "dns1123Label",
    "format.dns1123Subdomain" "dns1123Subdomain",
    "format.dns1035Label" "dns1035Label",
    "format.qualifiedName" "qualifiedName",
    "format.dns1123LabelPrefix" "dns1123LabelPrefix",
    "format.dns1123SubdomainPrefix" "dns1123SubdomainPrefix",
    "format.dns1035LabelPrefix" "dns1035LabelPrefix",
    "format.labelValue" "labelValue",
    "format.uri" "uri",
    "format.uuid" "uuid",
    "format.byte" "byte",
    "format.date" "date",
    "format.datetime" "datetime",
];
