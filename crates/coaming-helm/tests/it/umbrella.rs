//! Random umbrella charts against Helm: subcharts in subcharts, under aliases, with conditions, tags,
//! globals, imported values, and nulls wherever a value may be.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::oracle::{expected, helm, ours};

/// How many charts are compared.
const CHARTS: usize = 60;

/// How deep charts are in charts.
const DEPTH: usize = 2;

/// Keys that values of all charts share, and that paths lead through.
const KEYS: [&str; 14] =
    ["a", "b", "global", "exports", "data", "tags", "t1", "en", "s1", "s2", "s3", "al", "be", "c"];

/// A chart with its subcharts.
#[derive(Clone, Debug)]
struct Node {
    version: &'static str,
    /// Whether `requirements.yaml` lists its dependencies.
    is_first_version: bool,
    values: Value,
    dependencies: Vec<Value>,
    subcharts: Vec<(&'static str, Self)>,
}

fn scalar() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(null),
        json!(true),
        json!(false),
        json!(1),
        json!(1.5),
        json!(""),
        json!("x"),
        json!([]),
        json!([1, null]),
        json!([{"k": null}]),
    ])
}

/// Values; what bears the name of a chart is mostly a mapping.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![scalar(), Just(json!({}))];
    let inner = leaf.prop_recursive(4, 40, 4, |value| {
        prop::collection::btree_map(select(&KEYS[..]), value, 0..5).prop_map(|map| json!(map))
    });
    let is_table = |key: &str| key.starts_with(['g', 's', 'a', 'b']);
    prop::collection::btree_map(select(&KEYS[..]), inner, 0..6).prop_map(move |mut map| {
        map.retain(|key, value| value.is_object() || !is_table(key));
        json!(map)
    })
}

/// How a chart lists a subchart.
fn dependency(name: &'static str) -> impl Strategy<Value = Value> {
    let conditions = vec!["", "", "en", "s1.en", "al.en", "global.en", "a.en,en", "a.b.en, en"];
    let path = select(vec!["data", "a", "exports.data", "global", "a.b", "exports", "."]);
    let parent = select(vec![".", "a", "c.x", "al", "global", "a.b"]);
    let import = prop_oneof![
        select(vec!["data", "a", "b"]).prop_map(|name| json!(name)),
        (path, parent).prop_map(|(child, parent)| json!({"child": child, "parent": parent})),
    ];
    (
        select(vec!["", "", "al", "be"]),
        select(conditions),
        subsequence(vec!["t1", "t2"], 0..=2),
        prop::collection::vec(import, 0..3),
        select(vec![">=0-0", "*-0", ">0.0.0-0"]),
    )
        .prop_map(move |(alias, condition, tags, imports, version)| {
            json!({
                "name": name, "alias": alias, "condition": condition, "tags": tags,
                "import-values": imports, "version": version, "repository": "",
            })
        })
}

fn node(depth: usize) -> BoxedStrategy<Node> {
    let own = (select(vec!["0.1.0", "1.2.3-rc1"]), prop::bool::weighted(0.2), values());
    if depth == 0 {
        let leaf = |(version, is_first_version, values)| Node {
            version,
            is_first_version,
            values,
            dependencies: Vec::new(),
            subcharts: Vec::new(),
        };
        return own.prop_map(leaf).boxed();
    }
    let names = subsequence(vec!["s1", "s2", "s3"], usize::from(depth == DEPTH)..=3);
    let subcharts = names.prop_flat_map(move |names| {
        let each =
            |name| (Just(name), node(depth - 1), prop::collection::vec(dependency(name), 1..3));
        names.into_iter().map(each).collect::<Vec<_>>()
    });
    (own, subcharts)
        .prop_map(|((version, is_first_version, values), all)| {
            let mut known = std::collections::BTreeSet::new();
            let (mut subcharts, mut dependencies) = (Vec::new(), Vec::new());
            for (name, node, mut listed) in all {
                // No two have the same name, and all are listed, or Helm's order is random.
                listed.retain(|it| {
                    let alias = it["alias"].as_str().unwrap_or_default();
                    known.insert(if alias.is_empty() { name.to_owned() } else { alias.to_owned() })
                });
                if !listed.is_empty() {
                    dependencies.extend(listed);
                    subcharts.push((name, node));
                }
            }
            Node { version, is_first_version, values, dependencies, subcharts }
        })
        .boxed()
}

const TEMPLATE: &str = "kind: X
values: {{ toJson .Values }}
chart: {{ .Chart.Name }} {{ .Chart.IsRoot }} {{ .Template.Name }} {{ .Template.BasePath }}
dependencies: {{ toJson .Chart.Dependencies }}
who: {{ include \"who\" . }}
inner: {{ range $name, $sub := .Subcharts }}{{ $name }} {{ $sub.Chart.Name }} {{ toJson $sub.Values }}{{ end }}
";

fn write(node: &Node, name: &str, directory: &Path) {
    std::fs::create_dir_all(directory.join("templates")).unwrap();
    let save = |path: &str, text: String| std::fs::write(directory.join(path), text).unwrap();
    let api_version = if node.is_first_version { "v1" } else { "v2" };
    let mut metadata = json!({"apiVersion": api_version, "name": name, "version": node.version});
    if node.is_first_version {
        save("requirements.yaml", json!({"dependencies": node.dependencies}).to_string());
    } else {
        metadata["dependencies"] = json!(node.dependencies);
    }
    save("Chart.yaml", metadata.to_string());
    save("values.yaml", node.values.to_string());
    save("templates/_who.tpl", format!("{{{{ define \"who\" }}}}{name}{{{{ end }}}}"));
    save("templates/x.yaml", TEMPLATE.to_owned());
    for (name, subchart) in &node.subcharts {
        write(subchart, name, &directory.join("charts").join(name));
    }
}

#[test]
fn umbrella_charts_render_to_the_same_bytes() {
    let Some(helm) = helm() else { return };
    let mut runner = TestRunner::deterministic();
    let mut rendered = 0;
    for _ in 0..CHARTS {
        let (root, given) = (node(DEPTH), values()).new_tree(&mut runner).unwrap().current();
        let directory = tempfile::tempdir().unwrap();
        write(&root, "root", directory.path());
        let values = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(values.path(), given.to_string()).unwrap();
        let theirs = expected(&helm, directory.path(), Some(values.path()));
        let own = ours(directory.path(), Some(values.path()));
        assert_eq!(own, theirs, "with {given}: {root:#?}");
        rendered += usize::from(theirs.is_some());
    }
    assert!(rendered > CHARTS / 2, "{rendered}");
}

/// Values of an umbrella chart whose nulls Helm keeps or drops.
#[test]
fn a_null_that_deletes_nothing_stays() {
    let files = [
        ("values.yaml", "limits: {cpu: 1, memory: 2}\nkept: {a: null}\nsub: {x: null}\n"),
        ("templates/a.yaml", "v: {{ toJson .Values }}"),
    ];
    let contents = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let metadata = b"apiVersion: v2\nname: web\nversion: 1.0.0\n".to_vec();
    let contents = contents.into_iter().chain([("Chart.yaml".to_owned(), metadata)]).collect();
    let given = "limits: {cpu: null}\nkept: {a: null, b: null}\nnew: null\n";
    let options = coaming_helm::Options {
        values: vec![coaming_helm::Values::File("mine.yaml".to_owned(), given.into())],
        ..Default::default()
    };
    let rendered = coaming_helm::render(contents, &options).unwrap();
    let expected =
        r#"v: {"kept":{"a":null,"b":null},"limits":{"memory":2},"new":null,"sub":{"x":null}}"#;
    assert_eq!(rendered.manifests[0].text, expected);
}

#[test]
fn documents_of_values_are_joined() {
    let files = [
        (
            "values.yaml",
            "# first\n---\na: 1\nm: {x: 1, z: 2}\n---\n---\nb: 2\nm: {x: null, q: 3}\n",
        ),
        ("templates/a.yaml", "v: {{ toJson .Values }}\nb: {{ .Values.m.q }}"),
    ];
    let rendered = super::chart(&files).unwrap();
    let manifest = &rendered.manifests[0];
    let expected = "v: {\"a\":1,\"b\":2,\"m\":{\"q\":3,\"x\":null,\"z\":2}}\nb: 3";
    assert_eq!(manifest.text, expected);
    let origin = manifest.map.at(manifest.text.len() - 1).values.unwrap();
    let file = &rendered.files[origin.file];
    assert_eq!(
        (file.name.as_str(), file.text.as_bytes()[origin.offset as usize]),
        ("values.yaml", b'3')
    );

    let files = [("values.yaml", "a: 1\n---\nb: [\n"), ("templates/a.yaml", "a: 1")];
    let error = super::chart(&files).unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
}
