//! See [`RunAsRoot`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use super::{image_is_root, legitimate_reason};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that run as root: `runAsUser: 0` in the container's security context, or in the
    /// pod's where the container does not override it. If the image was inspected (see
    /// `--images`), also containers whose image runs as root and whose pod sets no other user.
    ///
    /// ## Why it matters
    ///
    /// Root in a container has the user ID of root on the node; only the isolation by the kernel
    /// separates the two. An attacker who compromises the process owns every file of the image,
    /// can install tools, and needs only one more flaw (in the kernel, the container runtime or a
    /// mount) to take over the node and all its pods.
    ///
    /// ## Bad
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
    ///     runAsUser: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A container's security context overrides the pod's.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsUser: 10001
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsUser: 0
    /// ```
    ///
    /// The user is root and `runAsNonRoot` is true, so the kubelet refuses to start the container.
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
    ///         runAsUser: 0
    ///         runAsNonRoot: true
    /// ```
    ///
    /// Init containers count, too.
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
    ///         runAsUser: 0
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The user of this image is root, and the pod sets no other one.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/root:1.4.2
    /// ```
    ///
    /// The container listens on a port below 1024, which is one of the three usual reasons to run
    /// as root.
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
    ///       ports:
    ///         - containerPort: 80
    ///       securityContext:
    ///         runAsUser: 0
    /// ```
    ///
    /// ## Good
    ///
    /// The pod's user is not root.
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
    /// The pod overrides the user of the image.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/root:1.4.2
    ///       securityContext:
    ///         runAsUser: 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Run as another user. The fix sets user 10001. Files that the application writes must belong
    /// to that user or to their group (`fsGroup` does this for volumes).
    ///
    /// ## Limits
    ///
    /// If the image was not inspected, a container that leaves its user to the image is reported by
    /// `run-as-non-root` instead. There is no root user on Windows.
    RunAsRoot {
        name: "run-as-root",
        summary: "Container runs as root",
        category: NonRoot,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssRestricted("runAsUser"),
            Cis("5.2.7"),
            Nsa("Non-root containers"),
            Attack("T1611"),
        ],
    }
}

impl ContainerRule for RunAsRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let refused = scope.effective.run_as_non_root().is_some_and(|(refused, _)| refused);
        let (node, reason) = match scope.effective.run_as_user() {
            Some((0, node)) => (node, "`runAsUser: 0`"),
            // With `runAsNonRoot: true`, the kubelet refuses to start the container.
            None if image_is_root(context, scope) == Some(true) && !refused => {
                (context.image_node(scope), "its image's user, which the pod does not override")
            }
            _ => return,
        };
        let mut message = format!("{} runs as root ({reason})", phrases::container(scope));
        if refused {
            message += ", but `runAsNonRoot: true` keeps it from starting";
        }
        let title = "set `runAsUser: 10001` and `runAsNonRoot: true`";
        let edits = vec![
            phrases::set(scope.container.node(), &["securityContext", "runAsUser"], 10001),
            phrases::set(scope.container.node(), &["securityContext", "runAsNonRoot"], true),
        ];
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker in the container owns all its files and is one kernel or runtime \
                     flaw away from owning the node.",
                )
                .help(legitimate_reason(scope).unwrap_or("Run as another user, such as 10001."))
                .fix(title, Applicability::Unsafe, edits)
                .done(),
        );
    }
}
