//! Helm's own functions.

use super::{Row, any, text};
use crate::semver;
use crate::value::{Kind, Map, Object, Value};

pub(super) const TABLE: &[Row] = &[
    ("include", "sa", |exec, v| {
        let buffer = exec.run(text(v, 0), any(v, 1).clone()).map_err(|error| error.message)?;
        Ok(Value::from(buffer))
    }),
    ("tpl", "sa", |exec, v| exec.run_text(any(v, 0), any(v, 1).clone())),
    ("required", "sa", |_, v| {
        let value = any(v, 1);
        if value.is_nil() || value.as_str().is_some_and(str::is_empty) {
            return Err(text(v, 0).to_owned());
        }
        Ok(value.clone())
    }),
    ("fail", "s", |_, v| Err(text(v, 0).to_owned())),
    ("lookup", "ssss", |_, _| Ok(Value::from(Map::new()))),
    ("semver", "s", |_, v| {
        let version = semver::Version::parse(text(v, 0)).ok_or("Invalid Semantic Version")?;
        Ok(Kind::Object(std::rc::Rc::new(Object::Version(version))).into())
    }),
    ("semverCompare", "ss", |_, v| {
        let constraint = semver::Constraint::parse(text(v, 0))
            .ok_or_else(|| format!("improper constraint: {}", text(v, 0)))?;
        let version = semver::Version::parse(text(v, 1)).ok_or("Invalid Semantic Version")?;
        Ok(Value::from(constraint.allows(&version)))
    }),
    ("call", "a*", |_, _| Err("call of a value that is not a function".to_owned())),
];
