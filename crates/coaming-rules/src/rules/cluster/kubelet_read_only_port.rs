//! See [`KubeletReadOnlyPort`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::kubelet::Kubelet;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// A `KubeletConfiguration` with a `readOnlyPort` other than 0, in a file or as a kubelet of a live cluster says
    /// it.
    ///
    /// ## Why it matters
    ///
    /// The port (10255 by habit) shows all pods of the node to anyone who reaches it, with the values of their
    /// environment variables, without TLS and without a question.
    ///
    /// ## Bad
    ///
    /// The port is open.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// readOnlyPort: 10255
    /// ```
    ///
    /// Under another number too.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// readOnlyPort: 8080
    /// ```
    ///
    /// ## Good
    ///
    /// The port is closed.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// readOnlyPort: 0
    /// ```
    ///
    /// That is also the default of the file.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// cgroupDriver: systemd
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `readOnlyPort: 0` and restart the kubelet. Let monitoring use port 10250 with a token.
    KubeletReadOnlyPort {
        name: "kubelet-read-only-port",
        summary: "Kubelet serves pods without authentication",
        category: Cluster,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("4.2.4"), Nsa("Authentication and authorization"), Attack("T1613")],
    }
}

impl ObjectRule for KubeletReadOnlyPort {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(kubelet) = Kubelet::of(scope.object) else { return };
        let port = kubelet.object.node().field("readOnlyPort");
        let Some(port) = port.filter(|node| node.as_int().is_some_and(|port| port > 0)) else {
            return;
        };
        let message =
            format!("{} serves port {} without authentication", kubelet.title(), port.text());
        findings.push(
            context
                .finding(Self::RULE, kubelet.object, port, message)
                .why(
                    "Anyone who reaches the node reads its pods, with their environment variables.",
                )
                .help("Set `readOnlyPort: 0`.")
                .manual("close the port", "readOnlyPort: 0\n")
                .done(),
        );
    }
}
