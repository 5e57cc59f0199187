//! See [`InvalidValue`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::schema::{Limit, SchemaProblemKind};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::safety::is_partial;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Values of custom resources that their CustomResourceDefinition does not allow (`enum`,
    /// `pattern`, `format`, `minimum` and `maximum`, lengths, combinations such as `oneOf`), fields that
    /// it requires and that are missing, and objects that break its rules in CEL
    /// (`x-kubernetes-validations`).
    ///
    /// ## Why it matters
    ///
    /// The API server refuses the whole object. If it is one of many, the others are deployed
    /// without it.
    ///
    /// ## Bad
    ///
    /// The mode is not one of the two.
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: caches.example.com
    /// spec:
    ///   group: example.com
    ///   scope: Namespaced
    ///   names: {kind: Cache, plural: caches}
    ///   versions:
    ///     - name: v1
    ///       served: true
    ///       storage: true
    ///       schema:
    ///         openAPIV3Schema:
    ///           type: object
    ///           properties:
    ///             spec:
    ///               type: object
    ///               properties:
    ///                 mode: {type: string, enum: [single, cluster]}
    /// ---
    /// apiVersion: example.com/v1
    /// kind: Cache
    /// metadata:
    ///   name: sessions
    /// spec:
    ///   mode: clustered
    /// ```
    ///
    /// A required field is missing.
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: caches.example.com
    /// spec:
    ///   group: example.com
    ///   scope: Namespaced
    ///   names: {kind: Cache, plural: caches}
    ///   versions:
    ///     - name: v1
    ///       served: true
    ///       storage: true
    ///       schema:
    ///         openAPIV3Schema:
    ///           type: object
    ///           properties:
    ///             spec:
    ///               type: object
    ///               required: [size]
    ///               properties:
    ///                 size: {type: integer, minimum: 1}
    /// ---
    /// apiVersion: example.com/v1
    /// kind: Cache
    /// metadata:
    ///   name: sessions
    /// spec: {}
    /// ```
    ///
    /// Neither of two alternatives.
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: caches.example.com
    /// spec:
    ///   group: example.com
    ///   scope: Namespaced
    ///   names: {kind: Cache, plural: caches}
    ///   versions:
    ///     - name: v1
    ///       served: true
    ///       storage: true
    ///       schema:
    ///         openAPIV3Schema:
    ///           type: object
    ///           properties:
    ///             spec:
    ///               type: object
    ///               oneOf:
    ///                 - required: [memory]
    ///                 - required: [disk]
    ///               properties:
    ///                 memory: {type: string}
    ///                 disk: {type: string}
    /// ---
    /// apiVersion: example.com/v1
    /// kind: Cache
    /// metadata:
    ///   name: sessions
    /// spec: {}
    /// ```
    ///
    /// A combination for the whole object.
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: caches.example.com
    /// spec:
    ///   group: example.com
    ///   scope: Namespaced
    ///   names: {kind: Cache, plural: caches}
    ///   versions:
    ///     - name: v1
    ///       served: true
    ///       storage: true
    ///       schema:
    ///         openAPIV3Schema:
    ///           type: object
    ///           oneOf:
    ///             - properties: {spec: {required: [memory]}}
    ///             - properties: {spec: {required: [disk]}}
    ///           properties:
    ///             spec:
    ///               type: object
    ///               properties:
    ///                 memory: {type: string}
    ///                 disk: {type: string}
    /// ---
    /// apiVersion: example.com/v1
    /// kind: Cache
    /// metadata:
    ///   name: sessions
    /// spec: {memory: 1Gi, disk: 2Gi}
    /// ```
    ///
    /// ## Good
    ///
    /// A value that the definition allows.
    ///
    /// ```yaml
    /// apiVersion: apiextensions.k8s.io/v1
    /// kind: CustomResourceDefinition
    /// metadata:
    ///   name: caches.example.com
    /// spec:
    ///   group: example.com
    ///   scope: Namespaced
    ///   names: {kind: Cache, plural: caches}
    ///   versions:
    ///     - name: v1
    ///       served: true
    ///       storage: true
    ///       schema:
    ///         openAPIV3Schema:
    ///           type: object
    ///           properties:
    ///             spec:
    ///               type: object
    ///               required: [size]
    ///               properties:
    ///                 size: {type: integer, minimum: 1}
    /// ---
    /// apiVersion: example.com/v1
    /// kind: Cache
    /// metadata:
    ///   name: sessions
    /// spec:
    ///   size: 2
    /// ```
    ///
    /// ## Fix
    ///
    /// By hand: which value is meant is not known.
    ///
    /// ## Limits
    ///
    /// Only custom resources whose CustomResourceDefinition is in the input are judged, and only if
    /// all definitions of the type in the input are the same. Rules in CEL are evaluated as for an object
    /// that is created: those that compare with `oldSelf` are not. A rule that cannot be compiled is
    /// counted in a note. A field with a default is not missing. Missing fields, combinations and rules
    /// in CEL are not judged in files that are parts of an object: bases and patches of Kustomize, and
    /// what tests expect.
    InvalidValue {
        name: "invalid-value",
        summary: "Value is not allowed by the definition",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl ObjectRule for InvalidValue {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        for problem in scope.schema_problems() {
            let (name, message, title) = match problem.kind {
                // What is absent may decide.
                SchemaProblemKind::Refused { limit, .. }
                    if is_combination(limit) && is_partial(context.world, object) =>
                {
                    continue;
                }
                SchemaProblemKind::Refused { limit, .. } if problem.node == object.node() => (
                    "spec",
                    format!("{} must {}", phrases::object(object), allowed(limit)),
                    "write what the definition allows".to_owned(),
                ),
                SchemaProblemKind::Refused { name, limit } => (
                    name,
                    format!("`{name}` of {} must {}", phrases::object(object), allowed(limit)),
                    format!("write a value that `{name}` allows"),
                ),
                SchemaProblemKind::Missing { name } if !is_partial(context.world, object) => {
                    let place = if problem.node == object.node() {
                        phrases::object(object)
                    } else {
                        format!("`{}` of {}", problem.node.path(), phrases::object(object))
                    };
                    (name, format!("{place} requires `{name}`"), format!("set `{name}`"))
                }
                _ => continue,
            };
            let help = format!("{}.", phrases::sentence(&title));
            let draft = context
                .finding(Self::RULE, object, problem.node, message)
                .why("The API server refuses the whole object.")
                .help(help);
            findings.push(draft.manual(title, format!("{name}: …")).done());
        }
    }
}

fn is_combination(limit: Limit<'_>) -> bool {
    matches!(limit, Limit::AllOf | Limit::AnyOf | Limit::OnlyOne(_) | Limit::Not)
}

/// The most values that a message names.
const MAX_VALUES: usize = 8;

/// What a field must be: "be one of `a`, `b`".
fn allowed(limit: Limit<'_>) -> String {
    match limit {
        Limit::OneOf(values) => one_of(values),
        Limit::Pattern(pattern) => format!("match `{pattern}`"),
        Limit::Minimum { number, exclusive: false } => format!("be at least {number}"),
        Limit::Minimum { number, exclusive: true } => format!("be greater than {number}"),
        Limit::Maximum { number, exclusive: false } => format!("be at most {number}"),
        Limit::Maximum { number, exclusive: true } => format!("be less than {number}"),
        Limit::Least(count) => format!("have a length of at least {count}"),
        Limit::Most(count) => format!("have a length of at most {count}"),
        Limit::Format(format) => format!("have the format `{format}`"),
        Limit::AllOf => "fit all parts of `allOf` in its definition".to_owned(),
        Limit::AnyOf => "fit one of `anyOf` in its definition".to_owned(),
        Limit::OnlyOne(0) => "fit one of `oneOf` in its definition, and fits none".to_owned(),
        Limit::OnlyOne(count) => {
            format!("fit only one of `oneOf` in its definition, and fits {count}")
        }
        Limit::Not => "not fit what `not` in its definition excludes".to_owned(),
    }
}

fn one_of(values: Node<'_>) -> String {
    let names: Vec<String> =
        values.items().take(MAX_VALUES).map(|value| format!("`{}`", value.text())).collect();
    let more = values.items().len().saturating_sub(MAX_VALUES);
    match (names.as_slice(), more) {
        ([only], 0) => format!("be {only}"),
        (_, 0) => format!("be one of {}", names.join(", ")),
        _ => format!("be one of {} and {more} more", names.join(", ")),
    }
}
