//! Which objects a patch selects: by regular expressions, labels and annotations.

use std::sync::LazyLock;

use regex::Regex;

use crate::resource::Resource;
use crate::schema::Schema;
use crate::value::Value;

/// A `target`.
pub(crate) struct Selector {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Requirements,
    annotations: Requirements,
}

/// The largest compiled expression, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// A regular expression for a whole text.
fn anchored(pattern: &str) -> Result<Option<Regex>, String> {
    if pattern.is_empty() {
        return Ok(None);
    }
    compiled(&format!("^(?:{pattern})$")).map(Some)
}

/// A regular expression of the user's, bounded in size.
pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(pattern)
        .size_limit(MAX_SIZE)
        .build()
        .map_err(|_| format!("`{pattern}` is not a valid regular expression"))
}

impl Selector {
    pub(crate) fn of(value: &Value) -> Result<Self, String> {
        let text = |key| value.get(key).map(Value::str).unwrap_or_default();
        Ok(Self {
            group: anchored(text("group"))?,
            version: anchored(text("version"))?,
            kind: anchored(text("kind"))?,
            name: anchored(text("name"))?,
            namespace: anchored(text("namespace"))?,
            labels: Requirements::of(text("labelSelector"))?,
            annotations: Requirements::of(text("annotationSelector"))?,
        })
    }

    /// Whether it selects an object, by the names that it has or had first.
    pub(crate) fn selects(&self, resource: &Resource, schema: &Schema) -> bool {
        let (current, original) = (resource.id(schema), resource.original_id(schema));
        let fits = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
        };
        let either = |pattern: &Option<Regex>, first: &str, second: &str| {
            fits(pattern, first) || fits(pattern, second)
        };
        either(&self.namespace, &original.namespace, &current.namespace)
            && either(&self.name, &original.name, &current.name)
            && fits(&self.group, &current.gvk.group)
            && fits(&self.version, &current.gvk.version)
            && fits(&self.kind, &current.gvk.kind)
            && self.labels.fit(resource.root.at(&["metadata", "labels"]))
            && self.annotations.fit(resource.root.at(&["metadata", "annotations"]))
    }
}

/// A label selector: requirements that all hold.
#[derive(Debug, Default)]
pub(crate) struct Requirements {
    all: Vec<Requirement>,
}

#[derive(Debug)]
struct Requirement {
    key: String,
    operator: Operator,
}

#[derive(Debug)]
enum Operator {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

static SET: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\S+)\s+(in|notin)\s*\(([^)]*)\)$").ok());

impl Requirements {
    /// Reads a selector such as `app=web,tier in (a, b),!legacy`.
    pub(crate) fn of(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        let mut depth = 0_u32;
        let parts = text.split(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == ',' && depth == 0
        });
        for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
            all.push(requirement(part).ok_or_else(|| format!("`{text}` is not a selector"))?);
        }
        Ok(Self { all })
    }

    pub(crate) fn fit(&self, labels: Option<&Value>) -> bool {
        self.all.iter().all(|requirement| {
            let value = labels.and_then(|labels| labels.get(&requirement.key));
            let value = value.and_then(Value::as_text);
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.operator {
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
                Operator::In(values) => {
                    value.is_some_and(|value| values.iter().any(|one| one == value))
                }
                Operator::NotIn(values) => {
                    value.is_none_or(|value| values.iter().all(|one| one != value))
                }
                Operator::Above(limit) => number().is_some_and(|number| number > *limit),
                Operator::Below(limit) => number().is_some_and(|number| number < *limit),
            }
        })
    }
}

fn requirement(part: &str) -> Option<Requirement> {
    let made = |key: &str, operator| {
        let key = key.trim();
        let is_key = !key.is_empty() && !key.contains(char::is_whitespace);
        is_key.then(|| Requirement { key: key.to_owned(), operator })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(found) = SET.as_ref().and_then(|set| set.captures(part)) {
        let group = |index| found.get(index).map_or("", |group| group.as_str());
        let values = group(3).split(',').map(|value| value.trim().to_owned()).collect();
        let is_in = group(2) == "in";
        let operator = if is_in { Operator::In(values) } else { Operator::NotIn(values) };
        return made(group(1), operator);
    }
    if let Some((key, value)) = part.split_once("!=") {
        return made(key, Operator::NotIn(one(value)));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return made(key, Operator::In(one(value)));
    }
    if let Some((key, value)) = part.split_once('>') {
        return made(key, Operator::Above(value.trim().parse().ok()?));
    }
    if let Some((key, value)) = part.split_once('<') {
        return made(key, Operator::Below(value.trim().parse().ok()?));
    }
    match part.strip_prefix('!') {
        Some(key) => made(key, Operator::Absent),
        None => made(part, Operator::Exists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coaming_helm::Source;

    #[test]
    fn selectors_are_those_of_labels() {
        let mut labels = Value::map(Source::default());
        labels.set("app", Value::text("web", Source::default()));
        let fits = |text| Requirements::of(text).unwrap().fit(Some(&labels));
        for yes in ["", "app", "app=web", "app==web,!x", "app in (a, web)", "x!=y", "x notin (a)"] {
            assert!(fits(yes), "{yes}");
        }
        for no in ["x", "app=a", "!app", "app in (a,b)", "app!=web", "app=web,x=y"] {
            assert!(!fits(no), "{no}");
        }
        assert!(Requirements::of("a b").is_err());
    }
}
