//! See [`AddedCapabilities`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::security_context::privileged::Privileged;
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for Linux capabilities that are added to a container, and says what an attacker does
    /// with each. `NET_BIND_SERVICE` alone is fine: it only lets a process listen on low ports.
    ///
    /// ## Why it matters
    ///
    /// Capabilities are root's powers, one by one. Some of them are as good as all:
    /// `SYS_ADMIN`, `SYS_MODULE`, `SYS_PTRACE` with the node's processes, `DAC_READ_SEARCH`.
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
    ///         capabilities:
    ///           add: [SYS_ADMIN]
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
    ///         capabilities:
    ///           drop: [ALL]
    ///           add: [NET_BIND_SERVICE]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the capability, or suppress the finding with the reason why it is needed.
    AddedCapabilities {
        name: "added-capabilities",
        summary: "Capabilities are added",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [
            PssBaseline("capabilities_baseline"),
            PssRestricted("capabilities_restricted"),
            Cis("5.2.9"),
            Nsa("Pod security enforcement"),
            Attack("T1611"),
        ],
    }
}

/// What an attacker does with a capability, and how bad that is.
const DANGERS: &[(&str, Severity, &str)] = &[
    ("ALL", Severity::Critical, "has all of root's powers, and with them the node"),
    ("SYS_ADMIN", Severity::Critical, "mounts file systems and leaves the container for the node"),
    ("SYS_MODULE", Severity::Critical, "loads code of his own into the node's kernel"),
    ("SYS_RAWIO", Severity::Critical, "reads and writes the node's memory and devices"),
    (
        "DAC_READ_SEARCH",
        Severity::High,
        "opens files of the node by their handle, whatever the mounts",
    ),
    ("SYS_PTRACE", Severity::High, "takes over processes that he can see"),
    ("BPF", Severity::High, "watches and changes what the node's kernel does"),
    ("PERFMON", Severity::Medium, "watches what the node's kernel does"),
    ("SYS_BOOT", Severity::High, "restarts the node, or into another kernel"),
    ("NET_ADMIN", Severity::Medium, "redirects the pod's traffic, the node's with `hostNetwork`"),
    ("SYS_TIME", Severity::Medium, "changes the node's clock"),
    ("SYSLOG", Severity::Medium, "reads the kernel's addresses, which makes exploits work"),
    ("MAC_ADMIN", Severity::High, "changes the node's security policy"),
    ("MAC_OVERRIDE", Severity::High, "ignores the node's security policy"),
    ("DAC_OVERRIDE", Severity::Medium, "reads and writes every file he can see"),
    ("SETUID", Severity::Medium, "becomes any user in the container"),
    ("SETGID", Severity::Medium, "joins any group in the container"),
    ("NET_RAW", Severity::Medium, "spoofs addresses and listens in on the pod network"),
    ("MKNOD", Severity::Medium, "makes device files"),
    ("SYS_CHROOT", Severity::Low, "changes the root directory"),
    ("SYS_RESOURCE", Severity::Low, "exceeds the node's limits"),
    ("IPC_LOCK", Severity::Low, "locks memory that others need"),
    ("CHECKPOINT_RESTORE", Severity::Medium, "controls other processes' state"),
    ("AUDIT_CONTROL", Severity::Medium, "switches the node's auditing off"),
];

impl ContainerRule for AddedCapabilities {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(own) = scope.container.security_context() else { return };
        let Some(list) = own.node().mapping("capabilities").sequence("add") else { return };
        let told_elsewhere =
            scope.effective.privileged().is_some() && context.enabled::<Privileged>();
        let added: Vec<&str> = list
            .items()
            .filter_map(coaming_yaml::Node::as_str)
            .map(|name| name.strip_prefix("CAP_").unwrap_or(name))
            .filter(|name| *name != "NET_BIND_SERVICE")
            .collect();
        if added.is_empty() || told_elsewhere {
            return;
        }
        let worst = added
            .iter()
            .filter_map(|name| DANGERS.iter().find(|(known, _, _)| known == name))
            .max_by_key(|(_, severity, _)| *severity);
        let danger = worst.map_or_else(
            || "has one of root's powers more".to_owned(),
            |(name, _, danger)| format!("with `{name}` {danger}"),
        );
        let message = format!(
            "{} adds {}: an attacker in it {danger}. Remove what the application does not need.",
            words::sentence(&words::container(scope)),
            words::list(&added),
        );
        let keeps_low_port = list
            .items()
            .filter_map(coaming_yaml::Node::as_str)
            .any(|name| name == "NET_BIND_SERVICE");
        let edit = if keeps_low_port {
            let kept = vec!["NET_BIND_SERVICE".into()];
            words::set(
                own.node(),
                &["capabilities", "add"],
                coaming_yaml::edit::Value::Sequence(kept),
            )
        } else {
            words::remove(list)
        };
        findings.push(
            context
                .container_finding(Self::RULE, scope, list, message)
                .severity(worst.map_or(Severity::Low, |(_, severity, _)| *severity))
                .fix("remove the added capabilities", Applicability::Unsafe, vec![edit])
                .done(),
        );
    }
}
