//! See [`SecretInEnvironment`].

mod repair;

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{SecretUse, SecretUseKind, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, PodRule};

rule! {
    /// Looks for containers that get Secrets as environment variables: by `secretKeyRef`, or a whole
    /// Secret by `envFrom`. One finding a workload.
    ///
    /// ## Why it matters
    ///
    /// An environment leaks. Every child process inherits it, crash reports and debug pages print
    /// it, the runtime shows it to whoever can inspect containers on the node, and a flaw that reads
    /// any file finds it in `/proc/self/environ`. It also stays as it was when the process started:
    /// a Secret that was changed needs a restart.
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
    ///       env:
    ///         - name: DB_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: password
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
    ///       env:
    ///         - name: DB_PASSWORD_FILE
    ///           value: /etc/secrets/db/password
    ///       volumeMounts:
    ///         - name: secret-db
    ///           mountPath: /etc/secrets/db
    ///           readOnly: true
    ///   volumes:
    ///     - name: secret-db
    ///       secret:
    ///         secretName: db
    ///         items:
    ///           - key: password
    ///             path: password
    /// ```
    ///
    /// ## Fix
    ///
    /// Mount just the keys that the container needs as files, and name each file in a variable with
    /// `_FILE` at its end. Many images read that by themselves (the official ones of PostgreSQL,
    /// MySQL, MariaDB, MongoDB and WordPress); others must be taught to read the file. Where the
    /// keys of the Secret are not known, or the variable is part of an argument, the fix is yours.
    SecretInEnvironment {
        name: "secret-in-environment",
        summary: "Secret is an environment variable, not a file",
        category: Secrets,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.4.1"), Attack("T1552.007")],
    }
}

impl PodRule for SecretInEnvironment {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, workload: Workload<'_>, findings: &mut Vec<Finding>) {
        let mut uses = workload.pod().secret_uses();
        uses.retain(|found| {
            matches!(found.kind, SecretUseKind::Variable { .. } | SecretUseKind::Environment { .. })
        });
        let Some(first) = uses.first() else { return };
        let message = format!(
            "Pods of {} get Secrets as environment variables ({}): child processes inherit them, \
             crash reports and debug pages print them. Mount them as files, and have the \
             application read those{}.",
            words::object(workload.object),
            told(&uses),
            by_itself(&uses),
        );
        let mut draft = context.finding(Self::RULE, workload.object, place(first), message);
        for found in &uses[1..] {
            draft = draft.at(place(found), "");
        }
        findings.push(repair::add(draft, context, workload, &uses).done());
    }
}

/// The item of `env` or `envFrom`.
fn place<'a>(found: &SecretUse<'a>) -> coaming_yaml::Node<'a> {
    match found.kind {
        SecretUseKind::Variable { variable, .. } => variable,
        SecretUseKind::Environment { source, .. } => source,
        SecretUseKind::Files { .. } | SecretUseKind::Node => found.node,
    }
}

/// How many variables a message names.
const MAX_TOLD: usize = 3;

fn told(uses: &[SecretUse<'_>]) -> String {
    let mut names: Vec<String> = uses
        .iter()
        .take(MAX_TOLD)
        .map(|found| match found.kind {
            SecretUseKind::Variable { name, container, .. } => {
                format!("`{name}` in container `{}`", container.name())
            }
            SecretUseKind::Environment { container, .. } => {
                format!("all of `{}` in container `{}`", found.secret, container.name())
            }
            SecretUseKind::Files { .. } | SecretUseKind::Node => String::new(),
        })
        .collect();
    if uses.len() > MAX_TOLD {
        names.push(format!("{} more", uses.len() - MAX_TOLD));
    }
    words::and(&names)
}

/// What images are known to read by themselves, if all variables are of that kind.
fn by_itself(uses: &[SecretUse<'_>]) -> String {
    let mut names = Vec::new();
    for found in uses {
        let SecretUseKind::Variable { name, container, .. } = found.kind else {
            return String::new();
        };
        match repair::known_file_variable(container.image(), name) {
            Some(file) => names.push(file),
            None => return String::new(),
        }
    }
    names.dedup();
    format!(": the image reads {} by itself", words::list(&names))
}
