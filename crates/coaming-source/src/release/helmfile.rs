//! Releases of a helmfile. Its templates are evaluated as far as they are pure: what runs a program,
//! or reads a file or the environment, is refused, and a note says so.
//!
//! Each environment of a helmfile is a way to install its releases; without any, `default` is the
//! only one. As in helmfile, parts between `---` see the values of the parts before them.

mod include;
mod state;

use std::sync::Arc;

use coaming_finding::Note;
use coaming_helm::{RenderError, SourceMap, Values};
use coaming_kube::Fields as _;
use coaming_yaml::Node;
use serde_json::Value;

use self::state::State;
use super::objects::escaped;
use super::{Finder, Job, directory_of};
use crate::layout::parent;
use crate::read;
use crate::walk::Candidate;
use coaming_yaml::embedded_yaml;

/// The most environments of a helmfile that are evaluated.
const MAX_ENVIRONMENTS: usize = 16;

/// The most parts of a helmfile that are evaluated: each is a text as long as all before it.
const MAX_PARTS: usize = 64;

/// A part of a helmfile or of one of its bases, as its templates made it.
#[derive(Debug)]
struct Part {
    /// The name of the file.
    name: String,
    /// The part as it is written, with line breaks in the place of what comes before it.
    written: Arc<str>,
    /// What it evaluates to.
    text: Arc<str>,
    /// Where that comes from, if it is a template.
    map: Option<SourceMap>,
}

impl Part {
    /// The place of a byte in the file.
    fn offset(&self, at: u32) -> u32 {
        let Some(map) = &self.map else { return at };
        map.at(at as usize).template.map_or(0, |place| place.offset)
    }

    /// Values that are written in it.
    fn values(&self, node: Node<'_>) -> Option<Values> {
        let name = &self.name;
        let part = embedded_yaml(&self.text, node)?;
        Some(match &self.map {
            None => Values::File(name.to_owned(), part),
            Some(map) => Values::Made {
                name: name.to_owned(),
                text: Arc::clone(&self.written),
                made: part.to_string(),
                map: map.clone(),
            },
        })
    }
}

impl Finder<'_> {
    /// The releases of a helmfile: in each of its environments, or in the one in which another
    /// helmfile names it.
    fn helmfile(&mut self, candidate: &Candidate, outer: Option<&State>) {
        let name = &candidate.name;
        let text = match read::text(&candidate.path, self.options) {
            Ok(text) => text,
            Err(error) => {
                // Others are also read as manifests, which reports the error.
                if crate::walk::is_helmfile_template(name) {
                    self.note(format!("{name}: {error}: its releases are left out"));
                }
                return;
            }
        };
        let states = match outer {
            Some(outer) => vec![outer.clone()],
            None => {
                let environments = self.environments(candidate, &text);
                environments.iter().map(|environment| State::new(environment)).collect()
            }
        };
        let several =
            states.len() > 1 || outer.is_some_and(|outer| outer.environment != state::DEFAULT);
        if states.len() > MAX_ENVIRONMENTS {
            self.note(format!(
                "{name}: only the first {MAX_ENVIRONMENTS} environments are evaluated"
            ));
        }
        if parts(&text).len() > MAX_PARTS {
            self.note(format!("{name}: only the first {MAX_PARTS} parts are evaluated"));
        }
        for mut state in states.into_iter().take(MAX_ENVIRONMENTS) {
            for written in parts(&text).take(MAX_PARTS) {
                self.learn_bases(candidate, &written, &mut state, 0);
                let Some(part) = self.evaluated(candidate, written, &mut state) else { break };
                self.part(candidate, &part, &state, several);
                self.nested_helmfiles(candidate, &part.text, &state);
            }
        }
    }

    /// Evaluates a part, also with the values that it names itself.
    fn evaluated(
        &mut self,
        candidate: &Candidate,
        written: Arc<str>,
        state: &mut State,
    ) -> Option<Part> {
        let part = match evaluate(&candidate.name, &written, &state.data()) {
            Ok(part) => part,
            Err(error) => {
                // The part may need the values of its own environments, which older versions read
                // first.
                let own = state::without_templates(&written);
                self.learn(candidate, &own, state);
                evaluate(&candidate.name, &written, &state.data())
                    .map_err(|_| self.refused(&candidate.name, &error, "its releases are left out"))
                    .ok()?
            }
        };
        let has_learned = self.learn(candidate, &part.text, state);
        if !has_learned || part.map.is_none() {
            return Some(part);
        }
        evaluate(&candidate.name, &written, &state.data())
            .map_err(|error| self.refused(&candidate.name, &error, "its releases are left out"))
            .ok()
    }

    /// Reads the values that a part gives to what comes after it. Returns whether there are any.
    fn learn(&mut self, candidate: &Candidate, text: &Arc<str>, state: &mut State) -> bool {
        let stream = coaming_yaml::parse(Arc::clone(text));
        let Some(document) = stream.documents.first() else { return false };
        let mut has_learned = false;
        let root = document.root();
        let own = root.mapping("environments").mapping(&state.environment);
        for entry in root.list("values").chain(own.list("values")) {
            let read = match entry.as_str() {
                Some(path) => self.values_text(candidate, path, state),
                None => embedded_yaml(text, entry).map(|text| text.to_string()),
            };
            if let Some(values) = read.and_then(|text| coaming_helm::yaml_to_json(&text)) {
                state.add(values);
                has_learned = true;
            }
        }
        has_learned
    }

    /// A values file that a helmfile names, evaluated if it is a template.
    fn values_text(&mut self, candidate: &Candidate, path: &str, state: &State) -> Option<String> {
        let file = self.inside(&directory_of(&candidate.path), path);
        let Some(text) = file.and_then(|file| read::text(&file, self.options).ok()) else {
            let name = &candidate.name;
            self.note(format!(
                "{name}: it names files of values that cannot be read: they are left out"
            ));
            return None;
        };
        if !path.ends_with(".gotmpl") {
            return Some(text);
        }
        match evaluate(path, &text, &state.data()) {
            Ok(part) => Some(part.text.to_string()),
            Err(error) => {
                self.refused(path, &error, "it is left out");
                None
            }
        }
    }

    fn refused(&mut self, file: &str, error: &RenderError, effect: &str) {
        let place = match error {
            RenderError::Place { line, column, .. } => format!("{file}:{line}:{column}"),
            _ => file.to_owned(),
        };
        self.note(format!("{place}: {error}: {effect}"));
    }

    fn note(&mut self, message: String) {
        let note = Note { message, count: 1 };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The releases of a part.
    fn part(&mut self, candidate: &Candidate, part: &Part, state: &State, several: bool) {
        let stream = coaming_yaml::parse(Arc::clone(&part.text));
        if let Some(error) = stream.errors.first().filter(|_| part.map.is_some()) {
            let lines = coaming_yaml::LineIndex::new(&part.written);
            let (line, column) = lines.position(&part.written, part.offset(error.offset));
            self.note(format!(
                "{}:{line}:{column}: what it evaluates to is not YAML: {}",
                candidate.name, error.message
            ));
        }
        let bases: Vec<_> = state
            .bases
            .iter()
            .map(|part| (part, coaming_yaml::parse(Arc::clone(&part.text))))
            .collect();
        for document in &stream.documents {
            let root = document.root();
            let of_bases = bases.iter().flat_map(|(part, base)| {
                base.documents.iter().map(move |base| (base.root(), &***part))
            });
            let roots: Vec<(Node<'_>, &Part)> =
                std::iter::once((root, part)).chain(of_bases).collect();
            for release in root.list("releases") {
                let templates = release.list("inherit").filter_map(|inherited| {
                    let name = inherited.string("template")?;
                    roots.iter().find_map(|(root, part)| {
                        Some((root.mapping("templates").mapping(name)?, *part))
                    })
                });
                let described = Described { own: (release, part), templates: templates.collect() };
                self.helmfile_release(candidate, &described, state, several);
            }
        }
    }

    fn helmfile_release(
        &mut self,
        candidate: &Candidate,
        release: &Described<'_>,
        state: &State,
        several: bool,
    ) {
        let name = release.text("name", &Value::Null).unwrap_or_else(|| "release".to_owned());
        let namespace = release.text("namespace", &Value::Null);
        let data = state.data_of(&name, namespace.as_deref().unwrap_or_default());
        let directory = parent(&candidate.name);
        let path = release.text("chart", &data).filter(|path| path.starts_with('.'));
        let found = path.map(|path| coaming_kustomize::join(directory, &path));
        let chart = found.and_then(|name| self.charts.iter().find(|chart| chart.name == name));
        let is_installed = release.field("installed").and_then(Node::as_bool) != Some(false);
        let Some(chart) = chart.filter(|_| is_installed) else { return };
        let environment = if several { format!(" ({})", state.environment) } else { String::new() };
        let label = format!("release {name} of {}{environment}", candidate.name);
        let mut job = Job::new(chart, label, self.options);
        job.options.release_name = name;
        if let Some(namespace) = namespace {
            job.options.namespace = namespace;
        }
        for (entry, part) in release.lists("values") {
            if !self.add_release_values(candidate, part, entry, &data, &mut job) {
                let offset = part.offset(entry.span().map_or(0, |span| span.start));
                let message = "these values cannot be read here: the chart is judged without them";
                self.complain(&part.name, &part.written, offset, message.to_owned());
            }
        }
        for (assignment, _) in release.lists("set") {
            if let (Some(key), Some(value)) = (assignment.string("name"), assignment.field("value"))
            {
                let assignment = format!("{key}={}", escaped(value.text()));
                job.options.values.push(Values::Set(assignment));
            }
        }
        self.jobs.push(job);
    }

    /// Adds the values of a release; returns whether they could be read.
    fn add_release_values(
        &mut self,
        candidate: &Candidate,
        part: &Part,
        entry: Node<'_>,
        data: &Value,
        job: &mut Job,
    ) -> bool {
        let Some(path) = entry.as_str() else {
            job.options.values.extend(part.values(entry));
            return true;
        };
        let Some(path) = late(path, data) else { return false };
        let directory = directory_of(&candidate.path);
        if !path.ends_with(".gotmpl") {
            return self.add_file(job, &directory, &path);
        }
        let Some(file) = self.inside(&directory, &path) else { return false };
        let Ok(text) = read::text(&file, self.options) else { return false };
        let name = crate::walk::display_name(&file);
        match evaluate(&name, &text, data) {
            Ok(Part { written, text, map, .. }) => {
                let made = text.to_string();
                job.options.values.push(match map {
                    Some(map) => Values::Made { name, text: written, made, map },
                    None => Values::File(name, text),
                });
            }
            Err(error) => self.refused(&name, &error, "the chart is judged without it"),
        }
        true
    }
}

/// A release with the templates that it inherits from, each in its part.
struct Described<'n> {
    own: (Node<'n>, &'n Part),
    templates: Vec<(Node<'n>, &'n Part)>,
}

impl<'n> Described<'n> {
    fn field(&self, name: &str) -> Option<Node<'n>> {
        let inherited = self.templates.iter().rev().find_map(|(template, _)| template.field(name));
        self.own.0.field(name).or(inherited)
    }

    /// A text, in which what is a template is evaluated late.
    fn text(&self, name: &str, data: &Value) -> Option<String> {
        late(self.field(name)?.as_str()?, data)
    }

    /// The items of a list of the templates, and then of the release's own.
    fn lists(&self, name: &str) -> Vec<(Node<'n>, &'n Part)> {
        let all = self.templates.iter().copied().chain(std::iter::once(self.own));
        all.flat_map(|(node, part)| node.list(name).map(move |item| (item, part))).collect()
    }
}

/// A text of a release that is a template itself; `None` if it cannot be evaluated.
fn late(text: &str, data: &Value) -> Option<String> {
    if !text.contains("{{") {
        return Some(text.to_owned());
    }
    let part = evaluate("release", text, data).ok()?;
    Some(part.text.to_string())
}

/// Evaluates a text, if it is a template.
fn evaluate(name: &str, text: &str, data: &Value) -> Result<Part, RenderError> {
    let (written, file): (Arc<str>, String) = (text.into(), name.to_owned());
    if !text.contains("{{") {
        return Ok(Part { name: file, text: Arc::clone(&written), written, map: None });
    }
    let (made, map) = coaming_helm::evaluate(&coaming_helm::Text { name, text, data })?;
    Ok(Part { name: file, written, text: made.into(), map: Some(map) })
}

/// The parts of a helmfile between lines with `---`, each with its lines.
fn parts(text: &str) -> impl ExactSizeIterator<Item = Arc<str>> {
    let mut ranges = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if line.trim_end() == "---" {
            ranges.push(start..at);
            start = end;
        }
        at = end;
    }
    ranges.push(start..at);
    ranges.into_iter().map(|range| {
        let mut part = blank(text.get(..range.start).unwrap_or_default());
        part.push_str(text.get(range).unwrap_or_default());
        part.into()
    })
}

/// As many bytes, in the same lines.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_keep_their_places() {
        let text = "a: 1\n---\nb: 2\n---\nc: 3\n";
        let parts: Vec<_> = parts(text).collect();
        assert_eq!(parts.len(), 3);
        assert_eq!(&*parts[0], "a: 1\n");
        assert_eq!(parts[2].find('c'), text.find('c'));
        assert_eq!(parts[2].trim(), "c: 3");
    }
}
