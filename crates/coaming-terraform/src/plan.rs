//! Plans and states in JSON (`terraform show -json`): every value that is known before `apply`.

use std::collections::BTreeMap;

use coaming_yaml::Node;

use crate::value::{Entry, Item, Kind, Site, Value};
use crate::{Rendered, convert, emit, json, typed};

/// How deep modules are nested.
const MAX_DEPTH: u32 = 50;

/// Whether a document is a plan or a state of Terraform.
#[must_use]
pub fn is_plan(root: Node<'_>) -> bool {
    let has_values = root.get("planned_values").or_else(|| root.get("values"));
    let values = has_values.and_then(|values| values.get("root_module"));
    root.get("format_version").is_some() && values.is_some_and(Node::is_mapping)
}

/// The objects that a plan makes: its file is the only one.
#[must_use]
pub fn plan(root: Node<'_>) -> Rendered {
    let mut rendered = Rendered::default();
    let unknown: BTreeMap<&str, Node<'_>> = root
        .get("resource_changes")
        .into_iter()
        .flat_map(Node::items)
        .filter_map(|change| {
            let unknown = change.get("change")?.get("after_unknown")?;
            Some((change.get("address")?.text(), unknown))
        })
        .collect();
    let values = root.get("planned_values").or_else(|| root.get("values"));
    if let Some(module) = values.and_then(|values| values.get("root_module")) {
        add_module(module, &unknown, 0, &mut rendered);
    }
    rendered
}

fn add_module(
    module: Node<'_>,
    unknown: &BTreeMap<&str, Node<'_>>,
    depth: u32,
    rendered: &mut Rendered,
) {
    for resource in module.get("resources").into_iter().flat_map(Node::items) {
        let text = |key: &str| resource.get(key).and_then(Node::as_str).unwrap_or_default();
        let kind = text("type");
        let is_relevant =
            ["kubernetes_", "kubectl_", "helm_release"].iter().any(|it| kind.starts_with(it));
        if !is_relevant || text("mode") == "data" {
            continue;
        }
        let values = resource.get("values");
        let made = values.and_then(|it| made(kind, it, unknown.get(text("address")).copied()));
        match made {
            Some((manifest, is_partial)) => {
                rendered.partial += usize::from(is_partial);
                rendered.manifests.push(manifest);
            }
            None => *rendered.left_out.entry(kind.to_owned()).or_default() += 1,
        }
    }
    if depth < MAX_DEPTH {
        for child in module.get("child_modules").into_iter().flat_map(Node::items) {
            add_module(child, unknown, depth + 1, rendered);
        }
    }
}

fn made(
    kind: &str,
    values: Node<'_>,
    unknown: Option<Node<'_>>,
) -> Option<(crate::Manifest, bool)> {
    let mut value = convert::from_node(values, &|node| json::site(0, node), 0)?;
    if let Some(unknown) = unknown {
        mark_unknown(&mut value, unknown, 0);
    }
    match kind {
        "kubernetes_manifest" => {
            let manifest = value.get("manifest").filter(|it| matches!(it.kind, Kind::Object(_)))?;
            emit::manifest(0, manifest)
        }
        "kubectl_manifest" => match &value.get("yaml_body")?.kind {
            Kind::Text(pieces) => emit::text_manifest(0, pieces.clone()),
            _ => None,
        },
        kind => emit::manifest(0, &typed::object(kind, &value)?),
    }
}

/// Puts unknown values where a plan says that they will be.
fn mark_unknown(value: &mut Value, unknown: Node<'_>, depth: u32) {
    if depth > MAX_DEPTH {
        return;
    }
    let site = value.site;
    match &mut value.kind {
        Kind::Object(entries) => {
            for field in unknown.entries() {
                let known = entries.iter_mut().find(|entry| entry.key == field.name());
                if let Some(entry) = known {
                    mark(&mut entry.value, field.value, depth);
                } else if let Some(value) = absent(field.value, site) {
                    let key = field.name().to_owned();
                    entries.push(Entry { key, key_site: site, site, value });
                }
            }
        }
        Kind::List(items) => {
            for (place, field) in unknown.items().enumerate() {
                if let Some(item) = items.get_mut(place) {
                    mark(&mut item.value, field, depth);
                } else if let Some(value) = absent(field, site) {
                    items.push(Item { site, value });
                }
            }
        }
        _ => {}
    }
}

fn mark(value: &mut Value, unknown: Node<'_>, depth: u32) {
    if unknown.as_bool() == Some(true) {
        *value = Value::unknown("known after apply", value.site);
    } else {
        mark_unknown(value, unknown, depth + 1);
    }
}

fn absent(unknown: Node<'_>, site: Site) -> Option<Value> {
    (unknown.as_bool() == Some(true)).then(|| Value::unknown("known after apply", site))
}
