//! See [`UnknownKind`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::schema::{KindProblem, kind_problem};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;
use coaming_yaml::edit::{Edit, Value};

use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Objects of Kubernetes' own API groups with a kind or API version that does not exist: a
    /// misspelt kind, a kind of another group, a version that the group never had.
    ///
    /// ## Why it matters
    ///
    /// The API server refuses the object. It looks as if it were deployed and checked, but no other
    /// rule judges an object of an unknown kind.
    ///
    /// ## Bad
    ///
    /// A kind has an upper-case first letter.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: pod
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// A Deployment is in the group `apps`.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// The group has no such version.
    ///
    /// ```yaml
    /// apiVersion: apps/v2
    /// kind: Deployment
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// The items of a typed list have its API version and the kind that it names.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: DaemonSetList
    /// items:
    ///   - metadata:
    ///       name: web
    /// ```
    ///
    /// ## Good
    ///
    /// The kind and its API version exist.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// Other groups may have any kind.
    ///
    /// ```yaml
    /// apiVersion: shop.example.com/v7
    /// kind: deployment
    /// metadata:
    ///   name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the kind or the API version. The fix is unsafe because the object is then deployed.
    ///
    /// ## Limits
    ///
    /// A kind of a group with a dot in its name may be that of a custom resource, and is not
    /// reported unless the group is Kubernetes' own.
    UnknownKind {
        name: "unknown-kind",
        summary: "Kind does not exist",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

/// The field of a typed list that its items leave to it, for the first of them.
fn of_list<'a>(object: Object<'a>, field: &str) -> Option<Node<'a>> {
    let items = object.node().parent().filter(|items| items.is_sequence())?;
    let is_first = items.items().next() == Some(object.node());
    items.parent().filter(|_| is_first)?.field(field)
}

impl ObjectRule for UnknownKind {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let Some(problem) = kind_problem(object) else { return };
        // `invalid-network-policy` says so, with what it means for the pods.
        if matches!(problem, KindProblem::Group { kind: "NetworkPolicy", .. }) {
            return;
        }
        let (version, kind) = (object.api_version(), object.kind());
        let (field, value, message) = match problem {
            KindProblem::Kind(near) => {
                ("kind", near.to_owned(), format!("`{kind}` is not a kind of `{version}`"))
            }
            KindProblem::Group { group: "", version: right, .. } => {
                ("apiVersion", right.to_owned(), format!("`{kind}` is not a kind of `{version}`"))
            }
            KindProblem::Group { group, version: right, .. } => {
                let message = format!("`{kind}` is not a kind of `{version}`");
                ("apiVersion", format!("{group}/{right}"), message)
            }
            KindProblem::Version(right) => {
                let group = object.group();
                let right =
                    if group.is_empty() { right.to_owned() } else { format!("{group}/{right}") };
                ("apiVersion", right, format!("`{version}` of {kind} does not exist"))
            }
        };
        let Some(node) = object.node().field(field).or_else(|| of_list(object, field)) else {
            return;
        };
        let is_list = field == "kind" && object.node().field(field).is_none();
        let value = if is_list { value + "List" } else { value };
        let title = format!("write `{field}: {value}`");
        let edit = Edit::Set { path: node.path(), value: Value::from(value.as_str()) };
        findings.push(
            context
                .finding(Self::RULE, object, node, message)
                .why("The API server refuses the object, and no other rule judges it.")
                .help(format!("Write `{field}: {value}`."))
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
