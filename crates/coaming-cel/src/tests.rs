//! Rules and policies as users write them.

use std::sync::Arc;

use coaming_finding::Severity;
use coaming_kube::Source;

use super::*;

mod oracle;

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
    let rules = CustomRules::compile(rules, world(policies)).unwrap();
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
fn what_fails_to_evaluate_is_reported() {
    let found = found(&[rule(&["Service"], "object.spec.nothing == 1")], "");
    assert_eq!(
        found,
        ["Service expression 'object.spec.nothing == 1' resulted in error: no such key: spec"]
    );
}

#[test]
fn mistakes_have_a_place() {
    let errors = CustomRules::compile(&[rule(&[], "object.(")], world("")).unwrap_err();
    assert_eq!(errors[0].line, 7);
    assert!(errors[0].message.starts_with("rule `own`: not a valid CEL expression"), "{errors:?}");
}

#[test]
fn cost_is_bounded() {
    let failure = |expression: &str| {
        let rules = CustomRules::compile(&[rule(&["Service"], expression)], world("")).unwrap();
        let findings = rules.run(&world(OBJECTS));
        findings[0].message.clone()
    };
    for expression in [
        "lists.range(1000000000).all(i, i >= 0)",
        "lists.range(1000).all(a, lists.range(1000).all(b, lists.range(1000).all(c, true)))",
        "['x'].map(a, lists.range(60).map(b, 'xxxxxxxxxxxxxxxx')).size() < 0 || \
         lists.range(99000).map(i, 'x').join('y').replace('', 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz') == ''",
    ] {
        let message = failure(expression);
        assert!(message.ends_with("actual cost limit exceeded"), "{expression}: {message}");
    }
    let deep = format!("{}true{}", "(".repeat(300), ")".repeat(300));
    assert!(CustomRules::compile(&[rule(&[], &deep)], world("")).is_err());
    let long = format!("true || '{}' == ''", "x".repeat(200_000));
    assert!(CustomRules::compile(&[rule(&[], &long)], world("")).is_err());
    let chain = format!("{} == 1", vec!["1"; 5000].join(" + "));
    assert!(CustomRules::compile(&[rule(&[], &chain)], world("")).is_err());
    let sum = format!("{} == 200", vec!["1"; 200].join(" + "));
    assert!(found(&[rule(&["Service"], &sum)], "").is_empty());
    let nested = format!("{}true{}", "[".repeat(70), "].first().orValue(false)".repeat(70));
    assert!(found(&[rule(&["Service"], &nested)], "").is_empty());
    let choices = vec!["object.kind == 'X'"; 3000].join(" || ");
    assert!(CustomRules::compile(&[rule(&[], &choices)], world("")).is_ok());
}

const POLICY: &str = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: replicas}\nspec:\n  failurePolicy: Fail\n  matchConstraints:\n    resourceRules:\n      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}\n  matchConditions:\n    - {name: has-team, expression: has(object.metadata.labels.team)}\n  validations:\n    - expression: object.spec.replicas >= 2\n      messageExpression: \"'has ' + string(object.spec.replicas) + ' replicas'\"\n";

#[test]
fn policies_are_evaluated_as_on_creation() {
    assert_eq!(found(&[], POLICY), ["Deployment has 1 replicas"]);
    assert!(found(&[], &POLICY.replace("labels.team", "labels.none")).is_empty());
    assert!(found(&[], &POLICY.replace("[CREATE, UPDATE]", "[DELETE]")).is_empty());
    assert_eq!(found(&[], &POLICY.replace("[CREATE, UPDATE]", "[UPDATE]")).len(), 1);
    let on_update = POLICY.replace(
        "object.spec.replicas >= 2",
        "request.operation == 'CREATE' || oldObject.spec.replicas >= 2",
    );
    assert_eq!(found(&[], &on_update).len(), 1);
    assert!(found(&[], &POLICY.replace("[deployments]", "[pods]")).is_empty());
    let ignored = POLICY.replace("object.spec.replicas >= 2", "object.metadata.labels.x == 'a'");
    assert_eq!(found(&[], &ignored).len(), 1);
    assert!(found(&[], &ignored.replace("Fail", "Ignore")).is_empty());
}

#[test]
fn parameters_need_a_binding() {
    let with_params = POLICY
        .replace("  failurePolicy: Fail\n", "  paramKind: {apiVersion: v1, kind: ConfigMap}\n");
    let errors = CustomRules::compile(&[], world(&with_params)).unwrap_err();
    assert_eq!(errors[0].file, "x.yaml");
    assert_eq!(errors[0].line, 5);
    assert!(errors[0].message.contains("it takes parameters"), "{errors:?}");
}

const BINDING: &str = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec:\n  policyName: replicas\n  validationActions: [Deny]\n  paramRef: {name: limits, namespace: default, parameterNotFoundAction: Deny}\n  matchResources:\n    objectSelector: {matchExpressions: [{key: team, operator: In, values: [shop]}]}\n    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}\n";
const PARAMETERS: &str =
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits}\ndata: {least: '3'}\n";

/// The policy with parameters and variables, and its binding.
fn with_parameters() -> String {
    let policy = POLICY
        .replace(
            "  failurePolicy: Fail\n",
            "  failurePolicy: Fail\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n  variables:\n    - {name: least, expression: int(params.data.least)}\n    - {name: enough, expression: object.spec.replicas >= variables.least}\n",
        )
        .replace("object.spec.replicas >= 2", "variables.enough");
    format!("{policy}{BINDING}")
}

#[test]
fn bindings_decide_where_and_with_what_a_policy_applies() {
    let policy = with_parameters();
    let whole = format!("{policy}{PARAMETERS}");
    assert_eq!(found(&[], &whole), ["Deployment has 1 replicas"]);
    assert!(found(&[], &whole.replace("least: '3'", "least: '1'")).is_empty());
    assert!(found(&[], &whole.replace("values: [shop]", "values: [other]")).is_empty());
    assert!(found(&[], &whole.replace("[kube-system]", "[default]")).is_empty());
    let missing = found(&[], &policy);
    assert!(missing[0].contains("no params found"), "{missing:?}");
    let allowed = policy.replace("parameterNotFoundAction: Deny", "parameterNotFoundAction: Allow");
    assert!(found(&[], &allowed).is_empty());
    let selected = whole
        .replace("paramRef: {name: limits,", "paramRef: {selector: {matchLabels: {for: all}},")
        .replace("metadata: {name: limits}", "metadata: {name: limits, labels: {for: all}}");
    assert_eq!(found(&[], &selected), ["Deployment has 1 replicas"]);
    let rules = CustomRules::compile(&[], world(&whole.replace("[Deny]", "[Audit]"))).unwrap();
    assert_eq!(rules.run(&world(OBJECTS))[0].severity, Severity::Low);
}

#[test]
fn mistakes_in_policies_are_errors_at_load() {
    for (wrong, expected) in [
        (POLICY.replace("labels.team)", "labels.team) && variables.x"), "undefined field 'x'"),
        (POLICY.replace("object.spec.replicas >= 2", "params.x == 1"), "reference to 'params'"),
        (POLICY.replace("object.spec.replicas >= 2", "request.kid == 1"), "undefined field 'kid'"),
        (POLICY.replace("object.spec.replicas >= 2", "1 + 'a' == 2"), "no matching overload"),
        (POLICY.replace("object.spec.replicas >= 2", "object.spec"), "must evaluate to bool"),
        (
            POLICY.replace("object.spec.replicas >= 2", "object.spec.replica >= 2"),
            "validations[0].expression: column 12: undefined field 'replica'; did you mean `replicas`?",
        ),
        (POLICY.replace("labels.team)", "lables.team)"), "matchConditions[0].expression"),
        (
            POLICY.replace("string(object.spec.replicas)", "string(object.spec.replica)"),
            "messageExp",
        ),
        (POLICY.replace(" replicas'\"", " replicas' + 1\""), "messageExpression"),
        (format!("{}{BINDING}", POLICY).replace("[Deny]", "[Deni]"), "`Deni` is not a valid"),
        (format!("{}{BINDING}", POLICY).replace("operator: In", "operator: In2"), "`In2` is not"),
    ] {
        let errors = CustomRules::compile(&[], world(&wrong)).unwrap_err();
        assert!(errors[0].message.contains(expected), "{expected}: {errors:?}");
        assert!(errors[0].line > 0, "{errors:?}");
    }
}

#[test]
fn fields_are_read_through_variables() {
    let policy = |variables: &str, expression: &str| {
        let variables = format!("  failurePolicy: Fail\n  variables: [{variables}]\n");
        let policy = POLICY.replace("  failurePolicy: Fail\n", &variables);
        let wrong = policy.replace("object.spec.replicas >= 2", expression);
        CustomRules::compile(&[], world(&wrong)).map_err(|errors| errors[0].message.clone())
    };
    let pod = "{name: pod, expression: object.spec.template.spec}";
    let all = "{name: all, expression: 'variables.pod.containers + variables.pod.?initContainers.orValue([])'}";
    for (variables, expression, expected) in [
        (pod, "variables.pod.hostNetwrk == true", "undefined field 'hostNetwrk'; did you mean"),
        (pod, "variables.pod.containers.all(c, has(c.imag))", "undefined field 'imag'"),
        (&format!("{pod}, {all}"), "variables.all.all(c, has(c.imag))", "undefined field 'imag'"),
        (
            &format!("{pod}, {{name: x, expression: variables.pod.hostNetwrk == true}}"),
            "variables.x",
            "variables[1].expression: column 14: undefined field 'hostNetwrk'",
        ),
    ] {
        let message = policy(variables, expression).unwrap_err();
        assert!(message.contains(expected), "{expression}: {message}");
    }
    let own = "{name: own, expression: \"{'a': 1}\"}";
    for (variables, expression) in [
        (pod, "has(variables.pod.hostNetwork)"),
        (own, "variables.own.a == 1"),
        (&format!("{pod}, {all}"), "variables.all.all(c, has(c.image))"),
    ] {
        assert!(policy(variables, expression).is_ok(), "{expression}");
    }
}

#[test]
fn fields_of_policies_are_mistakes_only_where_the_kinds_are_certain() {
    let wrong = POLICY.replace("object.spec.replicas >= 2", "object.spec.backoffLimit == 2");
    assert!(CustomRules::compile(&[], world(&wrong)).is_err());
    for (from, to) in [
        ("resources: [deployments]", "resources: ['*']"),
        ("resources: [deployments]", "resources: [deployments/scale]"),
        ("apiVersions: [v1]", "apiVersions: ['*']"),
        ("apiGroups: [apps]", "apiGroups: ['*']"),
        ("apiGroups: [apps]", "apiGroups: [apps, example.com]"),
        ("{apiGroups: [apps]", "{apiGroups: [apps, batch]"),
        (
            "[deployments]}",
            "[deployments]}\n      - {apiGroups: [batch], apiVersions: [v1], operations: [CREATE], resources: [jobs]}",
        ),
    ] {
        let text = wrong.replace(from, to).replace("[deployments]", "[deployments, jobs]");
        assert!(CustomRules::compile(&[], world(&text)).is_ok(), "{to}");
    }
}

#[test]
fn variables_and_kinds_must_exist() {
    let errors =
        CustomRules::compile(&[rule(&["Deployment"], "variables.x == 1")], world("")).unwrap_err();
    assert!(errors[0].message.contains("undeclared reference to 'variables'"), "{errors:?}");
    // With another error, kinds that are evidently misspelt are reported at load.
    let both = [rule(&["deployment"], "true"), rule(&["Widget"], "true"), rule(&[], "x")];
    assert_eq!(CustomRules::compile(&both, world("")).unwrap_err().len(), 2);
    let unknown = |kind: &str, input: &str| {
        let rules = CustomRules::compile(&[rule(&[kind], "false")], world("")).unwrap();
        let errors = rules.unknown_kinds(&world(input));
        errors.into_iter().map(|error| format!("{} {}", error.line, error.message)).next()
    };
    for kind in ["Deployments", "deployment", "apps/v1/Deployment", "Deploymnet"] {
        let expected = format!(
            "7 rule `own`: there is no kind `{kind}` in Kubernetes or in the input; did you mean `Deployment`?"
        );
        assert_eq!(unknown(kind, OBJECTS), Some(expected));
    }
    assert_eq!(unknown("StorageClass", ""), None);
    assert_eq!(unknown("Widget", "apiVersion: x.io/v1\nkind: Widget\nmetadata: {name: w}\n"), None);
    let definition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: w}\nspec: {group: x.io, names: {kind: Widget, plural: widgets}, scope: Cluster}\n";
    assert_eq!(unknown("Widget", definition), None);
    assert!(unknown("Widgets", definition).unwrap().ends_with("did you mean `Widget`?"));
}

#[test]
fn optional_fields_are_part_of_the_language() {
    let expression =
        "object.spec.template.spec.containers.all(c, c.?securityContext.?privileged.orValue(true))";
    assert!(found(&[rule(&["Deployment"], expression)], "").is_empty());
    let expression = expression.replace("(true)", "(false)");
    assert_eq!(found(&[rule(&["Deployment"], &expression)], "").len(), 1);
}

#[test]
fn a_manifest_in_a_text_is_a_text() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n  b.yaml: |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p}\n    ---\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: q}\n";
    let of = |expression: &str| {
        let rules = CustomRules::compile(&[rule(&["ConfigMap"], expression)], world("")).unwrap();
        rules.run(&world(text)).len()
    };
    assert_eq!(of("object.data.all(k, object.data[k].contains('kind: Pod\\n'))"), 0);
    assert_eq!(of("object.data['b.yaml'].size() < 10"), 1);
}
