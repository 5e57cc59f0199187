//! `labels`, `commonLabels`, `commonAnnotations`.

use coaming_helm::Source;
use coaming_yaml::Scalar as Typed;

use crate::config::{Config, Create, FieldSpec, field_specs, merge};
use crate::kustomization::Kustomization;
use crate::resource::Resources;
use crate::share::Share;
use crate::value::{Kind, Value};

/// The field of all objects' labels.
const LABELS: &str = "metadata/labels";

/// Adds the labels of an entry of `labels`.
pub(crate) fn add_entry(
    resources: &mut Resources,
    entry: &Value,
    config: &Config,
) -> Result<(), String> {
    let Some(pairs) = entry.get("pairs") else { return Ok(()) };
    let is_set = |field| entry.get(field).is_some_and(Value::is_true);
    let mut specs = field_specs(entry.get("fields"));
    if is_set("includeSelectors") {
        merge(&mut specs, config.common_labels.iter().cloned())?;
    } else {
        if is_set("includeTemplates") {
            merge(&mut specs, config.template_labels.iter().cloned())?;
        }
        merge(&mut specs, [FieldSpec::new(LABELS, true)])?;
    }
    add(resources, pairs, &specs)
}

/// Adds entries to mappings.
pub(crate) fn add(
    resources: &mut Resources,
    pairs: &Value,
    specs: &[FieldSpec],
) -> Result<(), String> {
    for resource in &mut resources.list {
        for entry in pairs.entries() {
            let shares = resource.shared();
            // What is made is one node in all places.
            resource.shares += 1;
            let mut value = Value::text(entry.value.as_text().unwrap_or(""), entry.value.source);
            if let Kind::Scalar(scalar) = &mut value.kind {
                scalar.share = Share::new(resource.shares);
                scalar.is_quoted = !matches!(Typed::of_plain(&scalar.text), Typed::Str(_));
            }
            for spec in specs {
                spec.apply(&mut resource.root, Create::Map, entry.source, &mut |node| {
                    if !node.is_map() {
                        return Err(format!("`{}` is not a mapping", spec.path));
                    }
                    node.set(&entry.key, in_style_of(node.get(&entry.key), value.clone()));
                    Ok(())
                })?;
            }
            shares.settle(&mut resource.root);
        }
    }
    Ok(())
}

/// A value in the place of another, whose quotes stay.
fn in_style_of(old: Option<&Value>, mut value: Value) -> Value {
    if let (Some(Kind::Scalar(old)), Kind::Scalar(new)) =
        (old.map(|old| &old.kind), &mut value.kind)
    {
        new.is_quoted = old.is_quoted;
    }
    value
}

/// What `kubectl kustomize` writes about itself, if `buildMetadata` asks for it.
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.7.1");

/// Adds the label that `buildMetadata` asks for.
pub(crate) fn add_metadata(resources: &mut Resources, kustomization: &Kustomization) {
    let wanted = kustomization.items("buildMetadata");
    if !wanted.iter().any(|option| option.str() == "managedByLabel") {
        return;
    }
    let source: Source = kustomization.root.source;
    for resource in &mut resources.list {
        let labels = resource.root.map_at("metadata").map_at("labels");
        labels.set(MANAGED_BY.0, Value::text(MANAGED_BY.1, source));
    }
}
