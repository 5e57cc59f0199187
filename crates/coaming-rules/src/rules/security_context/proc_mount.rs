//! See [`ProcMount`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that see all of `/proc`: `procMount: Unmasked`.
    ///
    /// ## Why it matters
    ///
    /// The runtime hides the parts of `/proc` by which a process changes the kernel's settings. With
    /// root, one of them (`/proc/sys/kernel/core_pattern`) runs any program on the node.
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
    ///         procMount: Unmasked
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
    ///         procMount: Default
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field. Building containers in containers needs it: only with `hostUsers: false`.
    ProcMount {
        name: "proc-mount",
        summary: "/proc is not masked",
        category: SecurityContext,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("procMount"), Attack("T1611")],
    }
}

impl ContainerRule for ProcMount {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(own) = scope.container.security_context() else { return };
        let Some(node) = own.node().field("procMount") else { return };
        let own_users = scope.pod.node().boolean("hostUsers") == Some(false);
        if node.as_str() != Some("Unmasked") || own_users {
            return;
        }
        let message = format!(
            "{} sees all of `/proc` (`procMount: Unmasked`): as root, an attacker in it changes \
             the kernel's settings and runs programs on the node. Remove the field.",
            words::sentence(&words::container(scope)),
        );
        let edit = words::remove(node);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix("remove `procMount`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
