//! See [`PlainSecretCommand`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// Looks for credentials in `command` and `args`, in the commands of probes and hooks, and in scripts
    /// that stand there: `--password=…`, URLs with a password, headers, tokens.
    ///
    /// ## Why it matters
    ///
    /// A command line is shown by `ps` to every process of the pod and of the node, is in the manifest, in
    /// `kubectl describe`, and in audit logs.
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
    ///       args:
    ///         - --listen=:8080
    ///         - --password=vS8kq-2pLx7w
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
    ///       args:
    ///         - --listen=:8080
    ///         - --password-file=/run/secrets/database/password
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, mount the new one as a file, and give the program the file's name.
    PlainSecretCommand {
        name: "plain-secret-command",
        summary: "Command line has a secret in it",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "Flag",
    reader: "`ps`, `kubectl describe` and audit logs show it",
    order: "mount the new one as a file and pass its path",
    snippet: "volumeMounts:\n  - {name: NAME, mountPath: /run/secrets/NAME, readOnly: true}\nvolumes:\n  - name: NAME\n    secret: {secretName: NAME}\n",
};

impl ObjectRule for PlainSecretCommand {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Command, &WORDING, findings);
    }
}
