//! See [`ProcMount`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that see all of `/proc`: `procMount: Unmasked`. In a pod with a user namespace
    /// (`hostUsers: false`), this is not reported.
    ///
    /// ## Why it matters
    ///
    /// The runtime hides the parts of `/proc` through which a process changes kernel settings.
    /// With root, one of them (`/proc/sys/kernel/core_pattern`) runs any program on the node.
    ///
    /// ## Bad
    ///
    /// The container sees all of `/proc`.
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
    /// An init container sees all of `/proc`.
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
    ///         procMount: Unmasked
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The runtime hides the dangerous parts of `/proc`.
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
    /// Root in a user namespace has no rights on the node.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostUsers: false
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         procMount: Unmasked
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the field. Building containers inside of containers needs it: use it only together
    /// with `hostUsers: false`.
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
        let message =
            format!("{} sees all of `/proc` (`procMount: Unmasked`)", phrases::container(scope));
        let edit = phrases::remove(node);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "As root, an attacker in the container changes kernel settings and runs \
                     programs on the node.",
                )
                .help("Remove the field, or set `hostUsers: false` as well if it is needed.")
                .fix("remove `procMount`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
