//! See [`RoleGivesRights`].

use coaming_access::{Danger, GrantScope};
use coaming_finding::{Finding, RuleMeta, Severity};

use super::held_roles::{HeldRole, held};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::secrets::role_reads_secrets::RoleReadsSecrets;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Roles that let their holders take rights that they do not have: `escalate` or `bind` on
    /// roles, and `impersonate` on users, groups or service accounts. The API server does not let
    /// anyone grant more rights than they have; these verbs lift that restriction.
    ///
    /// ## Why it matters
    ///
    /// A holder of one of these rights can become administrator with one more request: of the
    /// namespace, or with a cluster role of the cluster and all its Secrets.
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
    /// ## Good
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
    /// List the roles that may be bound and the accounts that may be impersonated in
    /// `resourceNames`. Never grant `escalate`.
    RoleGivesRights {
        name: "role-gives-rights",
        summary: "Role lets its holders take any right",
        category: Secrets,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Cis("5.1.8"), Nsa("Authentication and authorization"), Attack("T1098")],
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
    // The other rule reports roles that allow everything. Built-in roles are for people.
    let reported = context.enabled::<RoleReadsSecrets>();
    let whole = !held.ways(&[Danger::Everything]).is_empty();
    if reported && whole || held.role.source.is_built_in() {
        return None;
    }
    let ways = held.ways(&[Danger::Escalate]);
    let (_, permission, allowed) = ways.first()?;
    let message = format!(
        "{} take rights that were not granted to them ({})",
        held.subject_and_role(),
        allowed.join(", "),
    );
    let severity = match held.scope() {
        Some(GrantScope::Cluster) => Severity::Critical,
        Some(GrantScope::Namespace) | None => Severity::High,
    };
    let draft = held.draft(context, RoleGivesRights::RULE, permission, message)?;
    let snippet = "resourceNames: [NAME]\n";
    Some(
        draft
            .severity(held.graded(severity))
            .why(format!(
                "An attacker with the token of a holder becomes administrator of {} with one more \
                 request.",
                held.extent(),
            ))
            .help(if allowed.iter().any(|right| right.starts_with("escalate ")) {
                "Remove `escalate`: no list of names restricts it safely."
            } else {
                "List in `resourceNames` what may be bound or impersonated."
            })
            .manual("name what may be bound or impersonated", snippet)
            .done(),
    )
}
