//! The annotations that `buildMetadata` asks for: which file or generator each object is from, and
//! which transformers were applied to it.
//!
//! Kustomize annotates objects as soon as it loads them, so that patches and transformers see the
//! annotations; those that were not asked for go in the end.

use coaming_helm::{Shape, Source, Tree, write_yaml};

use crate::kustomization::Kustomization;
use crate::resource::Resource;
use crate::value::Value;

/// Where an object is from.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// What was applied to an object.
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// What the outermost kustomization asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Metadata {
    /// Whether it asks for anything.
    is_any: bool,
    origins: bool,
    transformations: bool,
}

impl Metadata {
    pub(crate) fn of(kustomization: &Kustomization) -> Self {
        let wanted = kustomization.items("buildMetadata");
        let has = |option: &str| wanted.iter().any(|wanted| wanted.str() == option);
        Self {
            is_any: !wanted.is_empty(),
            origins: has("originAnnotations"),
            transformations: has("transformerAnnotations"),
        }
    }

    /// Notes the file that objects are from.
    pub(crate) fn add_path(self, resources: &mut [Resource], path: &str) {
        if self.is_any {
            let text = format!("path: {}\n", scalar(path));
            resources.iter_mut().for_each(|one| annotate(one, ORIGIN, &text));
        }
    }

    /// Notes the generator that an object is from.
    pub(crate) fn add_generator(self, resource: &mut Resource, plugin: &Plugin<'_>) {
        if self.origins {
            annotate(resource, ORIGIN, &plugin.text("", ""));
        }
    }

    /// Notes that a transformer was applied.
    pub(crate) fn add_transformer(self, resources: &mut [Resource], plugin: &Plugin<'_>) {
        if !self.transformations {
            return;
        }
        let more = plugin.text("- ", "  ");
        for resource in resources {
            let before = resource.root.str_at(&["metadata", "annotations", TRANSFORMATIONS]);
            let text = format!("{before}{more}");
            annotate(resource, TRANSFORMATIONS, &text);
        }
    }

    /// Removes what was not asked for.
    pub(crate) fn finish(self, resources: &mut [Resource]) {
        if !self.is_any {
            return;
        }
        let extra = [(ORIGIN, self.origins), (TRANSFORMATIONS, self.transformations)];
        for resource in resources {
            for (name, _) in extra.iter().filter(|(_, is_wanted)| !is_wanted) {
                remove(resource, name);
            }
        }
    }
}

/// The file that an object is from, if it was noted.
pub(crate) fn path_of(resource: &Resource) -> Option<&str> {
    let origin = resource.root.str_at(&["metadata", "annotations", ORIGIN]);
    origin.strip_prefix("path: ").map(str::trim_end)
}

/// Makes an object keep the origin of the one that it is merged into.
pub(crate) fn keep_origin(resource: &mut Resource, old: &Resource) {
    let origin = old.root.str_at(&["metadata", "annotations", ORIGIN]);
    if !origin.is_empty() {
        annotate(resource, ORIGIN, origin);
    }
}

/// A plugin, and the file in which it is configured.
pub(crate) struct Plugin<'p> {
    pub(crate) file: &'p str,
    pub(crate) kind: &'p str,
    /// The name and the namespace of its configuration; empty if it is built into a field.
    pub(crate) name: &'p str,
    pub(crate) namespace: &'p str,
}

impl Plugin<'_> {
    /// Its YAML; `first` starts the first line, and `indent` the others.
    fn text(&self, first: &str, indent: &str) -> String {
        let mut text = format!(
            "{first}configuredIn: {}\n{indent}configuredBy:\n{indent}  apiVersion: builtin\n\
             {indent}  kind: {}\n",
            scalar(self.file),
            scalar(self.kind),
        );
        for (field, value) in [("name", self.name), ("namespace", self.namespace)] {
            if !value.is_empty() {
                text.push_str(&format!("{indent}  {field}: {}\n", scalar(value)));
            }
        }
        text
    }
}

/// A text as YAML.
fn scalar(text: &str) -> String {
    let tree = Tree { shape: Shape::Text(text.into()), source: Source::default() };
    write_yaml(tree).map_or_else(|_| text.to_owned(), |(text, _)| text.trim_end().to_owned())
}

fn annotate(resource: &mut Resource, name: &str, text: &str) {
    let source = resource.source();
    let annotations = resource.root.map_at("metadata").map_at("annotations");
    annotations.set(name, Value::text(text, source));
}

fn remove(resource: &mut Resource, name: &str) {
    let Some(metadata) = resource.root.get_mut("metadata") else { return };
    let Some(annotations) = metadata.get_mut("annotations") else { return };
    drop(annotations.remove(name));
    if annotations.is_map() && annotations.entries().is_empty() {
        drop(metadata.remove("annotations"));
    }
}
