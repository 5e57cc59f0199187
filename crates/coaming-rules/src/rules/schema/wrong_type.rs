//! See [`WrongType`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_kube::schema::SchemaProblemKind;
use coaming_yaml::edit::{Edit, Value};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Values that do not have the type of their field, such as a number where the field takes
    /// text.
    ///
    /// ## Why it matters
    ///
    /// The API server refuses the whole object. If it is one of many, the others are deployed
    /// without it.
    ///
    /// ## Bad
    ///
    /// An environment variable takes text.
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
    /// A list is needed.
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
    ///       args: --listen=:8080
    /// ```
    ///
    /// A number is needed.
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
    ///       ports: [{containerPort: "8080"}]
    /// ```
    ///
    /// ## Good
    ///
    /// The number is in quotes.
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
    /// Of the right types.
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
    ///       args: [--listen=:8080]
    ///       ports: [{containerPort: 8080}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Write a value of the type that the message names. A number or boolean becomes text in
    /// quotes, except in `data` of a Secret, which takes base64. The fix is safe because the API server refuses the object as it is: nothing runs
    /// that it could change.
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
            let message =
                format!("`{name}` of {} takes {expected}, not {found}", phrases::object(object),);
            // Text in `data` is base64: a number in quotes would be decoded to something else.
            let data = object.node().field("data").filter(|_| object.kind() == "Secret");
            let is_base64 = data.is_some() && problem.node.parent() == data;
            let quotable =
                expected == "text" && problem.node.scalar_style().is_some() && !is_base64;
            let title = if is_base64 {
                "write it in base64, or move it to `stringData`".to_owned()
            } else if quotable {
                "quote the value".to_owned()
            } else {
                format!("write {expected}")
            };
            let draft = context
                .finding(Self::RULE, object, problem.node, message)
                .why("The API server refuses the whole object.")
                .help(format!("{}.", phrases::sentence(&title)));
            findings.push(if quotable {
                let path = problem.node.path();
                let edit = Edit::Set { path, value: Value::from(problem.node.text()) };
                draft.fix(title, Applicability::Safe, vec![edit]).done()
            } else {
                draft.manual(title, format!("{name}: …")).done()
            });
        }
    }
}
