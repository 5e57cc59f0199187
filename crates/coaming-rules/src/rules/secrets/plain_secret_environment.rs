//! See [`PlainSecretEnvironment`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Environment variables with a credential as their value, also in custom resources.
    ///
    /// ## Why it matters
    ///
    /// The value is in the manifest, in the pod (`kubectl describe` prints it), in the output of
    /// `docker inspect`, in `/proc/*/environ`, in crash reports and in every child process.
    ///
    /// ## Bad
    ///
    /// A password as the value.
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
    ///         - name: DB_PASSWORD
    ///           value: vS8kq-2pLx7w
    /// ```
    ///
    /// A URL with a password, in an init container.
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
    ///   initContainers:
    ///     - name: migrate
    ///       image: registry.example.com/migrate:1.4.2
    ///       env:
    ///         - name: DATABASE_URL
    ///           value: postgres://shop:vS8kq-2pLx7w@database/shop
    /// ```
    ///
    /// ## Good
    ///
    /// The variable names a file.
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
    ///         - name: DB_PASSWORD_FILE
    ///           value: /run/secrets/database/password
    ///       volumeMounts:
    ///         - name: database
    ///           mountPath: /run/secrets/database
    ///           readOnly: true
    ///   volumes:
    ///     - name: database
    ///       secret:
    ///         secretName: database
    /// ```
    ///
    /// The value comes from a Secret, which `secret-in-environment` reports.
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
    ///         - name: DB_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: database
    ///               key: password
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, keep the new one in a Secret that a vault fills, and mount it as a
    /// file. Many images accept `NAME_FILE` in place of `NAME`.
    PlainSecretEnvironment {
        name: "plain-secret-environment",
        summary: "Secret is in an environment variable in plain text",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.4.1"), Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "environment variable",
    why: "`kubectl describe`, `docker inspect`, crash reports and every child process show it.",
    remedy: "mount the new one as a file from a Secret",
    snippet: "volumeMounts:\n  - {name: NAME, mountPath: /run/secrets/NAME, readOnly: true}\nvolumes:\n  - name: NAME\n    secret: {secretName: NAME}\n",
};

impl ObjectRule for PlainSecretEnvironment {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Environment, &WORDING, findings);
    }
}
