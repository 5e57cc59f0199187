//! An update is judged on what it changes.

use coaming_admission::Policies;
use serde_json::{Value, json};

use super::{Ask, deployment, pod, policies, privileged, rules};

fn enforcing() -> Policies {
    policies("mode: enforce", "", &[])
}

fn judged(old: &Value, new: Value) -> Vec<(String, String)> {
    let verdict = Ask::update(old, new).judge(&enforcing());
    let owned = |(rule, mode): (&str, &str)| (rule.to_owned(), mode.to_owned());
    rules(&verdict).into_iter().map(owned).collect()
}

#[test]
fn what_was_there_before_never_blocks() {
    let old = deployment(&privileged());
    let changes: [fn(&mut Value); 6] = [
        |new| new["spec"]["replicas"] = 5.into(),
        |new| new["metadata"]["labels"] = json!({"team": "shop"}),
        |new| new["metadata"]["finalizers"] = json!([]),
        |new| {
            new["spec"]["template"]["spec"]["containers"][0]["image"] =
                "registry.example.com/shop/web:1.5.0".into()
        },
        |new| {
            let containers = new["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
            containers.insert(0, pod(json!({"name": "first"}))["spec"]["containers"][0].clone());
        },
        |new| new["status"] = json!({"replicas": 3}),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut new = old.clone();
        change(&mut new);
        assert_eq!(judged(&old, new), [], "change {number}");
    }
}

#[test]
fn what_is_new_is_judged() {
    let good = deployment(&pod(json!({})));
    let bad = deployment(&privileged());
    assert_eq!(judged(&good, bad.clone()), [("privileged".into(), "enforce".into())]);
    // One of two containers was privileged before.
    let mut new = bad.clone();
    let containers = new["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    let mut second = containers[0].clone();
    second["name"] = "second".into();
    containers.insert(0, second);
    assert_eq!(judged(&bad, new), [("privileged".into(), "enforce".into())]);
    // Repairs are welcome.
    assert_eq!(judged(&bad, good), []);
}

#[test]
fn one_bad_value_for_another_is_a_change() {
    let with = |image: &str| deployment(&pod(json!({"image": image})));
    let old = with("registry.example.com/shop/web:latest");
    let same = judged(&old, old.clone());
    assert_eq!(same, []);
    let other = judged(&old, with("registry.example.com/shop/api:latest"));
    assert_eq!(other, [("image-tag".into(), "enforce".into())]);
}

/// A password that is easily guessed has no fingerprint: what tells it from another is its value.
#[test]
fn another_secret_in_the_same_variable_is_new() {
    let with = |password: &str, image: &str| {
        let variable = json!([{"name": "DB_PASSWORD", "value": password}]);
        deployment(&pod(json!({"env": variable, "image": image})))
    };
    let old = with("summer-2024", "registry.example.com/shop/web:1.4.2");
    let image = judged(&old, with("summer-2024", "registry.example.com/shop/web:1.5.0"));
    assert_eq!(image, []);
    let other = judged(&old, with("winter-2025", "registry.example.com/shop/web:1.4.2"));
    assert_eq!(other, [("plain-secret-environment".into(), "enforce".into())]);
}

#[test]
fn more_rights_are_new_even_in_the_same_place() {
    let role = |verbs: Value| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "all", "namespace": "shop"},
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": verbs}],
        })
    };
    let old = role(json!(["get", "list"]));
    assert_eq!(judged(&old, old.clone()), []);
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    assert_eq!(judged(&old, labelled), []);
}

/// What the rules of `coaming.yaml` say of this update.
fn own(expression: &str, old: &Value, new: Value) -> usize {
    let configuration = format!(
        "select: [own]\nrules: [{{name: own, kinds: [Deployment], severity: high, message: no, \
         expression: \"{expression}\"}}]"
    );
    let policies = policies("mode: enforce", &configuration, &[]);
    Ask::update(old, new).judge(&policies).findings.len()
}

#[test]
fn rules_of_the_users_own_see_the_request() {
    let mut old = deployment(&pod(json!({})));
    old["spec"]["replicas"] = 3.into();
    let mut new = old.clone();
    new["spec"]["replicas"] = 4.into();
    let unchanged = "oldObject == null || object.spec.replicas == oldObject.spec.replicas";
    assert_eq!(own(unchanged, &old, new.clone()), 1);
    assert_eq!(own(unchanged, &old, old.clone()), 0);
    for (expression, found) in [
        ("request.operation == 'UPDATE'", 0),
        // What is wrong with the request was not wrong before.
        ("request.operation == 'CREATE'", 1),
        ("request.userInfo.username == 'jane'", 0),
        ("request.userInfo.username != 'jane'", 1),
        ("'system:authenticated' in request.userInfo.groups && !request.dryRun", 0),
        // A rule about the object alone does not block what was there before, even if a name in it
        // looks like the request.
        ("object.spec.replicas > 5", 0),
        ("object.metadata.name == 'request' || object.spec.replicas > 5", 0),
        ("has(object.spec.template.spec.containers[0].resources.requests.none)", 0),
    ] {
        assert_eq!(own(expression, &old, new.clone()), found, "{expression}");
    }
    new["spec"]["replicas"] = 9.into();
    assert_eq!(own("object.spec.replicas <= 5", &old, new), 1);
}
