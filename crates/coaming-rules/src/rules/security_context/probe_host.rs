//! See [`ProbeHost`].

use coaming_finding::{Applicability, Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{ContainerRule, ContainerScope, Context};

rule! {
    /// ## What it looks for
    ///
    /// Probes and lifecycle hooks that name a `host`: the kubelet then sends its request to that
    /// host instead of to the pod. The loopback address is not reported.
    ///
    /// ## Why it matters
    ///
    /// The request comes from the node, past network policies. Anyone who can create a pod can
    /// probe what only the node can reach, such as cloud metadata or the control plane, and learns
    /// the answer from the pod's state.
    ///
    /// ## Bad
    ///
    /// A probe reads the cloud's metadata.
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
    /// A probe connects to a Service of the cluster.
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
    ///       readinessProbe:
    ///         tcpSocket:
    ///           host: 10.96.0.1
    ///           port: 443
    /// ```
    ///
    /// A lifecycle hook can send requests as well.
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
    ///       lifecycle:
    ///         postStart:
    ///           httpGet:
    ///             host: metadata.example.com
    ///             port: 80
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
    /// Remove `host`; the default is the address of the pod. To send a host name, set a `Host`
    /// header.
    ProbeHost {
        name: "probe-host",
        summary: "Probe or hook targets another host",
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
        let hooks = ["postStart", "preStop"];
        let hosts: Vec<_> = probes
            .into_iter()
            .filter_map(|probe| Some(("probes", container.mapping(probe)?)))
            .chain(
                hooks
                    .into_iter()
                    .filter_map(|hook| Some(("lifecycle hooks", lifecycle.mapping(hook)?))),
            )
            .flat_map(|(sort, handler)| {
                [(sort, handler.mapping("httpGet")), (sort, handler.mapping("tcpSocket"))]
            })
            .filter_map(|(sort, action)| Some((sort, action?.field("host")?)))
            .filter(|(_, host)| host.as_str().is_some_and(is_elsewhere))
            .collect();
        let Some(&(_, first)) = hosts.first() else { return };
        let names: Vec<&str> = hosts.iter().filter_map(|(_, host)| host.as_str()).collect();
        let mut sorts: Vec<&str> = hosts.iter().map(|(sort, _)| *sort).collect();
        sorts.dedup();
        let message = format!(
            "the kubelet sends {} of {} to {} instead of the pod",
            phrases::and(&sorts),
            phrases::container(scope),
            phrases::list(&names),
        );
        let edits = hosts.iter().map(|(_, host)| phrases::remove(*host)).collect();
        let mut draft = context
            .container_finding(Self::RULE, scope, first, message)
            .why(
                "The request comes from the node: an attacker who can change the pod reaches what \
                 only the node can reach, past network policies.",
            )
            .help("Remove `host`; the default is the address of the pod.");
        for (_, host) in &hosts[1..] {
            draft = draft.at(*host, "");
        }
        findings.push(draft.fix("remove `host`", Applicability::Unsafe, edits).done());
    }
}

/// The pod's own loopback address is not another host.
fn is_elsewhere(host: &str) -> bool {
    !matches!(host, "" | "127.0.0.1" | "::1" | "localhost")
}
