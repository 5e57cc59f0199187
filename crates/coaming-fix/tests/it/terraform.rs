//! Findings about what Terraform makes: at the lines of the module, and repaired by hand.

use std::collections::BTreeMap;
use std::fs;

use coaming_finding::{Applicability, Finding};
use coaming_kube::World;
use coaming_source::{Options, load};
use coaming_yaml::LineIndex;

use crate::charts::planned_in;

const MODULE: &str = r#"variable "privileged" {
  default = true
}
variable "context" {}
resource "kubernetes_manifest" "web" {
  manifest = {
    apiVersion = "apps/v1"
    kind       = "Deployment"
    metadata   = { name = "web", namespace = "shop" }
    spec = {
      template = {
        spec = {
          hostPID = true # coaming: ignore[host-namespaces] it counts processes
          containers = [{
            name  = "web"
            image = "web:1.2"
            securityContext = {
              privileged = var.privileged
            }
          }]
        }
      }
    }
  }
}
resource "kubernetes_pod_v1" "job" {
  metadata { name = "job" }
  spec {
    host_network = true
    container {
      name  = "job"
      image = "nginx:latest"
    }
  }
}
resource "kubectl_manifest" "unknown" {
  yaml_body = <<-YAML
    apiVersion: v1
    kind: Pod
    metadata:
      name: unknown
    spec:
      hostIPC: true
      containers:
        - name: unknown
          image: ${var.image}
          securityContext: ${jsonencode(var.context)}
  YAML
}
"#;

/// The findings that are not suppressed: rule, object, and the lines of all its places.
fn found(text: &str) -> Vec<(String, String, Vec<u32>)> {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("main.tf"), text).unwrap();
    let loaded = load(&[directory.path().to_path_buf()], &Options::default());
    assert!(loaded.errors.is_empty(), "{:?}", loaded.errors);
    let world: World = loaded.variants[0].world();
    let mut findings: Vec<Finding> = super::judge(&world);
    coaming_rules::relocate(&world, &mut findings);
    let lines = |finding: &Finding| {
        let places = finding.locations.iter().filter_map(|location| {
            let file = world.source(location.source?)?;
            assert_eq!(&*file.text, text, "{finding:?}");
            Some(LineIndex::new(&file.text).position(&file.text, location.span?.start).0)
        });
        places.collect()
    };
    let shown = findings.iter().filter(|finding| finding.suppressed.is_none()).map(|finding| {
        let object = finding.object.as_ref().map_or("", |object| &object.name);
        (finding.rule.id.as_str().to_owned(), object.to_owned(), lines(finding))
    });
    shown.collect()
}

#[test]
fn findings_are_at_the_lines_of_the_module() {
    let found = found(MODULE);
    let of = |rule: &str| -> BTreeMap<&str, &[u32]> {
        let of_rule = found.iter().filter(|(id, ..)| id == rule);
        of_rule.map(|(_, object, lines)| (object.as_str(), lines.as_slice())).collect()
    };
    // The second place is the default of the variable.
    assert_eq!(of("privileged"), BTreeMap::from([("web", [18, 2].as_slice())]), "{found:#?}");
    // One of three is suppressed by its comment.
    let host = BTreeMap::from([("job", [29].as_slice()), ("unknown", &[43])]);
    assert_eq!(of("host-namespaces"), host, "{found:#?}");
    // What has an unknown context is judged by what it says alone.
    let other: Vec<_> = found
        .iter()
        .filter(|(id, object, _)| object == "unknown" && id != "host-namespaces")
        .collect();
    assert!(other.is_empty(), "{other:#?}");
    assert!(
        found.iter().any(|(id, object, _)| id == "missing-security-context" && object == "job"),
        "{found:#?}"
    );
}

#[test]
fn modules_are_repaired_by_hand() {
    let (plan, changes) =
        planned_in(&["privileged", "missing-security-context"], &[("main.tf", MODULE)]);
    assert!(changes.is_empty(), "{changes:?}");
    assert!(plan.changes.is_empty(), "{plan:#?}");
    assert!(plan.skipped.is_empty(), "nothing is tried: {plan:#?}");
    let fixes: Vec<_> = plan.left.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    assert!(!fixes.is_empty(), "{plan:#?}");
    assert!(fixes.iter().all(|fix| fix.applicability == Applicability::Manual), "{fixes:#?}");
}
