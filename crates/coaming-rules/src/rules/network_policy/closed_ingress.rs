//! See [`ClosedIngress`].

use coaming_finding::{Finding, RuleMeta};
use coaming_network::Check;

use super::{Texts, report};
use crate::rule::{BuiltIn as _, rule};
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// An Ingress, a route or an open Service that leads to pods whose policies let its traffic in from
    /// nowhere: a `podSelector` alone means pods of the policy's own namespace, and not those of the
    /// ingress controller. A Service of type `NodePort` or `LoadBalancer` shows pods the addresses of nodes,
    /// unless it has `externalTrafficPolicy: Local`.
    ///
    /// ## Why it matters
    ///
    /// Requests from outside time out, and the policy is likely to be removed or opened as a whole.
    ///
    /// ## Bad
    ///
    /// Only pods of the namespace are let in.
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
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from: [{podSelector: {matchLabels: {app: ingress-nginx}}}]
    /// ```
    ///
    /// The pods see the addresses of nodes, and not those of clients.
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
    /// spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from: [{ipBlock: {cidr: 203.0.113.0/24}}]
    /// ```
    ///
    /// ## Good
    ///
    /// The controller's namespace is let in.
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
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}}]
    /// ```
    ///
    /// The Service keeps the addresses of clients.
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
    /// spec: {type: NodePort, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: NetworkPolicy
    /// metadata: {name: web, namespace: shop}
    /// spec:
    ///   podSelector: {}
    ///   policyTypes: [Ingress]
    ///   ingress:
    ///     - from: [{ipBlock: {cidr: 203.0.113.0/24}}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Allow the namespace of the ingress controller, with a `namespaceSelector`; for an open Service, set
    /// `externalTrafficPolicy: Local`, or allow the addresses of the nodes.
    ///
    /// ## Limits
    ///
    /// Where a rule means pods of other namespaces, or a workload of the namespace may be an ingress
    /// controller by its name, nothing is reported.
    ClosedIngress {
        name: "closed-ingress",
        summary: "Ingress leads to pods that network policies close",
        category: NetworkPolicy,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening")],
    }
}

impl WorldRule for ClosedIngress {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = false;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        let texts = Texts {
            why: "Requests from outside time out, and the policy is likely to be removed or opened as a whole.",
            help: "Let in the ingress controller, or the addresses of the nodes.",
            title: "let in the ingress controller",
        };
        report(context, Self::RULE, Check::ClosedEntrance, &texts, findings);
    }
}
