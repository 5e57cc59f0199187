//! `namePrefix` and `nameSuffix`.

use crate::config::{Create, FieldSpec};
use crate::id::Gvk;
use crate::resource::Resources;
use crate::schema::Schema;
use crate::value::{Value, whole};

/// Where the text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Prefix,
    Suffix,
}

/// The kinds whose names are not free.
fn is_skipped(gvk: &Gvk) -> bool {
    matches!(&*gvk.kind, "CustomResourceDefinition" | "Namespace")
        || (&*gvk.kind == "APIService" && &*gvk.group == "apiregistration.k8s.io")
}

/// Adds a text to names.
pub(crate) fn add(
    resources: &mut Resources,
    affix: &Value,
    specs: &[FieldSpec],
    side: Side,
    schema: &Schema,
) -> Result<(), String> {
    let text = affix.str();
    if text.is_empty() {
        return Ok(());
    }
    for resource in &mut resources.list {
        let original = resource.original_id(schema);
        if is_skipped(&original.gvk) {
            continue;
        }
        for spec in specs.iter().filter(|spec| original.gvk.is_selected(&spec.gvk)) {
            if &*spec.path == "metadata/name" {
                let affixes = match side {
                    Side::Prefix => &mut resource.prefixes,
                    Side::Suffix => &mut resource.suffixes,
                };
                affixes.push(text.into());
                resource.remember(schema);
            }
            spec.apply(&mut resource.root, Create::Nothing, affix.source, &mut |node| {
                let Some(old) = node.as_text() else {
                    return Err("only a scalar has a prefix or suffix".to_owned());
                };
                let new = match side {
                    Side::Prefix => format!("{text}{old}"),
                    Side::Suffix => format!("{old}{text}"),
                };
                let source = whole(node.source);
                node.set_text(&new, source);
                Ok(())
            })?;
        }
    }
    Ok(())
}
