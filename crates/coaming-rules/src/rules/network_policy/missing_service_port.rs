//! See [`MissingServicePort`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// An Ingress or a route that leads to a port which the Service that it names does not have: often the
    /// pods' port instead of the Service's.
    ///
    /// ## Why it matters
    ///
    /// The way in does not work. What is opened in a hurry instead, a `NodePort` or a policy, is open to
    /// more than the Ingress would be.
    ///
    /// ## Bad
    ///
    /// 8080 is the pods' port.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web, namespace: shop}
    /// spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   defaultBackend: {service: {name: web, port: {number: 8080}}}
    /// ```
    ///
    /// The name of a port that the Service does not have.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web, namespace: shop}
    /// spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   rules:
    ///     - http:
    ///         paths:
    ///           - path: /
    ///             pathType: Prefix
    ///             backend: {service: {name: web, port: {name: web}}}
    /// ```
    ///
    /// ## Good
    ///
    /// 80 is the Service's port.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata: {name: web, namespace: shop, labels: {app: web}}
    /// spec: {containers: [{name: web, image: registry.example.com/web:1.4.2, ports: [{containerPort: 8080}]}]}
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata: {name: web, namespace: shop}
    /// spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   defaultBackend: {service: {name: web, port: {number: 80}}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a port of the Service.
    MissingServicePort {
        name: "missing-service-port",
        summary: "Ingress names a port that its Service does not have",
        category: NetworkPolicy,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for MissingServicePort {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "The way in does not work, and what is opened in its place may be open to more.",
            help: "Name a port of the Service.",
            title: "name a port of the Service",
        };
        report(context, Self::RULE, Check::NoSuchServicePort, &texts, findings);
    }
}
