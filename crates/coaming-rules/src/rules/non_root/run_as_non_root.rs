//! See [`RunAsNonRoot`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta, Severity};

use super::image_users::non_root_edits;
use super::{image_is_root, legitimate_reason};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::phrases;
use crate::rules::security_context::hardening;
use crate::rules::security_context::missing_security_context::MissingSecurityContext;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that nothing keeps from running as root: neither `runAsNonRoot: true` nor a
    /// `runAsUser` other than 0 is set, in the container or the pod. The image then decides which
    /// user it is, and the next version of the image may decide otherwise.
    ///
    /// Where other parts of the security context are missing as well, `missing-security-context`
    /// reports them together, and this rule reports nothing.
    ///
    /// ## Why it matters
    ///
    /// Most images run as root unless their author took care. An attacker who compromises the
    /// process then owns all its files and is one kernel or runtime flaw away from the node.
    ///
    /// ## Bad
    ///
    /// Neither the pod nor the container says anything about the user.
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
    /// ```
    ///
    /// Root is allowed explicitly.
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
    ///         runAsNonRoot: false
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
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsNonRoot: false
    /// ```
    ///
    /// An init container can run as root although the other container cannot.
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
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         runAsNonRoot: true
    /// ```
    ///
    /// Today's version of this image has a user other than root, but nothing enforces it.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/distroless:1.4.2
    /// ```
    ///
    /// The user of this image is `nginx`. The kubelet cannot verify a user name, so the pod has to
    /// set the number as well.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/named-user:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The kubelet refuses to start a container of this pod as root.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A user other than 0 does the same.
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
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `runAsNonRoot: true`. If the image's `USER` is a name or root, the kubelet then refuses
    /// to start the container: set a number in the image (`USER 10001`), or `runAsUser` in the
    /// pod.
    ///
    /// ## Limits
    ///
    /// Windows pods are not checked: there is no root user on Windows.
    RunAsNonRoot {
        name: "run-as-non-root",
        summary: "Container may run as root",
        category: NonRoot,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssRestricted("runAsNonRoot"), Cis("5.2.7"), Nsa("Non-root containers")],
    }
}

impl ContainerRule for RunAsNonRoot {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if scope.pod.is_windows() || scope.effective.is_non_root() || scope.effective.is_root() {
            return;
        }
        let image_is_root = image_is_root(context, scope);
        if image_is_root == Some(true) && context.enabled::<RunAsRoot>() {
            return;
        }
        let reported_elsewhere = context.enabled::<MissingSecurityContext>()
            && hardening::missing(scope).iter().any(|field| *field != hardening::Field::NonRoot);
        let explicit = scope.effective.run_as_non_root();
        if reported_elsewhere && explicit.is_none() {
            return;
        }
        let who = phrases::container(scope);
        let message = match explicit {
            Some(_) => format!("{who} is allowed to run as root (`runAsNonRoot: false`)"),
            None => format!("{who} may run as root: `runAsNonRoot` is not set"),
        };
        let why = if image_is_root == Some(false) {
            "Today's image has another user, but the next version may run as root. As root, an \
             attacker in the container is one kernel or runtime flaw away from owning the node."
        } else {
            "The image decides whether it runs as root, and its next version may decide \
             otherwise. As root, an attacker in the container is one kernel or runtime flaw away \
             from owning the node."
        };
        let user = context
            .image_facts(scope)
            .map(|facts| facts.config.user.split(':').next().unwrap_or_default());
        // The kubelet can verify a number not to be root, but not a name.
        let by_number = user.is_some_and(|user| user.parse::<u32>().is_ok());
        let by_name = !by_number && user.is_some_and(|user| !user.is_empty());
        let help = match legitimate_reason(scope) {
            Some(reason) => reason,
            None if by_name && image_is_root == Some(false) => {
                "Set `runAsNonRoot: true`, and `runAsUser` to the user's number: the image has a \
                 user name, which the kubelet cannot verify."
            }
            None => "Set `runAsNonRoot: true`.",
        };
        let node = explicit.map_or(scope.container.node(), |(_, node)| node);
        let (severity, applicability) = match image_is_root {
            Some(false) if by_number => (Severity::Low, Applicability::Safe),
            Some(false) => (Severity::Low, Applicability::Unsafe),
            _ => (Self::RULE.severity, Applicability::Unsafe),
        };
        let draft = context
            .container_finding(Self::RULE, scope, node, message)
            .why(why)
            .help(help)
            .severity(severity)
            .confidence(Confidence::Medium);
        findings.push(match non_root_edits(context, scope) {
            Some(edits) => draft.fix("set `runAsNonRoot: true`", applicability, edits).done(),
            None => draft
                .manual("give the image another user, and name its number", "USER 10001")
                .done(),
        });
    }
}
