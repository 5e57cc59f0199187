//! YAML that kinds keep as text: the values of charts, and whole manifests. It is read as a part of
//! its object, so that it is judged and edited as if it were written without the `|`.
//!
//! Values are in the fields that a table names. Manifests are known by what they are, in a field of
//! any kind: one or several documents of YAML or JSON, or what a script passes to a command
//! (`kubectl apply -f - <<EOF`). Of a template, what does not depend on a condition is read. What
//! cannot be read (a patch, other templates) is counted. Invariant: no text of a Secret and of
//! `metadata` is opened.

mod parameters;

use std::ops::Range;

use coaming_yaml::{Document, Node, NodeId};

use crate::Fields as _;
use crate::custom::has_patterns;
use crate::object::is_object;
use crate::template::unconditional;

/// How deep manifests in texts of manifests in texts are opened.
const MAX_DEPTH: usize = 4;

/// The manifests that an object keeps as text.
#[derive(Default)]
pub(crate) struct Manifests {
    /// Those that were opened.
    pub(crate) opened: Vec<NodeId>,
    /// Those that are templates: what they say without conditions is known, and what they do not say
    /// is not.
    pub(crate) templates: Vec<NodeId>,
    /// How many texts were not.
    pub(crate) unread: u32,
}

/// Opens the texts of an object that hold whole manifests, and those in them.
pub(crate) fn open_manifests(document: &mut Document, object: NodeId) -> Manifests {
    let mut found = Manifests::default();
    let mut outer = vec![object];
    for _ in 0..MAX_DEPTH {
        let first = found.opened.len();
        outer.iter().for_each(|&object| open_texts(document, object, &mut found));
        outer = found.opened.get(first..).unwrap_or_default().to_vec();
    }
    found
}

fn open_texts(document: &mut Document, object: NodeId, found: &mut Manifests) {
    let node = document.node(object);
    let group = node.string("apiVersion").and_then(|it| it.split_once('/')).map_or("", |it| it.0);
    // Their texts are patterns, definitions and samples.
    if has_patterns(group) || matches!(group, "apiextensions.k8s.io" | "console.openshift.io") {
        return;
    }
    let is_secret = node.string("kind") == Some("Secret");
    let parts = node.entries().filter(|entry| entry.name() != "metadata");
    let texts: Vec<NodeId> = parts
        .flat_map(|entry| entry.value.descendants())
        .filter(|node| node.as_str().is_some_and(holds_manifest))
        .map(Node::id)
        .collect();
    for text in texts {
        if is_secret || is_patch(document.node(text)) {
            found.unread += 1;
        } else {
            open_text(document, text, found);
        }
    }
}

fn open_text(document: &mut Document, text: NodeId, found: &mut Manifests) {
    let mut nodes = document.open_documents(text, is_object);
    if nodes.is_empty() {
        let (parts, unread) = document.open_parts(text, passed_manifests, is_object);
        if parts.is_empty() && unread == 0 {
            let templates = document.open_altered(text, unconditional, is_object);
            found.unread += u32::from(templates.is_empty());
            found.templates.extend(templates);
            return;
        }
        (nodes, found.unread) = (parts, found.unread + unread);
    }
    found.opened.extend(nodes.into_iter().filter(|&id| is_object(document.node(id))));
}

/// The manifests that a script passes to its commands: the lines between `<<EOF` and `EOF`.
fn passed_manifests(script: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize)> = None;
    let mut start = 0;
    for line in script.split_inclusive('\n') {
        let end = start + line.len();
        match open {
            Some((delimiter, first)) if line.trim() == delimiter => {
                if script.get(first..start).is_some_and(holds_manifest) {
                    found.push(first..start);
                }
                open = None;
            }
            Some(_) => {}
            None => open = delimiter(line).map(|delimiter| (delimiter, end)),
        }
        start = end;
    }
    found
}

/// The word that ends the lines which a line of a script passes to its command.
fn delimiter(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("<<")?;
    if before.trim_start().starts_with('#') {
        return None;
    }
    let rest = rest.strip_prefix('-').unwrap_or(rest).trim_start_matches(' ');
    let rest = rest.trim_start_matches(['\\', '\'', '"']);
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let word = rest.split(|c: char| !is_word(c)).next()?;
    (!word.is_empty()).then_some(word)
}

/// Whether a text is a patch of Kustomize, which has only the fields that it changes.
fn is_patch(text: Node<'_>) -> bool {
    let is_value = |parent: Node<'_>| parent.get("patch") == Some(text);
    text.parent().is_some_and(is_value)
}

/// Whether a text has the fields of an object at the start of its lines, or in JSON.
fn holds_manifest(text: &str) -> bool {
    ["apiVersion", "kind", "metadata"].into_iter().all(|field| {
        text.match_indices(field).any(|(at, _)| {
            let (before, after) = text.split_at(at);
            let after = after.strip_prefix(field).unwrap_or(after);
            let starts_line = || {
                before.rsplit('\n').next().is_some_and(|line| line.trim_start().is_empty())
                    && after.starts_with(':')
            };
            before.ends_with('"') && after.starts_with('"') || starts_line()
        })
    })
}

/// Opens the texts of an object that hold YAML, where they do, and the parameters that are values.
/// Returns how many of them were not opened.
pub(crate) fn open_values(document: &mut Document, object: NodeId) -> u32 {
    let lists = parameters::lists(document.node(object)).into_iter();
    let mut unread: u32 = lists.map(|list| parameters::hang(document, list)).sum();
    let texts: Vec<NodeId> = values(document.node(object)).into_iter().map(Node::id).collect();
    for text in texts {
        let is_text = document.node(text).as_str().is_some_and(|text| !text.trim().is_empty());
        unread += u32::from(!document.open_embedded(text) && is_text);
    }
    unread
}

/// Opens the patches of pods that workflows of Argo keep as text. Returns how many of them were not
/// opened: those that have parameters in them.
pub(crate) fn open_pod_patches(document: &mut Document, object: NodeId) -> u32 {
    let object = document.node(object);
    if !object.string("apiVersion").is_some_and(|version| version.starts_with("argoproj.io/")) {
        return 0;
    }
    let spec = object.mapping("spec");
    let spec = spec.mapping("workflowSpec").or(spec);
    let holders = spec.into_iter().chain(spec.mapping("templateDefaults"));
    let patches: Vec<NodeId> = holders
        .chain(spec.list("templates"))
        .filter_map(|holder| holder.field("podSpecPatch"))
        .filter(|patch| patch.as_str().is_some_and(|text| !text.trim().is_empty()))
        .map(Node::id)
        .collect();
    let unread = patches.into_iter().filter(|patch| !document.open_embedded(*patch));
    u32::try_from(unread.count()).unwrap_or(u32::MAX)
}

/// The fields of an object that hold values of charts as text.
fn values(object: Node<'_>) -> Vec<Node<'_>> {
    let Some((group, _)) = object.string("apiVersion").and_then(|it| it.split_once('/')) else {
        return Vec::new();
    };
    let spec = object.mapping("spec");
    let kind = object.string("kind").unwrap_or_default();
    match (group, kind) {
        ("argoproj.io", "Application") => of_application(spec),
        ("argoproj.io", "ApplicationSet") => {
            of_application(spec.mapping("template").mapping("spec"))
        }
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => {
            spec.field("valuesContent").into_iter().collect()
        }
        ("helm.k0sproject.io", "Chart") => spec.field("values").into_iter().collect(),
        ("k0s.k0sproject.io", "ClusterConfig") => {
            let charts = spec.mapping("extensions").mapping("helm").list("charts");
            charts.filter_map(|chart| chart.field("values")).collect()
        }
        ("addons.cluster.x-k8s.io", "HelmChartProxy") => {
            spec.field("valuesTemplate").into_iter().collect()
        }
        ("config.projectsveltos.io", "ClusterProfile" | "Profile") => {
            spec.list("helmCharts").filter_map(|chart| chart.field("values")).collect()
        }
        _ => Vec::new(),
    }
}

/// The values of each source of an application of Argo CD.
fn of_application(spec: Option<Node<'_>>) -> Vec<Node<'_>> {
    let sources = spec.mapping("source").into_iter().chain(spec.list("sources"));
    sources.filter_map(|source| source.mapping("helm").field("values")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "apiVersion: v1\n    kind: Pod\n    metadata: {name: inner}\n    spec: {hostPID: true, containers: [{name: a, image: x}]}\n";

    fn manifests(text: &str) -> (Vec<String>, u32) {
        let mut document = coaming_yaml::parse(text.into()).documents.remove(0);
        let root = document.root().id();
        let found = open_manifests(&mut document, root);
        let paths = found.opened.iter().map(|id| document.node(*id).path().to_string());
        (paths.collect(), found.unread)
    }

    #[test]
    fn whole_manifests_are_opened() {
        for (head, path) in [
            ("v1\nkind: ConfigMap\ndata:\n  pod: |\n    ", "data.pod"),
            (
                "fleet.cattle.io/v1alpha1\nkind: Bundle\nspec:\n  resources:\n  - content: |\n      ",
                "spec.resources[0].content",
            ),
            (
                "argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  templates:\n  - resource:\n      manifest: |\n        ",
                "spec.templates[0].resource.manifest",
            ),
        ] {
            let indent = format!("\n{}", " ".repeat(head.len() - head.rfind('\n').unwrap() - 1));
            let text = format!("apiVersion: {head}{}", POD.replace("\n    ", &indent));
            assert_eq!(manifests(&text), (vec![path.to_owned()], 0), "{text}");
        }
    }

    #[test]
    fn manifests_that_are_not_opened_are_counted() {
        for (head, unread) in [
            ("v1\nkind: Secret\nstringData:\n  pod: |\n    ", 1),
            ("v1\nkind: ConfigMap\ndata:\n  run: |\n    kubectl apply -f - <<EOF\n    ", 1),
            ("v1\nkind: ConfigMap\ndata:\n  pod: |\n    - 1\n    ---\n    ", 1),
            ("v1\nkind: ConfigMap\ndata:\n  pod: |\n    {{- if .a\n    ", 1),
            (
                "kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  patches: [x]\n  patch: |\n    ",
                1,
            ),
            ("v1\nkind: ConfigMap\nmetadata:\n  annotations:\n   a: |\n    ", 0),
            ("kyverno.io/v1\nkind: Policy\nspec:\n  pod: |\n    ", 0),
        ] {
            let text = format!("apiVersion: {head}{POD}");
            assert_eq!(manifests(&text), (Vec::new(), unread), "{text}");
        }
        let other = "apiVersion: v1\nkind: ConfigMap\ndata:\n  config: |\n    apiVersion: v1\n    kind: Config\n    users: []\n";
        assert_eq!(manifests(other), (Vec::new(), 0));
    }

    #[test]
    fn templates_are_opened_by_what_they_always_say() {
        let text = "apiVersion: v1\nkind: ConfigMap\ndata:\n  pod: |\n    apiVersion: v1\n    kind: Pod\n    metadata:\n      name: {{ .Name }}\n    spec:\n      {{- if .Host }}\n      hostPID: true\n      {{- end }}\n      containers:\n      - {name: a, image: {{ .Image }}, securityContext: {privileged: true}}\n";
        let mut document = coaming_yaml::parse(text.into()).documents.remove(0);
        let root = document.root().id();
        let found = open_manifests(&mut document, root);
        assert_eq!((found.opened.len(), found.templates.len(), found.unread), (0, 1, 0));
        let pod = document.node(found.templates[0]);
        assert!(pod.is_sealed() && pod.mapping("spec").field("hostPID").is_none());
        let container = pod.mapping("spec").list("containers").next().unwrap();
        let image = container.field("image").unwrap();
        assert_eq!(image.span().unwrap().text(text), "{{ .Image }}");
        // The text itself is as it was.
        assert!(document.root().mapping("data").string("pod").is_some());
        let source =
            crate::Source::new("a.yaml", text.into(), coaming_yaml::parse(text.into()).documents);
        assert_eq!((source.templates(), source.unread_manifests()), (1, 0));
    }

    #[test]
    fn patches_of_pods_in_workflows_are_opened() {
        let text = "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec:\n  podSpecPatch: '{\"hostNetwork\": true}'\n  templates:\n  - podSpecPatch: |\n      hostPID: true\n  - podSpecPatch: '{{inputs.parameters.patch}}'\n";
        let mut document = coaming_yaml::parse(text.into()).documents.remove(0);
        let root = document.root().id();
        assert_eq!(open_pod_patches(&mut document, root), 1);
        let spec = document.root().mapping("spec");
        assert_eq!(spec.mapping("podSpecPatch").boolean("hostNetwork"), Some(true));
        let first = spec.list("templates").next();
        assert_eq!(first.mapping("podSpecPatch").boolean("hostPID"), Some(true));
    }

    #[test]
    fn several_documents_json_and_scripts_are_opened() {
        let head = "apiVersion: v1\nkind: ConfigMap\ndata:\n";
        for (data, paths, unread) in [
            (format!("  all: |\n    a: 1\n    ---\n    {POD}"), vec!["data.all[1]"], 0),
            (
                format!("  all: |\n    # first\n    {POD}    ---\n    {POD}"),
                vec!["data.all[0]", "data.all[1]"],
                0,
            ),
            (
                r#"  pod: '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"}}'"#.to_owned(),
                vec!["data.pod"],
                0,
            ),
            (
                r#"  pod: "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n""#.to_owned(),
                vec!["data.pod"],
                0,
            ),
            (
                format!(
                    "  run: |\n    set -e\n    kubectl apply -f - <<'EOF'\n    {POD}    EOF\n    cat <<-E | kubectl apply -f -\n    {POD}    E\n    echo <<X\n    {{{{ a }}}}\n    {POD}    X\n"
                ),
                vec!["data.run[0]", "data.run[1]"],
                1,
            ),
        ] {
            let (found, left) = manifests(&format!("{head}{data}"));
            assert_eq!(
                (found, left),
                (paths.into_iter().map(str::to_owned).collect(), unread),
                "{data}"
            );
        }
    }

    #[test]
    fn manifests_in_manifests_are_opened() {
        let inner = POD.replace("\n    ", "\n        ");
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    apiVersion: v1\n    kind: ConfigMap\n    metadata: {{name: b}}\n    data:\n      pod: |\n        {inner}"
        );
        assert_eq!(manifests(&text), (vec!["data.a".to_owned(), "data.a.data.pod".to_owned()], 0));
    }

    #[test]
    fn values_of_charts_are_opened() {
        let privileged = "|\n          a: {securityContext: {privileged: true}}\n";
        for (head, path) in [
            ("argoproj.io/v1alpha1\nkind: Application\nspec: {}\nvalues: ", None),
            (
                "argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n    helm:\n      values: ",
                Some("spec.source.helm.values.a"),
            ),
            (
                "argoproj.io/v1alpha1\nkind: Application\nspec:\n  sources:\n    - helm:\n        values: ",
                Some("spec.sources[0].helm.values.a"),
            ),
            (
                "argoproj.io/v1alpha1\nkind: ApplicationSet\nspec:\n  template:\n    spec:\n      source:\n       helm:\n        values: ",
                Some("spec.template.spec.source.helm.values.a"),
            ),
            (
                "helm.cattle.io/v1\nkind: HelmChartConfig\nspec:\n  valuesContent: ",
                Some("spec.valuesContent.a"),
            ),
            (
                "addons.cluster.x-k8s.io/v1alpha1\nkind: HelmChartProxy\nspec:\n  valuesTemplate: ",
                Some("spec.valuesTemplate.a"),
            ),
            (
                "k0s.k0sproject.io/v1beta1\nkind: ClusterConfig\nspec:\n  extensions:\n   helm:\n    charts:\n    - values: ",
                Some("spec.extensions.helm.charts[0].values.a"),
            ),
            (
                "config.projectsveltos.io/v1beta1\nkind: ClusterProfile\nspec:\n  helmCharts:\n    - values: ",
                Some("spec.helmCharts[0].values.a"),
            ),
            ("v1\nkind: ConfigMap\ndata:\n  values: ", None),
        ] {
            let text = format!("apiVersion: {head}{privileged}");
            let mut document = coaming_yaml::parse(text.as_str().into()).documents.remove(0);
            let root = document.root().id();
            open_values(&mut document, root);
            let found =
                document.root().descendants().find(|node| node.get("securityContext").is_some());
            assert_eq!(found.map(|node| node.path().to_string()).as_deref(), path, "{text}");
        }
    }
}
