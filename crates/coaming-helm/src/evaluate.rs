//! Templates outside of charts: helmfiles, and the values files that they evaluate.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use crate::chart::Files;
use crate::failure::{self, Failure, RenderError};
use crate::origin::Origin;
use crate::template::{self, Exec};
use crate::value::Value;
use crate::{SourceMap, json, render};

/// A text with templates that is not part of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// The name of its file.
    pub name: &'t str,
    /// The text.
    pub text: &'t str,
    /// What `.` is.
    pub data: &'t serde_json::Value,
}

/// Evaluates a text with the functions of charts: none of them runs a program, or reads a file or
/// the environment. Origins in the map are in file 0, the text itself.
///
/// # Errors
///
/// The text is not a template, calls a function that charts do not have, or exceeds a limit.
pub fn evaluate(text: &Text<'_>) -> Result<(String, SourceMap), RenderError> {
    render::on_large_stack(|| {
        let mut files = Files::default();
        evaluate_here(text, &mut files).map_err(|failed| {
            let mut known = failure::known(&files, &[]);
            let data = serde_json::to_string_pretty(text.data).unwrap_or_default();
            known.add_file("data.json", &data);
            failed.shown(&known)
        })
    })
}

fn evaluate_here(text: &Text<'_>, files: &mut Files) -> Result<(String, SourceMap), Failure> {
    let file = files.add(text.name.to_owned(), Arc::from(text.text))?;
    let origin = |offset: usize| Origin::template(file, offset, true);
    let failed = |origin: Origin, message: String| render::place(origin, files, message);
    let parsed = template::parse("gotmpl", text.text, &origin)
        .map_err(|error| failed(Origin::template(file, error.offset, false), error.message))?;
    let mut templates = HashMap::new();
    template::define(&mut templates, parsed);
    let exec = Exec::new(Rc::new(templates), None);
    let data: Value = json::from_json(text.data, Origin::default());
    let buffer = exec.run("gotmpl", data).map_err(|error| {
        let origin = exec.failed.get().unwrap_or(error.origin);
        failed(origin, error.message)
    })?;
    let map = SourceMap { marks: buffer.marks.clone() };
    Ok((buffer.text, map))
}

/// The first document of a YAML text as JSON; `None` if it is not YAML.
#[must_use]
pub fn yaml_to_json(text: &str) -> Option<serde_json::Value> {
    let document = crate::decode::first_document(text).ok()?;
    let Some(document) = document else { return Some(serde_json::Value::Null) };
    let value = crate::decode::from_node(document.root(), &|_| Origin::default()).ok()?;
    json::to_json(&value, &crate::budget::Budget::default()).ok()
}
