//! See [`RootGroup`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that run as a user other than root, but with the root group: `runAsGroup: 0`.
    /// Containers that run as root are reported by `run-as-root`.
    ///
    /// ## Why it matters
    ///
    /// Files of the image that the root group can write, often including the application itself,
    /// are open to an attacker. What they change there is executed by the next process that
    /// starts.
    ///
    /// ## Bad
    ///
    /// The container has its own user, but the root group.
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
    ///         runAsUser: 10001
    ///         runAsGroup: 0
    /// ```
    ///
    /// The pod's security context applies to all its containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///     runAsGroup: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// User and group are other than root.
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
    ///         runAsUser: 10001
    ///         runAsGroup: 10001
    /// ```
    ///
    /// The container overrides the pod.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsGroup: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 10001
    ///         runAsGroup: 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Set a group other than 0.
    ///
    /// ## Limits
    ///
    /// Images built for OpenShift expect group 0, because the platform assigns any user ID. Keep
    /// the group there, and suppress the finding with that reason.
    RootGroup {
        name: "root-group",
        summary: "Container runs with the root group",
        category: NonRoot,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers")],
    }
}

impl ContainerRule for RootGroup {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some((0, node)) = scope.effective.run_as_group() else { return };
        if scope.effective.is_root() && context.enabled::<RunAsRoot>() {
            return;
        }
        let message =
            format!("{} runs with the root group (`runAsGroup: 0`)", phrases::container(scope));
        let group = scope.effective.run_as_user().map_or(10001, |(user, _)| user.max(1));
        let edit = phrases::set(scope.container.node(), &["securityContext", "runAsGroup"], group);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker can write every file that the root group can, which often \
                     includes the application itself.",
                )
                .help("Give the container a group of its own.")
                .fix(format!("run as group {group}"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
