//! See [`ExternalIps`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Services with `externalIPs`.
    ///
    /// ## Why it matters
    ///
    /// Every node sends traffic for these addresses to the Service's pods, even if they belong to
    /// someone else (CVE-2020-8554): a Service can take over the address of a DNS server or of another
    /// Service, and read what pods and nodes send there. Kubernetes has no fix; clusters with
    /// several tenants refuse the field by an admission policy.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   externalIPs: [192.0.2.8]
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 443
    /// ```
    ///
    /// ## Good
    ///
    /// The load balancer gives out the address.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   type: LoadBalancer
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 443
    /// ```
    ///
    /// Only the cluster reaches the Service.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    ///   ports:
    ///     - port: 443
    /// ```
    ///
    /// ## Fix
    ///
    /// Use `type: LoadBalancer`, whose addresses the cluster's load balancer gives out.
    ExternalIps {
        name: "external-ips",
        summary: "Service takes over IP addresses",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening"), Attack("T1557")],
    }
}

impl ObjectRule for ExternalIps {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.kind() != "Service" || !object.group().is_empty() {
            return;
        }
        let Some(list) = object.spec().sequence("externalIPs") else { return };
        let addresses: Vec<&str> = object.spec().strings("externalIPs").collect();
        if addresses.is_empty() {
            return;
        }
        let message = format!(
            "{} takes over the traffic to {} on every node",
            phrases::object(object),
            phrases::list(&addresses),
        );
        findings.push(
            context
                .finding(Self::RULE, object, list, message)
                .why(
                    "An attacker who may change a Service reads the traffic to any address that \
                     pods and nodes use (CVE-2020-8554).",
                )
                .help("Use `type: LoadBalancer` instead of `externalIPs`.")
                .manual("let a load balancer give out addresses", "type: LoadBalancer")
                .done(),
        );
    }
}
