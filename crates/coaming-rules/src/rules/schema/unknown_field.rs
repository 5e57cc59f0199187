//! See [`UnknownField`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::schema::SchemaProblemKind;
use coaming_yaml::edit::{Edit, Value};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for fields that the object's type does not have, and says which one was probably meant.
    ///
    /// ## Why it matters
    ///
    /// The API server drops the field without a word: a mistyped `securityContext` or `readOnly` protects
    /// nothing, and the file says that it does.
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
    ///       securitycontext:
    ///         readOnlyRootFilesystem: true
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
    ///       securityContext:
    ///         readOnlyRootFilesystem: true
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the name, or remove the field.
    UnknownField {
        name: "unknown-field",
        summary: "Field does not exist",
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
            let parent = value.parent().map(|parent| parent.path()).unwrap_or_default();
            let place =
                if parent.is_root() { words::object(object) } else { format!("`{parent}`") };
            let meant =
                suggestion.map_or_else(String::new, |field| format!(" Did you mean `{field}`?"));
            let message = format!(
                "{place} has no field `{name}`: the API server drops it without a word, and it does \
                 nothing.{meant}",
            );
            let draft = context.finding(Self::RULE, object, problem.node, message);
            findings.push(match suggestion {
                Some(field) => {
                    let edits = vec![
                        Edit::Remove { path: value.path() },
                        Edit::Set { path: parent.join(field), value: Value::from(value) },
                    ];
                    let title = format!("rename it to `{field}`");
                    draft.fix(title, Applicability::Unsafe, edits).done()
                }
                None => draft.manual("remove it, or correct its name", "kubectl explain").done(),
            });
        }
    }
}
