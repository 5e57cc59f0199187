//! Modules, as people write them.

use coaming_terraform::*;

fn module(files: &[(&str, &str)]) -> Rendered {
    let files = files
        .iter()
        .map(|(name, text)| SourceFile { name: (*name).to_owned(), text: (*text).into() });
    render(&files.collect::<Vec<_>>())
}

/// A module that is one file without errors.
fn of(text: &str) -> Rendered {
    let rendered = module(&[("main.tf", text)]);
    assert_eq!(rendered.problems, []);
    rendered
}

/// The manifests as values.
fn values(rendered: &Rendered) -> Vec<serde_json::Value> {
    let documents = rendered.manifests.iter().flat_map(|manifest| {
        let stream = coaming_yaml::parse(manifest.text.as_str().into());
        assert_eq!(stream.errors, [], "{}", manifest.text);
        stream.documents
    });
    documents.map(|document| document.root().to_json()).collect()
}

/// The lines of a file that the byte of a manifest with this text is from: its own, and its value's.
fn lines(rendered: &Rendered, text: &str, field: &str) -> (usize, Option<usize>) {
    let manifest = &rendered.manifests[0];
    let at = manifest.text.find(field).unwrap_or_else(|| panic!("{field} in {}", manifest.text));
    let mark = manifest.marks.iter().rfind(|mark| mark.start as usize <= at).unwrap();
    let line = |place: Place| {
        let skipped = if place.verbatim { at - mark.start as usize } else { 0 };
        text[..place.offset as usize + skipped].matches('\n').count() + 1
    };
    (line(mark.place.unwrap()), mark.value.map(line))
}

#[test]
fn an_object_with_variables_and_locals() {
    let text = r#"
variable "image" { default = "nginx:1.27" }
variable "privileged" {
  type    = bool
  default = true
}
locals { labels = { app = "web" } }
resource "kubernetes_manifest" "web" {
  manifest = {
    apiVersion = "v1"
    "kind"     = "Pod"
    metadata   = { name = "web-${local.labels.app}", labels = local.labels }
    spec = {
      containers = [{
        name  = "web"
        image = var.image
        args  = [for port in [80, 443] : "--port=${port}"]
        securityContext = {
          privileged = var.privileged
          runAsUser  = 1000 + 1
          capabilities = null
        }
      }]
    }
  }
}
"#;
    let rendered = of(text);
    assert_eq!(
        values(&rendered),
        [serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-web", "labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "web", "image": "nginx:1.27", "args": ["--port=80", "--port=443"],
                "securityContext": {"privileged": true, "runAsUser": 1001},
            }]},
        })]
    );
    assert!(!rendered.manifests[0].is_incomplete);
    assert_eq!(rendered.partial, 0);
    // The field is where it is used, and its value where the default is.
    assert_eq!(lines(&rendered, text, "privileged:"), (19, Some(5)));
    assert_eq!(lines(&rendered, text, "kind:"), (11, None));
    assert_eq!(lines(&rendered, text, "app:"), (7, None));
}

#[test]
fn a_text_of_yaml_keeps_its_lines() {
    let text = r#"
resource "kubectl_manifest" "job" {
  yaml_body = <<-YAML
    apiVersion: v1
    kind: Pod
    metadata:
      name: ${kubernetes_namespace.shop.metadata[0].name}-job
    spec:
      %{ if true ~}
      hostNetwork: true
      %{ endif ~}
      containers: [] # none
  YAML
}
resource "kubernetes_namespace" "shop" {
  metadata { name = "shop" }
}
"#;
    let rendered = of(text);
    let pod = &values(&rendered)[0];
    assert_eq!(pod["metadata"]["name"], "shop-job");
    assert_eq!(pod["spec"], serde_json::json!({"hostNetwork": true, "containers": []}));
    assert_eq!(lines(&rendered, text, "kind: Pod"), (5, None));
    assert_eq!(lines(&rendered, text, "hostNetwork"), (10, None));
    assert_eq!(lines(&rendered, text, "# none"), (12, None));
    assert_eq!(values(&rendered)[1]["kind"], "Namespace");
}

#[test]
fn encoded_objects_are_as_objects() {
    let text = r#"
resource "kubectl_manifest" "encoded" {
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "ConfigMap"
    metadata   = merge({ name = "a" }, { namespace = "b" })
    data       = { "x.json" = jsonencode({ a = [1, true] }) }
  })
}
resource "kubernetes_manifest" "decoded" {
  manifest = yamldecode(<<YAML
apiVersion: v1
kind: Secret
metadata:
  name: b
YAML
  )
}
"#;
    let rendered = of(text);
    let made = values(&rendered);
    assert_eq!(made[0]["metadata"], serde_json::json!({"name": "a", "namespace": "b"}));
    assert_eq!(made[0]["data"]["x.json"], "a:\n  - 1\n  - true\n");
    assert_eq!(made[1]["kind"], "Secret");
    assert_eq!(lines(&rendered, text, "kind:"), (5, None));
}

#[test]
fn instances_of_count_and_for_each() {
    let rendered = of(r#"
variable "on" { default = false }
resource "kubernetes_manifest" "counted" {
  count    = 2
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "n-${count.index}" } }
}
resource "kubernetes_manifest" "none" {
  count    = var.on ? 1 : 0
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = "off" } }
}
resource "kubernetes_manifest" "each" {
  for_each = toset(["a", "b"])
  manifest = { apiVersion = "v1", kind = "Namespace", metadata = { name = each.key } }
}
resource "kubernetes_manifest" "map" {
  for_each = { x = { team = "red" } }
  manifest = {
    apiVersion = "v1", kind = "Namespace"
    metadata   = { name = each.key, labels = { team = each.value.team } }
  }
}
"#);
    let values = values(&rendered);
    let names: Vec<_> = values.iter().map(|it| it["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["n-0", "n-1", "a", "b", "x"]);
    assert_eq!(values[4]["metadata"]["labels"]["team"], "red");
}

#[test]
fn what_is_unknown_is_never_absent() {
    let pod = |field: &str| {
        let rendered = of(&format!(
            "variable \"x\" {{}}\nresource \"kubernetes_manifest\" \"p\" {{\n  manifest = {{\n    \
             apiVersion = \"v1\", kind = \"Pod\", metadata = {{ name = \"p\" }}\n    \
             spec = {{ containers = [{{ name = \"c\", {field} }}] }}\n  }}\n}}\n"
        ));
        let container = values(&rendered)[0]["spec"]["containers"][0].clone();
        (container, rendered.manifests[0].is_incomplete, rendered.partial)
    };
    // Names and texts show the expression.
    let (container, incomplete, partial) = pod("image = \"${var.x}:1\"");
    assert_eq!((&container["image"], incomplete, partial), (&"${var.x}:1".into(), false, 0));
    // What no rule misses is left out, and counted.
    let (container, incomplete, partial) = pod("resources = var.x");
    assert_eq!((container.get("resources"), incomplete, partial), (None, false, 1));
    // Everything else may decide.
    for field in ["securityContext = var.x", "securityContext = { runAsNonRoot = var.x }"] {
        let (_, incomplete, partial) = pod(field);
        assert!(incomplete && partial == 1, "{field}");
    }
    let body = of(
        "resource \"kubectl_manifest\" \"p\" {\n  yaml_body = <<E\napiVersion: v1\nkind: Pod\n\
                   metadata: {name: p}\nspec:\n  hostPID: ${var.x}\n  containers: [{name: c, image: 'a:${var.y}'}]\nE\n}\n",
    );
    assert!(body.manifests[0].is_incomplete);
}

#[test]
fn a_policy_with_an_unknown_block_stays_a_policy() {
    let rendered = of(
        "variable \"x\" {}\nresource \"kubernetes_network_policy_v1\" \"p\" {\n  metadata { name = \"p\" }\n  \
                       spec {\n    pod_selector {}\n    policy_types = [\"Ingress\"]\n    ingress {\n      from {\n        \
                       ip_block { cidr = \"${var.x}/16\" }\n      }\n    }\n  }\n}\n",
    );
    let from = &values(&rendered)[0]["spec"]["ingress"][0]["from"];
    assert_eq!(*from, serde_json::json!([{"ipBlock": {"cidr": "192.0.2.0/24"}}]));
    assert!(!rendered.manifests[0].is_incomplete && rendered.partial == 1);
}

#[test]
fn labels_with_dots_are_texts() {
    let rendered = of(
        "variable \"x\" {}\nresource \"kubectl_manifest\" \"p\" {\n  yaml_body = <<E\napiVersion: v1\nkind: Pod\n\
                       metadata: {name: p, labels: {app.kubernetes.io/name: '${var.x}'}}\nE\n}\n",
    );
    assert!(!rendered.manifests[0].is_incomplete && rendered.partial == 0);
}

#[test]
fn typed_resources_are_objects_of_the_api() {
    let text = r#"
resource "kubernetes_deployment_v1" "web" {
  metadata {
    name   = "web"
    labels = { "app.kubernetes.io/name" = "web" }
  }
  spec {
    selector { match_labels = { app = "web" } }
    template {
      metadata { labels = { app = "web" } }
      spec {
        host_pid = true
        container {
          name  = "web"
          image = "web:1"
          port { container_port = 80 }
          dynamic "env" {
            for_each = { A = "1", B = "2" }
            content {
              name  = env.key
              value = env.value
            }
          }
          security_context {
            run_as_user = "0"
            capabilities { drop = ["ALL"] }
          }
        }
        volume {
          name = "docker"
          host_path { path = "/var/run/docker.sock" }
        }
      }
    }
  }
  wait_for_rollout = false
}
resource "kubernetes_secret" "db" {
  metadata { name = "db" }
  data = { password = "plain" }
}
resource "kubernetes_network_policy" "p" {
  metadata { name = "p" }
  spec {
    pod_selector {}
    policy_types = ["Ingress"]
    ingress {
      from {
        pod_selector { match_labels = { app = "web" } }
      }
      ports { port = "80" }
    }
  }
}
resource "kubernetes_labels" "x" {}
resource "helm_release" "x" { chart = "nginx" }
"#;
    let rendered = of(text);
    let made = values(&rendered);
    assert_eq!(
        made[0],
        serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "hostPID": true,
                        "containers": [{
                            "name": "web", "image": "web:1", "ports": [{"containerPort": 80}],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "securityContext": {"runAsUser": 0, "capabilities": {"drop": ["ALL"]}},
                        }],
                        "volumes": [{"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}],
                    },
                },
            },
        })
    );
    assert_eq!(made[1]["stringData"]["password"], "plain");
    assert_eq!(
        made[2]["spec"],
        serde_json::json!({
            "podSelector": {}, "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80}]}],
        })
    );
    assert_eq!(lines(&rendered, text, "hostPID"), (12, None));
    assert_eq!(rendered.partial, 0);
    let left_out: Vec<_> = rendered.left_out.into_iter().collect();
    assert_eq!(left_out, [("helm_release".to_owned(), 1), ("kubernetes_labels".to_owned(), 1)]);
}

#[test]
fn values_files_and_other_files_of_the_module() {
    let rendered = module(&[
        (
            "a.tf",
            "resource \"kubernetes_manifest\" \"n\" {\n  manifest = {\n    apiVersion = \"v1\"\n    kind = \"Namespace\"\n    metadata = { name = var.name }\n  }\n}\n",
        ),
        ("b.tf", "variable \"name\" { default = \"one\" }\n"),
        ("terraform.tfvars", "name = \"two\"\n"),
    ]);
    assert_eq!(values(&rendered)[0]["metadata"]["name"], "two");
}

#[test]
fn the_json_syntax() {
    let text = r#"{
  "variable": {"name": {"default": "web"}},
  "resource": {"kubernetes_manifest": {"n": {"manifest": {
    "apiVersion": "v1", "kind": "Namespace",
    "metadata": {"name": "${var.name}-1"}
  }}}}
}"#;
    let rendered = module(&[("main.tf.json", text)]);
    assert_eq!(values(&rendered)[0]["metadata"]["name"], "web-1");
    assert_eq!(lines(&rendered, text, "name:"), (5, None));
}

#[test]
fn errors_are_at_their_places() {
    let text = "resource \"kubernetes_manifest\" \"x\" {\n  manifest = {\n    a = \n  }\n}\n";
    let rendered = module(&[("main.tf", text)]);
    assert_eq!(rendered.problems.len(), 1);
    assert_eq!(rendered.problems[0].position.0, 3);
}
