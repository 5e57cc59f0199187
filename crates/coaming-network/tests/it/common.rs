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

/// A Service, as a manifest.
pub(crate) fn service(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"
    )
}

/// Three workloads in two namespaces, a default deny and two holes.
pub(crate) fn shop() -> String {
    pod("shop", "web", "app: web", "{name: http, containerPort: 8080}")
        + &pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}")
        + &pod("other", "spy", "app: spy", "")
        + &policy("shop", "deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}")
        + &policy(
            "shop",
            "db",
            "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}, {namespaceSelector: {}, podSelector: {matchLabels: {role: backup}}}], ports: [{port: sql}]}]}",
        )
        + &policy(
            "shop",
            "web",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]}",
        )
}

/// The files of a directory of the corpus; `None` where there is no corpus, which is a failure in CI.
pub(crate) fn corpus(directories: &[&str]) -> Option<Inventory> {
    let root = std::env::var_os("COAMING_CORPUS").map_or_else(
        || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        std::path::PathBuf::from,
    );
    if !root.is_dir() {
        coaming_test::skip!("there is no corpus at {}", root.display());
        return None;
    }
    let mut paths: Vec<_> = directories
        .iter()
        .flat_map(|directory| std::fs::read_dir(root.join(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "kustomization"))
        .collect();
    paths.sort();
    let files = paths.iter().map(|path| {
        let stream = coaming_yaml::parse(Arc::from(std::fs::read_to_string(path).unwrap()));
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        FileEntry::new(&name, stream.source, stream.documents)
    });
    Some(Inventory::new(files.collect()))
}
