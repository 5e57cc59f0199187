//! See [`PrivilegeEscalation`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::security_context::privileged::Privileged;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that allow privilege escalation explicitly: `allowPrivilegeEscalation: true`. A
    /// field that is not set is reported by `missing-security-context`. In a privileged container,
    /// the field has no effect.
    ///
    /// ## Why it matters
    ///
    /// An attacker who is not root becomes root through any setuid program in the image (`su`,
    /// `mount`, `ping` in older images). If the field is false, the kernel prevents this.
    ///
    /// ## Bad
    ///
    /// The container can gain privileges.
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
    /// An init container can gain privileges.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   initContainers:
    ///     - name: setup
    ///       image: registry.example.com/setup:1.4.2
    ///       securityContext:
    ///         runAsUser: 10001
    ///         allowPrivilegeEscalation: true
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
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         allowPrivilegeEscalation: false
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `allowPrivilegeEscalation: false`.
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
        let reported_elsewhere =
            scope.effective.privileged().is_some() && context.enabled::<Privileged>();
        if node.as_bool() != Some(true) || reported_elsewhere {
            return;
        }
        let message = format!(
            "{} allows privilege escalation (`allowPrivilegeEscalation: true`)",
            phrases::container(scope),
        );
        let edit = phrases::set(own.node(), &["allowPrivilegeEscalation"], false);
        let title = "set `allowPrivilegeEscalation: false`";
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker who is not root becomes root through any setuid program in the \
                     image.",
                )
                .help("Set `allowPrivilegeEscalation: false`.")
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
