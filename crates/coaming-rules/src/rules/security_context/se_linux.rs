//! See [`SeLinux`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// SELinux labels whose type is not one of those made for containers, or that set a user or a
    /// role.
    ///
    /// ## Why it matters
    ///
    /// On nodes with SELinux, the label still confines a container when other barriers fall. The
    /// type `spc_t` switches this off.
    ///
    /// ## Bad
    ///
    /// The type `spc_t` is not confined.
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
    ///         seLinuxOptions:
    ///           type: spc_t
    /// ```
    ///
    /// The label of the pod applies to all its containers.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   securityContext:
    ///     seLinuxOptions:
    ///       user: system_u
    ///   containers:
    ///     - name: web
    ///       image: registry.example.com/web:1.4.2
    /// ```
    ///
    /// A role is set.
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
    ///         seLinuxOptions:
    ///           role: sysadm_r
    /// ```
    ///
    /// ## Good
    ///
    /// A level separates containers from each other.
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
    ///         seLinuxOptions:
    ///           level: s0:c123,c456
    /// ```
    ///
    /// This type is made for containers.
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
    ///         seLinuxOptions:
    ///           type: container_init_t
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove `type`, `user` and `role`; a level is fine.
    ///
    /// ## Limits
    ///
    /// Whether the nodes have SELinux, and which types their policy defines, is not visible in a
    /// manifest.
    SeLinux {
        name: "se-linux-options",
        summary: "SELinux label is changed",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("seLinuxOptions"), Nsa("Hardening container engines")],
    }
}

/// Types that containers are meant to have.
const CONTAINER_TYPES: &[&str] =
    &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

impl ContainerRule for SeLinux {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let own = scope.container.security_context().and_then(|own| own.se_linux_options());
        let pods = || scope.pod.security_context().and_then(|pod| pod.se_linux_options());
        let Some(options) = own.or_else(pods) else { return };
        let bad = ["type", "user", "role"].into_iter().find_map(|field| {
            let node = options.field(field)?;
            let value = node.as_str()?;
            let fits =
                if field == "type" { CONTAINER_TYPES.contains(&value) } else { value.is_empty() };
            (!fits).then_some((field, value, node))
        });
        let Some((field, value, node)) = bad else { return };
        let message = format!(
            "{} sets the SELinux {field} `{value}`{}",
            phrases::container(scope),
            if field == "type" { ", which is not made for containers" } else { "" },
        );
        let edit = phrases::remove(node);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .why(
                    "SELinux may not confine an attacker who breaks out of the container: the type \
                     `spc_t`, for example, is unconfined.",
                )
                .help(format!("Remove `seLinuxOptions.{field}`."))
                .fix(format!("remove `seLinuxOptions.{field}`"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
