//! See [`Privileged`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for privileged containers.
    ///
    /// ## Why it matters
    ///
    /// A privileged container has every capability, every device and no system-call filter:
    /// whoever is in it mounts the node's disk and is root on the node with one command, and from
    /// there reaches every pod and every secret that the node runs.
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
    ///         privileged: true
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
    ///         capabilities:
    ///           drop: [ALL]
    ///           add: [NET_BIND_SERVICE]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove it, and add the one capability that is needed, if any is.
    Privileged {
        name: "privileged",
        summary: "Container is privileged",
        category: SecurityContext,
        severity: Critical,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssBaseline("privileged"),
            Cis("5.2.2"),
            Nsa("Pod security enforcement"),
            Attack("T1611"),
        ],
    }
}

impl ContainerRule for Privileged {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(node) = scope.effective.privileged() else { return };
        let message = format!(
            "{} is privileged: an attacker in it mounts the node's disk and is root on the node \
             with one command. Remove `privileged`, and add only the capability that is needed.",
            words::sentence(&words::container(scope)),
        );
        let edit = words::remove(node);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix("remove `privileged: true`", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
