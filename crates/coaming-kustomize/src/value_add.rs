//! `ValueAddTransformer`: puts a value into fields, or as a part into the paths that are in them.

use crate::config::{Create, FieldSpec};
use crate::failure::Failure;
use crate::files::file_name;
use crate::resource::{Resource, Resources};
use crate::selector::Selector;
use crate::target::Target;
use crate::transform::namespace;
use crate::value::{Kind, Value};

/// Applies a configuration.
pub(crate) fn apply(
    target: &Target<'_, '_>,
    root: &Value,
    resources: &mut Resources,
) -> Result<(), Failure> {
    let build = target.build;
    let mut fields: Vec<Value> = root.get("targets").map(Value::items).unwrap_or_default().to_vec();
    if let Some(path) = root.get("targetFilePath").filter(|path| !path.str().is_empty()) {
        for document in build.documents(&target.load(path)?)?.iter() {
            fields.extend_from_slice(document.get("targets").map(Value::items).unwrap_or_default());
        }
    }
    if fields.is_empty() {
        return Err(build.invalid(root.source, "`ValueAddTransformer` has no `targets`"));
    }
    let value = match root.get("value").filter(|value| !value.str().trim().is_empty()) {
        Some(value) => Value::text(value.str().trim(), value.source),
        None => {
            let directory = build.files.real_path(target.directory());
            Value::text(file_name(&directory), root.source)
        }
    };
    for field in &fields {
        add(target, field, &value, resources)
            .map_err(|message| build.invalid(field.source, message))?;
    }
    Ok(())
}

fn add(
    target: &Target<'_, '_>,
    field: &Value,
    value: &Value,
    resources: &mut Resources,
) -> Result<(), String> {
    let schema = target.build.schema();
    let path = field.str_at(&["fieldPath"]);
    if path.is_empty() {
        return Err("a target of `ValueAddTransformer` needs a `fieldPath`".to_owned());
    }
    let position = match field.str_at(&["filePathPosition"]) {
        "" => 0,
        text => text.parse::<usize>().map_err(|_| "`filePathPosition` cannot be negative")?,
    };
    let selector = field.get("selector").map(Selector::of).transpose()?;
    let is_meant = |resource: &Resource| {
        selector.as_ref().is_none_or(|selector| selector.selects(resource, &schema))
    };
    if path == "metadata/namespace" {
        let mut chosen = Resources::default();
        let all = std::mem::take(&mut resources.list);
        let places: Vec<bool> = all.iter().map(is_meant).collect();
        let mut others = Vec::new();
        for (resource, is_chosen) in all.into_iter().zip(&places) {
            if *is_chosen { chosen.list.push(resource) } else { others.push(resource) }
        }
        let options = namespace::Options::default();
        let set = namespace::set(&mut chosen, value, &[], &options, &schema);
        let (mut chosen, mut others) = (chosen.list.into_iter(), others.into_iter());
        resources.list = places
            .iter()
            .filter_map(|chose| if *chose { chosen.next() } else { others.next() })
            .collect();
        return set;
    }
    let spec = FieldSpec::new(path, true);
    for resource in resources.list.iter_mut().filter(|resource| is_meant(resource)) {
        spec.apply(&mut resource.root, Create::Scalar, value.source, &mut |node| {
            let Kind::Scalar(scalar) = &node.kind else {
                return Err(format!("`{path}` is not a scalar"));
            };
            let text = match position {
                0 => value.str().to_owned(),
                position => with_part(&scalar.text, position - 1, value.str()),
            };
            node.set_text(&text, value.source);
            Ok(())
        })?;
    }
    Ok(())
}

/// A path with one more part; a position beyond its end is the end.
fn with_part(path: &str, position: usize, part: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert(position.min(parts.len()), part);
    format!("{}{}", if is_absolute { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::with_part;

    #[test]
    fn a_part_is_inserted() {
        assert_eq!(with_part("", 3, "x"), "x");
        assert_eq!(with_part("/", 0, "x"), "/x");
        assert_eq!(with_part("/a/b", 0, "x"), "/x/a/b");
        assert_eq!(with_part("a/b/c", 2, "x"), "a/b/x/c");
        assert_eq!(with_part("a", 9, "x"), "a/x");
    }
}
