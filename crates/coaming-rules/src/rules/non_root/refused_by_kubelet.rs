//! See [`RefusedByKubelet`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that will never start: `runAsNonRoot: true` in the pod, no `runAsUser`, and
    /// an image whose `USER` is root, or is a name, of which the kubelet can't tell that it is not root.
    /// It needs to know what is in the image: see `--images` and `images:` in `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// The pod stays in `CreateContainerConfigError`. Under pressure, whoever is on call then takes
    /// `runAsNonRoot` out, and the container runs as root from that day on.
    ///
    /// ## Bad
    ///
    /// The image of this container has no `USER`.
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
    ///         runAsNonRoot: true
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
    ///       image: registry.example.com/root:1.4.2
    ///       securityContext:
    ///         runAsNonRoot: true
    ///         runAsUser: 10001
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `runAsUser` to the number that the image's user has, or to 10001 where the image has none;
    /// better still, end the Dockerfile with a `USER` by its number.
    RefusedByKubelet {
        name: "refused-by-kubelet",
        summary: "The kubelet will not start the container",
        category: NonRoot,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers")],
    }
}

impl ContainerRule for RefusedByKubelet {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        // With a `runAsUser` the image's user does not matter; root there is `run-as-root`'s matter.
        if scope.pod.is_windows() || scope.effective.run_as_user().is_some() {
            return;
        }
        let Some((true, node)) = scope.effective.run_as_non_root() else { return };
        let Some(facts) = context.image_facts(scope) else { return };
        let name = facts.config.user.split(':').next().unwrap_or_default();
        let by_number = name.parse::<u32>().is_ok();
        let (why, user) = match facts.user.uid {
            Some(0) => ("its image runs as root".to_owned(), 10001_i64),
            Some(uid) if !by_number => (
                format!(
                    "its image's user is `{name}`, and of a name the kubelet can't tell that it is \
                     not root"
                ),
                i64::from(uid),
            ),
            _ => return,
        };
        let message = format!(
            "The kubelet will not start {}: `runAsNonRoot` is true, and {why}. Whoever then takes \
             `runAsNonRoot` out makes an attacker root. Set `runAsUser: {user}`, or a number as the \
             image's `USER`.",
            words::container(scope),
        );
        let edit = words::set(scope.container.node(), &["securityContext", "runAsUser"], user);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .at(context.image_node(scope), "its image")
                .fix(format!("run as user {user}"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
