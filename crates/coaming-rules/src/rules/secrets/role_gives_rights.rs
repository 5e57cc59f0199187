//! See [`RoleGivesRights`].

use coaming_access::{Danger, GrantScope};
use coaming_finding::{Finding, RuleMeta, Severity};

use super::held_roles::{HeldRole, held};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::secrets::role_reads_secrets::RoleReadsSecrets;
use crate::{Context, WorldRule};

rule! {
    /// Looks for roles that let their holders take rights that they don't have: `escalate` or `bind`
    /// on roles, and `impersonate` on users, groups or service accounts. The API server refuses to
    /// give more rights than one has; these verbs lift that.
    ///
    /// ## Why it matters
    ///
    /// Whoever has one of them is an administrator by one request more: of the namespace, or by a
    /// cluster role of the cluster, with all its Secrets.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Name in `resourceNames` the roles that may be bound and the accounts that may be impersonated;
    /// never give `escalate`.
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
    // Of whoever may do everything, another rule speaks; and the roles for people are what they are.
    let told = context.enabled::<RoleReadsSecrets>();
    let whole = !held.ways(&[Danger::Everything]).is_empty();
    if told && whole || held.role.source.is_built_in() {
        return None;
    }
    let ways = held.ways(&[Danger::Escalate]);
    let (_, permission, allowed) = ways.first()?;
    let message = format!(
        "{} can take rights that nobody gave ({}): an attacker who has that token is administrator \
         of {} by one more request. Name in `resourceNames` what may be bound or impersonated.",
        held.told(),
        allowed.join(", "),
        held.extent(),
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
            .manual("name what may be bound or impersonated", snippet)
            .done(),
    )
}
