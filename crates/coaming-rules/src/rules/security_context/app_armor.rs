//! See [`AppArmor`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::security_context::privileged::Privileged;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers that AppArmor does not hold: `appArmorProfile` with type `Unconfined`, or
    /// the annotation of old with the value `unconfined`.
    ///
    /// ## Why it matters
    ///
    /// The runtime's default profile keeps processes from mounting file systems and from writing to
    /// most of `/proc` and `/sys`, which is how many ways out of a container begin.
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
    ///         appArmorProfile:
    ///           type: Unconfined
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
    AppArmor {
        name: "app-armor-unconfined",
        summary: "AppArmor is switched off",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("appArmorProfile"), Cis("5.7.3"), Nsa("Hardening container engines")],
    }
}

/// The annotation that said it before the field came; the container's name follows.
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
                    let edit = words::set(profile, &["type"], "RuntimeDefault");
                    (profile.field("type").unwrap_or(profile), edit)
                },
            );
        let found = field.or_else(|| {
            let annotations = scope.pod.annotations()?;
            let node = annotations.field(&format!("{ANNOTATION}{}", scope.container.name()))?;
            (node.as_str() == Some("unconfined")).then(|| (node, words::remove(node)))
        });
        let Some((node, edit)) = found else { return };
        let message = format!(
            "{} is not held by AppArmor (`unconfined`): an attacker in it may mount file systems \
             and write to the kernel's files. Leave the runtime's default profile on.",
            words::sentence(&words::container(scope)),
        );
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix("use the runtime's default profile", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
