//! Every rule is a policy, or is listed with the reason why it is not.

use coaming_admission::{Guard, Mode};
use coaming_config::Config;
use coaming_export::vap::{self, Form, Options, Reason};

/// A configuration with every rule.
pub(crate) fn all() -> Config {
    let allowed_registries =
        vec!["registry.example.com".to_owned(), "docker.io/library".to_owned()];
    Config { select: vec!["ALL".to_owned()], allowed_registries, ..Config::default() }
}

#[test]
fn every_rule_is_exported_or_listed() {
    let export = vap::export(&all(), &Options::default());
    let mut named: Vec<&str> =
        export.policies.iter().map(|policy| policy.rule.id.as_str()).collect();
    assert!(named.len() >= 34, "{named:?}");
    named.extend(export.omissions.iter().map(|omission| omission.rule.id.as_str()));
    named.sort_unstable();
    let mut all: Vec<&str> =
        coaming_rules::all().iter().map(|rule| rule.meta.id.as_str()).collect();
    all.sort_unstable();
    assert_eq!(named, all);
}

#[test]
fn reasons_are_those_of_the_rules() {
    let export = vap::export(&all(), &Options::default());
    let reason = |rule: &str| {
        let omission = export.omissions.iter().find(|omission| omission.rule.id == *rule);
        omission.map(|omission| omission.reason)
    };
    assert_eq!(reason("service-account-token"), Some(Reason::OtherObjects));
    assert_eq!(reason("image-vulnerabilities"), Some(Reason::Images));
    assert_eq!(reason("plain-secret-environment"), Some(Reason::Text));
    assert_eq!(reason("image-user"), Some(Reason::Files));
    assert_eq!(reason("profiling"), Some(Reason::ControlPlane));
    assert_eq!(reason("privileged"), None);
    let few = vap::export(&Config::default(), &Options::default());
    let registry = few.omissions.iter().find(|omission| omission.rule.id == *"image-registry");
    assert_eq!(registry.map(|omission| omission.reason), Some(Reason::NotConfigured));
}

#[test]
fn a_selection_is_a_selection() {
    let config = Config { select: vec!["privileged".to_owned()], ..Config::default() };
    let options = Options { mode: Mode::Enforce, form: Form::Manifest, guard: Guard::default() };
    let export = vap::export(&config, &options);
    assert_eq!((export.policies.len(), export.omissions.len()), (1, 0));
    let policy = &export.policies[0];
    assert_eq!(policy.name, "coaming-privileged.static.k8s.io");
    assert_eq!(policy.bindings[0], "coaming-privileged-enforce.static.k8s.io");
    let mut text = Vec::new();
    export.write_yaml(&options, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("staticManifestsDir") && text.contains("# Policies: 1."), "{text}");
    // Namespaces without a label are those that are not of another mode.
    let binding = serde_json::Value::from(&policy.objects[1]);
    let selector = &binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"];
    assert_eq!(selector[0]["values"], serde_json::json!(["kube-node-lease", "kube-system"]));
    assert_eq!(selector[1]["operator"], "NotIn");
    assert_eq!(selector[1]["values"], serde_json::json!(["warn", "audit", "disabled"]));
    assert_eq!(binding["spec"]["validationActions"], serde_json::json!(["Deny"]));
}

/// What an API server asks of static policies: names of their own, bindings to policies of the same
/// files, no parameters. (The lab's API server reads none: that is in the parts it does not have.)
#[test]
fn static_policies_refer_to_each_other_alone() {
    let options = Options { form: Form::Manifest, ..Options::default() };
    let export = vap::export(&all(), &options);
    let objects: Vec<serde_json::Value> = export
        .policies
        .iter()
        .flat_map(|policy| policy.objects.iter().map(serde_json::Value::from))
        .collect();
    let is_policy = |object: &&serde_json::Value| object["kind"] == "ValidatingAdmissionPolicy";
    let policies: std::collections::BTreeSet<&str> = objects
        .iter()
        .filter(is_policy)
        .map(|it| it["metadata"]["name"].as_str().unwrap())
        .collect();
    for object in &objects {
        let name = object["metadata"]["name"].as_str().unwrap();
        assert!(name.ends_with(".static.k8s.io") && name.len() < 254, "{name}");
        assert_eq!(object["apiVersion"], "admissionregistration.k8s.io/v1");
        let spec = &object["spec"];
        assert!(spec["paramKind"].is_null() && spec["paramRef"].is_null(), "{name}");
        if !is_policy(&object) {
            assert!(policies.contains(object["spec"]["policyName"].as_str().unwrap()), "{name}");
        }
    }
}
