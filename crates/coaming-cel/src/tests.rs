//! Rules and policies as users write them.

use std::sync::Arc;

use coaming_finding::Severity;
use coaming_kube::Source;

use super::*;

const OBJECTS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, labels: {team: shop}}\nspec: {replicas: 1, template: {spec: {containers: [{name: a, image: 'x:1'}, {name: b, image: 'y:latest'}]}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n";

fn world(text: &str) -> World {
    let stream = coaming_yaml::parse(Arc::from(text));
    assert_eq!(stream.errors, []);
    World::new(vec![Source::new("x.yaml", stream.source, stream.documents)])
}

fn rule(kinds: &[&str], expression: &str) -> CustomRule {
    CustomRule {
        name: "own".to_owned(),
        message: "it does not hold".to_owned(),
        severity: Severity::High,
        kinds: kinds.iter().map(ToString::to_string).collect(),
        expression: expression.to_owned(),
        line: 7,
    }
}

/// The kinds of the objects that a rule reports, with the messages.
fn found(rules: &[CustomRule], policies: &str) -> Vec<String> {
    let rules = CustomRules::compile(rules, &world(policies)).unwrap();
    let findings = rules.run(&world(OBJECTS));
    findings
        .iter()
        .map(|finding| format!("{} {}", finding.object.as_ref().unwrap().kind, finding.message))
        .collect()
}

#[test]
fn expressions_must_be_true() {
    let one = |kinds: &[&str], expression: &str| found(&[rule(kinds, expression)], "").len();
    assert_eq!(one(&["Deployment"], "has(object.metadata.labels.team)"), 0);
    assert_eq!(one(&["Service"], "has(object.metadata.labels)"), 1);
    assert_eq!(one(&[], "object.kind != 'Ingress'"), 1);
    let images = "object.spec.template.spec.containers.all(c, !c.image.endsWith(':latest'))";
    assert_eq!(found(&[rule(&["Deployment"], images)], ""), ["Deployment it does not hold"]);
    assert_eq!(one(&["Deployment"], "quantity('1Gi').isGreaterThan(quantity('500Mi'))"), 0);
    assert_eq!(one(&["Service"], "namespaceObject.metadata.name == 'default'"), 0);
}

#[test]
fn what_fails_to_evaluate_is_told() {
    let found = found(&[rule(&["Service"], "object.spec.nothing == 1")], "");
    assert!(found[0].contains("evaluation error"), "{found:?}");
}

#[test]
fn mistakes_have_a_place() {
    let errors = CustomRules::compile(&[rule(&[], "object.(")], &world("")).unwrap_err();
    assert_eq!(errors[0].line, 7);
    assert!(errors[0].message.starts_with("rule `own`: not a valid CEL expression"), "{errors:?}");
}

#[test]
fn cost_is_bounded() {
    let nested = "x.all(a, x.all(b, x.all(c, x.all(d, x.all(e, true)))))".replace('x', "[1, 2]");
    assert!(CustomRules::compile(&[rule(&[], &nested)], &world("")).is_err());
    let range = "lists.range(1000000000).all(i, i > 0)";
    assert!(CustomRules::compile(&[rule(&[], range)], &world("")).is_err());
    let long = format!("true || '{}' == ''", "x".repeat(20_000));
    assert!(CustomRules::compile(&[rule(&[], &long)], &world("")).is_err());
    // Three loops over ten thousand items each are too many.
    let items = vec!["x"; 10_000].join(", ");
    let large = world(&format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\nitems: [{items}]\n"
    ));
    let cubic = "object.items.all(a, object.items.all(b, object.items.all(c, a == b || c != a)))";
    let rules = CustomRules::compile(&[rule(&[], cubic)], &world("")).unwrap();
    let findings = rules.run(&large);
    assert!(findings[0].message.contains("was not evaluated"), "{}", findings[0].message);
}

const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: replicas}\nspec:\n  failurePolicy: Fail\n  matchConstraints:\n    resourceRules:\n      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}\n  matchConditions:\n    - {name: has-team, expression: has(object.metadata.labels.team)}\n  validations:\n    - expression: object.spec.replicas >= 2\n      messageExpression: \"'has ' + string(object.spec.replicas) + ' replicas'\"\n";

#[test]
fn policies_are_evaluated_as_on_creation() {
    assert_eq!(found(&[], POLICY), ["Deployment has 1 replicas"]);
    assert!(found(&[], &POLICY.replace("labels.team", "labels.none")).is_empty());
    assert!(found(&[], &POLICY.replace("[CREATE, UPDATE]", "[DELETE]")).is_empty());
    assert!(found(&[], &POLICY.replace("[deployments]", "[pods]")).is_empty());
    let ignored = POLICY.replace("object.spec.replicas >= 2", "object.none.x == 1");
    assert_eq!(found(&[], &ignored).len(), 1);
    assert!(found(&[], &ignored.replace("Fail", "Ignore")).is_empty());
}

#[test]
fn policies_that_need_the_cluster_say_so() {
    let with_params = POLICY
        .replace("  failurePolicy: Fail\n", "  paramKind: {apiVersion: v1, kind: ConfigMap}\n");
    let errors = CustomRules::compile(&[], &world(&with_params)).unwrap_err();
    assert_eq!(errors[0].file, "x.yaml");
    assert!(errors[0].message.contains("needs parameters"), "{errors:?}");
}
