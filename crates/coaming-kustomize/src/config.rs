//! Which fields transformers change: by default, and as `configurations` and `crds` add.

use std::rc::Rc;
use std::sync::LazyLock;

use coaming_helm::Source;

use crate::id::Gvk;
use crate::value::{Kind, Value};

/// A field of some objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldSpec {
    /// The path as it is written, with `/`.
    pub(crate) path: Rc<str>,
    /// The objects that have it.
    pub(crate) gvk: Gvk,
    /// Whether it is made where it is missing.
    pub(crate) create: bool,
}

/// What is made of a missing field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Create {
    Nothing,
    Scalar,
    Map,
}

impl FieldSpec {
    pub(crate) fn new(path: &str, create: bool) -> Self {
        Self { path: path.into(), gvk: Gvk::default(), create }
    }

    /// Reads an entry of a configuration.
    fn of(value: &Value) -> Self {
        let text = |key| value.get(key).map(Value::str).unwrap_or_default();
        let create = value.get("create").is_some_and(Value::is_true);
        let gvk = Gvk {
            group: text("group").into(),
            version: text("version").into(),
            kind: text("kind").into(),
        };
        Self { gvk, ..Self::new(text("path"), create) }
    }

    /// Reads a line of the table of defaults.
    fn of_line(line: &str) -> Self {
        let mut parts = line.split(' ');
        let mut spec = Self::new(parts.next().unwrap_or_default(), false);
        for part in parts {
            match part.split_once('=') {
                None => spec.create = true,
                Some((key, value)) => set_part(&mut spec.gvk, key, value),
            }
        }
        spec
    }

    /// The names of the path; a slash may be escaped by a backslash.
    pub(crate) fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = Vec::new();
        let mut continues = false;
        for part in self.path.split('/') {
            let (part, escapes) = match part.strip_suffix('\\') {
                Some(part) => (part, true),
                None => (part, false),
            };
            match steps.last_mut() {
                Some(last) if continues => {
                    last.push('/');
                    last.push_str(part);
                }
                _ => steps.push(part.to_owned()),
            }
            continues = escapes;
        }
        steps
    }

    /// Whether the other has the same path, for the same objects or for more.
    fn is_part_of(&self, other: &Self) -> bool {
        self.path == other.path && self.gvk.is_selected(&other.gvk)
    }

    fn check_create(&self, other: &Self) -> Result<(), String> {
        if self.create == other.create {
            return Ok(());
        }
        Err(format!("`{}` is configured with and without `create`", self.path))
    }

    /// Changes the field of an object, if it is one of those that have it.
    pub(crate) fn apply(
        &self,
        root: &mut Value,
        make: Create,
        source: Source,
        change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
    ) -> Result<(), String> {
        if !Gvk::of_object(root).is_selected(&self.gvk) {
            return Ok(());
        }
        let make = if self.create { make } else { Create::Nothing };
        walk(root, &self.steps(), make, source, change)
    }
}

fn set_part(gvk: &mut Gvk, key: &str, value: &str) {
    match key {
        "group" => gvk.group = value.into(),
        "version" => gvk.version = value.into(),
        _ => gvk.kind = value.into(),
    }
}

/// Changes what is at a path, through lists.
fn walk(
    value: &mut Value,
    steps: &[String],
    make: Create,
    source: Source,
    change: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else { return change(value) };
    if value.is_null() {
        return Ok(());
    }
    match &mut value.kind {
        Kind::List(items) => {
            items.iter_mut().try_for_each(|item| walk(item, steps, make, source, change))
        }
        Kind::Map(_) => {
            let name = step.strip_suffix("[]").unwrap_or(step);
            let creates = make != Create::Nothing && name.len() == step.len();
            let is_missing = value.get(name).is_none_or(Value::is_null);
            if is_missing && !creates {
                return Ok(());
            }
            if is_missing {
                let made = match make {
                    Create::Scalar if rest.is_empty() => Value::plain("", source),
                    _ => Value::map(source),
                };
                value.set(name, made);
            }
            match value.get_mut(name) {
                Some(field) => walk(field, rest, make, source, change),
                None => Ok(()),
            }
        }
        Kind::Scalar(_) => Err(format!("`{step}` is expected in a mapping or a list")),
    }
}

/// Who refers to objects of a kind by their names.
#[derive(Clone, Debug)]
pub(crate) struct BackReference {
    pub(crate) gvk: Gvk,
    pub(crate) referrers: Vec<FieldSpec>,
}

/// The fields of all transformers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<BackReference>,
}

/// The table of defaults, as sections with their lines.
static DEFAULTS: LazyLock<Vec<(&str, Vec<&str>)>> = LazyLock::new(|| {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in include_str!("fields.txt").lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix('[') {
            Some(name) => sections.push((name.trim_end_matches(']'), Vec::new())),
            None => {
                if let Some((_, lines)) = sections.last_mut() {
                    lines.push(line);
                }
            }
        }
    }
    sections
});

impl Config {
    /// What holds without any configuration.
    pub(crate) fn defaults() -> Self {
        let mut this = Self::default();
        for (name, lines) in DEFAULTS.iter() {
            let specs = lines.iter().map(|line| FieldSpec::of_line(line)).collect();
            let mut parts = name.split(' ');
            let section = parts.next().unwrap_or_default();
            if let Some(list) = this.list(section) {
                *list = specs;
            } else {
                let mut gvk = Gvk::default();
                for (key, value) in parts.filter_map(|part| part.split_once('=')) {
                    set_part(&mut gvk, key, value);
                }
                this.name_reference.push(BackReference { gvk, referrers: specs });
            }
        }
        this
    }

    fn list(&mut self, section: &str) -> Option<&mut Vec<FieldSpec>> {
        Some(match section {
            "namePrefix" => &mut self.name_prefix,
            "nameSuffix" => &mut self.name_suffix,
            "namespace" => &mut self.namespace,
            "commonLabels" | "labels" => &mut self.common_labels,
            "templateLabels" => &mut self.template_labels,
            "commonAnnotations" => &mut self.common_annotations,
            "images" => &mut self.images,
            "replicas" => &mut self.replicas,
            "varReference" => &mut self.var_reference,
            _ => return None,
        })
    }

    /// Adds what a configuration file says.
    pub(crate) fn add(&mut self, root: &Value) -> Result<(), String> {
        for entry in root.entries() {
            if &*entry.key == "nameReference" {
                for item in entry.value.items() {
                    let FieldSpec { gvk, .. } = FieldSpec::of(item);
                    let specs = item.get("fieldSpecs").map(Value::items).unwrap_or_default();
                    let referrers = specs.iter().map(FieldSpec::of).collect();
                    self.add_reference(BackReference { gvk, referrers })?;
                }
            } else if let Some(list) = self.list(&entry.key) {
                narrow(list, entry.value.items().iter().map(FieldSpec::of))?;
            } else if !matches!(&*entry.key, "apiVersion" | "kind" | "metadata") {
                return Err(format!("`{}` is not a field of a configuration", entry.key));
            }
        }
        Ok(())
    }

    /// Adds who refers to a kind.
    pub(crate) fn add_reference(&mut self, reference: BackReference) -> Result<(), String> {
        match self.name_reference.iter_mut().find(|known| known.gvk == reference.gvk) {
            Some(known) => merge(&mut known.referrers, reference.referrers),
            None => {
                self.name_reference.push(reference);
                Ok(())
            }
        }
    }

    /// Adds the configuration of a base.
    pub(crate) fn merge(&mut self, other: &Self) -> Result<(), String> {
        merge(&mut self.name_prefix, other.name_prefix.iter().cloned())?;
        merge(&mut self.name_suffix, other.name_suffix.iter().cloned())?;
        merge(&mut self.namespace, other.namespace.iter().cloned())?;
        merge(&mut self.common_labels, other.common_labels.iter().cloned())?;
        merge(&mut self.template_labels, other.template_labels.iter().cloned())?;
        merge(&mut self.common_annotations, other.common_annotations.iter().cloned())?;
        merge(&mut self.images, other.images.iter().cloned())?;
        merge(&mut self.replicas, other.replicas.iter().cloned())?;
        merge(&mut self.var_reference, other.var_reference.iter().cloned())?;
        other.name_reference.iter().cloned().try_for_each(|one| self.add_reference(one))
    }
}

/// Adds fields that are not in a list yet, for the same objects or for fewer.
pub(crate) fn merge(
    list: &mut Vec<FieldSpec>,
    more: impl IntoIterator<Item = FieldSpec>,
) -> Result<(), String> {
    more.into_iter().try_for_each(|spec| match list.iter().find(|known| known.is_part_of(&spec)) {
        Some(known) => known.check_create(&spec),
        None => {
            list.push(spec);
            Ok(())
        }
    })
}

/// Adds the fields of `configurations` to the defaults: of two with the same path, the one for fewer
/// objects remains, as in Kustomize.
fn narrow(
    list: &mut Vec<FieldSpec>,
    more: impl IntoIterator<Item = FieldSpec>,
) -> Result<(), String> {
    more.into_iter().try_for_each(|spec| {
        if let Some(known) = list.iter().find(|known| spec.is_part_of(known)) {
            known.check_create(&spec)?;
            list.retain(|known| !spec.is_part_of(known));
            list.push(spec);
            return Ok(());
        }
        merge(list, [spec])
    })
}

/// The fields that a transformer's own configuration lists.
pub(crate) fn field_specs(value: Option<&Value>) -> Vec<FieldSpec> {
    value.map(Value::items).unwrap_or_default().iter().map(FieldSpec::of).collect()
}
