//! Safe fixes, as patches.

use coaming_admission::{Changes, Mutation, Refusal, Request, Step, mutation_response};
use serde_json::{Value, json};

use super::{Ask, deployment, pod, policies, rules};

/// A Deployment whose problems have safe fixes: it keeps no revision, and mounts a token that
/// nothing uses.
fn fixable() -> Value {
    let mut object = deployment(&pod(json!({})));
    object["spec"]["revisionHistoryLimit"] = 0.into();
    let pod = object["spec"]["template"]["spec"].as_object_mut().unwrap();
    pod.remove("automountServiceAccountToken");
    object
}

fn patched(object: &Value, mutation: &Mutation) -> Value {
    let mut object = object.clone();
    json_patch::patch(&mut object, &mutation.patch).unwrap();
    object
}

#[test]
fn safe_fixes_are_applied_where_a_policy_says_so() {
    let ask = Ask::create(fixable());
    let off = policies("mode: enforce", "", &[]);
    assert!(ask.mutate(&off).patch.is_empty());
    assert!(!ask.judge(&off).findings.is_empty());
    let on = policies("{mode: enforce, mutate: true}", "", &[]);
    let mutation = ask.mutate(&on);
    assert_eq!(mutation.changed_by, ["safe-fixes"]);
    let object = patched(&ask.object, &mutation);
    let token = &object["spec"]["template"]["spec"]["automountServiceAccountToken"];
    assert_eq!(*token, false, "{mutation:?}");
    assert!(object["spec"].get("revisionHistoryLimit").is_none(), "{mutation:?}");
    // What is left of the object is fine, and mutating it again changes nothing.
    let again = Ask::create(object);
    assert_eq!(rules(&again.judge(&on)), []);
    assert!(again.mutate(&on).patch.is_empty());
    let own = policies("", "", &[("shop", "a", "mutate: true")]);
    assert!(!ask.mutate(&own).patch.is_empty());
    let elsewhere = policies("", "", &[("other", "a", "mutate: true")]);
    assert!(ask.mutate(&elsewhere).patch.is_empty());
}

#[test]
fn an_update_of_something_else_mutates_nothing() {
    let on = policies("{mode: enforce, mutate: true}", "", &[]);
    let old = fixable();
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"team": "shop"});
    // A fix would change the template, and so replace every pod.
    assert!(Ask::update(&old, new).mutate(&on).patch.is_empty());
    let good = deployment(&pod(json!({})));
    assert!(!Ask::update(&good, old).mutate(&on).patch.is_empty());
}

/// A Deployment from before the policy looks for a ReplicaSet with its own template: one that is repaired
/// is not it, so that it would make another one, and another one.
#[test]
fn what_its_owner_compares_with_a_template_stays_as_it_is() {
    let on = policies("{mode: enforce, mutate: true}", "", &[]);
    let owned = |kind: &str| {
        let mut object = fixable();
        object["kind"] = kind.into();
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "x/v1", "kind": "Owner", "name": "web", "controller": true}]);
        Ask { user: "system:serviceaccount:argo:rollouts".to_owned(), ..Ask::create(object) }
    };
    assert!(owned("ReplicaSet").mutate(&on).patch.is_empty());
    assert!(owned("Deployment").mutate(&on).patch.is_empty());
    let mut job = owned("Job");
    job.object["apiVersion"] = "batch/v1".into();
    assert!(!job.mutate(&on).patch.is_empty(), "a CronJob makes its Jobs and compares nothing");
}

#[test]
fn what_is_exempt_or_off_stays_as_it_is() {
    let ask = Ask::create(fixable());
    let exempt =
        "{mutate: true, exemptions: [{rules: [ALL], reason: legacy, expires: 2026-12-31}]}";
    assert!(ask.mutate(&policies(exempt, "", &[])).patch.is_empty());
    assert!(ask.mutate(&policies("{mutate: true, mode: disabled}", "", &[])).patch.is_empty());
    let mut deletion = ask.clone();
    deletion.operation = "DELETE";
    deletion.object = Value::Null;
    assert!(deletion.mutate(&policies("mutate: true", "", &[])).patch.is_empty());
}

struct Label(&'static str);

impl Step for Label {
    fn name(&self) -> &'static str {
        "label"
    }

    fn run(&self, _: &Request, object: &Value) -> Result<Changes, Refusal> {
        if object["metadata"]["name"] == "refused" {
            return Err(Refusal("this name is refused".to_owned()));
        }
        let path = format!("/metadata/{}", self.0);
        if object.pointer(&path).is_some() {
            return Ok(Changes::default());
        }
        let added = json!([{"op": "add", "path": path, "value": "x"}]);
        Ok(serde_json::from_value::<Vec<_>>(added).unwrap().into())
    }
}

#[test]
fn each_step_sees_what_the_one_before_left() {
    let ask = Ask::create(pod(json!({})));
    let request = coaming_admission::read(&ask.body()).unwrap();
    let steps: [&dyn Step; 3] = [&Label("a"), &Label("a"), &Label("b")];
    let mutation = coaming_admission::mutate(&request, &steps).unwrap();
    assert_eq!(mutation.patch.len(), 2);
    let answer: Value = serde_json::from_slice(&mutation_response("u", &mutation)).unwrap();
    assert_eq!(answer["response"]["patchType"], "JSONPatch");
    assert_eq!(answer["response"]["auditAnnotations"]["mutated"], "label, label");
    let wrong = coaming_admission::mutate(&request, &[&Label("x/y/z")]);
    assert!(wrong.unwrap_err().to_string().contains("the step `label` does not fit"));
    let mut refused = pod(json!({}));
    refused["metadata"]["name"] = "refused".into();
    let request = coaming_admission::read(&Ask::create(refused).body()).unwrap();
    let mutation = coaming_admission::mutate(&request, &steps).unwrap();
    assert_eq!(mutation.refusal.as_deref(), Some("this name is refused"));
}
