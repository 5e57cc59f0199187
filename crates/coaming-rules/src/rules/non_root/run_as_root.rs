//! See [`RunAsRoot`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use super::{image_is_root, legitimate_reason};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers whose manifest makes them run as root: `runAsUser: 0`, in the
    /// container's security context or in the pod's, where the container does not override it. Where
    /// it is known what is in the image (see `--images`), also those whose image has no other `USER`.
    ///
    /// ## Why it matters
    ///
    /// Root in a container is root on the node, kept apart by the kernel alone. Whoever breaks
    /// into the process owns every file of the image, can install tools, and needs only one more
    /// flaw - in the kernel, the runtime, or a mount - to own the node and all its pods.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 0
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
    ///     runAsUser: 10001
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Run as another user. The fix sets user 10001; files that the application writes must belong
    /// to it or to its group (`fsGroup` sees to that for volumes).
    RunAsRoot {
        name: "run-as-root",
        summary: "Container runs as root",
        category: NonRoot,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssRestricted("runAsUser"), Cis("5.2.7"), Nsa("Non-root containers"), Attack("T1611")],
    }
}

impl ContainerRule for RunAsRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let refused = scope.effective.run_as_non_root().is_some_and(|(refused, _)| refused);
        let (node, why) = match scope.effective.run_as_user() {
            Some((0, node)) => (node, "`runAsUser: 0`"),
            // The kubelet refuses to start what `runAsNonRoot` is true of.
            None if image_is_root(context, scope) == Some(true) && !refused => {
                (context.image_node(scope), "its image says so, and its pod nothing else")
            }
            _ => return,
        };
        let mut message = format!(
            "{} runs as root ({why}): an attacker in it owns all its files and is one \
             kernel or runtime flaw away from owning the node. ",
            words::sentence(&words::container(scope)),
        );
        if refused {
            message += "The kubelet will refuse to start it, as `runAsNonRoot` is true too. ";
        }
        match legitimate_reason(scope) {
            Some(reason) => message += &format!("{reason}."),
            None => message += "Set another user.",
        }
        let title = "run as user 10001 and refuse root";
        let edits = vec![
            words::set(scope.container.node(), &["securityContext", "runAsUser"], 10001),
            words::set(scope.container.node(), &["securityContext", "runAsNonRoot"], true),
        ];
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(title, Applicability::Unsafe, edits)
                .done(),
        );
    }
}
