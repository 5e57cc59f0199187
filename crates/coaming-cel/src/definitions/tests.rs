//! Rules of definitions as they are written.

use coaming_finding::{Category, Lifecycle, RuleId, Severity};
use coaming_kube::Source;

use super::*;

static RULE: RuleMeta = RuleMeta {
    id: RuleId::new("invalid-value"),
    summary: Cow::Borrowed("Value is not allowed by the definition"),
    category: Category::Schema,
    severity: Severity::Medium,
    default: true,
    since: "0.1.0",
    lifecycle: Lifecycle::Stable,
    standards: &[],
    docs: Cow::Borrowed(""),
};

const HEAD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: caches.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Cache, plural: caches}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n            type: object\n";
const PROPERTIES: &str = "            properties:\n              min: {type: integer}\n              max: {type: integer, default: 5}\n              ratio: {type: number}\n              names: {type: array, items: {type: string}}\n              labels: {type: object, additionalProperties: {type: string}}\n              namespace: {type: string}\n              port: {x-kubernetes-int-or-string: true}\n              wait: {type: string, format: duration}\n              inner: {type: object, properties: {a: {type: string}}}\n";

/// The messages about an object whose `spec` is this, and how many rules are unknown.
fn judged(rules: &str, spec: &str) -> (Vec<String>, usize) {
    let text = format!(
        "{HEAD}            x-kubernetes-validations:\n{rules}{PROPERTIES}---\napiVersion: example.com/v1\nkind: Cache\nmetadata: {{name: c}}\nspec: {spec}\n"
    );
    let stream = coaming_yaml::parse(Arc::from(text.as_str()));
    assert_eq!(stream.errors, [], "{text}");
    let world = World::new(vec![Source::new("x.yaml", stream.source, stream.documents)]);
    let report = judge(&world, &RULE, None, |_| true);
    (report.findings.iter().map(|finding| finding.message.clone()).collect(), report.unknown)
}

#[test]
fn rules_hold_or_do_not() {
    for (rule, spec, holds) in [
        ("self.min <= self.max", "{min: 1, max: 2}", true),
        ("self.min <= self.max", "{min: 3, max: 2}", false),
        // The default of `max`.
        ("self.min <= self.max", "{min: 6}", false),
        ("has(self.names) && self.names.all(n, n.startsWith('a'))", "{names: [ab, a]}", true),
        ("has(self.names) && self.names.all(n, n.startsWith('a'))", "{names: [b]}", false),
        ("!('x' in self.labels)", "{labels: {x: z}}", false),
        ("self.__namespace__ == 'a'", "{namespace: b}", false),
        ("type(self.port) == int", "{port: 80}", true),
        ("type(self.port) == int", "{port: http}", false),
        ("self.wait > duration('1m')", "{wait: 30s}", false),
        ("self.ratio > 0.5", "{ratio: 1}", true),
        ("has(self.inner.a)", "{inner: {}}", false),
        // What is filled in later is not judged.
        ("self.__namespace__ == 'a'", "{namespace: '${NS}'}", true),
        // A value of another type is a finding of another rule.
        ("self.min > 3", "{min: x}", true),
    ] {
        let (messages, unknown) = judged(&format!("            - rule: \"{rule}\"\n"), spec);
        assert_eq!(unknown, 0, "{rule}");
        assert_eq!(messages.is_empty(), holds, "{rule} of {spec}: {messages:?}");
    }
}

#[test]
fn messages_are_those_of_the_definition() {
    let rule =
        "            - rule: self.min <= self.max\n              message: min is too large\n";
    let (messages, _) = judged(rule, "{min: 9, max: 2}");
    assert_eq!(messages, ["`spec` of Cache `c` breaks a rule of its definition: min is too large"]);
    let computed = format!(
        "{rule}              messageExpression: '\"max is \" + string(self.max)'\n              fieldPath: .min\n"
    );
    let (messages, _) = judged(&computed, "{min: 9, max: 2}");
    assert_eq!(messages, ["`spec.min` of Cache `c` breaks a rule of its definition: max is 2"]);
    let (messages, _) = judged("            - rule: self.min <= self.max\n", "{min: 9}");
    assert!(messages[0].ends_with("rule `self.min <= self.max` does not hold"), "{messages:?}");
}

#[test]
fn rules_that_compare_with_the_value_before_do_not_run() {
    let (messages, unknown) = judged("            - rule: self.min == oldSelf.min\n", "{min: 1}");
    assert!(messages.is_empty() && unknown == 0, "{messages:?}");
    let optional = "            - rule: 'oldSelf.hasValue() || self.min > 3'\n              optionalOldSelf: true\n";
    assert_eq!(judged(optional, "{min: 1}").0.len(), 1);
    assert!(judged(optional, "{min: 4}").0.is_empty());
}

#[test]
fn rules_that_do_not_compile_are_counted() {
    for rule in ["self.nothing == 1", "object.spec.min == 1", "self.min + 'a' == 1", "self.min"] {
        let (messages, unknown) = judged(&format!("            - rule: \"{rule}\"\n"), "{min: 1}");
        assert!(messages.is_empty() && unknown == 1, "{rule}: {messages:?}");
    }
}
