//! `values.schema.json`.

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

/// The violations of the schemas of a chart and its subcharts. Schemas that refer to others on the
/// network are not applied.
pub(crate) fn validate(
    chart: &Chart,
    values: &Value,
    budget: &Budget,
    violations: &mut Vec<Violation>,
) -> Result<(), String> {
    if let Some(schema) = &chart.schema {
        let name = &chart.metadata.name;
        let schema: serde_json::Value = serde_json::from_slice(schema)
            .map_err(|error| format!("values.schema.json of chart {name} is not JSON: {error}"))?;
        let instance = json::to_json(values, budget)?;
        if let Ok(validator) = jsonschema::validator_for(&schema) {
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
