//! See [`RoleGivesRights`].

use coaming_access::{Danger, GrantScope, Permission};
use coaming_finding::{Finding, RuleMeta, Severity};

use super::held_roles::{HeldRole, held};
use super::role_powers::{Held, powers_of};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Roles whose holders can do more than it seems:
    ///
    /// - everything (`*` on all resources, or `cluster-admin`);
    /// - take rights that they do not have: `escalate` or `bind` on roles, and `impersonate` on
    ///   users, groups or service accounts, also if the only name is that of an administrator;
    /// - change or see every object that is created: write webhook configurations;
    /// - approve client certificates, answer for API groups, create PersistentVolumes (which may be
    ///   any directory of a node), change nodes, namespaces (whose labels choose the level of Pod
    ///   Security) or kinds of objects, remove admission or network policies;
    /// - all paths that the API server serves beside objects, such as its logs and profiles.
    ///
    /// A right that `resourceNames` limits is not reported.
    ///
    /// ## Why it matters
    ///
    /// Most of these rights lead to all others: with a webhook, a certificate or a binding of their
    /// own, a holder is administrator with one more request. Operators and CI systems hold such
    /// rights, and their tokens are what an attacker looks for. The finding names the workloads
    /// that run with the account, and whether clients outside the cluster reach them.
    ///
    /// ## Bad
    ///
    /// `bind` lets its holders bind any role to themselves.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: onboarding
    /// rules:
    ///   - apiGroups: [rbac.authorization.k8s.io]
    ///     resources: [clusterroles]
    ///     verbs: [bind]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: onboarding
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: onboarding
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: onboarding
    ///     namespace: platform
    /// ```
    ///
    /// `escalate` lets its holders write any right into a role of the namespace.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [rbac.authorization.k8s.io]
    ///     resources: [roles]
    ///     verbs: [update, escalate]
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
    /// `impersonate` lets its holders act as anyone.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: web
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [users, groups]
    ///     verbs: [impersonate]
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
    /// Webhooks see and change what everyone creates.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: webhooks
    /// rules:
    ///   - apiGroups: [admissionregistration.k8s.io]
    ///     resources: [mutatingwebhookconfigurations]
    ///     verbs: ["*"]
    /// ```
    ///
    /// A certificate may name any user.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: certificates
    /// rules:
    ///   - apiGroups: [certificates.k8s.io]
    ///     resources: [certificatesigningrequests/approval]
    ///     verbs: [update]
    ///   - apiGroups: [certificates.k8s.io]
    ///     resources: [signers]
    ///     resourceNames: [kubernetes.io/kube-apiserver-client]
    ///     verbs: [approve]
    /// ```
    ///
    /// The only role that may be bound is that of the administrator.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: onboarding
    /// rules:
    ///   - apiGroups: [rbac.authorization.k8s.io]
    ///     resources: [clusterroles]
    ///     resourceNames: [cluster-admin]
    ///     verbs: [bind]
    /// ```
    ///
    /// A pod may do everything.
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
    /// The labels of a namespace say what its pods may do.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: labels
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [namespaces]
    ///     verbs: [patch]
    /// ```
    ///
    /// A kind may be converted by a webhook, which sees and changes all its objects.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: kinds
    /// rules:
    ///   - apiGroups: [apiextensions.k8s.io]
    ///     resources: [customresourcedefinitions]
    ///     verbs: [create, update]
    /// ```
    ///
    /// Logs and profiles of the API server are not objects.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: paths
    /// rules:
    ///   - nonResourceURLs: ["*"]
    ///     verbs: [get]
    /// ```
    ///
    /// ## Good
    ///
    /// Nodes and webhooks are outside of namespaces, where a `Role` gives nothing.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: Role
    /// metadata:
    ///   name: operator
    ///   namespace: shop
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [nodes, persistentvolumes]
    ///     verbs: [create, patch]
    ///   - apiGroups: [admissionregistration.k8s.io]
    ///     resources: [mutatingwebhookconfigurations]
    ///     verbs: ["*"]
    /// ```
    ///
    /// A controller writes its own webhook alone.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: webhooks
    /// rules:
    ///   - apiGroups: [admissionregistration.k8s.io]
    ///     resources: [mutatingwebhookconfigurations]
    ///     resourceNames: [web]
    ///     verbs: [get, update, patch]
    /// ```
    ///
    /// Only one role may be bound.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: onboarding
    /// rules:
    ///   - apiGroups: [rbac.authorization.k8s.io]
    ///     resources: [clusterroles]
    ///     resourceNames: [view]
    ///     verbs: [bind]
    /// ---
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRoleBinding
    /// metadata:
    ///   name: onboarding
    /// roleRef:
    ///   apiGroup: rbac.authorization.k8s.io
    ///   kind: ClusterRole
    ///   name: onboarding
    /// subjects:
    ///   - kind: ServiceAccount
    ///     name: onboarding
    ///     namespace: platform
    /// ```
    ///
    /// Only one account may be impersonated.
    ///
    /// ```yaml
    /// apiVersion: rbac.authorization.k8s.io/v1
    /// kind: ClusterRole
    /// metadata:
    ///   name: web
    /// rules:
    ///   - apiGroups: [""]
    ///     resources: [serviceaccounts]
    ///     resourceNames: [reports]
    ///     verbs: [impersonate]
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
    /// ## Fix
    ///
    /// List in `resourceNames` the roles that may be bound, the accounts that may be impersonated and
    /// the objects that the holder owns. Never grant `escalate`, and no role with `*` to a pod.
    RoleGivesRights {
        name: "role-gives-rights",
        summary: "Role gives dangerous rights",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.8"), Cis("5.1.9"), Cis("5.1.10"), Cis("5.1.11"), Cis("5.1.12"), Cis("5.1.13"), Nsa("Authentication and authorization"), Attack("T1098")],
    }
}

impl WorldRule for RoleGivesRights {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let held = held(context.world, context.access());
        findings.extend(held.iter().filter_map(|role| finding(context, role)));
    }
}

fn finding(context: &Context<'_>, held: &HeldRole<'_>) -> Option<Finding> {
    if let Some((_, permission, _)) = held.ways(&[Danger::Everything]).first() {
        return everything(context, held, permission);
    }
    // Built-in roles are for people, and changing them is not up to the user.
    if held.role.source.is_built_in() {
        return None;
    }
    let is_bound_in_namespaces = held.scope() == Some(GrantScope::Namespace);
    let mut powers = powers_of(held.role);
    powers.retain(|held| !(held.power.of_cluster && is_bound_in_namespaces));
    let Held { power, permission, allowed } = powers.first()?;
    let others: Vec<&str> = powers.iter().skip(1).map(|held| held.power.what).collect();
    let also = match others.as_slice() {
        [] => String::new(),
        others => format!(", and {}", phrases::and(others)),
    };
    let message =
        format!("{} {} ({}){also}", held.subject_and_role(), power.what, allowed.join(", "),);
    // Without a known binding, the role may be bound in a namespace alone.
    let severity = match (power.severity, held.scope()) {
        (Severity::Critical, Some(GrantScope::Namespace) | None) => Severity::High,
        (severity, _) => severity,
    };
    let draft = held.draft(context, RoleGivesRights::RULE, permission, message)?;
    let escalates = power.severity == Severity::Critical;
    Some(
        draft
            .severity(held.graded(severity))
            .why(format!(
                "An attacker with the token of a holder {}.{}",
                if escalates {
                    format!("becomes administrator of {} with one more request", held.extent())
                } else {
                    power.why.to_owned()
                },
                held.runners(context),
            ))
            .help(if allowed.iter().any(|right| right.starts_with("escalate ")) {
                "Remove `escalate`: no list of names restricts it safely."
            } else if escalates {
                "List in `resourceNames` what may be bound or impersonated."
            } else {
                "Remove the right, or list in `resourceNames` the objects that the holder owns."
            })
            .manual("name the objects in question", "resourceNames: [NAME]\n")
            .done(),
    )
}

/// The finding on a role that allows everything.
fn everything(
    context: &Context<'_>,
    held: &HeldRole<'_>,
    permission: &Permission,
) -> Option<Finding> {
    let message = format!("{} do everything", held.subject_and_role());
    let severity = match held.scope() {
        Some(GrantScope::Cluster) => Severity::Critical,
        Some(GrantScope::Namespace) | None => Severity::High,
    };
    let by = if held.is_open() { "Anyone" } else { "An attacker with the token of a holder" };
    let draft = held.draft(context, RoleGivesRights::RULE, permission, message)?;
    Some(
        draft
            .severity(held.graded(severity))
            .why(format!(
                "{by} is administrator of {}, and reads all its Secrets.{}",
                held.extent(),
                held.runners(context),
            ))
            .help("Grant the rights that are needed by name.")
            .manual(
                "grant only the rights that are needed",
                "- apiGroups: [apps]\n  resources: [deployments]\n  verbs: [get, list, watch]\n",
            )
            .done(),
    )
}
