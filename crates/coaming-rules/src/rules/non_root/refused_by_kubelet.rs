//! See [`RefusedByKubelet`].

use coaming_finding::{Applicability, Finding, RuleMeta};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers that will never start: `runAsNonRoot` is true, no `runAsUser` is set, and the
    /// image's `USER` is root or is a user name, which the kubelet cannot verify to be non-root.
    /// The rule needs to know what is in the image: see `--images` and `images:` in
    /// `coaming.yaml`.
    ///
    /// ## Why it matters
    ///
    /// The pod stays in `CreateContainerConfigError`. Under pressure, the quickest way out is to
    /// remove `runAsNonRoot`, and from then on the container runs as root.
    ///
    /// ## Bad
    ///
    /// This image has no `USER`.
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
    /// The `USER` of this image is `nginx`.
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
    ///       image: registry.example.com/named-user:1.4.2
    /// ```
    ///
    /// ## Good
    ///
    /// The pod sets the number of a user.
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
    /// The `USER` of this image is `10001`.
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
    ///       image: registry.example.com/numbered-user:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `runAsUser` to the number of the image's user, or to 10001 where the image has none.
    /// Better still, end the Dockerfile with a numeric `USER`.
    ///
    /// ## Limits
    ///
    /// Images that were not inspected are not reported.
    RefusedByKubelet {
        name: "refused-by-kubelet",
        summary: "Container is refused by the kubelet",
        category: NonRoot,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Non-root containers")],
    }
}

const WHY_ROOT: &str = "The quickest way out is to remove `runAsNonRoot`, which makes an attacker \
                        in the container root.";
const WHY_NAME: &str = "The kubelet cannot verify that a user name is not root. The quickest way \
                        out is to remove `runAsNonRoot`, and the next image may run as root.";

impl ContainerRule for RefusedByKubelet {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        // With `runAsUser`, the image's user does not matter; `run-as-root` reports root there.
        if scope.pod.is_windows() || scope.effective.run_as_user().is_some() {
            return;
        }
        let Some((true, node)) = scope.effective.run_as_non_root() else { return };
        let Some(facts) = context.image_facts(scope) else { return };
        let name = facts.config.user.split(':').next().unwrap_or_default();
        let by_number = name.parse::<u32>().is_ok();
        let (reason, why, user) = match facts.user.uid {
            Some(0) => ("its image runs as root".to_owned(), WHY_ROOT, 10001_i64),
            Some(uid) if !by_number => {
                (format!("the user of its image is the name `{name}`"), WHY_NAME, i64::from(uid))
            }
            _ => return,
        };
        let message = format!(
            "the kubelet refuses to start {}: `runAsNonRoot` is true, and {reason}",
            phrases::container(scope),
        );
        let help = format!(
            "Set `runAsUser: {user}`, or end the image's Dockerfile with a numeric `USER`."
        );
        let edit = phrases::set(scope.container.node(), &["securityContext", "runAsUser"], user);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .at(context.image_node(scope), "its image")
                .why(why)
                .help(help)
                .fix(format!("run as user {user}"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
