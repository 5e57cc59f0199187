//! YAML that kinds keep as text: the values of charts. It is read as a part of its object, so that it
//! is judged and edited as if it were written without the `|`.

use coaming_yaml::{Document, Node, NodeId};

use crate::Fields as _;

/// Opens the texts of an object that hold YAML, where they do.
pub(crate) fn open_values(document: &mut Document, object: NodeId) {
    let texts: Vec<NodeId> = values(document.node(object)).into_iter().map(Node::id).collect();
    for text in texts {
        document.open_embedded(text);
    }
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
