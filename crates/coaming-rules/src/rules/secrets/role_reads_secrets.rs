//! See [`RoleReadsSecrets`].

use coaming_access::{Danger, GrantScope};
use coaming_finding::{Finding, RuleMeta, Severity};

use super::held_roles::{HeldRole, held};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::secrets::role_gives_rights::RoleGivesRights;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Roles that let their holders read every Secret of a namespace or of the cluster. Some do so
    /// directly: `get`, `list` and `watch` all return the values. Others do so indirectly: with
    /// all rights (`*`), tokens of other accounts (`serviceaccounts/token`), commands in other
    /// pods (`pods/exec`, `pods/attach`, `pods/ephemeralcontainers`, `nodes/proxy`), or new pods,
    /// which can mount any Secret.
    ///
    /// A role that allows everything is reported by `role-gives-rights`, if that rule is enabled.
    ///
    /// Aggregated roles include the rights of the roles that they select. There is one finding per
    /// role, with everyone who is bound to it. Rights that list their objects in `resourceNames`
    /// are not reported. For the reverse question, run `coaming secrets who-can NAMESPACE/NAME`.
    ///
    /// ## Why it matters
    ///
    /// An attacker in a pod has its service account's token, and their first request to the API
    /// server is for Secrets. With the right to read them, they have the databases, clouds and
    /// registries of every other application without touching one of them.
    ///
    /// ## Bad
    ///
    /// Every Secret of a namespace.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [configmaps, secrets]
    ///     verbs: [get, list]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// Every Secret of the cluster.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: web
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [watch]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: web
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// All rights, by a role that Kubernetes defines.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: web
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: cluster-admin
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// Commands in other pods.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [pods/exec]
    ///     verbs: [create]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// Tokens of other service accounts.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [serviceaccounts/token]
    ///     verbs: [create]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// New pods.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [apps]
    ///     resources: [deployments]
    ///     verbs: [create, patch]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// A part of `view`, which is to see no Secrets.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: web
    ///   labels:
    ///     rbac.authorization.k8s.io/aggregate-to-view: "true"
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [list]
    /// ```
    ///
    /// ## Good
    ///
    /// Only one Secret can be read.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [configmaps]
    ///     verbs: [get, list]
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     resourceNames: [web-session-key]
    ///     verbs: [get]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// Secrets can be written, but not read.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [secrets]
    ///     verbs: [create]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: RoleBinding
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: Role
    ///   name: web
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: web
    ///     namespace: shop
    /// ```
    ///
    /// ## Fix
    ///
    /// List the Secrets in `resourceNames`, or better, mount them and remove the right. Bind the
    /// role in the namespaces that need it, not in the cluster. An account that can start pods or
    /// run commands in them has the Secrets of the namespace too: keep such accounts in a
    /// namespace of their own.
    ///
    /// ## Limits
    ///
    /// A role that is not bound in the input is reported with low confidence: a binding may exist
    /// in the cluster.
    RoleReadsSecrets {
        name: "role-reads-secrets",
        summary: "Role lets its holders read all Secrets",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            Cis("5.1.1"),
            Cis("5.1.2"),
            Cis("5.1.3"),
            Cis("5.1.4"),
            Nsa("Authentication and authorization"),
            Attack("T1552.007"),
        ],
    }
}

pub(super) const DANGERS: &[Danger] =
    &[Danger::Everything, Danger::ReadSecrets, Danger::MakeTokens, Danger::Exec, Danger::StartPods];

impl WorldRule for RoleReadsSecrets {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let held = held(context.world, context.access());
        findings.extend(held.iter().filter_map(|role| finding(context, role)));
    }
}

fn finding(context: &Context<'_>, held: &HeldRole<'_>) -> Option<Finding> {
    let ways = held.ways(DANGERS);
    // Indirect ways do not matter to a holder that can read Secrets directly.
    let (danger, permission, allowed) = ways.first()?;
    if *danger == Danger::Everything && context.enabled::<RoleGivesRights>() {
        return None;
    }
    let others: Vec<&str> = ways.iter().skip(1).map(|(danger, ..)| what(*danger)).collect();
    let is_whole = *danger == Danger::Everything;
    let also = match others.as_slice() {
        [] => String::new(),
        _ if is_whole || *danger == Danger::ReadSecrets => String::new(),
        others => format!(" and {}", phrases::and(others)),
    };
    let message = format!(
        "{} {}{also}{}",
        held.subject_and_role(),
        what(*danger),
        if is_whole { String::new() } else { format!(" ({})", short(allowed)) },
    );
    let scope = held.scope().unwrap_or(GrantScope::Namespace);
    let severity = held.graded(severity(*danger, scope));
    let draft = held.draft(context, RoleReadsSecrets::RULE, permission, message)?;
    let snippet =
        "- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [NAME]\n  verbs: [get]\n";
    Some(
        draft
            .severity(severity)
            .why(format!(
                "An attacker with the token of a holder reads the Secrets of {}.{}",
                held.extent(),
                held.runners(context),
            ))
            .help(remedy(*danger, held.scope()))
            .manual("grant only the rights that are needed", snippet)
            .done(),
    )
}

/// What the holders can do.
fn what(danger: Danger) -> &'static str {
    match danger {
        Danger::Everything => "do everything",
        Danger::ReadSecrets => "read every Secret",
        Danger::MakeTokens => "create tokens for every service account",
        Danger::Exec => "run commands in every pod",
        Danger::StartPods => "start pods that mount any Secret",
        Danger::Escalate => "take any right",
    }
}

fn remedy(danger: Danger, scope: Option<GrantScope>) -> &'static str {
    match danger {
        Danger::Everything => "Grant the rights that are needed by name.",
        Danger::ReadSecrets if scope == Some(GrantScope::Cluster) => {
            "Bind the role in the namespaces that need it, and list the Secrets in `resourceNames`."
        }
        Danger::ReadSecrets => {
            "Mount the Secrets that are needed, or list them in `resourceNames`."
        }
        Danger::MakeTokens => "List the accounts in `resourceNames`.",
        Danger::Exec | Danger::StartPods | Danger::Escalate => {
            "Remove the right, or keep its holders in a namespace without other Secrets."
        }
    }
}

fn severity(danger: Danger, scope: GrantScope) -> Severity {
    match (danger, scope) {
        (Danger::Everything, GrantScope::Cluster) => Severity::Critical,
        (Danger::StartPods, GrantScope::Namespace) => Severity::Low,
        (Danger::StartPods, GrantScope::Cluster) => Severity::Medium,
        (Danger::Everything, GrantScope::Namespace) | (_, GrantScope::Cluster) => Severity::High,
        (_, GrantScope::Namespace) => Severity::Medium,
    }
}

/// The first few of what is allowed.
fn short(allowed: &[String]) -> String {
    match allowed {
        [one, two, three, _, ..] => format!("{one}, {two}, {three}, …"),
        few => few.join(", "),
    }
}
