//! `namespace`, with the subjects of bindings.

use crate::config::{Create, FieldSpec};
use crate::resource::{Resource, Resources};
use crate::schema::Schema;
use crate::value::{Kind, Value, whole};

/// Which subjects of bindings get the namespace, besides those that are among the resources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those with the name `default`.
    #[default]
    Default,
    AllServiceAccounts,
    None,
}

/// What only a transformer's own configuration says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) subjects: Subjects,
    /// Whether a namespace that is set stays.
    pub(crate) unset_only: bool,
}

/// Sets the namespace of all objects that can be in one.
pub(crate) fn set(
    resources: &mut Resources,
    namespace: &Value,
    specs: &[FieldSpec],
    options: &Options,
    schema: &Schema,
) -> Result<(), String> {
    let mut counts = resources.counts(schema);
    for resource in &mut resources.list {
        let before = resource.id(schema);
        resource.remember(schema);
        set_in(resource, namespace, specs, options, schema)?;
        let after = resource.id(schema);
        if before != after {
            if let Some(count) = counts.get_mut(&before) {
                *count -= 1;
            }
            let count = counts.entry(after.clone()).or_insert(0);
            *count += 1;
            if *count > 1 {
                return Err(format!("several objects become {}", after.described()));
            }
        }
    }
    Ok(())
}

fn set_in(
    resource: &mut Resource,
    namespace: &Value,
    specs: &[FieldSpec],
    options: &Options,
    schema: &Schema,
) -> Result<(), String> {
    let gvk = resource.gvk();
    let source = whole(namespace.source);
    let mut write = |node: &mut Value| {
        if !options.unset_only || node.str().is_empty() {
            node.set_text(namespace.str(), source);
        }
        Ok(())
    };
    if !schema.is_cluster_scoped(&gvk) {
        FieldSpec::new("metadata/namespace", true).apply(
            &mut resource.root,
            Create::Scalar,
            source,
            &mut write,
        )?;
    }
    let is_binding = matches!(&*gvk.kind, "RoleBinding" | "ClusterRoleBinding");
    if is_binding && let Some(subjects) = resource.root.get_mut("subjects") {
        set_subjects(subjects, options.subjects, source, &mut write)?;
    }
    let specs = specs.iter().filter(|spec| {
        &*spec.path != "metadata/namespace"
            && !(is_binding && matches!(&*spec.path, "subjects" | "subjects/namespace"))
    });
    for spec in specs {
        spec.apply(&mut resource.root, Create::Scalar, source, &mut write)?;
    }
    Ok(())
}

fn set_subjects(
    subjects: &mut Value,
    which: Subjects,
    source: coaming_helm::Source,
    write: &mut dyn FnMut(&mut Value) -> Result<(), String>,
) -> Result<(), String> {
    let Kind::List(subjects) = &mut subjects.kind else { return Ok(()) };
    for subject in subjects {
        let is_meant = match which {
            Subjects::Default => subject.str_at(&["name"]) == "default",
            Subjects::AllServiceAccounts => subject.str_at(&["kind"]) == "ServiceAccount",
            Subjects::None => false,
        };
        if !is_meant {
            continue;
        }
        if subject.get("namespace").is_none() {
            subject.set("namespace", Value::plain("", source));
        }
        if let Some(namespace) = subject.get_mut("namespace") {
            write(namespace)?;
        }
    }
    Ok(())
}
