//! The laws of the source map.

use std::path::Path;

use coaming_kustomize::{BuildError, Built, Options};

use crate::disk::Disk;
use crate::oracle::unpack;

fn built(text: &str) -> (tempfile::TempDir, Built) {
    built_with(text, &Options::default())
}

fn built_with(text: &str, options: &Options) -> (tempfile::TempDir, Built) {
    let directory = tempfile::tempdir().unwrap();
    unpack(text, directory.path());
    let built = build(directory.path(), options).unwrap();
    (directory, built)
}

fn build(directory: &Path, options: &Options) -> Result<Built, BuildError> {
    let overlay = directory.join("overlay");
    let root = if overlay.is_dir() { overlay } else { directory.to_path_buf() };
    coaming_kustomize::build(&Disk, &root.to_string_lossy(), options)
}

/// The file and line that made the first occurrence of a text, and what is written there.
fn origin(built: &Built, text: &str) -> (String, usize, String) {
    let (document, at) = built
        .documents
        .iter()
        .find_map(|document| Some((document, document.text.find(text)?)))
        .unwrap();
    let location = document.map.at(at).template.unwrap();
    let file = &built.files[location.file];
    let before = &file.text[..location.offset as usize];
    let rest = &file.text[location.offset as usize..];
    let name = file.name.rsplit('/').next().unwrap().to_owned();
    let line = rest.lines().next().unwrap_or_default().to_owned();
    (name, before.matches('\n').count() + 1, line)
}

const OVERLAY: &str = "\
== overlay/kustomization.yaml
resources: [../base]
namePrefix: p-
patches:
- path: patch.yaml
- target: {kind: Deployment}
  patch: |-
    - op: add
      path: /spec/template/spec/hostPID
      value: true
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web}
    spec:
      template:
        spec:
          hostIPC: true
images:
- name: nginx
  newTag: latest
commonLabels:
  team: blue
secretGenerator:
- name: s
  literals:
  - password=hunter2
  envs: [vars.env]
configMapGenerator:
- name: c
  literals: [key=value-of-it]
  files: [data.txt]
== overlay/vars.env
# comment
TOKEN=abc
== overlay/data.txt
first line
second line
== overlay/patch.yaml
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: web
        securityContext:
          privileged: true
== base/kustomization.yaml
resources: [web.yaml]
== base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext:
          runAsUser: 0
";

#[test]
fn every_field_points_to_what_made_it() {
    let (_directory, built) = built(OVERLAY);
    let place = |text: &str| {
        let (file, line, _) = origin(&built, text);
        (file, line)
    };
    let at = |file: &str, line| (file.to_owned(), line);
    assert_eq!(place("privileged"), at("patch.yaml", 10));
    assert_eq!(place("true\n          runAs"), at("patch.yaml", 10));
    assert_eq!(place("runAsUser"), at("web.yaml", 12));
    assert_eq!(place("securityContext"), at("web.yaml", 11));
    assert_eq!(place("hostIPC"), at("kustomization.yaml", 17));
    assert_eq!(place("true\n      hostPID").1, 17);
    assert_eq!(place("hostPID: true").1, 9);
    assert_eq!(place("nginx:latest"), at("kustomization.yaml", 20));
    assert_eq!(place("team: blue"), at("kustomization.yaml", 22));
    assert_eq!(place("p-web"), at("web.yaml", 4));
    assert_eq!(place("value-of-it"), at("kustomization.yaml", 30));
    assert_eq!(origin(&built, "value-of-it").2, "value-of-it]");
    assert_eq!(place("second line"), at("data.txt", 2));
    assert_eq!(origin(&built, "aHVudGVyMg==").2, "hunter2");
    assert_eq!(origin(&built, "YWJj").2, "abc");
}

/// Changing the bytes at the origin of a scalar changes that scalar.
#[test]
fn the_origin_of_a_scalar_is_what_it_is_made_from() {
    let directory = tempfile::tempdir().unwrap();
    unpack(OVERLAY, directory.path());
    let before = build(directory.path(), &Options::default()).unwrap();
    let mut changed = 0;
    for document in &before.documents {
        for (start, source) in document.map.segments() {
            let Some(location) = source.template.filter(|location| location.verbatim) else {
                continue;
            };
            let file = &before.files[location.file];
            let (head, tail) = file.text.split_at(location.offset as usize);
            let word: String = tail.chars().take_while(char::is_ascii_alphabetic).collect();
            let rendered = &document.text[start as usize..];
            if word.len() < 3 || !rendered.starts_with(&word) || word == "true" {
                continue;
            }
            let path = Path::new(&file.name);
            std::fs::write(path, format!("{head}Zq{tail}")).unwrap();
            let after = build(directory.path(), &Options::default());
            std::fs::write(path, &*file.text).unwrap();
            if let Ok(after) = after {
                assert!(after.text().contains(&format!("Zq{word}")), "{} {word}", file.name);
                changed += 1;
            }
        }
    }
    assert!(changed > 8, "{changed}");
}

#[test]
fn remote_addresses_are_named_wherever_they_are() {
    for (field, file) in [
        ("resources: [github.com/org/repo]", 11),
        ("bases: ['https://example.com/a.yaml']", 8),
        ("components: ['git::https://example.com/a']", 13),
        ("patches: [{path: 'https://example.com/p.yaml'}]", 17),
        ("patchesStrategicMerge: ['https://example.com/p.yaml']", 24),
        ("patchesJson6902: [{target: {name: a}, path: 'https://example.com/p'}]", 44),
        ("configurations: ['https://example.com/c.yaml']", 17),
        ("crds: ['https://example.com/c.yaml']", 7),
        ("transformers: ['https://example.com/c.yaml']", 15),
        ("generators: ['https://example.com/c.yaml']", 13),
        ("validators: ['https://example.com/c.yaml']", 13),
        ("openapi: {path: 'https://example.com/c.yaml'}", 16),
        ("replacements: [{path: 'https://example.com/c.yaml'}]", 22),
        ("configMapGenerator: [{name: a, files: ['https://example.com/c']}]", 39),
        ("secretGenerator: [{name: a, envs: ['k=https://example.com/c']}]", 35),
        ("helmCharts: [{name: a, repo: 'https://example.com/c'}]", 29),
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("kustomization.yaml"), field).unwrap();
        match build(directory.path(), &Options::default()) {
            Err(BuildError::Remote { place, address }) => {
                let place = place.unwrap();
                assert_eq!(place.line, 1, "{field}");
                assert!(place.column as usize >= file, "{field}: {}", place.column);
                assert!(address.contains("example.com") || address.contains("github.com"));
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

/// An overlay built as far as its resources exist.
fn built_without_absent(text: &str) -> (tempfile::TempDir, Built) {
    built_with(text, &Options { skip_absent: true, ..Options::default() })
}

#[test]
fn a_build_goes_on_without_remote_resources() {
    let overlay = "== kustomization.yaml\nresources: [a.yaml, github.com/org/repo]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: remote}\n== a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let (_directory, built) = built_without_absent(overlay);
    assert_eq!(built.documents.len(), 1);
    assert!(matches!(built.problems.as_slice(), [BuildError::Remote { .. }]));
}

#[test]
fn a_build_goes_on_without_resources_that_do_not_exist() {
    let overlay = "== kustomization.yaml\nresources: [base]\ncomponents: [gone]\npatches:\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: a}\n    data: {k: patched}\n- patch: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: gone}\n== base/kustomization.yaml\nresources: [a.yaml, gone.yaml]\n== base/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let (directory, built) = built_without_absent(overlay);
    assert!(built.text().contains("k: patched"), "{}", built.text());
    let messages: Vec<String> = built.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        ["names `gone.yaml`, which does not exist", "names `gone`, which does not exist"]
    );
    assert!(build(directory.path(), &Options::default()).is_err());
}

#[test]
fn the_name_of_a_file_is_no_secret() {
    let overlay = "== kustomization.yaml\nresources: [a.yaml, crds/workflows.yaml, 'https://example.com/workflow/base']\n== a.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: workflow}\n";
    let (_directory, built) = built_without_absent(overlay);
    let messages: Vec<String> = built.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "names `crds/workflows.yaml`, which does not exist",
            "`https://example.com/workflow/base` would be fetched from the network"
        ]
    );
}

#[test]
fn programs_are_refused() {
    for plugin in [
        "apiVersion: example.com/v1\nkind: Exec\nmetadata: {name: a}\n",
        "apiVersion: builtin\nkind: LabelTransformer\nmetadata:\n  name: a\n  annotations:\n    config.kubernetes.io/function: 'container: {image: x}'\n",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let overlay = format!("== kustomization.yaml\ntransformers: [t.yaml]\n== t.yaml\n{plugin}");
        unpack(&overlay, directory.path());
        let result = build(directory.path(), &Options::default());
        assert!(matches!(result, Err(BuildError::Program { .. })), "{result:?}");
    }
}

#[test]
fn charts_beside_a_kustomization_are_rendered() {
    let (_directory, built) = built(
        "== kustomization.yaml\nnamePrefix: p-\nhelmCharts:\n- name: web\n  releaseName: rel\n  valuesInline:\n    image: nginx:2\n== charts/web/Chart.yaml\napiVersion: v2\nname: web\nversion: 1.0.0\n== charts/web/values.yaml\nimage: nginx:1\nport: 80\n== charts/web/templates/pod.yaml\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\nspec:\n  containers:\n  - name: c\n    image: {{ .Values.image }}\n    ports: [{containerPort: {{ .Values.port }}}]\n",
    );
    let text = built.text();
    assert!(text.contains("image: nginx:2") && text.contains("name: p-rel"), "{text}");
    let document = &built.documents[0];
    let source = document.map.at(document.text.find("nginx:2").unwrap());
    let place = |location: Option<coaming_helm::Location>| {
        let location = location.unwrap();
        let file = &built.files[location.file];
        let line = file.text[..location.offset as usize].matches('\n').count() + 1;
        (file.name.rsplit('/').next().unwrap().to_owned(), line)
    };
    assert_eq!(place(source.template), ("pod.yaml".to_owned(), 8));
    assert_eq!(place(source.values), ("kustomization.yaml".to_owned(), 6));
}

#[test]
fn hostile_overlays_end() {
    // Each base is used twice by the next one: 2^30 objects.
    let directory = tempfile::tempdir().unwrap();
    let mut text = "== b0/kustomization.yaml\nresources: [a.yaml]\n== b0/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n".to_owned();
    for level in 1..31 {
        let below = level - 1;
        text.push_str(&format!(
            "== b{level}/kustomization.yaml\nresources: [../l{level}, ../r{level}]\n== l{level}/kustomization.yaml\nresources: [../b{below}]\nnamePrefix: l\n== r{level}/kustomization.yaml\nresources: [../b{below}]\nnamePrefix: r\n"
        ));
    }
    unpack(&text, directory.path());
    let root = directory.path().join("b30");
    let result = coaming_kustomize::build(&Disk, &root.to_string_lossy(), &Options::default());
    assert!(matches!(result, Err(BuildError::Limit(_))), "{result:?}");
}
