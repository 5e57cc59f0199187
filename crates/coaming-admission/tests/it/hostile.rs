//! Bodies from strangers.

use coaming_admission::{Policies, SafeFixes, read};
use coaming_kube::World;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Ask, deployment, policies, privileged, today};

fn handle(body: &[u8], policies: &Policies) {
    let Ok(request) = read(body) else { return };
    let world = World::default();
    let _ = coaming_admission::validate(&request, &world, policies, today());
    let fixes = SafeFixes { policies, world: &world, today: today() };
    let _ = coaming_admission::mutate(&request, &[&fixes]);
}

#[test]
fn objects_of_every_shape_are_handled() {
    let policies = policies("{mode: enforce, mutate: true}", "select: [ALL]", &[]);
    let mut ask = Ask::create(privileged());
    let shapes = [
        json!({}),
        json!({"metadata": null, "spec": null}),
        json!({"metadata": {"labels": 1, "annotations": [], "ownerReferences": {}}, "spec": []}),
        json!({"apiVersion": 1, "kind": {}, "spec": {"containers": {"a": 1}}}),
        json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [1, null, {"env": "x"}]}}),
        json!({"apiVersion": "v1", "kind": "List", "items": [privileged(), {}]}),
    ];
    for object in shapes {
        for (operation, old) in [("CREATE", Value::Null), ("UPDATE", privileged())] {
            ask.object = object.clone();
            ask.operation = operation;
            ask.old = old;
            handle(&ask.body(), &policies);
        }
    }
    ask.object = json!("text");
    let request = read(&ask.body()).unwrap();
    let error = coaming_admission::validate(&request, &World::default(), &policies, None);
    assert!(error.unwrap_err().to_string().contains("object is not an object"));
}

#[test]
fn a_large_object_is_judged() {
    let policies = policies("mode: enforce", "", &[]);
    let mut object = deployment(&privileged());
    object["metadata"]["annotations"] = json!({"text": "x".repeat(3 << 20)});
    assert!(Ask::create(object).judge(&policies).refusal.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A body with some bytes changed is answered or refused.
    #[test]
    fn damaged_bodies_do_not_panic(
        at in 0_usize..4000,
        remove in 0_usize..40,
        add in "[\\{\\}\\[\\]\",:0a\\\\]{0,6}",
    ) {
        let policies = policies("{mode: enforce, mutate: true}", "", &[]);
        let mut body = Ask::update(&privileged(), deployment(&privileged())).body();
        let at = at.min(body.len());
        let end = (at + remove).min(body.len());
        body.splice(at..end, add.into_bytes());
        handle(&body, &policies);
    }
}
