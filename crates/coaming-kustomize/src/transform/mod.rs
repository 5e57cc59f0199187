//! The transformers of a kustomization, in Kustomize's order.

pub(crate) mod affixes;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod namespace;
pub(crate) mod references;
pub(crate) mod replicas;

use std::rc::Rc;

use crate::config::Config;
use crate::failure::Failure;
use crate::resource::Resources;
use crate::target::{Accumulator, Target};
use crate::value::Value;
use crate::{patch, replacement};

/// Applies all of them.
pub(crate) fn all(target: &Target<'_, '_>, gathered: &mut Accumulator) -> Result<(), Failure> {
    let build = target.build;
    let kustomization = &target.kustomization;
    let config = Rc::clone(&gathered.config);
    let schema = build.schema();
    let resources = &mut gathered.resources;
    let strategic = kustomization.items("patchesStrategicMerge");
    patch::strategic_files(target, strategic, resources)?;
    if !strategic.is_empty() {
        target.note_transformer(resources, "PatchStrategicMergeTransformer");
    }
    resources.drop_deleted();
    for entry in kustomization.items("patches") {
        patch::entry(target, entry, resources)?;
        target.note_transformer(resources, "PatchTransformer");
        resources.drop_deleted();
    }
    if let Some(namespace) = kustomization.text("namespace") {
        let options = namespace::Options::default();
        namespace::set(resources, namespace, &config.namespace, &options, &schema)
            .map_err(|message| build.invalid(namespace.source, message))?;
        target.note_transformer(resources, "NamespaceTransformer");
    }
    for (field, specs, side, name) in [
        ("namePrefix", &config.name_prefix, affixes::Side::Prefix, "PrefixTransformer"),
        ("nameSuffix", &config.name_suffix, affixes::Side::Suffix, "SuffixTransformer"),
    ] {
        if let Some(affix) = kustomization.text(field) {
            affixes::add(resources, affix, specs, side, &schema)
                .map_err(|message| build.invalid(affix.source, message))?;
            target.note_transformer(resources, name);
        }
    }
    add_pairs(target, &config, resources)?;
    for entry in kustomization.items("patchesJson6902") {
        patch::json_entry(target, entry, resources)?;
        target.note_transformer(resources, "PatchJson6902Transformer");
    }
    for entry in kustomization.items("replicas") {
        replicas::set(resources, entry, &config.replicas, &schema)
            .map_err(|message| build.invalid(entry.source, message))?;
        target.note_transformer(resources, "ReplicaCountTransformer");
    }
    for field in ["images", "imageTags"] {
        for entry in kustomization.items(field) {
            images::set(resources, entry, &config.images)
                .map_err(|message| build.invalid(entry.source, message))?;
            target.note_transformer(resources, "ImageTagTransformer");
        }
    }
    let replacements: &[Value] = kustomization.items("replacements");
    replacement::all(target, replacements, resources)?;
    if !replacements.is_empty() {
        target.note_transformer(resources, "ReplacementTransformer");
    }
    Ok(())
}

/// Applies `labels`, `commonLabels` and `commonAnnotations`.
fn add_pairs(
    target: &Target<'_, '_>,
    config: &Config,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    let kustomization = &target.kustomization;
    let common =
        |field: &str| kustomization.root.get(field).filter(|pairs| !pairs.entries().is_empty());
    let labels = kustomization.items("labels");
    for entry in labels {
        labels::add_entry(resources, entry, config)
            .map_err(|message| build.invalid(entry.source, message))?;
        target.note_transformer(resources, "LabelTransformer");
    }
    let is_labeled = !labels.is_empty() || common("commonLabels").is_some();
    for (field, specs, name, is_noted) in [
        ("commonLabels", &config.common_labels, "LabelTransformer", is_labeled),
        ("commonAnnotations", &config.common_annotations, "AnnotationsTransformer", false),
    ] {
        if let Some(pairs) = common(field) {
            labels::add(resources, pairs, specs)
                .map_err(|message| build.invalid(pairs.source, message))?;
        }
        if is_noted || common(field).is_some() {
            target.note_transformer(resources, name);
        }
    }
    Ok(())
}
