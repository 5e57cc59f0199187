//! Policies: what they say, and what is wrong with them.

use std::collections::BTreeMap;

use coaming_admission::{ClusterPolicy, Guard, Policies, PolicyName, PolicySpec};
use serde_json::json;

use super::{Ask, pod, policies, privileged, rules};

fn error(spec: &str) -> String {
    let spec = match PolicySpec::from_yaml(spec) {
        Ok(spec) => spec,
        Err(error) => return error.to_string(),
    };
    let name = PolicyName { namespace: "shop".into(), name: "a".into() };
    let specs = BTreeMap::from([(name.clone(), spec)]);
    let cluster = ClusterPolicy::default();
    let (_, errors) = Policies::new(Guard::default(), &cluster, &specs, None).unwrap();
    errors[&name].to_string()
}

#[test]
fn errors_name_the_field() {
    for (spec, expected) in [
        ("mode: enfroce", "unknown variant `enfroce`"),
        ("modes: warn", "unknown field `modes`"),
        (
            "rules: [{rules: [privilege], mode: warn}]",
            "rules[0].rules: there is no rule or category `privilege`. Did you mean `privileged`?",
        ),
        ("rules: [{rules: [], mode: warn}]", "rules[0].rules: name at least one"),
        (
            "exemptions: [{rules: [ALL], reason: ' ', expires: 2027-01-01}]",
            "exemptions[0].reason: say why",
        ),
        ("exemptions: [{rules: [ALL], reason: x, expires: soon}]", "exemptions[0].expires: "),
        ("exemptions: [{rules: [ALL], reason: x}]", "exemptions[0]: missing field `expires`"),
        (
            "rules: [privileged]",
            "rules[0]: invalid type: string \"privileged\", expected `rules` with",
        ),
        ("rules: [{rules: [ALL], mode: warn}, {rules: [ALL]}]", "rules[1]: missing field `mode`"),
        ("enforce", "expected the fields of a policy"),
        (
            "{kind: CoamingPolicy, spec: {mode: warn}}",
            "it is a whole object: write only what is in its `spec`",
        ),
        (
            "exemptions: [{rules: [ALL], reason: x, expires: 2027-01-01, objects: [Deployment/shop/web]}]",
            "exemptions[0].objects: `Deployment/shop/web`: write `name` or `Kind/name`",
        ),
        (
            "exemptions: [{rules: [ALL], reason: x, expires: 2027-01-01, objects: [deployment/web]}]",
            "exemptions[0].objects: `deployment/web`: write the kind as in manifests",
        ),
        (
            "exemptions: [{rules: [ALL], reason: x, expires: 2027-01-01, objects: ['[']}]",
            "exemptions[0].objects: ",
        ),
        (
            "exemptions: [{rules: [ALL], reason: x, expires: 2027-01-01, namespaces: [b]}]",
            "own namespace only",
        ),
        ("configuration: {slect: [ALL]}", "slect"),
        ("configuration: {select: [nothing]}", "there is no rule or category `nothing`"),
        ("configuration: {policies: [/etc/passwd]}", "configuration: policies: names files"),
        ("a: [", "YAML: "),
        ("mode: enforce\nmode: warn", "YAML: line 2: the key `mode` is there twice"),
        (
            "mode: warn\nrules:\n- rules: [ALL]\n  mode: enforce\n  mode: audit\n",
            "YAML: line 5: the key `mode` is there twice",
        ),
    ] {
        let text = error(spec);
        assert!(text.contains(expected), "{spec}: {text}");
    }
}

#[test]
fn a_policy_that_cannot_be_used_leaves_the_others() {
    let name = |name: &str| PolicyName { namespace: "shop".into(), name: name.into() };
    let spec = |text: &str| PolicySpec::from_yaml(text).unwrap();
    let specs = BTreeMap::from([
        (name("a"), spec("{mode: enforce, configuration: {select: [privileged]}}")),
        (name("b"), spec("configuration: {select: [image-tag]}")),
        (name("c"), spec("rules: [{rules: [nothing], mode: warn}]")),
    ]);
    let cluster = ClusterPolicy::default();
    let (policies, errors) = Policies::new(Guard::default(), &cluster, &specs, None).unwrap();
    let names: Vec<&str> = errors.keys().map(|name| name.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);
    assert!(errors[&name("b")].to_string().contains("policy `a` of this namespace has one"));
    assert!(Ask::create(privileged()).judge(&policies).refusal.is_some());
    let (again, _) = Policies::new(Guard::default(), &cluster, &specs, Some(&policies)).unwrap();
    assert_eq!(again.hash(), policies.hash());
    assert_ne!(again.hash(), super::policies("", "", &[]).hash());
}

#[test]
fn the_configuration_is_that_of_the_command_line() {
    let of = |configuration: &str| {
        let policies = policies("mode: enforce", configuration, &[]);
        let verdict = Ask::create(privileged()).judge(&policies);
        let owned = |(rule, _): (&str, &str)| rule.to_owned();
        rules(&verdict).into_iter().map(owned).collect::<Vec<_>>()
    };
    assert_eq!(of(""), ["privileged"]);
    assert_eq!(of("ignore: [{rule: privileged, namespace: shop, reason: builds images}]"), [""; 0]);
    assert_eq!(of("overrides: [{namespaces: [shop], ignore: [privileged]}]"), [""; 0]);
    assert!(!of("standard: restricted").is_empty());
}

#[test]
fn exemptions_expire() {
    let judged = |exemption: &str| {
        let spec = format!("{{mode: enforce, exemptions: [{exemption}]}}");
        Ask::create(privileged()).judge(&policies(&spec, "", &[]))
    };
    let current = judged("{rules: [privileged], reason: builds images, expires: 2026-11-29}");
    assert!(current.refusal.is_none());
    assert!(current.audit_annotations["exempted"].starts_with("privileged "));
    let expired = judged("{rules: [privileged], reason: builds images, expires: 2026-11-28}");
    let text = expired.refusal.unwrap();
    assert!(text.contains("The exemption expired on 2026-11-28."), "{text}");
    for (objects, namespaces, is_exempt) in [
        ("[web]", "[]", true),
        ("['Pod/w*']", "[sh*]", true),
        ("['Deployment/w*']", "[]", false),
        ("[]", "[other]", false),
    ] {
        let verdict = judged(&format!(
            "{{rules: [security-context], objects: {objects}, namespaces: {namespaces}, reason: x, expires: 2027-01-01}}"
        ));
        assert_eq!(verdict.refusal.is_none(), is_exempt, "{objects} {namespaces}");
    }
}

#[test]
fn a_namespace_can_have_its_own_rules() {
    let own = [("shop", "a", "{mode: enforce, configuration: {select: [image-tag]}}")];
    let policies = policies("", "", &own);
    assert!(Ask::create(privileged()).judge(&policies).findings.is_empty());
    let untagged = Ask::create(pod(json!({"image": "registry.example.com/shop/web"})));
    assert_eq!(rules(&untagged.judge(&policies)), [("image-tag", "enforce")]);
}
