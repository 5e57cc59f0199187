//! See [`RootGroup`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that run as another user, but with root's group: `runAsGroup: 0`.
    /// A container that runs as root altogether is `run-as-root`'s business.
    ///
    /// ## Why it matters
    ///
    /// Files of the image that root's group may write, among them often the application itself,
    /// are open to an attacker: what he changes there is run by the next process that starts.
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
    ///         runAsUser: 10001
    ///         runAsGroup: 0
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
    ///         runAsUser: 10001
    ///         runAsGroup: 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Run with a group of its own. Images built for OpenShift rely on group 0: there, leave it,
    /// and say why in a suppression.
    RootGroup {
        name: "root-group",
        summary: "Container runs with root's group",
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
        let message = format!(
            "{} runs with root's group (`runAsGroup: 0`): an attacker may write every file that \
             this group may, often the application itself. Give it a group of its own.",
            words::sentence(&words::container(scope)),
        );
        let group = scope.effective.run_as_user().map_or(10001, |(user, _)| user.max(1));
        let edit = words::set(scope.container.node(), &["securityContext", "runAsGroup"], group);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(format!("run as group {group}"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
