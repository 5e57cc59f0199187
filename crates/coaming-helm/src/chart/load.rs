//! Sorts the files of a chart into metadata, values, templates, subcharts and the rest.

use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use super::ignore::Rules;
use super::merge::merge_maps;
use super::{Chart, Files, Metadata, Template, unpack};
use crate::failure::Failure;
use crate::origin::Origin;
use crate::value::{Map, Value};
use crate::{SourceMap, bytes, decode};

/// How deep charts may be in charts.
const MAX_DEPTH: usize = 12;

/// Loads a chart from its files, which are named relative to it.
pub(crate) fn load(contents: Vec<(String, Vec<u8>)>, files: &mut Files) -> Result<Chart, Failure> {
    let ignore = contents.iter().find(|(path, _)| path == ".helmignore");
    let ignore = ignore.map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    let rules = Rules::parse(&ignore.unwrap_or_default())?;
    chart(rules.kept(contents), "", files, 0)
}

/// The chart whose files are given; `prefix` is its directory in the outermost chart.
fn chart(
    contents: Vec<(String, Vec<u8>)>,
    prefix: &str,
    files: &mut Files,
    depth: usize,
) -> Result<Chart, Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::Chart("charts are nested too deeply".to_owned()));
    }
    if contents.is_empty() && depth > 0 {
        let path = prefix.trim_end_matches('/');
        let what = "is not a chart, and Helm allows no other files there: remove it";
        return Err(Failure::Chart(format!("{path} {what}")));
    }
    let mut parts = Parts::default();
    for (path, mut content) in contents {
        if content.starts_with(b"\xef\xbb\xbf") {
            content.drain(..3);
        }
        parts.sort(path, content, prefix, files)?;
    }
    let Some(metadata) = parts.metadata else {
        return Err(Failure::Chart(format!("{prefix}Chart.yaml is missing")));
    };
    let metadata = Metadata::parse(&metadata, parts.requirements.as_ref(), prefix)?;
    if metadata.is_first_version {
        for (path, content) in parts.of_first_version {
            files.others.push((format!("{prefix}{path}"), Rc::clone(&content)));
            parts.files.insert(path, content);
        }
    }
    let mut dependencies = Vec::new();
    for (name, contents) in parts.subcharts {
        let inner = format!("{prefix}charts/{name}/");
        dependencies.push(chart(contents, &inner, files, depth + 1)?);
    }
    for (name, archive) in parts.archives {
        let inner = format!("{prefix}charts/{name}/");
        dependencies.push(chart(unpack(&archive)?, &inner, files, depth + 1)?);
    }
    Ok(Chart {
        metadata,
        templates: parts.templates,
        values: parts.values.unwrap_or_else(|| Value::from(Map::new())),
        schema: parts.schema,
        files: Rc::new(parts.files),
        crds: parts.crds,
        dependencies,
        path: String::new(),
    })
}

/// The files of one chart by their purpose.
#[derive(Default)]
struct Parts {
    metadata: Option<Value>,
    requirements: Option<Value>,
    values: Option<Value>,
    schema: Option<Rc<[u8]>>,
    templates: Vec<Template>,
    crds: Vec<Template>,
    files: BTreeMap<String, Rc<[u8]>>,
    /// The files that templates see in charts of version 1 only.
    of_first_version: Vec<(String, Rc<[u8]>)>,
    subcharts: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    archives: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    fn sort(
        &mut self,
        path: String,
        content: Vec<u8>,
        prefix: &str,
        files: &mut Files,
    ) -> Result<(), Failure> {
        let name = format!("{prefix}{path}");
        match path.as_str() {
            "Chart.yaml" => self.metadata = Some(yaml(name, &content, files)?),
            "requirements.yaml" => {
                self.requirements = Some(yaml(name, &content, files)?);
                self.of_first_version.push((path, content.into()));
            }
            "values.yaml" => {
                self.values = Some(values(name, &content, files)?).filter(|it| !it.is_nil());
            }
            "values.schema.json" => self.schema = Some(content.into()),
            "Chart.lock" | "requirements.lock" => {
                let lock = yaml(name.clone(), &content, files)?;
                if lock.as_map().is_none() && !lock.is_nil() {
                    return Err(Failure::Chart(format!("{name} is not a mapping")));
                }
                if path == "requirements.lock" {
                    self.of_first_version.push((path, content.into()));
                }
            }
            path if path.starts_with("templates/") => {
                let text: Arc<str> = bytes::lossy(&content).into();
                let file = files.add(name, Arc::clone(&text))?;
                self.templates.push(Template { path: path.to_owned(), file, text });
            }
            path if path.starts_with("charts/") => self.subchart(path, content),
            path => {
                if path.starts_with("crds/") && is_manifest(path) {
                    let text: Arc<str> = bytes::lossy(&content).into();
                    let file = files.add(name.clone(), Arc::clone(&text))?;
                    self.crds.push(Template { path: path.to_owned(), file, text });
                }
                let content: Rc<[u8]> = content.into();
                files.others.push((name, Rc::clone(&content)));
                self.files.insert(path.to_owned(), content);
            }
        }
        Ok(())
    }

    /// A file in `charts/`: of a subchart's directory, or a packed subchart.
    fn subchart(&mut self, path: &str, content: Vec<u8>) {
        let inside = path.trim_start_matches("charts/");
        if inside.starts_with(['_', '.']) {
            return;
        }
        match inside.split_once('/') {
            Some((directory, rest)) => {
                let files = self.subcharts.entry(directory.to_owned()).or_default();
                files.push((rest.to_owned(), content));
            }
            None if inside.ends_with(".tgz") => {
                self.archives.insert(inside.to_owned(), content);
            }
            None if inside.ends_with(".prov") => {}
            // Helm takes any other file for a chart.
            None => {
                self.subcharts.entry(inside.to_owned()).or_default();
            }
        }
    }
}

fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| path.ends_with(extension))
}

/// A YAML file as a value whose parts know where they are.
fn yaml(name: String, content: &[u8], files: &mut Files) -> Result<Value, Failure> {
    let text: Arc<str> = bytes::lossy(content).into();
    let file = files.add(name.clone(), Arc::clone(&text))?;
    value(&name, &text, &|offset: usize| value_at(file, offset, true))
}

/// YAML that a template made, as a value whose parts know where they are in the template.
pub(crate) fn made_yaml(
    name: &str,
    text: &Arc<str>,
    made: &str,
    map: &SourceMap,
    files: &mut Files,
) -> Result<Value, Failure> {
    let file = files.add(name.to_owned(), Arc::clone(text))?;
    joined(name, made, &|offset: usize| {
        let place = map.at(offset).template;
        place.map_or_else(Origin::default, |place| {
            value_at(file, place.offset as usize, place.verbatim)
        })
    })
}

/// A file of values: each of its documents over those before it, as in Helm 4.
pub(crate) fn values(name: String, content: &[u8], files: &mut Files) -> Result<Value, Failure> {
    let text: Arc<str> = bytes::lossy(content).into();
    let file = files.add(name.clone(), Arc::clone(&text))?;
    joined(&name, &text, &|offset: usize| value_at(file, offset, true))
}

/// The documents of a text, joined.
fn joined(name: &str, text: &str, origin: &dyn Fn(usize) -> Origin) -> Result<Value, Failure> {
    let mut all = Value::NIL;
    for part in documents(text) {
        let own = text.get(part.clone()).unwrap_or_default();
        let read = value(name, own, &|offset| origin(offset + part.start)).or_else(|_| {
            // With the lines before it, so that the error names its line in the file.
            let before = text.get(..part.start).unwrap_or_default();
            value(name, &("\n".repeat(before.matches('\n').count()) + own), origin)
        })?;
        if read.as_map().is_none() && !read.is_nil() {
            return Err(Failure::Chart(format!("{name} is not a mapping")));
        }
        if !read.is_nil() {
            all = if all.is_nil() { read } else { merge_maps(&all, &read) };
        }
    }
    Ok(all)
}

/// What is between lines of nothing but `---`.
fn documents(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty()) {
            parts.push(start..at);
            start = end;
        }
        at = end;
    }
    parts.push(start..at);
    parts
}

fn value(name: &str, text: &str, origin: &dyn Fn(usize) -> Origin) -> Result<Value, Failure> {
    let unreadable = |message: String| Failure::Chart(format!("{name}: {message}"));
    let document = decode::first_document(text).map_err(unreadable)?;
    let Some(document) = document else { return Ok(Value::NIL) };
    decode::from_node(document.root(), origin).map_err(unreadable)
}

/// An origin in a values file.
fn value_at(file: u16, offset: usize, verbatim: bool) -> Origin {
    let at = Origin::template(file, offset, verbatim);
    Origin { value: at.template, ..Origin::default() }
}
