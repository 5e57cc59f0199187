//! What upstream's evaluator of policies says: `vapeval` of the archive of the lab.

use std::path::Path;

use coaming_export::vap::Export;
use coaming_test::vapeval;
use serde_json::{Value, json};

/// All policies about pods as one, with one validation for each: they are compiled once for an
/// object.
pub(crate) fn merged(export: &Export) -> (Vec<&'static str>, Value) {
    let (mut rules, mut variables, mut validations) = (Vec::new(), Vec::new(), Vec::new());
    for policy in &export.policies {
        let object = Value::from(&policy.objects[0]);
        let rename = |value: &Value| {
            let own = format!("variables.found_{}", rules.len());
            json!(value.as_str().unwrap().replace("variables.found", &own))
        };
        for variable in object["spec"]["variables"].as_array().into_iter().flatten() {
            let mut name = variable["name"].as_str().unwrap().to_owned();
            if name == "found" {
                name = format!("found_{}", rules.len());
            }
            if variables.iter().all(|known: &Value| known["name"] != *name) {
                variables.push(json!({"name": name, "expression": variable["expression"]}));
            }
        }
        let mut validation = object["spec"]["validations"][0].clone();
        validation["expression"] = rename(&validation["expression"]);
        if validation.get("messageExpression").is_some() {
            validation["messageExpression"] = rename(&validation["messageExpression"]);
        }
        rules.push(policy.rule.id.as_str());
        validations.push(validation);
    }
    // Variables of variables come first; those of rules follow.
    variables.sort_by_key(|variable| {
        let order = ["template", "pod", "containers", "windows", "volumes", "secretVolumes"];
        order.iter().position(|name| variable["name"] == **name).unwrap_or(order.len())
    });
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "merged"},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"resourceRules": [{
                "apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"],
            }]},
            "variables": variables,
            "validations": validations,
        },
    });
    (rules, policy)
}

/// The question about an object that is created.
pub(crate) fn question(policy: &Value, object: &Value) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or_default().to_owned();
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    json!({
        "policy": policy,
        "typed": true,
        "request": {
            "operation": "CREATE",
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "namespace": object["metadata"]["namespace"],
            "name": object["metadata"]["name"],
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        },
        "object": object,
    })
}

/// The answers, in the order of the questions; two processes share the work.
pub(crate) fn ask(program: &Path, questions: &[Value]) -> Vec<Value> {
    let half = questions.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = questions
            .chunks(half)
            .map(|questions| scope.spawn(move || vapeval::ask(program, questions)))
            .collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    })
}
