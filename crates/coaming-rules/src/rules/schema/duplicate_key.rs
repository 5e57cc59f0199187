//! See [`DuplicateKey`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::schema::SchemaProblemKind;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for keys that stand twice in one mapping: only the last counts, and newer API servers refuse
    /// the object.
    ///
    /// ## Why it matters
    ///
    /// Of two security contexts or two `env` lists one is lost, and which one is easily overlooked.
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
    ///       image: registry.example.com/web:1.4.3
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
    ///       imagePullPolicy: IfNotPresent
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the one that is not meant.
    DuplicateKey {
        name: "duplicate-key",
        summary: "Key stands twice",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl ObjectRule for DuplicateKey {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        for problem in scope.schema_problems() {
            let SchemaProblemKind::Duplicate { name } = problem.kind else { continue };
            let message = format!(
                "`{name}` stands twice in one mapping of {}: only the last one counts. Remove the \
                 one that is not meant.",
                words::object(object),
            );
            findings.push(
                context
                    .finding(Self::RULE, object, problem.node, message)
                    .manual("remove the one that is not meant", format!("{name}: …"))
                    .done(),
            );
        }
    }
}
