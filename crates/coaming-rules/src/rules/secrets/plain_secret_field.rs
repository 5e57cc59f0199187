//! See [`PlainSecretField`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for credentials in all other fields: of custom resources, headers of probes, options of
    /// volumes, keys in a kubeconfig.
    ///
    /// ## Why it matters
    ///
    /// Only Secrets are handled as secrets: every other object is read by many roles, shown by dashboards
    /// and kept in plain text.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: monitoring.example.com/v1
    /// kind: Receiver
    /// metadata:
    ///   name: chat
    /// spec:
    ///   username: alerts
    ///   password: vS8kq-2pLx7w
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: monitoring.example.com/v1
    /// kind: Receiver
    /// metadata:
    ///   name: chat
    /// spec:
    ///   username: alerts
    ///   passwordSecretRef:
    ///     name: chat
    ///     key: password
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret and refer to a Secret by name, as most operators' resources can.
    PlainSecretField {
        name: "plain-secret-field",
        summary: "Field has a secret in it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "Field",
    reader: "whoever may read the object has it",
    order: "refer to a Secret by name",
    snippet: "passwordSecretRef: {name: NAME, key: password}\n",
};

impl ObjectRule for PlainSecretField {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Field, &WORDING, findings);
    }
}
