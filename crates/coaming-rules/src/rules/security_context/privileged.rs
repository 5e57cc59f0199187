//! See [`Privileged`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::image_users::works_with_privileges;
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Privileged containers, including init and ephemeral containers.
    ///
    /// ## Why it matters
    ///
    /// A privileged container has every capability, access to every device and no system call
    /// filter. An attacker in it mounts the node's disk and becomes root on the node with one
    /// command. From there, they reach every pod and every secret on the node.
    ///
    /// ## Bad
    ///
    /// The container is privileged.
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
    /// An init container is privileged.
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
    ///         privileged: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// One capability is enough to listen on a port below 1024.
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
    /// The default can be set explicitly.
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
    ///         privileged: false
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove `privileged`, and add the capability that is needed, if any is. Where the command or
    /// the image shows that the program does not work in an ordinary container (`sysctl -w`,
    /// `iptables`, `tcpdump`, a Docker daemon, a driver), the fix is left to you.
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
        let message = format!("{} is privileged", phrases::container(scope));
        let draft = context.container_finding(Self::RULE, scope, node, message);
        let draft = if works_with_privileges(scope) {
            let snippet = "capabilities:\n  drop: [ALL]\n  add: [NET_ADMIN]\n";
            draft.manual("grant the one capability that its program needs", snippet)
        } else {
            let edit = phrases::remove(node);
            draft.fix("remove `privileged: true`", Applicability::Unsafe, vec![edit])
        };
        findings.push(
            draft
                .why(
                    "An attacker in the container mounts the node's disk and becomes root on the \
                     node with one command.",
                )
                .help("Remove `privileged`, and add only the capability that is needed.")
                .done(),
        );
    }
}
