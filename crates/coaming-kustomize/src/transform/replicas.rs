//! `replicas`.

use crate::config::{Create, FieldSpec};
use crate::resource::Resources;
use crate::scalar::Resolved;
use crate::schema::Schema;
use crate::value::{Kind, Value};

/// Sets how many replicas the workloads of a name have.
pub(crate) fn set(
    resources: &mut Resources,
    entry: &Value,
    specs: &[FieldSpec],
    schema: &Schema,
) -> Result<(), String> {
    let name = entry.str_at(&["name"]);
    let count = entry.get("count").cloned();
    let count = count.unwrap_or_else(|| Value::plain("0", entry.source));
    let is_number = matches!(&count.kind, Kind::Scalar(scalar) if matches!(scalar.resolved(), Resolved::Int(_)));
    if !is_number {
        return Err(format!("the `count` of `{name}` is not a whole number"));
    }
    let mut found = false;
    for resource in &mut resources.list {
        let ids = resource.all_ids(schema);
        for spec in specs {
            let is_meant = ids.iter().any(|id| &*id.name == name && id.gvk.is_selected(&spec.gvk));
            if !is_meant {
                continue;
            }
            found = true;
            spec.apply(&mut resource.root, Create::Scalar, count.source, &mut |node| {
                if node.is_map() || node.is_list() {
                    return Err(format!("the replicas of `{name}` are not a number"));
                }
                // The quotes of what is there stay, so that the count is text.
                let was_quoted = matches!(&node.kind, Kind::Scalar(old) if old.is_quoted);
                *node = Value::plain(count.str(), count.source);
                if let Kind::Scalar(scalar) = &mut node.kind {
                    (scalar.is_text, scalar.is_quoted) = (was_quoted, was_quoted);
                }
                Ok(())
            })?;
        }
    }
    if found { Ok(()) } else { Err(format!("no workload with replicas is named `{name}`")) }
}
