//! See [`AppArmor`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::security_context::privileged::Privileged;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers without AppArmor: `appArmorProfile` with the type `Unconfined`, in the container
    /// or the pod, or the deprecated annotation `container.apparmor.security.beta.kubernetes.io/…`
    /// with the value `unconfined`.
    ///
    /// ## Why it matters
    ///
    /// The runtime's default profile keeps processes from mounting file systems and from writing
    /// to most of `/proc` and `/sys`, which is how many container escapes begin.
    ///
    /// ## Bad
    ///
    /// The container disables AppArmor for itself.
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
    ///         appArmorProfile:
    ///           type: Unconfined
    /// ```
    ///
    /// The profile of the pod applies to all its containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     appArmorProfile:
    ///       type: Unconfined
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The deprecated annotation is still in effect.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     container.apparmor.security.beta.kubernetes.io/web: unconfined
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
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    ///       securityContext:
    ///         appArmorProfile:
    ///           type: RuntimeDefault
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the type to `RuntimeDefault`, or remove the annotation.
    ///
    /// ## Limits
    ///
    /// Whether the nodes have AppArmor is not visible in a manifest.
    AppArmor {
        name: "app-armor-unconfined",
        summary: "AppArmor is disabled",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("appArmorProfile"), Cis("5.6.3"), Nsa("Hardening container engines")],
    }
}

/// The prefix of the deprecated annotation; the container's name follows.
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

impl ContainerRule for AppArmor {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        if scope.effective.privileged().is_some() && context.enabled::<Privileged>() {
            return;
        }
        let field =
            scope.effective.app_armor_profile().filter(|(kind, _)| *kind == "Unconfined").map(
                |(_, profile)| {
                    let edit = phrases::set(profile, &["type"], "RuntimeDefault");
                    let node = profile.field("type").unwrap_or(profile);
                    (node, edit, "`appArmorProfile.type: Unconfined`")
                },
            );
        let found = field.or_else(|| {
            let annotations = scope.pod.annotations()?;
            let node = annotations.field(&format!("{ANNOTATION}{}", scope.container.name()))?;
            (node.as_str() == Some("unconfined"))
                .then(|| (node, phrases::remove(node), "annotation `unconfined`"))
        });
        let Some((node, edit, how)) = found else { return };
        let message = format!("{} runs without AppArmor ({how})", phrases::container(scope));
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "With the necessary capabilities, an attacker in the container can mount file \
                     systems and write to files of the kernel.",
                )
                .help("Use the runtime's default profile (`RuntimeDefault`).")
                .fix("use the runtime's default profile", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
