//! Our labels on namespaces.

use coaming_admission::Verdict;
use serde_json::{Value, json};

use super::{Ask, policies};

fn namespace(labels: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}})
}

fn judged(old: Value, new: Value) -> Verdict {
    Ask::update(&namespace(old), namespace(new)).judge(&policies("mode: enforce", "", &[]))
}

#[test]
fn our_labels_need_a_right() {
    let enforced = json!({"coaming.dev/mode": "enforce", "team": "a"});
    for new in
        [json!({"team": "a"}), json!({"coaming.dev/mode": "disabled", "team": "a"}), Value::Null]
    {
        let verdict = judged(enforced.clone(), new);
        let needed = verdict.needs.clone().unwrap();
        assert_eq!(needed.namespace, "shop");
        let refusal = verdict.without_right().refusal.unwrap();
        assert!(refusal.contains("`coaming.dev/mode` of namespace `shop`"), "{refusal}");
    }
    let created = Ask::create(namespace(enforced.clone())).judge(&policies("", "", &[]));
    assert!(created.needs.is_some());
    // Other labels are nobody's business.
    let verdict = judged(enforced, json!({"coaming.dev/mode": "enforce", "team": "b"}));
    assert!(verdict.needs.is_none() && verdict.refusal.is_none());
}

#[test]
fn values_that_do_not_exist_are_refused() {
    let verdict = judged(json!({}), json!({"coaming.dev/mode": "enfroce"}));
    assert!(verdict.refusal.unwrap().contains("use disabled, audit, warn or enforce"));
    let verdict = judged(json!({}), json!({"coaming.dev/failure-policy": "Fail"}));
    assert!(verdict.refusal.unwrap().contains("use fail or ignore"));
    for (label, value, expected) in [
        ("coaming.dev/exec", "Refuse", "use refuse or allow"),
        ("coaming.dev/break-glass", "", "use the reason"),
    ] {
        let refusal = judged(json!({}), json!({label: value})).refusal.unwrap();
        assert!(refusal.contains(expected), "{refusal}");
    }
    let verdict =
        judged(json!({}), json!({"coaming.dev/exec": "refuse", "coaming.dev/break-glass": "x"}));
    assert!(verdict.needs.is_some() && verdict.warnings.is_empty());
    // Another version may know it, and somebody may believe that it has an effect.
    let verdict = judged(json!({}), json!({"coaming.dev/modes": "enforce", "coaming.dev/x": "y"}));
    assert!(verdict.needs.is_some() && verdict.refusal.is_none());
    assert!(
        verdict.warnings[0].contains("did you mean `coaming.dev/mode`?"),
        "{:?}",
        verdict.warnings
    );
    assert!(
        verdict.warnings[1].contains("the labels are coaming.dev/mode"),
        "{:?}",
        verdict.warnings
    );
    // One from before does not block.
    let old = json!({"coaming.dev/mode": "enfroce"});
    let verdict = judged(old, json!({"coaming.dev/mode": "enfroce", "a": "b"}));
    assert!(verdict.refusal.is_none() && verdict.needs.is_none());
}
