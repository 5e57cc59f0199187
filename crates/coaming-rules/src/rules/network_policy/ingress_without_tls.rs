//! See [`IngressWithoutTls`].

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Ingresses without `tls`, and without an annotation that names a certificate or a secure
    /// entry point. Hosts that exist on a developer's machine only (`localhost`, `*.local`,
    /// `*.test`) are ignored.
    ///
    /// ## Why it matters
    ///
    /// Without encryption, everyone on the way between a client and the cluster reads passwords and
    /// session cookies, and changes what is sent back.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    /// spec:
    ///   rules:
    ///     - host: web.example.com
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    /// spec:
    ///   tls:
    ///     - hosts: [web.example.com]
    ///       secretName: web-tls
    ///   rules:
    ///     - host: web.example.com
    /// ```
    ///
    /// The load balancer has the certificate.
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     alb.ingress.kubernetes.io/certificate-arn: arn:aws:acm:eu-west-1:111122223333:certificate/a
    /// spec:
    ///   rules:
    ///     - host: web.example.com
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a Secret with a certificate in `tls`; cert-manager keeps one current.
    ///
    /// ## Limits
    ///
    /// A controller may have a default certificate, and a proxy in front of it may end TLS: the
    /// confidence is low.
    IngressWithoutTls {
        name: "ingress-without-tls",
        summary: "Ingress has no TLS",
        category: NetworkPolicy,
        severity: Low,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening"), Attack("T1557")],
    }
}

impl ObjectRule for IngressWithoutTls {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        let is_ingress = object.kind() == "Ingress"
            && matches!(object.group(), "networking.k8s.io" | "extensions");
        let spec = object.spec();
        if !is_ingress || spec.list("tls").next().is_some() || names_a_certificate(object) {
            return;
        }
        let hosts: Vec<&str> = spec.list("rules").filter_map(|rule| rule.string("host")).collect();
        if !hosts.is_empty() && hosts.iter().all(|host| is_of_a_developer(host)) {
            return;
        }
        let node = spec.field("rules").or_else(|| spec.field("defaultBackend"));
        let message = match hosts.as_slice() {
            [] => format!("{} has no TLS", phrases::object(object)),
            hosts => format!("{} has no TLS for {}", phrases::object(object), phrases::list(hosts)),
        };
        findings.push(
            context
                .finding(Self::RULE, object, node.unwrap_or(object.node()), message)
                .confidence(Confidence::Low)
                .why(
                    "An attacker on the way between a client and the cluster reads passwords and \
                     session cookies.",
                )
                .help("Name a Secret with a certificate in `tls`.")
                .manual("add a certificate", "tls:\n  - hosts: [HOST]\n    secretName: NAME\n")
                .done(),
        );
    }
}

/// Whether an annotation names a certificate, or a controller that always has one.
fn names_a_certificate(ingress: Object<'_>) -> bool {
    let class = ingress.spec().string("ingressClassName").unwrap_or_default();
    let words = ["cert", "tls", "ssl", "https", "websecure"];
    let is_secure = |text: &str| words.iter().any(|word| text.contains(word));
    ["tailscale", "cloudflare", "ngrok"].iter().any(|it| class.contains(it))
        || ingress.metadata().pairs("annotations").any(|entry| {
            let key = entry.name().to_ascii_lowercase();
            let value = entry.value.as_str().map(str::to_ascii_lowercase).unwrap_or_default();
            let is_off = value == "false" || entry.value.as_bool() == Some(false);
            // `ssl-redirect: "false"` says the opposite.
            (is_secure(&key) || value.contains("https") || value.contains("websecure"))
                && !is_off
                && !key.ends_with("backend-protocol")
                && !key.ends_with("last-applied-configuration")
        })
}

fn is_of_a_developer(host: &str) -> bool {
    host == "localhost"
        || [".local", ".localhost", ".test", ".internal", ".nip.io", ".sslip.io", ".svc"]
            .iter()
            .any(|end| host.ends_with(end))
}
