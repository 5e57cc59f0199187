//! See [`SeLinux`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for SELinux labels that take a container out of the types made for containers, or give it
    /// a user or role of its own.
    ///
    /// ## Why it matters
    ///
    /// On nodes with SELinux the label is the wall that holds when others fall. `spc_t` switches it off.
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
    ///         seLinuxOptions:
    ///           type: spc_t
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
    ///         seLinuxOptions:
    ///           level: s0:c123,c456
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave `type`, `user` and `role` out; a level is fine.
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
            "{} has the SELinux {field} `{value}`, which is not one that containers are held by. \
             Leave it out.",
            words::sentence(&words::container(scope)),
        );
        let edit = words::remove(node);
        findings.push(
            context
                .container_finding(Self::RULE, scope, node, message)
                .fix(format!("remove `seLinuxOptions.{field}`"), Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
