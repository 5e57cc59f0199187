//! See [`RunAsNonRoot`].

use coaming_finding::{Applicability, Confidence, Finding, RuleMeta, Severity};

use super::{image_is_root, legitimate_reason};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::run_as_root::RunAsRoot;
use crate::rules::security_context::hardening;
use crate::rules::security_context::missing_security_context::MissingSecurityContext;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that nothing keeps from running as root: neither `runAsNonRoot: true`
    /// nor a `runAsUser` other than 0, in the container or the pod. Which user it is then, the
    /// image decides, and the next version of the image may decide otherwise.
    ///
    /// Where other parts of the security context are missing as well, `missing-security-context`
    /// reports them together, and this rule is silent.
    ///
    /// ## Why it matters
    ///
    /// Most images run as root unless their author took care. Whoever breaks into the process
    /// then owns all its files and is one kernel or runtime flaw away from the node.
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
    ///     runAsNonRoot: true
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `runAsNonRoot: true`. If the image's `USER` is a name or root, the kubelet then refuses
    /// to start it: set a number in the image (`USER 10001`), or `runAsUser` in the pod.
    RunAsNonRoot {
        name: "run-as-non-root",
        summary: "Nothing keeps the container from running as root",
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
        let told_elsewhere = context.enabled::<MissingSecurityContext>()
            && hardening::missing(scope).iter().any(|field| *field != hardening::Field::NonRoot);
        let explicit = scope.effective.run_as_non_root();
        if told_elsewhere && explicit.is_none() {
            return;
        }
        let who = words::sentence(&words::container(scope));
        let mut message = match explicit {
            Some(_) => format!(
                "{who} is allowed to run as root (`runAsNonRoot: false`): whether it does, its \
                 image decides. "
            ),
            None => format!(
                "Nothing keeps {} from running as root: whether it does, its image decides, and \
                 the next version may decide otherwise. ",
                words::container(scope)
            ),
        };
        if image_is_root == Some(false) {
            message += "Today's image has another user. ";
        }
        message += "As root, an attacker in it is one kernel or runtime flaw away from the node. ";
        match legitimate_reason(scope) {
            Some(reason) => message += &format!("{reason}."),
            None => message += "Set `runAsNonRoot: true`.",
        }
        let node = explicit.map_or(scope.container.node(), |(_, node)| node);
        // The kubelet can tell of a user by its number that it is not root, of a name it can't.
        let by_number = context.image_facts(scope).is_some_and(|facts| {
            let user = facts.config.user.split(':').next().unwrap_or_default();
            user.parse::<u32>().is_ok()
        });
        let (severity, applicability) = match image_is_root {
            Some(false) if by_number => (Severity::Low, Applicability::Safe),
            Some(false) => (Severity::Low, Applicability::Unsafe),
            _ => (Self::RULE.severity, Applicability::Unsafe),
        };
        let path = ["securityContext", "runAsNonRoot"];
        let edit = words::set(scope.container.node(), &path, true);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .severity(severity)
                .confidence(Confidence::Medium)
                .fix("set `runAsNonRoot: true`", applicability, vec![edit])
                .done(),
        );
    }
}
