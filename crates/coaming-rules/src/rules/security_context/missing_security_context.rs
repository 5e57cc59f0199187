//! See [`MissingSecurityContext`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};

use super::hardening::{self, Field};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_non_root::RunAsNonRoot;
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::non_root::{image_is_root, legitimate_reason};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that leave parts of their security context to defaults, which are made
    /// to let everything run: `runAsNonRoot`, `allowPrivilegeEscalation`, `capabilities`,
    /// `seccompProfile` and `readOnlyRootFilesystem`. One finding a container lists all that is
    /// missing, as one edit sets it. What is set to a bad value has rules of its own.
    ///
    /// ## Why it matters
    ///
    /// Each field takes something from an attacker that the application hardly ever needs: root,
    /// setuid programs, raw sockets, rare system calls (where most kernel flaws are), and a place
    /// to put tools. Together they turn a break-in into a dead end.
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
    ///   securityContext:
    ///     runAsNonRoot: true
    ///     seccompProfile:
    ///       type: RuntimeDefault
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    ///         readOnlyRootFilesystem: true
    ///         capabilities:
    ///           drop: [ALL]
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the fields. Where the application writes files, mount an `emptyDir` there; where it
    /// needs a capability, add that one back.
    MissingSecurityContext {
        name: "missing-security-context",
        summary: "Security context is missing or incomplete",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssRestricted("allowPrivilegeEscalation"),
            PssRestricted("capabilities_restricted"),
            PssRestricted("runAsNonRoot"),
            PssRestricted("seccompProfile_restricted"),
            Cis("5.2.6"),
            Cis("5.2.9"),
            Cis("5.7.2"),
            Cis("5.7.3"),
            Nsa("Pod security enforcement"),
        ],
    }
}

impl ContainerRule for MissingSecurityContext {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let mut missing = hardening::missing(scope);
        let image_is_root = image_is_root(context, scope);
        if image_is_root == Some(true) && context.enabled::<RunAsRoot>() {
            missing.retain(|field| *field != Field::NonRoot);
        }
        let told_elsewhere = missing == [Field::NonRoot] && context.enabled::<RunAsNonRoot>();
        if missing.is_empty() || told_elsewhere {
            return;
        }
        let consequences: Vec<&str> = missing
            .iter()
            .map(|field| match (field, image_is_root) {
                (Field::NonRoot, Some(false)) => "run as root, once its image does",
                _ => field.consequence(),
            })
            .collect();
        let settings: Vec<&str> = missing.iter().map(|field| field.setting()).collect();
        let own = scope.container.security_context();
        let has = if own.is_none() && scope.pod.security_context().is_none() {
            "has no security context"
        } else {
            "leaves part of its security context to defaults"
        };
        let mut message = format!(
            "{} {has}: an attacker in it may {}. Set {}.",
            words::sentence(&words::container(scope)),
            words::and(&consequences),
            words::list(&settings),
        );
        if missing.contains(&Field::NonRoot)
            && let Some(reason) = legitimate_reason(scope)
        {
            message += &format!(" {reason}.");
        }
        let slight =
            missing.iter().all(|field| matches!(field, Field::Seccomp | Field::ReadOnlyRoot));
        let node = own.map_or(scope.container.node(), |own| own.node());
        let wanted = if context.settings.edits { missing.as_slice() } else { &[] };
        let edits = wanted.iter().flat_map(|field| field.edits(context, scope)).collect();
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .severity(if slight { Severity::Low } else { Self::RULE.severity })
                .fix("set what is missing", Applicability::Unsafe, edits)
                .done(),
        );
    }
}
