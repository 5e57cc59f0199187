//! The file as users write it, and as they mistype it.

use coaming_finding::{Category, Lifecycle, RuleId, RuleMeta, Severity};
use coaming_yaml::LineIndex;

use super::*;
use crate::read::{
    IGNORE_KEYS, IGNORED_VULNERABILITY_KEYS, IMAGE_KEYS, KEYS, OVERRIDE_KEYS, REGISTRY_KEYS,
    RELEASE_KEYS, RULE_KEYS, SIGNATURE_KEYS, SIGNER_KEYS, VULNERABILITY_KEYS,
};

static PRIVILEGED: RuleMeta = RuleMeta {
    id: RuleId::new("privileged"),
    summary: std::borrow::Cow::Borrowed(""),
    category: Category::SecurityContext,
    severity: Severity::Critical,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: &[],
    docs: std::borrow::Cow::Borrowed(""),
};

const EXAMPLE: &str = "\
select: ALL
ignore:
  - image-digest
  - rule: privileged
    path: ['agents/**']
    object: DaemonSet/agent
    reason: it manages the node
    expires: 2027-01-31
severity: {privileged: high}
overrides:
  - paths: test/**
    ignore: security-context
  - namespaces: [kube-system]
    severity: {privileged: low}
kubernetes-version: 1.30
registries:
  allow: [registry.example.com]
  ca: company.pem
  mirrors: {docker.io: [mirror.example.com/hub]}
rules:
  - name: team-label
    kinds: [Deployment]
    expression: has(object.metadata.labels.team)
    message: Deployment has no team label
vulnerabilities:
  vex: ours.openvex.json
  ignore:
    - id: CVE-2019-10744
      package: lodash
      reason: no input of users reaches it
      expires: 2027-01-31
";

#[test]
fn reads_what_users_write() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!(config.ignore, ["image-digest"]);
    assert_eq!(config.kubernetes_version, Some(KubernetesVersion::new(30)));
    assert_eq!(config.rules[0].kinds, ["Deployment"]);
    assert_eq!(config.registry_access.ca, ["company.pem"]);
    assert_eq!(config.registry_access.mirrors["docker.io"], ["mirror.example.com/hub"]);
    assert_eq!(config.vulnerabilities.vex, ["ours.openvex.json"]);
    let ignored = &config.vulnerabilities.ignore[0];
    let expires = ignored.expires.map(|date| date.to_string());
    assert_eq!((ignored.id.as_str(), expires.as_deref()), ("CVE-2019-10744", Some("2027-01-31")));
    let suppression = &config.suppressions[0];
    assert_eq!(LineIndex::new(EXAMPLE).position(EXAMPLE, suppression.span.start).0, 4);
    assert!(suppression.holds("agents/x/a.yaml", "", "DaemonSet", "agent"));
    assert!(!suppression.holds("agents/x/a.yaml", "", "Deployment", "agent"));
    assert!(!suppression.holds("web.yaml", "", "DaemonSet", "agent"));
    let decide = |file: &str, namespace: &str| {
        config.decide(&PRIVILEGED, Severity::Critical, file, namespace)
    };
    assert_eq!(decide("a.yaml", ""), Some(Severity::High));
    assert_eq!(decide("test/a.yaml", ""), None);
    assert_eq!(decide("a.yaml", "kube-system"), Some(Severity::Low));
}

#[test]
fn says_what_is_not_understood() {
    let errors = parse("selct: x\nseverity: {a: bad}\nignore: [{reason: x}]\noverrides: [{}]\nKubernetesVersion: 1\nvulnerabilities: {ignore: [{package: a, expires: soon}]}\n")
        .unwrap_err();
    let messages: Vec<String> =
        errors.iter().map(|error| format!("{}:{} {error}", error.line, error.column)).collect();
    assert_eq!(
        messages,
        [
            "1:1 `coaming.yaml` has no key `selct`; did you mean `select`?",
            "2:15 this must be one of low, medium, high, critical",
            "3:10 an entry of `ignore` needs a `rule`",
            "4:13 an override needs `paths` or `namespaces`",
            "5:1 `coaming.yaml` has no key `KubernetesVersion`; did you mean `kubernetes-version`?",
            "6:28 an entry of `vulnerabilities.ignore` needs an `id`: `CVE-2019-10744`",
            "6:50 `soon` is not a date; write it as YYYY-MM-DD",
        ]
    );
    assert!(parse("").is_ok());
    assert!(parse("a: [").is_err());
}

#[test]
fn an_ignored_vulnerability_expires_on_a_day_of_the_calendar() {
    let expires = |date: &str| {
        let entry = format!("vulnerabilities: {{ignore: [{{id: a, expires: {date}}}]}}");
        parse(&entry).map(|config| config.vulnerabilities.ignore[0].expires)
    };
    for date in ["2028-02-29", "0001-01-01", "9999-12-31"] {
        assert_eq!(expires(date).unwrap().map(|date| date.to_string()).as_deref(), Some(date));
    }
    for text in
        ["2027-99-99", "2027-02-29", "2027-00-10", "2027-1-1", "+027-01-01", "20270-01-1", "2027"]
    {
        assert!(expires(text).is_err(), "{text}");
    }
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = schema();
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<String> =
            value["properties"].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let known = |keys: &[&str]| {
        let mut keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        keys.sort();
        keys
    };
    let properties = &schema["properties"];
    assert_eq!(keys(&schema), known(KEYS));
    assert_eq!(keys(&properties["ignore"]["items"]["anyOf"][1]), known(IGNORE_KEYS));
    assert_eq!(keys(&properties["overrides"]["items"]), known(OVERRIDE_KEYS));
    assert_eq!(keys(&properties["registries"]), known(REGISTRY_KEYS));
    assert_eq!(keys(&properties["rules"]["items"]), known(RULE_KEYS));
    assert_eq!(keys(&properties["releases"]["items"]), known(RELEASE_KEYS));
    let images = &properties["images"];
    assert_eq!(keys(images), known(IMAGE_KEYS));
    let signatures = &images["properties"]["signatures"];
    assert_eq!(keys(signatures), known(SIGNATURE_KEYS));
    assert_eq!(keys(&signatures["properties"]["identities"]["items"]), known(SIGNER_KEYS));
    let vulnerabilities = &properties["vulnerabilities"];
    assert_eq!(keys(vulnerabilities), known(VULNERABILITY_KEYS));
    assert_eq!(
        keys(&vulnerabilities["properties"]["ignore"]["items"]),
        known(IGNORED_VULNERABILITY_KEYS)
    );
}

fn errors(text: &str) -> Vec<(u32, String)> {
    let errors = parse(text).expect_err("not valid");
    errors.into_iter().map(|error| (error.line, error.message)).collect()
}

#[test]
fn a_key_that_is_there_twice_is_an_error() {
    let found = errors("select: ALL\nregistries:\n  allow: [a]\n  allow: [b]\nselect: secrets\n");
    let lines: Vec<u32> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5], "{found:?}");
    assert!(found[0].1.contains("the key `allow` is there twice"), "{found:?}");
}

#[test]
fn values_of_the_wrong_form_are_errors_with_their_line() {
    for (text, line) in [
        ("images: {archives: 3}\n", 1),
        ("images:\n  archives: [x.tar]\n", 2),
        ("images: 3\n", 1),
        (
            "images:\n  signatures:\n    identities: [{identity: a@example.com}]\n    trusted-root: a\n",
            3,
        ),
        ("images:\n  signatures:\n    identities: [{identity: a, issuer: b}]\n", 3),
        ("severity: high\n", 1),
        ("registries:\n  mirrors: [a]\n", 2),
        ("exclude: ['a[']\n", 1),
        ("select: {a: b}\n", 1),
        ("overrides:\n- paths: a/**\n  severity: low\n", 3),
        ("select: ALL\n---\nselect: ALL\n", 3),
    ] {
        let errors = errors(text);
        assert_eq!(errors.len(), 1, "{text}: {errors:?}");
        assert_eq!(errors[0].0, line, "{text}: {errors:?}");
    }
}

#[test]
fn an_empty_file_changes_nothing() {
    for text in ["", "# nothing\n", "---\n"] {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn each_name_of_a_rule_has_its_place() {
    let text = "select: [a]\nignore:\n- b\n- {rule: c, reason: r}\nseverity:\n  d: low\noverrides:\n- {paths: x, select: e}\n";
    let config = parse(text).expect("valid");
    let named = config.named_rules.iter().map(|rule| (rule.name.as_str(), rule.line));
    let named: Vec<_> = named.collect();
    assert_eq!(named, [("a", 1), ("b", 3), ("c", 4), ("d", 6), ("e", 8)]);
}

#[test]
fn releases_need_a_chart() {
    let text = "releases:\n  - chart: charts/web\n    name: shop\n    values: [a.yaml, b.yaml]\n    \
                kubernetes-version: 1.29\n  - name: other\n";
    let errors = parse(text).unwrap_err();
    assert_eq!((errors.len(), errors[0].line), (1, 6), "{errors:?}");
    let config = parse(text.split("  - name: other").next().unwrap()).unwrap();
    let [release] = config.releases.as_slice() else { panic!("{config:?}") };
    assert_eq!((release.chart.as_str(), release.name.as_deref()), ("charts/web", Some("shop")));
    assert_eq!((release.values.len(), release.position), (2, (2, 5)));
}
