//! See [`KubeletAnonymousRequests`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use super::kubelet::Kubelet;
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// A `KubeletConfiguration` with `authentication.anonymous.enabled: true`, in a file or as a kubelet of a
    /// live cluster says it.
    ///
    /// ## Why it matters
    ///
    /// The kubelet runs commands in every container of its node. A client without credentials is then only held
    /// by the kubelet's authorization, and by nothing if that is `AlwaysAllow`.
    ///
    /// ## Bad
    ///
    /// Anyone is answered.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// authentication:
    ///   anonymous:
    ///     enabled: true
    /// authorization:
    ///   mode: AlwaysAllow
    /// ```
    ///
    /// Also where the API server authorizes.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// authentication:
    ///   anonymous:
    ///     enabled: true
    /// authorization:
    ///   mode: Webhook
    /// ```
    ///
    /// ## Good
    ///
    /// Clients need a certificate or a token.
    ///
    /// ```yaml
    /// apiVersion: kubelet.config.k8s.io/v1beta1
    /// kind: KubeletConfiguration
    /// authentication:
    ///   anonymous:
    ///     enabled: false
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
    /// Set `authentication.anonymous.enabled: false`, restart the kubelet, and check that the API server has a client
    /// certificate for it (`--kubelet-client-certificate`).
    KubeletAnonymousRequests {
        name: "kubelet-anonymous-requests",
        summary: "Kubelet answers requests without credentials",
        category: Cluster,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Preview,
        standards: [Cis("4.2.1"), Nsa("Authentication and authorization"), Attack("T1609")],
    }
}

impl ObjectRule for KubeletAnonymousRequests {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let Some(kubelet) = Kubelet::of(scope.object) else { return };
        let authentication = kubelet.object.node().mapping("authentication");
        let enabled = authentication.mapping("anonymous").field("enabled");
        let Some(enabled) = enabled.filter(|node| node.as_bool() == Some(true)) else { return };
        let message = format!("{} answers requests without credentials", kubelet.title());
        findings.push(
            context
                .finding(Self::RULE, kubelet.object, enabled, message)
                .why(
                    "Anyone who reaches the node's port 10250 asks the kubelet, which runs commands in \
                     every container of the node.",
                )
                .help("Set `authentication.anonymous.enabled: false`.")
                .manual(
                    "ask for credentials",
                    "authentication:\n  anonymous:\n    enabled: false\n  webhook:\n    enabled: true\n",
                )
                .done(),
        );
    }
}
