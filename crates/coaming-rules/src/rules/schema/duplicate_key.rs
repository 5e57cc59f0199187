//! See [`DuplicateKey`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::schema::SchemaProblemKind;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Keys that occur twice in one mapping. Only the last one takes effect, and newer API servers
    /// refuse the object.
    ///
    /// ## Why it matters
    ///
    /// Of two security contexts or two `env` lists, one is lost, and it is easy to overlook which
    /// one.
    ///
    /// ## Bad
    ///
    /// Two images in one container.
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
    /// In the labels, where nothing has a fixed name.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels:
    ///     app: web
    ///     app: shop
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// Each key occurs once.
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
    /// The same key in different mappings.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   labels:
    ///     name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the one that is not intended.
    DuplicateKey {
        name: "duplicate-key",
        summary: "Duplicate key",
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
            let message =
                format!("`{name}` occurs twice in one mapping of {}", phrases::object(object),);
            findings.push(
                context
                    .finding(Self::RULE, object, problem.node, message)
                    .why("Only the last value takes effect: what the first one sets is lost.")
                    .help("Remove the one that is not intended.")
                    .manual("remove the one that is not intended", format!("{name}: …"))
                    .done(),
            );
        }
    }
}
