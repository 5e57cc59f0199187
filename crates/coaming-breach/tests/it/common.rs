//! Worlds of texts, and questions about them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use coaming_breach::{Answer, CutOptions, EntryAnswer, From, Query, Scene, To, Way, answer};
use coaming_finding::Finding;
use coaming_kube::{Source, World};
use coaming_rules::{Images, Knowledge};
use coaming_scan::Engine;

/// The world of texts with names.
pub(crate) fn world(texts: &[(&str, &str)]) -> World {
    let source = |(name, text): &(&str, &str)| {
        let stream = coaming_yaml::parse(Arc::from(*text));
        let documents =
            stream.documents.into_iter().filter(coaming_kube::looks_like_kubernetes).collect();
        Source::new(name, stream.source, documents)
    };
    World::new(texts.iter().map(source).collect())
}

/// The findings of a world by default.
pub(crate) fn findings(world: &World, images: &Images) -> Vec<Finding> {
    let engine = Engine::new(coaming_config::Config::default(), None).unwrap();
    engine.scan(world, images, None).findings
}

/// A question by its texts; empty ones are left out.
pub(crate) fn query(from: &str, to: &str) -> Query {
    Query {
        from: (!from.is_empty()).then(|| From::parse(from).unwrap()),
        to: (!to.is_empty()).then(|| To::parse(to).unwrap()),
        ..Query::default()
    }
}

/// The registries of examples that are not foreign.
fn allowed_registries() -> Vec<String> {
    ["registry.example.com", "registry.shop.svc:5000", "docker.io"].map(str::to_owned).to_vec()
}

/// The answer without cuts.
pub(crate) fn ask(world: &World, query: &Query) -> Answer {
    let images = Images::default();
    let allowed = allowed_registries();
    let scene = Scene::new(world, &images, 37, &Knowledge::default()).allowing_registries(&allowed);
    answer(&scene, query, &[], &CutOptions::default()).unwrap()
}

/// The answer with cuts.
pub(crate) fn ask_with_cuts(world: &World, query: &Query) -> (Answer, Vec<Finding>) {
    let images = Images::default();
    let findings = findings(world, &images);
    let scene = Scene::new(world, &images, 37, &Knowledge::default());
    let options = CutOptions { enabled: true, ..CutOptions::default() };
    (answer(&scene, query, &findings, &options).unwrap(), findings)
}

/// The first way of the first entry.
pub(crate) fn first_way(answer: &Answer) -> Way {
    answer.entries[0].ways().next().unwrap()
}

/// The steps of the cheapest way, by their names; none if there is no way.
pub(crate) fn steps(world: &World, from: &str, to: &str) -> Option<Vec<&'static str>> {
    let answer = ask(world, &query(from, to));
    let ways = answer.entries.iter().flat_map(EntryAnswer::ways);
    let best = ways.min_by_key(|way| way.cost)?;
    Some(best.steps.iter().map(|step| step.step.id).collect())
}

/// A directory of the corpus.
pub(crate) fn corpus(name: &str) -> Option<PathBuf> {
    let Some(root) = std::env::var_os("COAMING_CORPUS") else {
        coaming_test::skip!("COAMING_CORPUS is not set");
        return None;
    };
    Some(Path::new(&root).join(name))
}

/// The world of the YAML files below directories.
pub(crate) fn world_of(directories: &[PathBuf]) -> World {
    let mut files = Vec::new();
    for directory in directories {
        collect(directory, &mut files);
    }
    files.sort();
    let texts: Vec<(String, String)> = files
        .into_iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((path.display().to_string(), text))
        })
        // Templates are not YAML.
        .filter(|(_, text)| !text.contains("{{"))
        .collect();
    let texts: Vec<(&str, &str)> =
        texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    world(&texts)
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_path_buf());
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_yaml = path.extension().is_some_and(|it| it == "yaml" || it == "yml");
        if path.is_dir() || is_yaml {
            collect(&path, files);
        }
    }
}

/// The answer with what is known of some images: repositories, and the facts of any tag of them.
pub(crate) fn ask_with_images(
    world: &World,
    query: &Query,
    known: &[(&str, Arc<coaming_image::ImageFacts>)],
) -> Answer {
    let mut images = Images::default();
    let named = world.workloads().flat_map(|workload| workload.pod().containers());
    for image in named.filter_map(|container| container.image()) {
        for (_, facts) in known.iter().filter(|(name, _)| image.starts_with(name)) {
            images.insert(&coaming_oci::Reference::parse(image).unwrap(), Arc::clone(facts));
        }
    }
    let scene = Scene::new(world, &images, 37, &Knowledge::default());
    answer(&scene, query, &[], &CutOptions::default()).unwrap()
}
