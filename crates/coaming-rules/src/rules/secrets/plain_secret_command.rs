//! See [`PlainSecretCommand`].

use coaming_finding::{Finding, RuleMeta};
use coaming_secret::structured::Holder;

use super::found::{self, Wording};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Credentials in `command` and `args`, in the commands of probes and hooks, and in the
    /// scripts that they contain: `--password=…`, URLs with a password, headers, tokens.
    ///
    /// ## Why it matters
    ///
    /// `ps` shows a command line to every process of the pod and of the node. It is also in the
    /// manifest, in the output of `kubectl describe` and in audit logs.
    ///
    /// ## Bad
    ///
    /// A flag with a password.
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
    /// A URL with a password in the command of a probe.
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
    ///       readinessProbe:
    ///         exec:
    ///           command: [pg_isready, --dbname=postgres://shop:vS8kq-2pLx7w@localhost/shop]
    /// ```
    ///
    /// ## Good
    ///
    /// The program reads a file.
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
    /// The value comes from the environment.
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
    ///       args: [--password=$(DB_PASSWORD)]
    /// ```
    ///
    /// ## Fix
    ///
    /// Replace the secret, mount the new one as a file, and pass the file's path to the program.
    PlainSecretCommand {
        name: "plain-secret-command",
        summary: "Secret is in a command line",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Protecting Secrets"), Attack("T1552.001")],
    }
}

const WORDING: Wording = Wording {
    holder: "flag",
    why: "`ps`, `kubectl describe` and audit logs show it.",
    remedy: "mount the new one as a file and pass its path",
    snippet: "volumeMounts:\n  - {name: NAME, mountPath: /run/secrets/NAME, readOnly: true}\nvolumes:\n  - name: NAME\n    secret: {secretName: NAME}\n",
};

impl ObjectRule for PlainSecretCommand {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        found::report(context, scope, Self::RULE, Holder::Command, &WORDING, findings);
    }
}
