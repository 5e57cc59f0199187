//! See [`WrongType`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::schema::SchemaProblemKind;
use coaming_yaml::edit::{Edit, Value};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for values that are not what their field takes, such as a number where text is needed.
    ///
    /// ## Why it matters
    ///
    /// The API server refuses the whole object. Where it is one of many, the others are rolled out without
    /// it.
    ///
    /// ## Bad
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
    ///       env:
    ///         - name: PORT
    ///           value: 8080
    /// ```
    ///
    /// ## Good
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
    ///       env:
    ///         - name: PORT
    ///           value: "8080"
    /// ```
    ///
    /// ## Fix
    ///
    /// Write what the message says; a number or boolean becomes text in quotes.
    WrongType {
        name: "wrong-type",
        summary: "Value has the wrong type",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl ObjectRule for WrongType {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        for problem in scope.schema_problems() {
            let SchemaProblemKind::WrongType { name, expected, found } = problem.kind else {
                continue;
            };
            let message = format!(
                "`{name}` takes {expected} and has {found}: the API server refuses {}.",
                words::object(object),
            );
            let draft = context.finding(Self::RULE, object, problem.node, message);
            let quotable = expected == "text" && problem.node.scalar_style().is_some();
            findings.push(if quotable {
                let path = problem.node.path();
                let edit = Edit::Set { path, value: Value::from(problem.node.text()) };
                draft.fix("put it in quotes", Applicability::Safe, vec![edit]).done()
            } else {
                draft.manual(format!("write {expected}"), format!("{name}: …")).done()
            });
        }
    }
}
