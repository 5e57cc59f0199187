//! From text to a model.

use std::sync::Arc;

use coaming_kube::{Source, World};
use coaming_network::{Model, Reach, from_world};

/// The world of one file.
pub(crate) fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, [], "the test's own input has a syntax error");
    World::new(vec![Source::new("input.yaml", stream.source, stream.documents)])
}

/// Pods of two namespaces, for policies of network plugins; the next document may follow.
const TWO_NAMESPACES: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: ops, labels: {team: b}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {serviceAccountName: web, containers: [{name: c, image: x, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: c, image: x, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: scrape, namespace: ops, labels: {app: scrape}}
spec: {containers: [{name: c, image: x}]}
---
";

/// Pods of two namespaces, `shop` with `web` and `db`, `ops` with `scrape`, and these documents.
pub(crate) fn reach_in_shop(documents: &[&str]) -> Reach {
    reach(&format!("{TWO_NAMESPACES}{}", documents.join("\n---\n")))
}

pub(crate) fn model(text: &str) -> Model {
    from_world(&world(text))
}

pub(crate) fn reach(text: &str) -> Reach {
    Reach::new(model(text))
}

/// The files of a directory of the corpus; `None` where there is no corpus, which is a failure in CI.
pub(crate) fn corpus(directories: &[&str]) -> Option<World> {
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
        Source::new(&name, stream.source, stream.documents)
    });
    Some(World::new(files.collect()))
}
