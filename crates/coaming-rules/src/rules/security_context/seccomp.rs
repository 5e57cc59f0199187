//! See [`Seccomp`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::security_context::privileged::Privileged;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for containers whose system calls are not filtered at all: `seccompProfile` with type
    /// `Unconfined`, in the container or the pod, or by the annotations of old. Where nothing is said,
    /// `missing-security-context` speaks.
    ///
    /// ## Why it matters
    ///
    /// Most ways out of a container go through a flaw in a system call that applications never make.
    /// The runtime's default profile refuses those calls.
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
    ///     seccompProfile:
    ///       type: Unconfined
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
    ///     seccompProfile:
    ///       type: RuntimeDefault
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the type to `RuntimeDefault`.
    Seccomp {
        name: "seccomp-unconfined",
        summary: "Seccomp is switched off",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("seccompProfile_baseline"), Cis("5.7.2"), Nsa("Hardening container engines")],
    }
}

impl ContainerRule for Seccomp {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(("Unconfined", profile)) = scope.effective.seccomp_profile() else { return };
        if scope.effective.privileged().is_some() && context.enabled::<Privileged>() {
            return;
        }
        let node = profile.field("type").unwrap_or(profile);
        let message = format!(
            "{} may make any system call (`seccompProfile.type: Unconfined`), those too that lead \
             out of containers. Set `RuntimeDefault`.",
            words::sentence(&words::container(scope)),
        );
        let edit = words::set(profile, &["type"], "RuntimeDefault");
        let title = "set `seccompProfile.type: RuntimeDefault`";
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
