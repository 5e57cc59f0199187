//! `values.schema.json`.

use std::collections::HashSet;

use jsonschema::{Validator, error::ValidationErrorKind};
use serde_json::Value as Json;

use super::Chart;
use crate::budget::Budget;
use crate::json;
use crate::origin::Origin;
use crate::value::Value;

/// A value that the schema of its chart does not allow.
pub(crate) struct Violation {
    pub(crate) chart: String,
    pub(crate) message: String,
    pub(crate) origin: Origin,
}

/// The violations of the schemas of a chart and its subcharts. What is elsewhere on the network
/// allows everything.
pub(crate) fn validate(
    chart: &Chart,
    values: &Value,
    budget: &Budget,
    violations: &mut Vec<Violation>,
) -> Result<(), String> {
    if let Some(schema) = &chart.schema {
        let name = &chart.metadata.name;
        let schema: Json = serde_json::from_slice(schema)
            .map_err(|error| format!("values.schema.json of chart {name} is not JSON: {error}"))?;
        let instance = json::to_json(values, budget)?;
        let validator = compiled(schema).map_err(|error| {
            format!("values.schema.json of chart {name} is not a valid schema: {error}")
        })?;
        if let Some(validator) = validator {
            for error in validator.iter_errors(&instance).take(20) {
                let path = error.instance_path().to_string();
                violations.push(Violation {
                    chart: name.clone(),
                    // The value itself may be a secret under any name.
                    message: format!("at '{path}': {}", error.masked_with("the value")),
                    origin: at(values, &path),
                });
            }
        }
    }
    for sub in &chart.dependencies {
        if let Some(values) = values.get(sub.name()) {
            validate(sub, &values, budget, violations)?;
        }
    }
    Ok(())
}

/// The schema, ready to validate; `None` if it has a pattern that we cannot read and Helm may.
fn compiled(mut schema: Json) -> Result<Option<Validator>, String> {
    let mut own = HashSet::new();
    own_names(&schema, &mut own);
    let is_old =
        schema.get("$schema").and_then(Json::as_str).is_some_and(|it| it.contains("/draft-0"));
    drop_remote(&mut schema, &own, is_old);
    let options = jsonschema::options()
        .without_content_encoding_support("base64")
        .without_content_media_type_support("application/json");
    match options.build(&schema) {
        Ok(validator) => Ok(Some(validator)),
        Err(error) if matches!(error.kind(), ValidationErrorKind::Format { .. }) => Ok(None),
        Err(error) => {
            let path = error.instance_path().to_string();
            Err(format!("at '{path}': {}", error.masked_with("it")))
        }
    }
}

/// The names by which parts of a schema can be referred to.
fn own_names(schema: &Json, names: &mut HashSet<String>) {
    for key in ["$id", "id"] {
        names.extend(
            schema.get(key).and_then(Json::as_str).map(without_fragment).map(str::to_owned),
        );
    }
    parts(schema).for_each(|part| own_names(part, names));
}

/// Replaces references to schemas on the network by what allows everything. In old drafts nothing
/// beside a reference counts.
fn drop_remote(schema: &mut Json, own: &HashSet<String>, is_old: bool) {
    let is_remote = |target: &str| {
        let name = without_fragment(target);
        let elsewhere =
            ["http://", "https://", "urn:"].iter().any(|scheme| name.starts_with(scheme));
        elsewhere && !own.contains(name) && !name.contains("//json-schema.org/")
    };
    match schema {
        Json::Object(fields) => {
            if fields.get("$ref").and_then(Json::as_str).is_some_and(is_remote) {
                fields.remove("$ref");
                if is_old {
                    fields.clear();
                }
            }
            fields.values_mut().for_each(|part| drop_remote(part, own, is_old));
        }
        Json::Array(items) => items.iter_mut().for_each(|part| drop_remote(part, own, is_old)),
        _ => {}
    }
}

fn parts(schema: &Json) -> impl Iterator<Item = &Json> {
    let fields = schema.as_object().into_iter().flat_map(serde_json::Map::values);
    fields.chain(schema.as_array().into_iter().flatten())
}

fn without_fragment(name: &str) -> &str {
    name.split('#').next().unwrap_or_default()
}

/// The origin of the value at a JSON pointer, or of the nearest one around it.
fn at(values: &Value, pointer: &str) -> Origin {
    let mut value = values.clone();
    let mut origin = value.first_origin();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match value.as_list() {
            Some(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)).cloned(),
            None => value.get(&step),
        };
        let Some(next) = next else { break };
        if next.first_origin() != Origin::default() {
            origin = next.first_origin();
        }
        value = next;
    }
    origin
}
