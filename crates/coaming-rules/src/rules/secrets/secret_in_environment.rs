//! See [`SecretInEnvironment`].

mod repair;

use std::borrow::Cow;

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::{Fields as _, SecretUse, SecretUseKind, Workload};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, PodRule};

rule! {
    /// ## What it looks for
    ///
    /// Containers that get Secrets as environment variables: single keys with `secretKeyRef`, or a
    /// whole Secret with `envFrom`. Templates of Vault's injector that write `export NAME=…` for a
    /// shell do the same. There is one finding per workload for each of the two.
    ///
    /// ## Why it matters
    ///
    /// Environments leak. Every child process inherits them, crash reports and debug pages print
    /// them, the container runtime shows them to anyone who can inspect containers on the node,
    /// and a flaw that reads arbitrary files finds them in `/proc/self/environ`. They also keep
    /// the values from the start of the process: a changed Secret needs a restart.
    ///
    /// ## Bad
    ///
    /// A single key.
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
    /// A whole Secret.
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
    ///       envFrom:
    ///         - secretRef:
    ///             name: db
    /// ```
    ///
    /// An image that is known to read the file.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: postgres:17.2
    ///       env:
    ///         - name: POSTGRES_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: password
    /// ```
    ///
    /// The variable is part of an argument.
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
    ///       env:
    ///         - name: DB_PASSWORD
    ///           valueFrom:
    ///             secretKeyRef:
    ///               name: db
    ///               key: password
    /// ```
    ///
    /// A shell reads what Vault's injector renders.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     vault.hashicorp.com/agent-inject: "true"
    ///     vault.hashicorp.com/agent-inject-secret-db: secret/data/web/db
    ///     vault.hashicorp.com/agent-inject-template-db: |
    ///       {{ with secret "secret/data/web/db" }}
    ///       export DB_PASSWORD="{{ .Data.data.password }}"
    ///       {{ end }}
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       command: [sh, -c, ". /vault/secrets/db && exec web"]
    /// ```
    ///
    /// ## Good
    ///
    /// The application reads what Vault's injector renders.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     vault.hashicorp.com/agent-inject: "true"
    ///     vault.hashicorp.com/agent-inject-secret-db: secret/data/web/db
    ///     vault.hashicorp.com/agent-inject-template-db: |
    ///       {{ with secret "secret/data/web/db" }}{{ .Data.data.password }}{{ end }}
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       args: [--password-file=/vault/secrets/db]
    /// ```
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
    /// A ConfigMap is not a secret.
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
    ///       envFrom:
    ///         - configMapRef:
    ///             name: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Mount the keys that the container needs as files, and name each file in a variable that
    /// ends in `_FILE`. Many images support that (the official ones of PostgreSQL, MySQL, MariaDB,
    /// MongoDB and WordPress); other applications must be changed to read the file, which is why
    /// the fix is manual for them. So it is if the keys of the Secret are not known, or the variable
    /// is part of an argument.
    SecretInEnvironment {
        name: "secret-in-environment",
        summary: "Secret is an environment variable instead of a file",
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
        findings.extend(exported(context, workload));
        let mut uses = workload.pod().secret_uses();
        uses.retain(|found| {
            matches!(found.kind, SecretUseKind::Variable { .. } | SecretUseKind::Environment { .. })
        });
        let Some(first) = uses.first() else { return };
        let message = format!(
            "{} gets Secrets as environment variables: {}",
            phrases::object(workload.object),
            shown(&uses),
        );
        let mut draft = context.finding(Self::RULE, workload.object, place(first), message);
        for found in &uses[1..] {
            draft = draft.at(place(found), "");
        }
        let draft = draft.why(WHY).help(help(&uses));
        findings.push(repair::add(draft, context, workload, &uses).done());
    }
}

/// What templates of Vault's injector are called, and what turns it on.
const TEMPLATE: &str = "vault.hashicorp.com/agent-inject-template-";
const INJECT: &str = "vault.hashicorp.com/agent-inject";

/// The templates of Vault's injector that export secrets to a shell.
fn exported(context: &Context<'_>, workload: Workload<'_>) -> Option<Finding> {
    let annotations = || workload.pod_metadata().pairs("annotations");
    let is_on = |name: &str, value: Option<&str>| name == INJECT && value == Some("true");
    if !annotations().any(|entry| is_on(entry.name(), entry.value.as_str())) {
        return None;
    }
    let exports = annotations().filter(|entry| {
        entry.name().starts_with(TEMPLATE) && entry.value.as_str().is_some_and(exports_variables)
    });
    let mut nodes = exports.map(|entry| entry.value);
    let message = format!(
        "the injector of Vault writes secrets for {} as exports of environment variables",
        phrases::object(workload.object),
    );
    let mut draft =
        context.finding(SecretInEnvironment::RULE, workload.object, nodes.next()?, message);
    for node in nodes {
        draft = draft.at(node, "");
    }
    let draft = draft
        .why(WHY)
        .help("Render the values alone, and have the application read the file instead.")
        .manual(
            "render a file that the application reads",
            "{{ with secret \"PATH\" }}{{ .Data.data.password }}{{ end }}\n",
        );
    Some(draft.done())
}

/// Whether a template writes `export NAME={{ … }}`.
fn exports_variables(template: &str) -> bool {
    template.contains("{{")
        && template.split(['\n', '}', ';']).any(|part| {
            part.trim_start().strip_prefix("export ").is_some_and(|rest| rest.contains('='))
        })
}

/// The item of `env` or `envFrom`.
fn place<'a>(found: &SecretUse<'a>) -> coaming_yaml::Node<'a> {
    match found.kind {
        SecretUseKind::Variable { variable, .. } => variable,
        SecretUseKind::Environment { source, .. } => source,
        SecretUseKind::Files { .. } | SecretUseKind::Node => found.node,
    }
}

const WHY: &str =
    "Child processes inherit the variables, and crash reports and debug pages print them.";

/// How many variables a message names.
const MAX_SHOWN: usize = 3;

fn shown(uses: &[SecretUse<'_>]) -> String {
    let mut names: Vec<String> = uses
        .iter()
        .take(MAX_SHOWN)
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
    if uses.len() > MAX_SHOWN {
        names.push(format!("{} more", uses.len() - MAX_SHOWN));
    }
    phrases::and(&names)
}

/// What to do: less, if the images are known to read files for all of the variables.
fn help(uses: &[SecretUse<'_>]) -> Cow<'static, str> {
    let supported: Option<Vec<String>> = uses
        .iter()
        .map(|found| match found.kind {
            SecretUseKind::Variable { name, container, .. } => {
                repair::known_file_variable(container.image(), name)
            }
            _ => None,
        })
        .collect();
    match supported {
        Some(mut names) => {
            names.dedup();
            Cow::Owned(format!(
                "Mount the Secrets as files: the image supports {}.",
                phrases::list(&names)
            ))
        }
        None => Cow::Borrowed(
            "Mount the Secrets as files, and have the application read the files instead.",
        ),
    }
}
