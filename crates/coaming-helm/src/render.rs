//! From a chart's files to its manifests.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::budget::Budget;
use crate::chart::{self, Chart, Files};
use crate::failure::{self, Failure, RenderError};
use crate::manifests;
use crate::origin::Origin;
use crate::semver::{Constraint, Version};
use crate::template::{self, Exec};
use crate::text::Buffer;
use crate::value::{Map, MapType, Object, Value};
use crate::{Manifest, Options, Rendered, SourceMap, Values};

/// The stack of the thread that renders: templates may nest a thousand calls.
const STACK: usize = 512 << 20;

/// Renders a chart from its files, which are named relative to its directory, with `/`. A packed
/// chart is given as one file whose name ends in `.tgz`.
///
/// # Errors
///
/// When Helm could not render it either, or when it exceeds a limit.
pub fn render(files: Vec<(String, Vec<u8>)>, options: &Options) -> Result<Rendered, RenderError> {
    on_large_stack(|| {
        let mut read = Files::default();
        render_here(files, options, &mut read).map_err(|failed| {
            let known = failure::known(&read, &options.values);
            failed.shown(&known)
        })
    })
}

/// Runs a rendering on a thread of its own.
pub(crate) fn on_large_stack<T: Send>(
    render: impl FnOnce() -> Result<T, RenderError> + Send,
) -> Result<T, RenderError> {
    std::thread::scope(|scope| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, render);
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(RenderError::Chart("rendering failed unexpectedly".into())),
            Err(_) => Err(RenderError::Chart("cannot start a thread to render in".into())),
        }
    })
}

fn render_here(
    contents: Vec<(String, Vec<u8>)>,
    options: &Options,
    files: &mut Files,
) -> Result<Rendered, Failure> {
    let contents = match contents.as_slice() {
        [(name, archive)] if name.ends_with(".tgz") => chart::unpack(archive)?,
        _ => contents,
    };
    let mut root = chart::load(contents, files)?;
    let values = given_values(options, files)?;
    let budget = Budget::default();
    check(&root, options)?;
    chart::process(&mut root, &values, &budget).map_err(Failure::Chart)?;
    // What is not enabled has been removed.
    let missing_dependencies = missing_dependencies(&root);
    let values = chart::coalesce_values(&root, &values, false, &budget).map_err(Failure::Chart)?;
    check_schemas(&root, &values, files, &budget)?;
    let job = Job { options, files };
    let outputs = job.evaluate(&root, &values)?;
    let manifests = job.manifests(&root, outputs)?;
    Ok(Rendered { manifests, files: std::mem::take(&mut files.all), missing_dependencies })
}

/// The user's values, joined.
fn given_values(options: &Options, files: &mut Files) -> Result<Value, Failure> {
    let mut values = Value::from(Map::new());
    for given in &options.values {
        let applied = match given {
            Values::File(name, text) => {
                let read = chart::values(name.clone(), text.as_bytes(), files)?;
                values = with_file(values, &read, files);
                Ok(())
            }
            Values::Made { name, text, made, map } => {
                let read = chart::made_yaml(name, text, made, map, files)?;
                values = with_file(values, &read, files);
                Ok(())
            }
            Values::Set(text) => chart::apply_set(&mut values, text, chart::Typing::Resolved),
            Values::SetString(text) => chart::apply_set(&mut values, text, chart::Typing::Text),
            Values::SetJson(text) if text.trim_start().starts_with('{') => {
                values = chart::merge_maps(&values, &json_object(text)?);
                Ok(())
            }
            Values::SetJson(text) => chart::apply_set(&mut values, text, chart::Typing::Json),
            Values::SetFile(path, content) => chart::apply_text(&mut values, path, content),
        };
        applied.map_err(|message| {
            Failure::Values(format!("{}: {message}", given.flag().unwrap_or("values")))
        })?;
    }
    Ok(values)
}

/// The values that `--set-json` gives as one object.
fn json_object(text: &str) -> Result<Value, Failure> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text.trim())
        .map_err(|error| Failure::Values(format!("--set-json: {error}")))?;
    Ok(crate::json::from_json(&object.into(), Origin::default()))
}

/// Values with those of the file that was added last over them.
fn with_file(values: Value, read: &Value, files: &mut Files) -> Value {
    if let Some(file) = files.all.last_mut() {
        file.given = true;
    }
    if read.is_nil() { values } else { chart::merge_maps(&values, read) }
}

/// The dependencies that are named, and are not there.
fn missing_dependencies(root: &Chart) -> Vec<String> {
    let named = root.metadata.dependencies.iter().map(|dependency| &dependency.name);
    let is_missing =
        |name: &&String| !root.dependencies.iter().any(|sub| sub.metadata.name == **name);
    named.filter(is_missing).cloned().collect()
}

/// What Helm checks before it renders.
fn check(root: &Chart, options: &Options) -> Result<(), Failure> {
    if root.metadata.is_library {
        return Err(Failure::Chart("library charts are not installable".to_owned()));
    }
    let missing = missing_dependencies(root);
    if !missing.is_empty() && !options.allow_missing_dependencies {
        return Err(Failure::MissingDependencies(missing));
    }
    let wanted = &root.metadata.kube_version;
    let version = Version::parse(&format!("v1.{}.0", options.kubernetes_minor));
    if !wanted.is_empty()
        && let Some(version) = version
    {
        let fits = Constraint::parse(wanted).is_some_and(|wanted| wanted.allows(&version));
        if !fits {
            return Err(Failure::Chart(format!(
                "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes \
                 {}: name another with --kubernetes-version",
                version.original
            )));
        }
    }
    Ok(())
}

fn check_schemas(
    root: &Chart,
    values: &Value,
    files: &Files,
    budget: &Budget,
) -> Result<(), Failure> {
    let mut violations = Vec::new();
    chart::validate(root, values, budget, &mut violations).map_err(Failure::Chart)?;
    let Some(first) = violations.first() else { return Ok(()) };
    let message = format!(
        "values don't meet the specifications of the schema of chart {}: {}",
        first.chart, first.message
    );
    Err(place(first.origin, files, message))
}

/// An error at an origin, which is best known by its values.
pub(crate) fn place(origin: Origin, files: &Files, message: String) -> Failure {
    let known = if origin.template.file != 0 { origin.template } else { origin.value };
    let file = usize::from(known.file).checked_sub(1).and_then(|index| files.all.get(index));
    match file {
        Some(file) => {
            let index = coaming_yaml::LineIndex::new(&file.text);
            let (line, column) = index.position(&file.text, known.offset);
            Failure::Place { file: file.name.clone(), line, column, message, is_malformed: false }
        }
        None => Failure::Chart(message),
    }
}

/// The same error, of a file that no values can help.
fn malformed(error: Failure) -> Failure {
    match error {
        Failure::Place { file, line, column, message, .. } => {
            Failure::Place { file, line, column, message, is_malformed: true }
        }
        other => other,
    }
}

/// A template that is rendered by itself.
struct Target {
    /// As Helm names it.
    name: String,
    base: String,
    file: u16,
    /// `.`, but for `.Template`.
    data: Value,
}

/// The output of a template.
struct Output {
    name: String,
    file: u16,
    buffer: Buffer,
}

struct Job<'j> {
    options: &'j Options,
    files: &'j Files,
}

impl Job<'_> {
    /// Evaluates all templates that are not partial.
    fn evaluate(&self, root: &Chart, values: &Value) -> Result<Vec<Output>, Failure> {
        let shared = [("Release", self.release()), ("Capabilities", self.capabilities())];
        let mut targets = Vec::new();
        self.collect(root, values, true, &shared, &mut targets);
        // Of templates with the same name, Helm keeps the last.
        let mut known = HashSet::new();
        targets.reverse();
        targets.retain(|target| known.insert(target.name.clone()));
        // Outer charts come last, so that their definitions win.
        targets.sort_by_cached_key(|target| {
            Reverse((target.name.matches('/').count(), target.name.clone()))
        });
        let mut parsed = HashMap::new();
        for target in &targets {
            let text = self.text_of(target.file);
            let origin = |offset: usize| Origin::template(target.file, offset, true);
            let found = template::parse(&target.name, &text, &origin).map_err(|error| {
                let origin = Origin::template(target.file, error.offset, false);
                malformed(place(origin, self.files, format!("parse error: {}", error.message)))
            })?;
            template::define(&mut parsed, found);
        }
        let exec = Exec::new(Rc::new(parsed), self.options.cluster.clone());
        let mut outputs = Vec::new();
        for target in &targets {
            let base = target.name.rsplit('/').next().unwrap_or_default();
            if base.starts_with('_') {
                continue;
            }
            let data = self.data_of(target);
            let buffer = exec.run(&target.name, data).map_err(|error| {
                let origin = exec.failed.get().unwrap_or(error.origin);
                self.failed(target, template::Error { origin, ..error })
            })?;
            if !base.ends_with("NOTES.txt") {
                let buffer = buffer.without_no_value();
                outputs.push(Output { name: target.name.clone(), file: target.file, buffer });
            }
        }
        outputs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(outputs)
    }

    fn text_of(&self, file: u16) -> std::sync::Arc<str> {
        let index = usize::from(file).checked_sub(1);
        let found = index.and_then(|index| self.files.all.get(index));
        found.map_or_else(|| "".into(), |file| std::sync::Arc::clone(&file.text))
    }

    fn failed(&self, target: &Target, error: template::Error) -> Failure {
        let mut origin = error.origin;
        // A text from the values that `tpl` evaluates is known by its place there.
        if origin.template.file == 0 && origin.value.file == 0 {
            origin.template = Origin::template(target.file, 0, false).template;
        }
        place(origin, self.files, error.message)
    }

    /// `.` for a template. As in Helm, it is the same mapping for all templates of a chart: what one
    /// sets in it, those after it see.
    fn data_of(&self, target: &Target) -> Value {
        let Some(map) = target.data.as_map() else { return Value::NIL };
        let template: Map = [("Name", &target.name), ("BasePath", &target.base)]
            .into_iter()
            .map(|(key, value)| (key.into(), Value::from(value.as_str())))
            .collect();
        let template = Value::map_of(MapType::Values, template);
        map.borrow_mut().insert("Template".into(), template);
        target.data.as_type(MapType::Values)
    }

    /// Collects the templates of a chart and its subcharts; returns the chart's data.
    fn collect(
        &self,
        chart: &Chart,
        values: &Value,
        is_root: bool,
        shared: &[(&'static str, Value)],
        targets: &mut Vec<Target>,
    ) -> Value {
        let path = &chart.path;
        let subcharts = Value::from(Map::new());
        let mut data: Map =
            shared.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        data.insert("Chart".into(), chart.metadata.value(is_root));
        let files = Object::Files(Rc::clone(&chart.files));
        data.insert("Files".into(), files.into());
        data.insert("Values".into(), values.as_type(MapType::Values));
        data.insert("Subcharts".into(), subcharts.clone());
        let data = Value::from(data);
        for sub in &chart.dependencies {
            let inner = values.get(sub.name()).filter(|value| value.as_map().is_some());
            let inner = inner.unwrap_or_else(|| Value::from(Map::new()));
            let inner = self.collect(sub, &inner, false, shared, targets);
            if let Some(map) = subcharts.as_map() {
                map.borrow_mut().insert(sub.name().into(), inner);
            }
        }
        for template in &chart.templates {
            let base = template.path.rsplit('/').next().unwrap_or_default();
            if chart.metadata.is_library && !base.starts_with('_') {
                continue;
            }
            targets.push(Target {
                name: format!("{path}/{}", template.path),
                base: format!("{path}/templates"),
                file: template.file,
                data: data.clone(),
            });
        }
        data
    }

    fn release(&self) -> Value {
        let map: Map = [
            ("Name", Value::from(self.options.release_name.as_str())),
            ("Namespace", Value::from(self.options.namespace.as_str())),
            ("IsUpgrade", Value::from(false)),
            ("IsInstall", Value::from(true)),
            ("Revision", Value::int(1)),
            ("Service", Value::from("Helm")),
        ]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect();
        Value::from(map)
    }

    fn capabilities(&self) -> Value {
        let minor = self.options.kubernetes_minor;
        let version = format!("v1.{minor}.0");
        let kubernetes = Object::Struct(
            "common.KubeVersion",
            vec![
                ("Version", Value::from(version.as_str())),
                ("Major", Value::from("1")),
                ("Minor", Value::from(minor.to_string())),
            ],
        );
        let helm = Object::Struct(
            "version.BuildInfo",
            vec![
                ("Version", Value::from("v4.1.4")),
                ("GitCommit", Value::from("05fa37973dc9e42b76e1d2883494c87174b6074f")),
                ("GitTreeState", Value::from("clean")),
                ("GoVersion", Value::from("go1.25.9")),
                ("KubeClientVersion", Value::from("v1.35")),
            ],
        );
        let served = self.options.cluster.as_ref().map(|cluster| cluster.api_versions());
        let known: Vec<Value> = match served {
            Some(served) => served.iter().map(|version| Value::from(version.as_str())).collect(),
            None => API_VERSIONS.iter().map(|version| Value::from(*version)).collect(),
        };
        let given = self.options.api_versions.iter().map(|version| Value::from(version.as_str()));
        let versions = Object::ApiVersions(known.into_iter().chain(given).collect());
        let object = |object: Object| Value::from(object);
        object(Object::Struct(
            "*common.Capabilities",
            vec![
                ("KubeVersion", object(kubernetes)),
                ("APIVersions", object(versions)),
                ("HelmVersion", object(helm)),
            ],
        ))
    }

    /// The documents of all outputs, in Helm's order.
    fn manifests(&self, root: &Chart, outputs: Vec<Output>) -> Result<Vec<Manifest>, Failure> {
        let mut manifests = Vec::new();
        if self.options.include_crds {
            self.crds(root, &mut manifests);
        }
        let mut plain: Vec<(String, Manifest)> = Vec::new();
        let mut hooks: Vec<(String, Manifest)> = Vec::new();
        for output in &outputs {
            for piece in manifests::split(&output.buffer) {
                if let Some((message, offset)) = &piece.error {
                    let map = SourceMap { marks: output.buffer.marks.clone() };
                    let at = map.at(piece.range.start + offset).template;
                    let at = at.map(|at| (u16::try_from(at.file + 1).unwrap_or(0), at.offset));
                    let (file, offset) = at.unwrap_or((output.file, 0));
                    let origin = Origin::template(file, offset as usize, false);
                    let message = format!("the template does not render to YAML: {message}");
                    return Err(place(origin, self.files, message));
                }
                let hook = piece.hook.clone();
                let is_test = hook.as_ref().is_some_and(|hook| hook.contains("test"));
                if (is_test && self.options.skip_tests)
                    || hook.as_ref().is_some_and(|hook| !manifests::is_known_hook(hook))
                {
                    continue;
                }
                let manifest = Manifest {
                    template: output.name.clone(),
                    file: usize::from(output.file).saturating_sub(1),
                    text: output
                        .buffer
                        .text
                        .get(piece.range.clone())
                        .unwrap_or_default()
                        .to_owned(),
                    map: SourceMap { marks: marks_in(&output.buffer, piece.range.clone()) },
                    hook,
                };
                let list = if manifest.hook.is_some() { &mut hooks } else { &mut plain };
                list.push((piece.kind, manifest));
            }
        }
        for mut list in [plain, hooks] {
            list.sort_by(|(a, _), (b, _)| manifests::rank(a).cmp(&manifests::rank(b)));
            manifests.extend(list.into_iter().map(|(_, manifest)| manifest));
        }
        Ok(manifests)
    }

    /// The files of `crds/`, as they are written.
    fn crds(&self, chart: &Chart, manifests: &mut Vec<Manifest>) {
        for crd in &chart.crds {
            let origin = Origin::template(crd.file, 0, true);
            manifests.push(Manifest {
                template: format!("{}/{}", chart.path, crd.path),
                file: usize::from(crd.file).saturating_sub(1),
                text: crd.text.to_string(),
                hook: None,
                map: SourceMap { marks: vec![(0, origin)] },
            });
        }
        for sub in &chart.dependencies {
            self.crds(sub, manifests);
        }
    }
}

/// The marks of a part of a text, relative to it.
fn marks_in(buffer: &Buffer, range: std::ops::Range<usize>) -> Vec<crate::text::Mark> {
    let first = buffer.marks.partition_point(|(start, _)| *start as usize <= range.start);
    let touching = buffer.marks.get(first.saturating_sub(1)..).unwrap_or_default();
    let inside = touching.iter().take_while(|(start, _)| (*start as usize) < range.end);
    inside
        .map(|(start, origin)| {
            let start = *start as usize;
            let skipped = range.start.saturating_sub(start);
            let at = start.saturating_sub(range.start);
            (u32::try_from(at).unwrap_or(u32::MAX), origin.advanced(skipped))
        })
        .collect()
}

/// The API versions that Helm knows without a cluster.
const API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "autoscaling/v2beta1",
    "autoscaling/v2beta2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha1",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];
