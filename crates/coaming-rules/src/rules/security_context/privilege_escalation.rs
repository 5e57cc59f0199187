//! See [`PrivilegeEscalation`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::security_context::privileged::Privileged;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that allow privilege escalation outright:
    /// `allowPrivilegeEscalation: true`. Where nothing is said, `missing-security-context` speaks.
    /// In a privileged container the field means nothing.
    ///
    /// ## Why it matters
    ///
    /// An attacker who is not root becomes root by any setuid program of the image (`su`, `mount`,
    /// `ping` in older images); with the field false, the kernel refuses.
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
    ///       securityContext:
    ///         allowPrivilegeEscalation: true
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
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    /// ```
    ///
    /// ## Fix
    ///
    /// Set it to false.
    PrivilegeEscalation {
        name: "privilege-escalation",
        summary: "Container allows privilege escalation",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssRestricted("allowPrivilegeEscalation"),
            Cis("5.2.6"),
            Nsa("Pod security enforcement"),
            Attack("T1548.001"),
        ],
    }
}

impl ContainerRule for PrivilegeEscalation {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(own) = scope.container.security_context() else { return };
        let Some(node) = own.node().field("allowPrivilegeEscalation") else { return };
        let told_elsewhere =
            scope.effective.privileged().is_some() && context.enabled::<Privileged>();
        if node.as_bool() != Some(true) || told_elsewhere {
            return;
        }
        let message = format!(
            "{} allows privilege escalation: an attacker who is not root becomes root by any \
             setuid program of the image. Set `allowPrivilegeEscalation: false`.",
            words::sentence(&words::container(scope)),
        );
        let edit = words::set(own.node(), &["allowPrivilegeEscalation"], false);
        let title = "set `allowPrivilegeEscalation: false`";
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
