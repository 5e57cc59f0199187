//! See [`AddedCapabilities`].

use coaming_finding::{Applicability, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, capability_name};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::non_root::image_users::works_with_privileges;
use crate::rules::phrases;
use crate::rules::security_context::privileged::Privileged;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Linux capabilities that are added to a container. The finding names what an attacker does
    /// with the most dangerous one. `NET_BIND_SERVICE` alone is not reported: it only lets a
    /// process listen on ports below 1024.
    ///
    /// Container runtimes take names in any case, with or without `CAP_`: so does this rule.
    ///
    /// ## Why it matters
    ///
    /// Capabilities are the privileges of root, one by one. Some of them are as powerful as all
    /// together: `SYS_ADMIN`, `SYS_MODULE`, `DAC_READ_SEARCH`, and `SYS_PTRACE` where the node's
    /// processes are visible.
    ///
    /// ## Bad
    ///
    /// `SYS_ADMIN` is nearly as powerful as all capabilities together.
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
    /// Several at once: the severity is that of the most dangerous one.
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
    ///           add: [NET_ADMIN, CAP_SYS_MODULE]
    /// ```
    ///
    /// Next to `NET_BIND_SERVICE`, which the fix keeps.
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
    ///           add: [NET_BIND_SERVICE, NET_RAW]
    /// ```
    ///
    /// A capability that gives little power.
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
    ///           add: [WAKE_ALARM]
    /// ```
    ///
    /// In a user namespace, the finding is less severe: the capability counts only there.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    /// spec:
    ///   hostUsers: false
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
    ///
    /// ## Limits
    ///
    /// Whether the application uses the capability is rarely visible in its manifest. Where its
    /// command shows a use (`iptables`, `mount`, `tcpdump` …), the fix is left to you.
    AddedCapabilities {
        name: "added-capabilities",
        summary: "Container adds capabilities",
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

/// What an attacker does with a capability, and how severe that is.
const DANGERS: &[(&str, Severity, &str)] = &[
    ("ALL", Severity::Critical, "has all privileges of root, and takes over the node"),
    ("SYS_ADMIN", Severity::Critical, "mounts file systems and escapes to the node"),
    ("SYS_MODULE", Severity::Critical, "loads code into the node's kernel"),
    ("SYS_RAWIO", Severity::Critical, "reads and writes the node's memory and devices"),
    ("DAC_READ_SEARCH", Severity::High, "opens any file of the node by its handle"),
    ("SYS_PTRACE", Severity::High, "takes over every process that the container can see"),
    ("BPF", Severity::High, "observes and changes what the node's kernel does"),
    ("PERFMON", Severity::Medium, "observes what the node's kernel does"),
    ("SYS_BOOT", Severity::High, "restarts the node, or loads another kernel"),
    (
        "NET_ADMIN",
        Severity::Medium,
        "redirects the traffic of the pod, or of the node with `hostNetwork`",
    ),
    ("SYS_TIME", Severity::Medium, "changes the node's clock"),
    ("SYSLOG", Severity::Medium, "reads kernel addresses, which exploits need"),
    ("MAC_ADMIN", Severity::High, "changes the node's security policy"),
    ("MAC_OVERRIDE", Severity::High, "ignores the node's security policy"),
    ("DAC_OVERRIDE", Severity::Medium, "reads and writes every file that the container can see"),
    ("SETUID", Severity::Medium, "becomes any user in the container"),
    ("SETGID", Severity::Medium, "joins any group in the container"),
    ("NET_RAW", Severity::Medium, "spoofs addresses and intercepts traffic of the pod network"),
    ("MKNOD", Severity::Medium, "creates device files"),
    ("SYS_CHROOT", Severity::Low, "changes the root directory of processes"),
    ("SYS_RESOURCE", Severity::Low, "exceeds the node's limits"),
    ("IPC_LOCK", Severity::Low, "locks memory that others need"),
    ("CHECKPOINT_RESTORE", Severity::Medium, "controls other processes' state"),
    ("AUDIT_CONTROL", Severity::Medium, "turns off auditing on the node"),
];

impl ContainerRule for AddedCapabilities {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let Some(own) = scope.container.security_context() else { return };
        let Some(list) = own.node().mapping("capabilities").sequence("add") else { return };
        let reported_elsewhere =
            scope.effective.privileged().is_some() && context.enabled::<Privileged>();
        let (harmless, to_remove): (Vec<Node<'_>>, Vec<Node<'_>>) = list
            .items()
            .filter(|item| item.as_str().is_some())
            .partition(|item| item.as_str().is_some_and(is_for_low_ports));
        let added: Vec<String> =
            to_remove.iter().filter_map(|item| item.as_str()).map(capability_name).collect();
        if added.is_empty() || reported_elsewhere {
            return;
        }
        let worst = added
            .iter()
            .filter_map(|name| DANGERS.iter().find(|(known, _, _)| *known == name.as_str()))
            .max_by_key(|(_, severity, _)| *severity);
        let is_mapped = scope.pod.node().boolean("hostUsers") == Some(false);
        let severity = match worst.map_or(Severity::Low, |(_, severity, _)| *severity) {
            Severity::Critical | Severity::High if is_mapped => Severity::Medium,
            _ if is_mapped => Severity::Low,
            severity => severity,
        };
        let why = if is_mapped {
            "With `hostUsers: false`, capabilities count in the pod's own user namespace only, but \
             they open parts of the kernel to an attacker in the container that others cannot reach."
                .to_owned()
        } else {
            worst.map_or_else(
                || "An attacker in the container has one more privilege of root.".to_owned(),
                |(name, _, danger)| {
                    format!("With `{name}`, an attacker in the container {danger}.")
                },
            )
        };
        let message = format!(
            "{} adds the {} {}",
            phrases::container(scope),
            phrases::plural(added.len(), "capability", "capabilities"),
            phrases::list(&added),
        );
        let edits = if harmless.is_empty() {
            vec![phrases::remove(list)]
        } else {
            to_remove.into_iter().map(phrases::remove).collect()
        };
        let draft = context.container_finding(Self::RULE, scope, list, message);
        let draft = if works_with_privileges(scope) {
            draft.manual("leave only the capability that its program needs", "add: [NET_ADMIN]")
        } else {
            draft.fix("remove the added capabilities", Applicability::Unsafe, edits)
        };
        findings.push(
            draft
                .why(why)
                .help("Remove the capabilities that the application does not need.")
                .severity(severity)
                .done(),
        );
    }
}

/// Whether a capability only lets a container listen on ports below 1024.
fn is_for_low_ports(name: &str) -> bool {
    capability_name(name) == "NET_BIND_SERVICE"
}
