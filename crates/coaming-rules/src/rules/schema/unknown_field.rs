//! See [`UnknownField`].

use std::borrow::Cow;

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::schema::SchemaProblemKind;
use coaming_yaml::edit::Edit;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Fields that the object's type does not have. If the name is close to that of a field, the
    /// finding suggests that field.
    ///
    /// ## Why it matters
    ///
    /// The API server drops the field without an error: a mistyped `securityContext` or `readOnly`
    /// protects nothing, although the file suggests that it does.
    ///
    /// ## Bad
    ///
    /// A field with a wrong letter.
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
    ///       securitycontext:
    ///         readOnlyRootFilesystem: true
    /// ```
    ///
    /// A field that has nothing similar.
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
    ///   magic: true
    /// ```
    ///
    /// ## Good
    ///
    /// The right name.
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
    ///       securityContext:
    ///         readOnlyRootFilesystem: true
    /// ```
    ///
    /// A custom resource may have any field.
    ///
    /// ```yaml
    /// apiVersion: shop.example.com/v1
    /// kind: Web
    /// metadata:
    ///   name: web
    /// spec:
    ///   magic: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name, or remove the field.
    UnknownField {
        name: "unknown-field",
        summary: "Unknown field",
        category: Schema,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [],
    }
}

impl ObjectRule for UnknownField {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        for problem in scope.schema_problems() {
            let SchemaProblemKind::Unknown { name, value, suggestion } = problem.kind else {
                continue;
            };
            // SOPS removes it when it decrypts the file.
            if name == "sops" && coaming_secret::structured::is_sops(object.node()) {
                continue;
            }
            let parent = value.parent().map(|parent| parent.path()).unwrap_or_default();
            let place =
                if parent.is_root() { phrases::object(object) } else { format!("`{parent}`") };
            let help = match suggestion {
                Some(field) => {
                    Cow::Owned(format!("Rename the field to `{field}` if that is intended."))
                }
                None => Cow::Borrowed("Correct the name, or remove the field."),
            };
            let message = format!("{place} has no field `{name}`");
            let draft = context
                .finding(Self::RULE, object, problem.node, message)
                .why("The API server drops the field without an error, so it has no effect.")
                .help(help);
            findings.push(match suggestion {
                Some(field) => {
                    let edits = vec![Edit::Rename { path: value.path(), key: field.to_owned() }];
                    let title = format!("rename it to `{field}`");
                    draft.fix(title, Applicability::Unsafe, edits).done()
                }
                None => draft.manual("remove it, or correct its name", "kubectl explain").done(),
            });
        }
    }
}
