//! What is refused, warned of and recorded.

use coaming_admission::{Policies, verdict_response};
use coaming_kube::World;
use serde_json::{Value, json};

use super::{Ask, deployment, pod, policies, privileged, rules, world};

fn enforcing() -> Policies {
    policies("mode: enforce", "", &[])
}

#[test]
fn a_good_pod_is_allowed_without_a_word() {
    let verdict = Ask::create(pod(json!({}))).judge(&enforcing());
    assert!(verdict.refusal.is_none() && verdict.warnings.is_empty(), "{verdict:#?}");
    assert!(verdict.audit_annotations.is_empty());
    let answer: Value = serde_json::from_slice(&verdict_response("u", &verdict)).unwrap();
    assert_eq!(answer["response"], json!({"uid": "u", "allowed": true}));
    assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
}

/// API servers before 1.21 ask before they write the namespace into the pods of controllers.
#[test]
fn a_pod_that_names_no_namespace_is_in_that_of_the_request() {
    let mut ask = Ask::create(pod(json!({})));
    ask.object["metadata"] = json!({"generateName": "web-"});
    let verdict = ask.judge(&enforcing());
    assert!(verdict.refusal.is_none() && verdict.warnings.is_empty(), "{verdict:#?}");
    ask.namespace = "open".to_owned();
    let warnings = ask.judge(&enforcing()).warnings;
    assert!(warnings.iter().any(|warning| warning.contains("namespace `open`")), "{warnings:?}");
}

#[test]
fn a_default_that_the_api_server_set_is_nobodys_mistake() {
    let verdict = |policy: &str| {
        let image =
            json!({"image": "registry.example.com/shop/web:stable", "imagePullPolicy": policy});
        let verdict = Ask::create(pod(image)).judge(&policies("", "", &[]));
        rules(&verdict).iter().map(|(rule, _)| (*rule).to_owned()).collect::<Vec<_>>()
    };
    assert!(!verdict("IfNotPresent").contains(&"image-pull-policy".to_owned()));
    assert!(verdict("Never").contains(&"image-pull-policy".to_owned()));
}

#[test]
fn a_refusal_says_what_why_where_and_the_repair() {
    let verdict = Ask::create(deployment(&privileged())).judge(&enforcing());
    let text = verdict.refusal.clone().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "1 finding in Deployment web in namespace shop", "{text}");
    assert!(lines[1].starts_with("1. privileged: "), "{text}");
    let field = "(spec.template.spec.containers[0].securityContext.privileged)";
    assert!(lines[1].ends_with(field), "{text}");
    assert!(lines[2].starts_with("   Why: ") && lines[3].starts_with("   Fix: "), "{text}");
    assert_eq!(lines.len(), 4);
    let answer: Value = serde_json::from_slice(&verdict_response("u", &verdict)).unwrap();
    assert_eq!(answer["response"]["allowed"], false);
    let expected = json!({"code": 403, "reason": "Forbidden", "message": text});
    assert_eq!(answer["response"]["status"], expected);
    assert!(answer["response"]["auditAnnotations"]["enforced"].is_string());
}

#[test]
fn the_less_strict_mode_of_namespace_and_rule_counts() {
    let ask = Ask::create(privileged());
    let mode = |policies: &Policies| {
        let verdict = ask.judge(policies);
        rules(&verdict).first().map(|(_, mode)| (*mode).to_owned())
    };
    let is = |spec: &str, own: &[(&str, &str, &str)]| mode(&policies(spec, "", own));
    assert_eq!(is("", &[]).as_deref(), Some("warn"));
    assert_eq!(is("mode: audit", &[]).as_deref(), Some("audit"));
    assert_eq!(is("mode: disabled", &[]), None);
    let rule = "mode: enforce\nrules: [{rules: [security-context], mode: warn}]";
    assert_eq!(is(rule, &[]).as_deref(), Some("warn"));
    let own = "rules: [{rules: [privileged], mode: enforce}]";
    assert_eq!(is(rule, &[("shop", "a", own)]).as_deref(), Some("enforce"));
    assert_eq!(is(rule, &[("other", "a", own)]).as_deref(), Some("warn"));
    assert_eq!(is("mode: enforce", &[("shop", "a", "mode: audit")]).as_deref(), Some("audit"));
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {coaming.dev/mode: 'MODE'}}\n";
    for (label, expected) in [("audit", "audit"), ("enforce", "enforce"), ("nonsense", "warn")] {
        let world = world(&[&text.replace("MODE", label)]);
        let verdict = ask.judge_in(&world, &policies("", "", &[]));
        assert_eq!(rules(&verdict)[0].1, expected, "{label}");
    }
}

/// The subresource of servers before 1.23, whose requests do not contain the pod.
#[test]
fn debuggers_of_old_servers_are_judged() {
    let list = |containers: Value| {
        json!({"apiVersion": "v1", "kind": "EphemeralContainers",
            "metadata": {"name": "web", "namespace": "shop"}, "ephemeralContainers": containers})
    };
    let ask = |old: Value, new: Value| Ask {
        kind: ("", "EphemeralContainers", "pods"),
        subresource: "ephemeralcontainers",
        object: list(new),
        old: list(old),
        ..Ask::update(&pod(json!({})), pod(json!({})))
    };
    let policies = policies("mode: enforce", "", &[]);
    let plain = json!({"name": "debug", "image": "registry.example.com/tools:1.2",
        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}}});
    let mut bad = plain.clone();
    bad["name"] = "root".into();
    bad["securityContext"] = json!({"privileged": true});
    let good = ask(json!([]), json!([plain])).judge(&policies);
    assert_eq!(good.refusal, None);
    let refused = ask(json!([plain]), json!([plain, bad])).judge(&policies).refusal.unwrap();
    assert!(refused.contains("privileged") && refused.contains("`root`"), "{refused}");
    // What is there already is not judged again, and nothing is mutated.
    assert_eq!(ask(json!([bad]), json!([bad, plain])).judge(&policies).refusal, None);
    let on = super::policies("{mutate: true, mode: enforce}", "", &[]);
    assert!(ask(json!([]), json!([bad])).mutate(&on).patch.is_empty());
    let exempt = super::policies(
        "{mode: enforce, exemptions: [{rules: [ALL], objects: [Pod/web], reason: x, expires: 2026-12-31}]}",
        "",
        &[],
    );
    assert_eq!(ask(json!([]), json!([bad])).judge(&exempt).refusal, None);
    for odd in [json!(null), json!("x"), json!([7])] {
        ask(json!(null), odd).judge(&policies);
    }
}

#[test]
fn an_object_without_a_kind_is_of_the_kind_of_the_request() {
    let policies = policies("mode: enforce", "", &[]);
    for (object, place) in
        [(privileged(), "spec"), (deployment(&privileged()), "spec.template.spec")]
    {
        let mut ask = Ask::create(object);
        let members = ask.object.as_object_mut().unwrap();
        members.remove("kind");
        members.remove("apiVersion");
        let refusal = ask.judge(&policies).refusal.unwrap();
        assert!(refusal.contains(&format!("({place}.containers[0]")), "{refusal}");
    }
}

#[test]
fn warnings_and_audit_do_not_refuse() {
    let warned = Ask::create(privileged()).judge(&policies("mode: warn", "", &[]));
    assert!(warned.refusal.is_none());
    assert!(warned.warnings[0].starts_with("privileged: "), "{:?}", warned.warnings);
    assert!(warned.warnings.iter().all(|warning| warning.len() <= 256));
    assert!(warned.audit_annotations["warned"].starts_with("privileged "));
    let audited = Ask::create(privileged()).judge(&policies("mode: audit", "", &[]));
    assert!(audited.refusal.is_none() && audited.warnings.is_empty());
    assert!(audited.audit_annotations["audited"].starts_with("privileged "));
    assert_eq!(audited.audit_annotations["policy"].len(), 12);
}

#[test]
fn what_kubernetes_needs_is_never_judged() {
    let mut ask = Ask::create(privileged());
    ask.namespace = "kube-system".to_owned();
    assert!(ask.judge(&enforcing()).findings.is_empty());
    let mut ask = Ask::create(privileged());
    for subresource in ["status", "scale", "binding", "log"] {
        ask.subresource = subresource;
        assert!(ask.judge(&enforcing()).findings.is_empty(), "{subresource}");
    }
    ask.subresource = "";
    ask.operation = "DELETE";
    assert!(ask.judge(&enforcing()).findings.is_empty());
    let mut going = privileged();
    going["metadata"]["deletionTimestamp"] = "2026-11-29T00:00:00Z".into();
    assert!(Ask::create(going).judge(&enforcing()).findings.is_empty());
}

#[test]
fn pods_of_controllers_are_recorded_and_not_refused() {
    let mut copy = privileged();
    copy["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]);
    let mut ask = Ask::create(copy);
    // Anybody can write an owner reference.
    assert!(ask.judge(&enforcing()).refusal.is_some());
    ask.user = "system:serviceaccount:kube-system:replicaset-controller".to_owned();
    let verdict = ask.judge(&enforcing());
    assert!(verdict.refusal.is_none() && verdict.warnings.is_empty());
    assert_eq!(rules(&verdict)[0], ("privileged", "audit"));
    let mut alone = Ask::create(privileged());
    alone.user = ask.user;
    assert!(alone.judge(&enforcing()).refusal.is_some());
}

#[test]
fn the_author_of_an_object_cannot_accept_findings_about_it() {
    let mut object = deployment(&privileged());
    let ignore = json!({"coaming.dev/ignore": "privileged: we want it"});
    object["spec"]["template"]["metadata"]["annotations"] = ignore.clone();
    object["metadata"]["annotations"] = ignore;
    let ask = Ask::create(object);
    let refused = ask.judge(&enforcing());
    assert_eq!(rules(&refused), [("privileged", "enforce")]);
    let accepted = ask.judge(&policies("{mode: enforce, acceptAnnotations: true}", "", &[]));
    assert!(accepted.refusal.is_none(), "{accepted:#?}");
}

#[test]
fn text_of_the_object_cannot_move_the_terminal() {
    let mut object = privileged();
    object["spec"]["containers"][0]["name"] = "web\u{1b}[2J\nWhy: nothing".into();
    let verdict = Ask::create(object).judge(&enforcing());
    let text = verdict.refusal.unwrap();
    assert!(!text.contains('\u{1b}') && text.lines().all(|line| line != "Why: nothing"), "{text}");
}

#[test]
fn what_another_object_can_repair_is_not_refused_unless_named() {
    let ask = Ask::create(pod(json!({})));
    let mode = |spec: &str| {
        let verdict = ask.judge_in(&World::default(), &policies(spec, "", &[]));
        rules(&verdict)[0].1.to_owned()
    };
    assert_eq!(mode("mode: enforce"), "warn");
    let named = "{mode: enforce, rules: [{rules: [no-ingress-policy], mode: enforce}]}";
    assert_eq!(mode(named), "enforce");
}

#[test]
fn what_is_less_severe_can_be_a_warning() {
    let untagged = Ask::create(pod(json!({"image": "registry.example.com/shop/web"})));
    let high = policies("{mode: enforce, enforceSeverity: high}", "", &[]);
    assert_eq!(rules(&untagged.judge(&high)), [("image-tag", "warn")]);
    assert!(Ask::create(privileged()).judge(&high).refusal.is_some());
    // A standard knows no severities.
    let strict = "standard: restricted";
    let strict = policies("{mode: enforce, enforceSeverity: critical}", strict, &[]);
    let mut root = pod(json!({}));
    root["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = false.into();
    assert!(Ask::create(root).judge(&strict).refusal.is_some());
}

#[test]
fn other_kinds_are_judged() {
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "all", "namespace": "shop"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    });
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"},
        "data": {"DB_PASSWORD": "kei4ohGh3aW9x"},
    });
    for object in [role, map] {
        let verdict = Ask::create(object.clone()).judge(&enforcing());
        assert!(verdict.refusal.is_some(), "{object}");
        assert!(!verdict.refusal.unwrap().contains("kei4ohGh3aW9x"));
    }
    let mut ephemeral = Ask::update(&pod(json!({})), pod(json!({})));
    ephemeral.subresource = "ephemeralcontainers";
    ephemeral.object["spec"]["ephemeralContainers"] = json!([{
        "name": "debug", "image": "busybox:1.36", "securityContext": {"privileged": true},
    }]);
    let verdict = ephemeral.judge(&enforcing());
    assert!(rules(&verdict).contains(&("privileged", "enforce")), "{verdict:#?}");
}
