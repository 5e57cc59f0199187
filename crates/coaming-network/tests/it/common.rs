//! From text to a model.

use std::sync::Arc;

use coaming_kube::{FileEntry, Inventory};
use coaming_network::{Model, Reach, from_inventory};

/// The inventory of one file.
pub(crate) fn inventory(text: &str) -> Inventory {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "the test's own input has a syntax error");
    Inventory::new(vec![FileEntry::new("input.yaml", stream.source, stream.documents)])
}

pub(crate) fn model(text: &str) -> Model {
    from_inventory(&inventory(text))
}

pub(crate) fn reach(text: &str) -> Reach {
    Reach::new(model(text))
}

/// A pod, as a manifest. Labels as `app: web, tier: front`, ports as `{name: http, containerPort: 80}`.
pub(crate) fn pod(namespace: &str, name: &str, labels: &str, ports: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n\
         spec:\n  containers:\n  - {{name: main, image: i:1, ports: [{ports}]}}\n"
    )
}

/// A policy, as a manifest.
pub(crate) fn policy(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n\
         metadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}
