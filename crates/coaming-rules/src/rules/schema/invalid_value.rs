//! See [`InvalidValue`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Object;
use coaming_kube::schema::{Limit, SchemaProblemKind};
use coaming_text::nearest;
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::safety::is_partial;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Values of fields of Kubernetes' own kinds that take one of a closed list, such as `imagePullPolicy`,
    /// `protocol`, `restartPolicy`, a Service's `type` and `accessModes`, and that the API server refuses
    /// because they are not in it: it compares them letter by letter.
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
    /// The API server knows `Always`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       imagePullPolicy: always
    /// ```
    ///
    /// An abbreviation that only `kubectl` prints.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: PersistentVolumeClaim
    /// metadata:
    ///   name: data
    /// spec:
    ///   accessModes: [RWO]
    ///   resources: {requests: {storage: 1Gi}}
    /// ```
    ///
    /// A Job ends, so its pods are not always restarted.
    ///
    /// ```yaml
    /// apiVersion: batch/v1
    /// kind: Job
    /// metadata:
    ///   name: migrate
    /// spec:
    ///   template:
    ///     spec:
    ///       containers:
    ///         - name: migrate
    ///           image: registry.example.com/web:1.4.2
    /// ```
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
    /// As the API server compares it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       imagePullPolicy: Always
    /// ```
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
    /// A value that differs from one of a closed list only by the case of its letters is written as in the
    /// list. That is safe because the API server refuses the object as it is: nothing runs that it could
    /// change. The rest is by hand: which value is meant is not known.
    ///
    /// ## Limits
    ///
    /// Lists that an implementation may extend, such as the `medium` of an `emptyDir`, are not compared.
    ///
    /// Only custom resources whose CustomResourceDefinition is in the input are judged, and only if
    /// all definitions of the type in the input are the same. Rules in CEL are evaluated as for an object
    /// that is created: those that compare with `oldSelf` are not. A rule that cannot be compiled is
    /// counted in a note. A field with a default is not missing. Missing fields, combinations and rules
    /// in CEL are not judged in files that are parts of an object: bases and patches of Kustomize, and
    /// what tests expect.
    InvalidValue {
        name: "invalid-value",
        summary: "Value is not one that the API server allows",
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
                SchemaProblemKind::Refused { name, limit: Limit::Listed(values) } => {
                    findings.push(listed(context, object, problem.node, name, values));
                    continue;
                }
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

/// What is wrong with a value that a closed list does not have.
fn listed(
    context: &Context<'_>,
    object: Object<'_>,
    node: Node<'_>,
    name: &str,
    values: &'static [&'static str],
) -> Finding {
    let text = node.as_str().unwrap_or_default();
    let same = values.iter().copied().find(|value| value.eq_ignore_ascii_case(text));
    let only = if let [only] = values { Some(*only) } else { None };
    let meant = same.or_else(|| meant(text)).or_else(|| nearest(text, values.iter().copied()));
    // What Kubernetes names in another field is not what is meant in this one.
    let meant = meant.filter(|meant| values.contains(meant));
    let object_name = phrases::object(object);
    let allowed = allowed(Limit::Listed(values));
    let message = format!("`{name}` of {object_name} is {}, and must {allowed}", shown(text));
    let (title, help) = match meant.or(only) {
        Some(value) if meant.is_some() => {
            (format!("write `{value}`"), format!("Did you mean `{value}`? Write it like this."))
        }
        Some(value) => (format!("write `{value}`"), format!("Write `{value}`.")),
        None => {
            let title = format!("write a value that `{name}` allows");
            let help = format!("{}.", phrases::sentence(&title));
            (title, help)
        }
    };
    let draft = context
        .finding(InvalidValue::RULE, object, node, message)
        .why("The API server refuses the whole object.")
        .help(help);
    match same {
        Some(value) => {
            let edit = Edit::Set { path: node.path(), value: Value::from(value) };
            draft.fix(title, Applicability::Safe, vec![edit]).done()
        }
        None => {
            let snippet = meant.or(only).unwrap_or("…");
            draft.manual(title, format!("{name}: {snippet}")).done()
        }
    }
}

/// What `kubectl` abbreviates, and other words for the values of closed lists.
fn meant(text: &str) -> Option<&'static str> {
    const WORDS: &[(&str, &str)] = &[
        ("rwo", "ReadWriteOnce"),
        ("rox", "ReadOnlyMany"),
        ("rwx", "ReadWriteMany"),
        ("rwop", "ReadWriteOncePod"),
        ("rolling", "RollingUpdate"),
        ("sequential", "OrderedReady"),
        ("http", "TCP"),
        ("https", "TCP"),
        ("grpc", "TCP"),
    ];
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, value)| *value)
}

/// A text as a message quotes it: a long one is not a value at all.
fn shown(text: &str) -> String {
    if text.chars().count() > MAX_SHOWN { "another text".to_owned() } else { format!("`{text}`") }
}

fn is_combination(limit: Limit<'_>) -> bool {
    matches!(limit, Limit::AllOf | Limit::AnyOf | Limit::OnlyOne(_) | Limit::Not)
}

/// The most characters of a value that a message quotes.
const MAX_SHOWN: usize = 32;

/// The most values that a message names.
const MAX_VALUES: usize = 8;

/// What a field must be: "be one of `a`, `b`".
fn allowed(limit: Limit<'_>) -> String {
    match limit {
        Limit::OneOf(values) => one_of(values.items().map(|value| value.text().to_owned())),
        Limit::Listed(values) => one_of(values.iter().map(|value| (*value).to_owned())),
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

fn one_of(values: impl ExactSizeIterator<Item = String>) -> String {
    let more = values.len().saturating_sub(MAX_VALUES);
    let names: Vec<String> = values.take(MAX_VALUES).map(|value| format!("`{value}`")).collect();
    match (names.as_slice(), more) {
        ([only], 0) => format!("be {only}"),
        (_, 0) => format!("be one of {}", names.join(", ")),
        _ => format!("be one of {} and {more} more", names.join(", ")),
    }
}
