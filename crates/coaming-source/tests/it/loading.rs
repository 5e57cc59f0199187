//! Directories of many shapes, and how files that are not manifests are handled.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
            (
                "a/d.jsonl",
                "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}\n",
            ),
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
    assert_eq!(names, [".github/workflows/ci.yaml", "a/c.json", "a/d.jsonl", "b.yaml"]);
    assert_eq!(loaded.errors, []);
    let kinds: Vec<SourceKind> = sources(&loaded).map(|file| file.kind).collect();
    let expected = [
        SourceKind::Environment,
        SourceKind::Manifest,
        SourceKind::Environment,
        SourceKind::Dockerfile,
        SourceKind::Manifest,
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
            ("large.yaml", &"# apiVersion, kind\n".repeat(100)),
            ("binary.yaml", "apiVersion: a\0b\nkind: x\n"),
            ("other/large.yaml", &"# x\n".repeat(100)),
            ("other/binary.yaml", "a\0b"),
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
    // What could not be rendered is read as it is written, patches as well.
    assert_eq!(names, ["base/pod.yaml", "list/only.yaml", "prod/patch.yaml"]);
    assert_eq!(loaded.errors.len(), 2, "{:?}", loaded.errors);
    assert_eq!(loaded.errors[0].file, "prod/kustomization.yaml");
    assert!(loaded.errors[1].message.contains("would be fetched from the network"));
    let (loaded, names) = load_from(&files, &["base"], &options);
    assert_eq!(names, ["base/pod.yaml"]);
    assert_eq!(loaded.errors, []);
}

#[test]
fn an_overlay_is_built_without_what_its_base_lacks() {
    let files = [
        ("base/kustomization.yaml", "resources: [pod.yaml, gone.yaml]\n"),
        ("base/pod.yaml", POD),
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
    ];
    let (loaded, names) = load_from(&files, &[""], &Options::default());
    let messages: Vec<String> = loaded.errors.iter().map(|error| error.message.clone()).collect();
    assert_eq!(messages, ["names `gone.yaml`, which does not exist"]);
    assert_eq!(loaded.errors[0].position, Some((1, 23)));
    assert!(names.iter().any(|name| name.ends_with("base/pod.yaml")), "{names:?}");
    let built = loaded.variants.iter().find(|variant| variant.name.is_some()).unwrap();
    assert!(built.world().objects().any(|object| object.name().starts_with("prod-")));
}

#[test]
fn what_no_kustomization_lists_may_be_a_patch() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {template: {spec: {hostPID: true, containers: [{name: a}]}}}\n";
    let files = [
        ("app/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("app/pod.yaml", POD),
        ("app/patches/a.yaml", patch),
        ("other/a.yaml", patch),
    ];
    let (loaded, _) = load_from(&files, &[""], &Options::default());
    let world = loaded.variants[0].world();
    let names = |name: &str| {
        let sources = world.sources().filter(move |(_, source)| source.name.ends_with(name));
        let workloads = world.workloads().filter(|it| it.object.kind() == "Deployment");
        let workloads: Vec<_> = workloads.map(|it| it.object.source()).collect();
        sources.filter(|(id, _)| workloads.contains(id)).count()
    };
    assert_eq!((names("app/patches/a.yaml"), names("other/a.yaml")), (0, 1));
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

const PRIVILEGED: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}\n";

/// The errors of loading a directory of these files, as `FILE: MESSAGE`.
fn errors_of(files: &[(&str, &str)]) -> Vec<String> {
    let (loaded, _) = load_from(files, &[""], &Options::default());
    loaded.errors.iter().map(|error| format!("{}: {}", error.file, error.message)).collect()
}

#[test]
fn a_chart_that_cannot_be_rendered_names_what_installs_it() {
    let errors = errors_of(&[
        ("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("web/templates/a.yaml", "{{ if .Values.host }}{{ fail \"no host\" }}{{ end }}\n"),
        (
            "helmfile.yaml",
            "releases:\n- {name: shop, chart: ./web}\n- {name: blog, chart: ./web, values: [{host: a}]}\n",
        ),
    ]);
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("cannot be rendered for release blog of "), "{errors:?}");
    assert!(errors[0].ends_with("helmfile.yaml: no host"), "{errors:?}");
}

#[test]
fn a_path_with_nothing_to_scan_is_an_error() {
    let files = [("empty/README.md", "text"), ("full/pod.yaml", POD), ("other/a.yaml", "a: 1\n")];
    for name in ["empty", "other", "other/a.yaml"] {
        let (loaded, _) = load_from(&files, &[name, "full"], &Options::default());
        assert_eq!(loaded.errors.len(), 1, "{:?}", loaded.errors);
        assert_eq!(loaded.errors[0].file, name);
    }
    let options = Options { allow_empty: true, ..Options::default() };
    let (loaded, _) = load_from(&files, &["empty", "full"], &options);
    assert_eq!(loaded.errors, []);
    let (loaded, _) = load_from(&files, &["full", ""], &Options::default());
    assert_eq!(loaded.errors, []);
}

#[test]
fn a_file_of_another_program_never_fails_the_scan() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("map.yaml", POD), (".gitlab-ci.yml", "stages: [a]\n")]);
    fs::write(directory.path().join("latin.yaml"), b"name: \"caf\xe9\"\n").unwrap();
    fs::write(directory.path().join("broken.json"), "{\"a\": ").unwrap();
    let loaded = load(&[directory.path().to_owned()], &Options::default());
    assert_eq!(loaded.errors, []);
}

#[test]
fn what_looks_like_an_object_and_is_none_is_an_error() {
    let errors = errors_of(&[
        ("a.yaml", "apiVersion: v1\nKind: Pod\nmetadata: {name: p}\n"),
        ("b.yaml", "apiVersion: v1\nmetadata: {name: p}\n"),
        ("c.json", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":"),
        ("d.yaml", POD),
    ]);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].starts_with("a.yaml: is not read: `Kind`"), "{errors:?}");
    assert!(errors[1].starts_with("b.yaml: is not read: object `p` has no `kind`"), "{errors:?}");
    assert!(errors[2].starts_with("c.json: not valid JSON"), "{errors:?}");
}

/// How many workloads are in a text, and how many objects.
fn counts(name: &str, text: &str) -> (usize, usize) {
    let (loaded, _) = load_from(&[(name, text)], &[name], &Options::default());
    assert_eq!(loaded.errors, [], "{text}");
    let world = loaded.variants[0].world();
    (world.workloads().count(), world.objects().count())
}

#[test]
fn lists_of_every_form_hold_objects() {
    let pod = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"image\":\"x\"}]}}";
    let bare = "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[{\"image\":\"x\"}]}}";
    let list = |kind: &str, items: &str| {
        format!("{{\"apiVersion\":\"v1\",\"kind\":\"{kind}\",\"items\":[{items}]}}")
    };
    for text in [
        format!("[{pod},{pod}]"),
        format!("{pod}\n{pod}\n"),
        list("List", &format!("{pod},{pod}")),
        list("PodList", &format!("{bare},{bare}")),
        list("List", &format!("{},{pod}", list("PodList", bare))),
    ] {
        assert_eq!(counts("a.json", &text), (2, 2), "{text}");
    }
    let template = "apiVersion: template.openshift.io/v1\nkind: Template\nobjects:\n- apiVersion: apps.openshift.io/v1\n  kind: DeploymentConfig\n  spec: {template: {spec: {containers: [{image: ' '}]}}}\n- {apiVersion: v1, kind: Service}\n";
    assert_eq!(counts("a.yaml", template), (1, 2));
}

#[test]
fn items_of_lists_that_are_not_objects_are_said() {
    let list =
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n";
    let nested = "- apiVersion: v1\n  kind: List\n  items: [{apiVersion: v1, kind: Pod}, {kind: Pod, metadata: {name: b}}]\n";
    let errors = errors_of(&[(
        "list.yaml",
        &format!("{list}- {{kind: Pod, metadata: {{name: b}}}}\n- null\n- text\n{nested}"),
    )]);
    assert_eq!(
        errors,
        [
            "list.yaml: is not read: object `b` has no `apiVersion`",
            "list.yaml: is not read: an item of the list is not an object",
            "list.yaml: is not read: an item of the list is not an object",
            "list.yaml: is not read: object `b` has no `apiVersion`",
        ]
    );
    let typed = list.replace("List", "PodList");
    assert!(
        errors_of(&[("list.yaml", &format!("{typed}- {{metadata: {{name: b}}}}\n"))]).is_empty()
    );
    // An array of JSON may hold other things.
    let array = r#"[{"apiVersion": "v1", "kind": "Pod"}, {"kind": "Pod", "metadata": {"name": "b"}}, {"a": 1}]"#;
    assert_eq!(
        errors_of(&[("a.json", array)]),
        ["a.json: is not read: object `b` has no `apiVersion`"]
    );
}

#[test]
fn a_custom_resource_with_the_name_of_a_list_is_one_object() {
    let text = "apiVersion: example.com/v1\nkind: AllowList\nitems: [{cidr: 10.0.0.0/8}]\n";
    assert_eq!(counts("a.yaml", text), (0, 1));
}

#[test]
fn hidden_directories_are_read_unless_git_ignores_them() {
    let files = [
        (".k8s/web.yaml", POD),
        (".git/x.yaml", POD),
        (".cache/y.yaml", POD),
        (".gitignore", ".cache/\n"),
    ];
    let (_, names) = load_from(&files, &[""], &Options::default());
    assert_eq!(names, [".k8s/web.yaml"]);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_file_that_is_read_is_not_a_second_file() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("pod.yaml", POD)]);
    std::os::unix::fs::symlink("pod.yaml", directory.path().join("link.yaml")).unwrap();
    let loaded = load(&[directory.path().to_owned()], &Options::default());
    let names: Vec<&str> = sources(&loaded).map(|file| file.name.as_str()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].ends_with("/pod.yaml"), "{names:?}");
}

#[test]
fn kustomizations_that_cannot_be_built_are_errors_and_their_files_are_read() {
    let fetched = "namePrefix: a-\nresources: [web.yaml, 'https://example.com/base?ref=v1']\n";
    for (kustomization, expected) in [
        ("resources: [web.yaml, gone.yaml]\n", "names `gone.yaml`, which does not exist"),
        (fetched, "is built on `https://example.com/base?ref=v1`"),
        (
            "namePrefix: a-\nresources: [web.yaml, 'deploy@git.example.com:org/repo.git']\n",
            "is built on `deploy@git.example.com:org/repo.git`",
        ),
        (
            "namePrefix: a-\nresources: [web.yaml]\nconfigMapGenerator: [{name: x, files: ['k=http://a/b']}]\n",
            "is built on `http://a/b`",
        ),
        ("resources: [web.yaml]\nhelmCharts: [{name: web}]\n", "the chart `web` is not in"),
        (
            "resources: [web.yaml]\nhelmCharts: [{name: web, repo: 'https://a/b'}]\n",
            "is built on `https://a/b`",
        ),
        ("resources: [web.yaml]\ntransformers: [web.yaml]\n", "no program is run"),
    ] {
        let files = [("kustomization.yaml", kustomization), ("web.yaml", PRIVILEGED)];
        let (loaded, names) = load_from(&files, &[""], &Options::default());
        assert_eq!(names, ["web.yaml"], "{kustomization}");
        let messages: Vec<&str> = loaded.errors.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].contains(expected), "{messages:?}");
    }
}

#[test]
fn a_base_outside_of_the_input_is_not_fetched_either() {
    let files = [
        ("base/kustomization.yaml", "resources: ['https://example.com/x?ref=v1']\n"),
        ("prod/kustomization.yaml", "namePrefix: a-\nresources: [../base]\n"),
    ];
    let (loaded, _) = load_from(&files, &["prod"], &Options::default());
    assert_eq!(loaded.errors.len(), 1, "{:?}", loaded.errors);
    assert!(loaded.errors[0].message.contains("would be fetched"), "{:?}", loaded.errors);
}

#[test]
fn a_component_that_nothing_uses_is_read() {
    let component = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [web.yaml]\nlabels: [{pairs: {a: b}}]\n";
    let files = [("kustomization.yaml", component), ("web.yaml", PRIVILEGED)];
    let (loaded, names) = load_from(&files, &[""], &Options::default());
    assert_eq!(names, ["web.yaml"]);
    assert_eq!(loaded.errors, []);
}

#[test]
fn a_kustomization_of_flux_is_an_object() {
    let text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: {path: ./a}\n";
    let (loaded, names) = load_from(&[("kustomization.yaml", text)], &[""], &Options::default());
    assert_eq!(names, ["kustomization.yaml"]);
    assert_eq!(loaded.errors, []);
}

#[test]
fn files_beside_a_chart_are_read() {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
        ("templates/pod.yaml", POD),
        ("deploy/web.yaml", PRIVILEGED),
        ("tools/other/Chart.yaml", "apiVersion: v2\nname: o\nversion: 1.0.0\n"),
        ("tools/other/templates/pod.yaml", POD),
    ];
    let options = Options { render: false, ..Options::default() };
    let (loaded, names) = load_from(&files, &[""], &options);
    assert_eq!(names, ["deploy/web.yaml"]);
    assert_eq!(loaded.errors.len(), 2, "{:?}", loaded.errors);
}

#[test]
fn excluded_paths_are_relative_to_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("vendor/a.yaml", POD), ("b.yaml", POD)]);
    let mut globs = globset::GlobSetBuilder::new();
    globs.add(globset::Glob::new("vendor").unwrap());
    let exclude = Exclude {
        globs: globs.build().unwrap(),
        base: coaming_config::PatternBase::new(directory.path(), Path::new("/elsewhere")),
    };
    let options = Options { exclude, ..Options::default() };
    let loaded = load(&[directory.path().to_owned()], &options);
    let names: Vec<&str> = sources(&loaded).map(|file| file.name.as_str()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].ends_with("/b.yaml"), "{names:?}");
}

#[test]
fn overlays_are_built_with_places_in_their_files() {
    let patch = "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  hostPID: true\n";
    let files = [
        ("base/kustomization.yaml", "resources: [pod.yaml]\n"),
        (
            "base/pod.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: pod}\nspec:\n  hostIPC: true\n",
        ),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\nnamePrefix: prod-\npatches: [{path: patch.yaml}]\n",
        ),
        ("prod/patch.yaml", patch),
        ("dev/kustomization.yaml", "resources: [../base]\nnamePrefix: dev-\n"),
    ];
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &files);
    let loaded = load(&[directory.path().to_owned()], &Options::default());
    assert_eq!(loaded.errors, []);
    // The base is part of both, and of nothing else.
    let overlays: Vec<_> =
        loaded.variants.iter().filter(|variant| variant.name.is_some()).collect();
    assert_eq!(overlays.len(), 2);
    let plain = loaded.variants.iter().filter(|variant| variant.name.is_none());
    assert!(
        plain.flat_map(|variant| &variant.sources).all(|(_, source)| source.object_count() == 0)
    );
    let prod = overlays.iter().find(|one| one.name.as_deref().unwrap().ends_with("prod")).unwrap();
    let world = prod.world();
    let (_, rendered) = prod.sources.iter().find(|(_, source)| source.rendering.is_some()).unwrap();
    assert!(rendered.name.ends_with("base/pod.yaml"), "{}", rendered.name);
    let map = rendered.rendering.as_ref().unwrap();
    for (field, file, line) in [("hostPID", "prod/patch.yaml", 5), ("hostIPC", "base/pod.yaml", 5)]
    {
        let offset = u32::try_from(rendered.text.find(field).unwrap()).unwrap();
        let (id, place) = map.template(offset).unwrap();
        let source = world.source(id).unwrap();
        assert!(source.name.ends_with(file), "{}", source.name);
        let before = source.text.get(..place as usize).unwrap();
        assert_eq!(before.matches('\n').count() + 1, line, "{field}");
    }
}

#[test]
fn what_is_local_is_built_without_what_is_remote() {
    let files = [
        (
            "kustomization.yaml",
            "namePrefix: a-\nresources: [web.yaml, 'https://example.com/b?ref=v1']\n",
        ),
        ("web.yaml", PRIVILEGED),
    ];
    let (loaded, _) = load_from(&files, &[""], &Options::default());
    assert_eq!(loaded.errors.len(), 1, "{:?}", loaded.errors);
    assert_eq!(loaded.errors[0].position, Some((2, 23)));
    assert!(loaded.errors[0].message.contains("built without it"), "{:?}", loaded.errors);
    let built = loaded.variants.iter().find(|variant| variant.name.is_some()).unwrap();
    assert!(built.sources.iter().any(|(_, source)| source.text.contains("name: a-")));
}

#[test]
fn the_way_that_leads_to_a_directory_makes_no_difference() {
    let files: &[(&str, &str)] = &[
        ("apps/base/kustomization.yaml", "resources: [pod.yaml]\n"),
        ("apps/base/pod.yaml", POD),
        ("apps/prod/kustomization.yaml", "resources: [../base]\npatches: [{path: patch.yaml}]\n"),
        ("apps/prod/patch.yaml", POD),
        ("apps/helmfile.yaml", "releases: [{name: web, chart: ./charts/web}]\n"),
        ("apps/charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("apps/charts/web/templates/pod.yaml", POD),
    ];
    let seen = |name: &str| {
        let (loaded, mut names) = load_from(files, &[name], &Options::default());
        names.dedup();
        let variants = loaded.variants.iter().filter_map(|variant| variant.name.clone());
        // Each name has the temporary directory in it once or twice.
        let below = |word: &str| word.rsplit("/apps/").next().unwrap_or_default().to_owned();
        let words = |name: Arc<str>| name.split(' ').map(below).collect::<Vec<_>>().join(" ");
        (names, variants.map(words).collect::<Vec<_>>())
    };
    let straight = seen("apps");
    assert_eq!(straight.0, ["apps/charts/web/templates/pod.yaml", "apps/base/pod.yaml"]);
    assert_eq!(straight.1, ["charts/web (release web of helmfile.yaml)", "prod"]);
    for way in ["apps/prod/../../apps", "apps/../apps", "apps/./../apps/"] {
        assert_eq!(seen(way), straight, "{way}");
    }
}

#[test]
fn helmfiles_have_bases_and_name_others() {
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let pod =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: '{{ .Release.Name }}-{{ .Values.color }}'}\n";
    let files: &[(&str, &str)] = &[
        ("r/charts/web/Chart.yaml", chart),
        ("r/charts/web/templates/pod.yaml", pod),
        (
            "r/helmfile.yaml",
            "bases: [bases/env.yaml]\n---\nreleases:\n- name: top\n  chart: ./charts/web\n  inherit: \
             [{template: common}]\nhelmfiles:\n- path: apps/*.yaml\n  values: [{color: {{ \
             .Values.color }}-nested}]\n- apps/none.yaml\n- helmfile.yaml\n",
        ),
        (
            "r/bases/env.yaml",
            "environments:\n  dev: {values: [{color: red}]}\n  prod: {values: [{color: blue}]}\n---\n\
             templates:\n  common: {values: [{color: '{{ .Values.color }}'}]}\n",
        ),
        (
            "r/apps/api.yaml",
            "releases: [{name: api, chart: ../charts/web, values: [{color: {{ .Values.color }}}]}]\n",
        ),
    ];
    let (loaded, _) = load_from(files, &["r"], &Options::default());
    let texts = loaded.variants.iter().flat_map(|variant| &variant.sources);
    let mut names: Vec<&str> = texts
        .filter_map(|(_, source)| source.text.split_once("{name: '")?.1.split_once('\''))
        .map(|(name, _)| name)
        .filter(|name| !name.contains('{'))
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(loaded.notes.len(), 1, "{:?} {:?}", loaded.notes, loaded.errors);
    assert_eq!(names, ["api-blue-nested", "api-red-nested", "top-blue", "top-red"]);
    let notes: Vec<&str> = loaded.notes.iter().map(|note| note.message.as_str()).collect();
    assert!(notes.iter().any(|note| note.contains("`apps/none.yaml`")), "{notes:?}");
}
