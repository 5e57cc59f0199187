//! The order of the output: by kind, so that it can be applied, unless the order of the resources is
//! asked for.

use std::collections::HashMap;

use crate::build::Build;
use crate::failure::Failure;
use crate::id::{Gvk, Id};
use crate::kustomization::Kustomization;
use crate::resource::Resources;
use crate::schema::Schema;
use crate::value::Value;

/// The kinds that come first.
const FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// The kinds that come last.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts the objects as `sortOptions` says.
pub(crate) fn sort(
    build: &Build<'_>,
    resources: &mut Resources,
    kustomization: &Kustomization,
) -> Result<(), Failure> {
    let options = kustomization.root.get("sortOptions");
    sort_by(resources, options, &build.schema()).map_err(|message| {
        let source = options.map_or(kustomization.root.source, |options| options.source);
        build.invalid(source, message)
    })
}

/// Sorts by these options.
fn sort_by(
    resources: &mut Resources,
    options: Option<&Value>,
    schema: &Schema,
) -> Result<(), String> {
    let order = options.map_or("legacy", |options| options.str_at(&["order"]));
    match order {
        "fifo" => return Ok(()),
        "legacy" => {}
        other => return Err(format!("the order `{other}` is neither `legacy` nor `fifo`")),
    }
    let listed = |field: &str| -> Option<Vec<String>> {
        let list = options?.at(&["legacySortOptions", field])?;
        Some(list.items().iter().map(|item| item.str().to_owned()).collect())
    };
    let own = |kinds: &[&str]| kinds.iter().map(|kind| (*kind).to_owned()).collect::<Vec<_>>();
    let is_configured = options.is_some_and(|options| options.get("legacySortOptions").is_some());
    let (first, last) = if is_configured {
        (listed("orderFirst").unwrap_or_default(), listed("orderLast").unwrap_or_default())
    } else {
        (own(FIRST), own(LAST))
    };
    let mut ranks: HashMap<String, i64> = HashMap::new();
    let count = i64::try_from(first.len()).unwrap_or(i64::MAX);
    ranks.extend(first.into_iter().zip(-count..));
    ranks.extend(last.into_iter().zip(1..));
    resources.list.sort_by_cached_key(|resource| {
        let id = resource.id(schema);
        let rank = ranks.get(&*id.gvk.kind).copied().unwrap_or(0);
        (rank, described(&id.gvk), by_name(&id, resource.namespace()))
    });
    Ok(())
}

fn or(text: &str, missing: &str) -> String {
    if text.is_empty() { missing.to_owned() } else { text.to_owned() }
}

fn described(gvk: &Gvk) -> String {
    [or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K")].join("_")
}

fn by_name(id: &Id, namespace: &str) -> String {
    [or(namespace, "~X"), or(&id.name, "~N")].join("|")
}
