//! Helm's own functions.

use coaming_secret::gate::is_shown_value;

use super::{Outcome, Row, any, text};
use crate::origin::Origin;
use crate::template::Exec;
use crate::value::{Kind, Map, Object, Value};
use crate::{json, semver};

pub(super) const TABLE: &[Row] = &[
    ("include", "sa", |exec, v| {
        let buffer = exec.run(text(v, 0), any(v, 1).clone()).map_err(|error| error.message)?;
        Ok(Value::from(buffer))
    }),
    ("tpl", "sa", |exec, v| exec.run_text(any(v, 0), any(v, 1).clone())),
    ("required", "sa", |_, v| {
        let value = any(v, 1);
        if value.is_nil() || value.as_str().is_some_and(str::is_empty) {
            return Err(said(any(v, 0)));
        }
        Ok(value.clone())
    }),
    ("fail", "s", |_, v| Err(said(any(v, 0)))),
    ("lookup", "ssss", lookup),
    ("semver", "s", |_, v| {
        let version = semver::Version::parse(text(v, 0)).ok_or("Invalid Semantic Version")?;
        Ok(Object::Version(version).into())
    }),
    ("semverCompare", "ss", |_, v| {
        let constraint = semver::Constraint::parse(text(v, 0))
            .ok_or_else(|| format!("improper constraint: {}", text(v, 0)))?;
        let version = semver::Version::parse(text(v, 1)).ok_or("Invalid Semantic Version")?;
        Ok(Value::from(constraint.allows(&version)))
    }),
    ("call", "a*", |_, _| Err("call of a value that is not a function".to_owned())),
];

/// What a chart says itself, without values that may be secrets, whatever their names.
fn said(message: &Value) -> String {
    let Kind::Text(text) = &message.kind else { return String::new() };
    let parts = text.parts(0..text.as_str().len(), message.origin);
    let shown = parts.map(|(part, origin)| {
        let is_shown = !origin.is_of_value() || is_shown_value("", part);
        if is_shown { part } else { "***" }
    });
    shown.collect()
}

/// How many objects one rendering may look up: each is a request.
const MAX_LOOKUPS: u32 = 1_000;

/// `lookup "v1" "Secret" "shop" "database"`: what the cluster has, as it has it.
fn lookup(exec: &Exec, v: &[Value]) -> Outcome {
    let Some(cluster) = &exec.cluster else { return Ok(Value::from(Map::new())) };
    let count = exec.lookups.get() + 1;
    if count > MAX_LOOKUPS {
        return Err(format!("the chart looks up more than {MAX_LOOKUPS} objects"));
    }
    exec.lookups.set(count);
    let kind = text(v, 1);
    let found = cluster.lookup(text(v, 0), kind, text(v, 2), text(v, 3))?;
    let Some(found) = found else { return Ok(Value::from(Map::new())) };
    exec.budget.bytes(found.to_string().len())?;
    // What stands for the values of a Secret is not a leaked credential.
    let origin = if kind == "Secret" { Origin::random() } else { Origin::default() };
    Ok(json::from_object(&found, origin))
}
