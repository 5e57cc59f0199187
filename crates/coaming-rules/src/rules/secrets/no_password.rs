//! See [`NoPassword`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Settings that switch passwords off in well-known programs: `MYSQL_ALLOW_EMPTY_PASSWORD`,
    /// `POSTGRES_HOST_AUTH_METHOD: trust`, `ALLOW_EMPTY_PASSWORD` of Bitnami's images,
    /// `--protected-mode no` of Redis, `--enable-skip-login` of the Kubernetes dashboard and similar
    /// ones.
    ///
    /// ## Why it matters
    ///
    /// Everyone who reaches the port is administrator of the program: any pod of the cluster unless
    /// a network policy says otherwise, and the whole internet once the port is published.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: mysql:8.4.1
    ///       env:
    ///         - name: MYSQL_ALLOW_EMPTY_PASSWORD
    ///           value: "yes"
    /// ```
    ///
    /// An option does the same.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: dashboard
    /// spec:
    ///   containers:
    ///     - name: dashboard
    ///       image: kubernetesui/dashboard:v2.7.0
    ///       args: [--enable-skip-login]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: db
    /// spec:
    ///   containers:
    ///     - name: db
    ///       image: mysql:8.4.1
    ///       env:
    ///         - name: MYSQL_ROOT_PASSWORD_FILE
    ///           value: /run/secrets/db/password
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the setting, and mount a password from a Secret.
    ///
    /// ## Limits
    ///
    /// Configuration files in images and ConfigMaps are not read.
    NoPassword {
        name: "no-password",
        summary: "Program asks for no password",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Authentication and authorization"), Attack("T1078.001")],
    }
}

/// Variables that switch passwords off with these values.
const VARIABLES: &[(&str, &[&str])] = &[
    ("MYSQL_ALLOW_EMPTY_PASSWORD", YES),
    ("MARIADB_ALLOW_EMPTY_PASSWORD", YES),
    ("MARIADB_ALLOW_EMPTY_ROOT_PASSWORD", YES),
    ("ALLOW_EMPTY_PASSWORD", YES),
    ("ALLOW_ANONYMOUS_LOGIN", YES),
    ("POSTGRES_HOST_AUTH_METHOD", &["trust"]),
    ("POSTGRESQL_ALLOW_EMPTY_PASSWORD", YES),
    ("REDIS_ALLOW_EMPTY_PASSWORD", YES),
    ("NEO4J_AUTH", &["none"]),
    ("DISABLE_SECURITY_PLUGIN", YES),
    ("XPACK_SECURITY_ENABLED", &["false"]),
    ("XPACK.SECURITY.ENABLED", &["false"]),
    ("ME_CONFIG_BASICAUTH", &["false"]),
    ("CLICKHOUSE_SKIP_USER_SETUP", YES),
    ("ALLOW_NONE_AUTHENTICATION", YES),
    ("ARANGO_NO_AUTH", YES),
    ("AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED", YES),
    ("GF_AUTH_ANONYMOUS_ORG_ROLE", &["admin", "editor"]),
    ("PLUGINS.SECURITY.DISABLED", YES),
    ("SURREAL_UNAUTHENTICATED", YES),
];

const YES: &[&str] = &["yes", "true", "1", "on"];

/// Options that switch passwords off; those with a value are compared whole.
const OPTIONS: &[&str] = &[
    "--enable-skip-login",
    "--skip-grant-tables",
    "--noauth",
    "--disable-auth",
    "--auth-mode=server",
    "--NotebookApp.token=",
    "--NotebookApp.token=''",
    "--ServerApp.token=",
    "--ServerApp.token=''",
    "--IdentityProvider.token=",
    "--anonymous-auth=true",
];

impl ContainerRule for NoPassword {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((node, setting)) = by_variable(scope).or_else(|| by_option(scope)) else { return };
        let message = format!(
            "{} lets clients in without a password (`{setting}`)",
            phrases::container(scope),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker in any pod that reaches the port reads and changes everything \
                     that the program has.",
                )
                .help("Remove the setting, and mount a password from a Secret.")
                .manual("mount a password", "secret:\n  secretName: NAME\n")
                .done(),
        );
    }
}

fn by_variable(scope: ContainerScope<'_>) -> Option<(Node<'_>, String)> {
    scope.container.node().list("env").find_map(|variable| {
        let name = variable.string("name")?;
        let value = variable.field("value")?;
        let text = value.as_str()?.to_ascii_lowercase();
        let upper = name.to_ascii_uppercase();
        let (_, values) = VARIABLES.iter().find(|(known, _)| *known == upper)?;
        let is_on = values.contains(&text.as_str());
        // What the name says of a password needs no value beside it.
        let says_all = upper.contains("PASSWORD");
        let setting = if says_all { name.to_owned() } else { format!("{name}: {text}") };
        is_on.then_some((value, setting))
    })
}

fn by_option(scope: ContainerScope<'_>) -> Option<(Node<'_>, String)> {
    let container = scope.container.node();
    let words: Vec<Node<'_>> = container.list("command").chain(container.list("args")).collect();
    let text = |node: &Node<'_>| node.as_str().map(str::trim).unwrap_or_default().to_owned();
    words.iter().enumerate().find_map(|(index, node)| {
        let word = text(node);
        // A script is one word of the command.
        let option = word
            .split_whitespace()
            .find(|part| OPTIONS.contains(part) || *part == "--insecure" && runs_cockroach(scope));
        if let Some(option) = option {
            return Some((*node, option.to_owned()));
        }
        let next = words.get(index + 1).map(text).unwrap_or_default();
        let is_open = word == "--protected-mode" && next == "no"
            || word == "--protected-mode=no"
            || word.contains("--protected-mode no");
        let has_password = words.iter().any(|word| text(word).contains("requirepass"));
        (is_open && !has_password).then(|| (*node, "--protected-mode no".to_owned()))
    })
}

/// Whether the container is CockroachDB, whose `--insecure` means without passwords.
fn runs_cockroach(scope: ContainerScope<'_>) -> bool {
    scope.container.image().is_some_and(|image| image.contains("cockroach"))
}
