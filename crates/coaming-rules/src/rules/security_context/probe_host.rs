//! See [`ProbeHost`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::words;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// Looks for probes and lifecycle hooks that name a `host`: the kubelet then sends its request
    /// there, and not to the pod.
    ///
    /// ## Why it matters
    ///
    /// The request comes from the node, past network policies: who may write a pod, probes what only
    /// the node reaches, such as cloud metadata or the control plane, and learns the answer from the
    /// pod's state.
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
    ///       livenessProbe:
    ///         httpGet:
    ///           host: 169.254.169.254
    ///           port: 80
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
    ///       livenessProbe:
    ///         httpGet:
    ///           port: 8080
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove `host`; the pod's own address is the default. To send a host name along, set a `Host`
    /// header.
    ProbeHost {
        name: "probe-host",
        summary: "Probe or hook is sent to another host",
        category: SecurityContext,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [PssBaseline("hostProbesAndHostLifecycle"), Attack("T1090")],
    }
}

impl ContainerRule for ProbeHost {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ContainerScope<'_>, findings: &mut Vec<Finding>) {
        let container = scope.container.node();
        let lifecycle = container.mapping("lifecycle");
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
        let handlers = probes
            .into_iter()
            .filter_map(|probe| container.mapping(probe))
            .chain(["postStart", "preStop"].into_iter().filter_map(|hook| lifecycle.mapping(hook)));
        let hosts: Vec<_> = handlers
            .flat_map(|handler| [handler.mapping("httpGet"), handler.mapping("tcpSocket")])
            .filter_map(|action| action.field("host"))
            .filter(|host| host.as_str().is_some_and(is_elsewhere))
            .collect();
        let Some(&first) = hosts.first() else { return };
        let names: Vec<&str> = hosts.iter().filter_map(|host| host.as_str()).collect();
        let message = format!(
            "The kubelet sends probes of {} to {}, and not to the pod: that reaches what only the \
             node may reach. Remove `host`.",
            words::container(scope),
            words::list(&names),
        );
        let edits = hosts.iter().map(|host| words::remove(*host)).collect();
        let mut draft = context.container_finding(Self::RULE, scope, first, message);
        for host in &hosts[1..] {
            draft = draft.at(*host, "");
        }
        findings.push(draft.fix("remove `host`", Applicability::Unsafe, edits).done());
    }
}

/// The pod's own loopback address is not another host.
fn is_elsewhere(host: &str) -> bool {
    !matches!(host, "" | "127.0.0.1" | "::1" | "localhost")
}
