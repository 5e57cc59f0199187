//! See [`Seccomp`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::rules::security_context::privileged::Privileged;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Containers whose system calls are not filtered: `seccompProfile` with the type
    /// `Unconfined`, in the container or the pod. A profile that is not set is reported by
    /// `missing-security-context`.
    ///
    /// ## Why it matters
    ///
    /// Most container escapes use a vulnerability in a system call that applications never make.
    /// The runtime's default profile blocks those calls.
    ///
    /// ## Bad
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
    ///     seccompProfile:
    ///       type: Unconfined
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// The profile of the container overrides that of the pod.
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
    ///       securityContext:
    ///         seccompProfile:
    ///           type: Unconfined
    /// ```
    ///
    /// ## Good
    ///
    /// The runtime's default profile is used.
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
    /// A profile of the node is used.
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
    ///         seccompProfile:
    ///           type: Localhost
    ///           localhostProfile: web.json
    /// ```
    ///
    /// ## Fix
    ///
    /// Set the type to `RuntimeDefault`.
    ///
    /// ## Limits
    ///
    /// The former annotations are not read, because Kubernetes has ignored them since 1.27.
    Seccomp {
        name: "seccomp-unconfined",
        summary: "Seccomp is disabled",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("seccompProfile_baseline"), Cis("5.6.2"), Nsa("Hardening container engines")],
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
            "{} runs without a seccomp filter (`seccompProfile.type: Unconfined`)",
            phrases::container(scope),
        );
        let edit = phrases::set(profile, &["type"], "RuntimeDefault");
        let title = "set `seccompProfile.type: RuntimeDefault`";
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "An attacker in the container can make any system call, including those that \
                     container escapes use.",
                )
                .help("Set `seccompProfile.type: RuntimeDefault`.")
                .fix(title, Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
