//! See [`PlainSecretField`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Credentials in all other fields: of custom resources, headers of probes, options of
    /// volumes, keys in a kubeconfig.
    ///
    /// ## Why it matters
    ///
    /// Only Secrets are handled as secrets. Many roles can read other objects, dashboards show
    /// them, and etcd usually stores them in plain text.
    ///
    /// ## Bad
    ///
    /// A custom resource with a password.
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
    /// A header of a probe.
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
    ///       livenessProbe:
    ///         httpGet:
    ///           path: /health
    ///           port: 8080
    ///           httpHeaders:
    ///             - name: Authorization
    ///               value: Bearer q8Zr2Kx7Lm4Tn9Vb3Wc6
    /// ```
    ///
    /// ## Good
    ///
    /// The custom resource names a Secret.
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
    /// A placeholder that a tool replaces.
    ///
    /// ```yaml
    /// apiVersion: monitoring.example.com/v1
    /// kind: Receiver
    /// metadata:
    ///   name: chat
    /// spec:
    ///   username: alerts
    ///   password: ${CHAT_PASSWORD}
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, and refer to a Secret by name. The custom resources of most operators
    /// allow that.
    PlainSecretField {
        name: "plain-secret-field",
        summary: "Secret is in a field in plain text",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "field",
    why: "Anyone who can read the object has it.",
    remedy: "refer to a Secret by name",
    snippet: "passwordSecretRef: {name: NAME, key: password}\n",
};

impl ObjectRule for PlainSecretField {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Field, &WORDING, findings);
    }
}
