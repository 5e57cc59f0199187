//! See [`RoleReadsSecrets`].

use coaming_access::{Danger, GrantScope};
use coaming_finding::{Finding, RuleMeta, Severity};

use super::held_roles::{HeldRole, held};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{Context, WorldRule};

rule! {
    /// Looks for roles that let their holders read every Secret of a namespace or of the cluster:
    /// directly (`get`, `list` and `watch` all three give the values), or by what leads there:
    /// everything (`*`), tokens of other accounts (`serviceaccounts/token`), commands in other pods
    /// (`pods/exec`, `pods/attach`, `pods/ephemeralcontainers`, `nodes/proxy`), and pods of one's
    /// own, which mount what they like. Aggregated roles count with all that they take over. One
    /// finding a role, with all who are bound to it; rights that name their objects
    /// (`resourceNames`) are how it should be.
    ///
    /// `coaming secrets who-can NAMESPACE/NAME` asks the other way round.
    ///
    /// ## Why it matters
    ///
    /// An attacker in a pod has its service account's token and asks the API server first of all
    /// for the Secrets. With the right to read them he has the databases, clouds and registries of
    /// every other application, without touching one of them.
    ///
    /// ## Bad
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
    /// ## Good
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
    /// ## Fix
    ///
    /// Name the Secrets in `resourceNames`, better still mount them and drop the right. Bind in the
    /// namespaces that need it, not in the cluster. Whoever may start pods or run commands in them
    /// has the Secrets of the namespace too: keep such accounts in a namespace of their own.
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

const DANGERS: &[Danger] =
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
    // What is allowed directly needs no detour.
    let (danger, permission, allowed) = ways.first()?;
    let others: Vec<&str> = ways.iter().skip(1).map(|(danger, ..)| detour(*danger)).collect();
    let is_whole = *danger == Danger::Everything;
    let also = match others.as_slice() {
        [] => String::new(),
        _ if is_whole || *danger == Danger::ReadSecrets => String::new(),
        others => format!(", and can {}", words::and(others)),
    };
    let message = format!(
        "{} {}{also}{}: an attacker who has that token reads the Secrets of {}. {}.",
        held.told(),
        what(*danger),
        if is_whole { String::new() } else { format!(" ({})", short(allowed)) },
        held.extent(),
        remedy(*danger, held.scope()),
    );
    let scope = held.scope().unwrap_or(GrantScope::Namespace);
    let severity = held.graded(severity(*danger, scope));
    let draft = held.draft(context, RoleReadsSecrets::RULE, permission, message)?;
    let snippet =
        "- apiGroups: [\"\"]\n  resources: [secrets]\n  resourceNames: [NAME]\n  verbs: [get]\n";
    Some(draft.severity(severity).manual("give only the rights that are needed", snippet).done())
}

/// What the holders can do.
fn what(danger: Danger) -> &'static str {
    match danger {
        Danger::Everything => "may do everything",
        Danger::ReadSecrets => "can read every Secret",
        Danger::MakeTokens => "can make tokens for every service account",
        Danger::Exec => "can run commands in every pod",
        Danger::StartPods => "can start pods that mount any Secret",
        Danger::Escalate => "can give themselves any right",
    }
}

fn detour(danger: Danger) -> &'static str {
    what(danger).trim_start_matches("can ").trim_start_matches("may ")
}

fn remedy(danger: Danger, scope: Option<GrantScope>) -> &'static str {
    match danger {
        Danger::Everything => "Give the rights that are needed, by name",
        Danger::ReadSecrets if scope == Some(GrantScope::Cluster) => {
            "Bind it in the namespaces that need it, and name the Secrets in `resourceNames`"
        }
        Danger::ReadSecrets => "Mount the Secrets that are needed, or name them in `resourceNames`",
        Danger::MakeTokens => "Name the accounts in `resourceNames`",
        Danger::Exec | Danger::StartPods | Danger::Escalate => {
            "Drop the right, or keep its holders in a namespace without other Secrets"
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
