//! Directories of many shapes, and how files that are not manifests are handled.

use std::fs;
use std::path::{Path, PathBuf};

use coaming_kube::{Source, SourceKind};

use coaming_source::*;

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n";

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Loads `names` below a directory of these files; returns the names of manifests relative to it.
fn load_from(files: &[(&str, &str)], names: &[&str], options: &Options) -> (Loaded, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    let paths: Vec<PathBuf> = names.iter().map(|name| directory.path().join(name)).collect();
    let mut loaded = load(&paths, options);
    let prefix = format!("{}/", directory.path().display());
    for error in &mut loaded.errors {
        error.file = error.file.replace(&prefix, "");
    }
    let names = sources(&loaded)
        .filter(|file| file.kind == SourceKind::Manifest)
        .map(|file| file.name.replace(&prefix, ""))
        .collect();
    (loaded, names)
}

fn sources(loaded: &Loaded) -> impl Iterator<Item = &Source> {
    loaded.variants.iter().flat_map(|variant| &variant.sources).map(|(_, source)| &**source)
}

#[test]
fn reads_manifests_and_skips_other_files() {
    let (loaded, names) = load_from(
        &[
            ("b.yaml", POD),
            ("a/c.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}"),
            (".github/workflows/ci.yaml", POD),
            ("docker-compose.yml", "services: {web: {image: x}}\n"),
            ("ignored/x.yaml", POD),
            (".gitignore", "ignored/\n"),
            ("template.yaml", "{{ if .x }}\nfoo: [\n{{ end }}\n"),
            ("README.md", "text"),
            ("Dockerfile", "FROM scratch\n"),
            (".env", "A=b\n"),
            (".hidden/.env", "A=b\n"),
        ],
        &[""],
        &Options::default(),
    );
    assert_eq!(names, ["a/c.json", "b.yaml"]);
    assert_eq!(loaded.errors, []);
    let kinds: Vec<SourceKind> = sources(&loaded).map(|file| file.kind).collect();
    let expected = [
        SourceKind::Environment,
        SourceKind::Dockerfile,
        SourceKind::Manifest,
        SourceKind::Manifest,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn reports_each_input_that_cannot_be_read() {
    let options = Options { max_file_bytes: 100, ..Options::default() };
    let (loaded, names) = load_from(
        &[
            ("good.yaml", POD),
            ("Dockerfile", "FROM a\nNONSENSE\n"),
            ("Dockerfile.j2", "FROM a\n{{ nonsense }}\n"),
            ("Dockerfile.part", "RUN b\n"),
            ("broken.yaml", "apiVersion: v1\nkind: Pod\nmetadata: [\n"),
            ("large.yaml", &"# x\n".repeat(100)),
            ("binary.yaml", "a\0b"),
        ],
        &["", "missing.yaml", "none/*.yaml"],
        &options,
    );
    assert_eq!(names, ["good.yaml"]);
    let messages: Vec<String> =
        loaded.errors.iter().map(|error| format!("{}: {}", error.file, error.message)).collect();
    assert_eq!(messages.len(), 6, "{messages:#?}");
    assert!(messages[0].starts_with("Dockerfile: not a valid Dockerfile"), "{messages:#?}");
    assert!(messages[1].starts_with("binary.yaml: is not text"), "{messages:#?}");
    assert!(messages[2].starts_with("broken.yaml: not valid YAML"), "{messages:#?}");
    assert!(messages[3].starts_with("large.yaml: is larger than"), "{messages:#?}");
    assert!(messages[4].starts_with("missing.yaml: no such file"), "{messages:#?}");
    assert!(messages[5].starts_with("none/*.yaml: matches no file"), "{messages:#?}");
    assert_eq!(loaded.errors[2].position.map(|(line, _)| line), Some(3));
}

#[test]
fn never_parses_a_chart_raw() {
    let chart = [
        ("chart/Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("chart/values.yaml", "image: x\n"),
        ("chart/templates/pod.yaml", POD),
        ("chart/charts/sub/Chart.yaml", "apiVersion: v2\nname: s\nversion: 1.0.0\n"),
        ("chart/charts/sub/templates/pod.yaml", POD),
        ("pod.yaml", POD),
    ];
    let options = Options { render: false, ..Options::default() };
    let (loaded, names) = load_from(&chart, &[""], &options);
    assert_eq!(names, ["pod.yaml"]);
    assert_eq!(loaded.errors.len(), 1);
    assert!(loaded.errors[0].message.contains("--no-render"), "{:?}", loaded.errors);
    let (loaded, names) = load_from(&chart, &["chart/templates/pod.yaml"], &options);
    assert!(names.is_empty());
    assert!(loaded.errors[0].message.contains("template of a Helm chart"), "{:?}", loaded.errors);
}

#[test]
fn reads_plain_lists_and_renders_overlays_with_changes() {
    let files = [
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("base/pod.yaml", POD),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches: [{path: patch.yaml}]\n",
        ),
        ("prod/patch.yaml", POD),
        ("remote/kustomization.yaml", "resources: [https://example.com/x.yaml]\n"),
        ("list/kustomization.yaml", "resources: [only.yaml]\n"),
        ("list/only.yaml", POD),
    ];
    let options = Options { render: false, ..Options::default() };
    let (loaded, names) = load_from(&files, &[""], &options);
    assert_eq!(names, ["list/only.yaml"]);
    assert_eq!(loaded.errors.len(), 2, "{:?}", loaded.errors);
    assert_eq!(loaded.errors[0].file, "prod/kustomization.yaml");
    assert!(loaded.errors[1].message.contains("would be fetched from the network"));
    let (loaded, names) = load_from(&files, &["base"], &options);
    assert_eq!(names, ["base/pod.yaml"]);
    assert_eq!(loaded.errors, []);
}

#[test]
fn globs_that_the_shell_did_not_expand() {
    let (_, names) = load_from(
        &[("a/x.yaml", POD), ("a/y.yml", POD), ("b/x.yaml", POD)],
        &["*/x.yaml"],
        &Options::default(),
    );
    assert_eq!(names, ["a/x.yaml", "b/x.yaml"]);
}
