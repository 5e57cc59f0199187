//! `lookup` and `.Capabilities.APIVersions` with a cluster, and without one.

use std::sync::Arc;

use coaming_helm::{Cluster, Options, render};
use serde_json::{Value, json};

/// A cluster with one Secret, whose values are withheld, and one ConfigMap.
#[derive(Debug)]
struct One {
    versions: Vec<String>,
}

impl Cluster for One {
    fn api_versions(&self) -> &[String] {
        &self.versions
    }

    fn lookup(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Value>, String> {
        let object = |data: Value| {
            let metadata = json!({"name": name, "namespace": namespace, "generation": 3});
            json!({"apiVersion": api_version, "kind": kind, "metadata": metadata, "data": data})
        };
        match (api_version, kind, name) {
            ("v1", "Secret", "db") => Ok(Some(object(json!({"password": "d2l0aGhlbGQ="})))),
            ("v1", "ConfigMap", "") => Ok(Some(json!({
                "kind": "ConfigMapList",
                "items": [object(json!({"a": "1"})), object(json!({"a": "2"}))],
            }))),
            ("v1", ..) => Ok(None),
            _ => Err(format!("the cluster does not serve {kind} of {api_version}")),
        }
    }
}

fn rendered(template: &str, cluster: bool) -> Result<coaming_helm::Rendered, String> {
    let files = [
        ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"),
        ("templates/a.yaml", template),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let versions = vec!["v1".to_owned(), "example.com/v1/Thing".to_owned()];
    let cluster = cluster.then(|| Arc::new(One { versions }) as Arc<dyn Cluster>);
    let options = Options { cluster, ..Options::default() };
    render(files.to_vec(), &options).map_err(|error| error.to_string())
}

const TEMPLATE: &str = "\
{{- $secret := lookup \"v1\" \"Secret\" .Release.Namespace \"db\" }}
kind: Secret
data:
  password: {{ ($secret.data).password | default \"made\" | quote }}
  generation: {{ printf \"%v\" ($secret.metadata).generation | quote }}
  maps: {{ range (lookup \"v1\" \"ConfigMap\" \"\" \"\").items }}{{ .data.a }}{{ end }}
  none: {{ lookup \"v1\" \"Secret\" \"default\" \"other\" | toJson }}
  thing: {{ .Capabilities.APIVersions.Has \"example.com/v1/Thing\" }}
  apps: {{ .Capabilities.APIVersions.Has \"apps/v1\" }}
";

#[test]
fn a_cluster_answers_templates() {
    let rendered = rendered(TEMPLATE, true).unwrap();
    let manifest = &rendered.manifests[0];
    for line in [
        "password: \"d2l0aGhlbGQ=\"",
        "generation: \"3\"",
        "maps: 12",
        "none: {}",
        "thing: true",
        "apps: false",
    ] {
        assert!(manifest.text.contains(line), "{}", manifest.text);
    }
    // What stands for a password is not searched for passwords.
    let at = manifest.text.find("d2l0").unwrap();
    assert!(manifest.map.is_generated(at..at + 4));
}

#[test]
fn without_a_cluster_nothing_is_found() {
    let text = rendered(TEMPLATE, false).unwrap().text();
    for line in ["password: \"made\"", "maps: \n", "none: {}", "thing: false", "apps: true"] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn a_kind_that_is_not_served_fails_the_template() {
    let error = rendered("x: {{ lookup \"b/v1\" \"Other\" \"\" \"\" }}", true).unwrap_err();
    assert!(error.contains("does not serve Other"), "{error}");
}

#[test]
fn lookups_are_bounded() {
    let template = "{{ range until 2000 }}{{ lookup \"v1\" \"Secret\" \"x\" \"db\" }}{{ end }}";
    let error = rendered(template, true).unwrap_err();
    assert!(error.contains("looks up more than"), "{error}");
}
