//! The output of `terraform show -json`.

use coaming_terraform::*;

const PLAN: &str = r#"{
  "format_version": "1.2",
  "terraform_version": "1.9.0",
  "planned_values": {"root_module": {
    "resources": [
      {"address": "kubernetes_manifest.web", "mode": "managed", "type": "kubernetes_manifest", "name": "web",
       "values": {"manifest": {
         "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
         "spec": {"containers": [{"name": "web", "image": "web:1", "securityContext": {"privileged": true}}]}}}}
    ],
    "child_modules": [{"address": "module.app", "resources": [
      {"address": "module.app.kubernetes_deployment.app", "mode": "managed", "type": "kubernetes_deployment",
       "values": {
         "metadata": [{"name": "app", "labels": null}],
         "spec": [{"selector": [{"match_labels": {"app": "a"}}], "strategy": [], "template": [{
           "metadata": [{"labels": {"app": "a"}}],
           "spec": [{"host_network": false, "node_name": "", "container": [
             {"name": "app", "security_context": [{"run_as_user": ""}], "env": []}]}]}]}]}},
      {"address": "module.app.helm_release.x", "mode": "managed", "type": "helm_release", "values": {}}
    ]}]
  }},
  "resource_changes": [
    {"address": "module.app.kubernetes_deployment.app", "change": {"after_unknown": {
      "id": true, "metadata": [{"uid": true, "labels": {}}],
      "spec": [{"template": [{"spec": [{"container": [{"image": true}]}]}]}]}}}
  ]
}"#;

#[test]
fn planned_values_are_objects_at_their_lines() {
    let stream = coaming_yaml::parse(PLAN.into());
    let root = stream.documents[0].root();
    assert!(is_plan(root));
    let rendered = plan(root);
    let texts: Vec<_> = rendered.manifests.iter().map(|it| it.text.as_str()).collect();
    let values =
        texts.iter().map(|text| coaming_yaml::parse((*text).into()).documents[0].root().to_json());
    let values: Vec<_> = values.collect();
    assert_eq!(values[0]["spec"]["containers"][0]["securityContext"]["privileged"], true);
    let app = &values[1]["spec"]["template"]["spec"];
    assert_eq!(app["containers"][0]["image"], "${known after apply}");
    assert_eq!(app["containers"][0]["securityContext"], serde_json::json!({}));
    assert!(values[1]["spec"].get("strategy").is_none());
    assert!(!rendered.manifests[1].is_incomplete);
    assert_eq!(rendered.left_out["helm_release"], 1);
    let manifest = &rendered.manifests[0];
    let at = manifest.text.find("privileged").unwrap();
    let mark = manifest.marks.iter().rfind(|mark| mark.start as usize <= at).unwrap();
    let offset = mark.place.unwrap().offset as usize;
    assert_eq!(PLAN[..offset].matches('\n').count() + 1, 9);
}

#[test]
fn other_documents_are_no_plans() {
    for text in ["{}", "{\"format_version\": \"1.2\"}", "[]", "{\"values\": {\"root_module\": {}}}"]
    {
        let stream = coaming_yaml::parse(text.into());
        assert!(!is_plan(stream.documents[0].root()), "{text}");
    }
}
