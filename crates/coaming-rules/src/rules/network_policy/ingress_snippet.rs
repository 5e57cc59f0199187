//! See [`IngressSnippet`].

use coaming_finding::{Finding, RuleMeta};
use coaming_kube::Fields as _;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Annotations of an Ingress that put text into the configuration of the ingress controller:
    /// `server-snippet`, `configuration-snippet` and similar ones of the NGINX controllers.
    ///
    /// ## Why it matters
    ///
    /// The text is configuration of the controller itself, and may run code in it
    /// (CVE-2021-25742). The controller holds the keys of all TLS certificates, and usually may
    /// read every Secret of the cluster: so may everyone who may change the Ingress.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     nginx.ingress.kubernetes.io/server-snippet: |
    ///       location /internal { return 404; }
    /// spec:
    ///   tls:
    ///     - secretName: web
    ///   rules:
    ///     - host: web.example.com
    /// ```
    ///
    /// The same for NGINX's own controller.
    ///
    /// ```yaml
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: web
    ///   annotations:
    ///     nginx.org/location-snippets: add_header X-Frame-Options DENY;
    /// spec:
    ///   tls:
    ///     - secretName: web
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
    ///   annotations:
    ///     nginx.ingress.kubernetes.io/ssl-redirect: "true"
    /// spec:
    ///   tls:
    ///     - secretName: web
    ///   rules:
    ///     - host: web.example.com
    /// ```
    ///
    /// ## Fix
    ///
    /// Use the annotation that does the same (for headers, redirects, limits), and switch snippets
    /// off in the controller: `allow-snippet-annotations: "false"`.
    IngressSnippet {
        name: "ingress-snippet",
        summary: "Ingress configures its controller",
        category: NetworkPolicy,
        severity: Medium,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Attack("T1190")],
    }
}

impl ObjectRule for IngressSnippet {
    const META: &'static RuleMeta = Self::RULE;

    fn check(context: &Context<'_>, scope: ObjectScope<'_>, findings: &mut Vec<Finding>) {
        let object = scope.object;
        if object.kind() != "Ingress" {
            return;
        }
        let snippet = object.metadata().pairs("annotations").find(|entry| {
            let key = entry.name();
            let nginx = key.starts_with("nginx.ingress.kubernetes.io/")
                || key.starts_with("nginx.org/")
                || key.starts_with("nginx.com/")
                || key.starts_with("haproxy.org/");
            let is_empty = entry.value.as_str().is_none_or(|text| text.trim().is_empty());
            nginx && (key.ends_with("-snippet") || key.ends_with("-snippets")) && !is_empty
        });
        let Some(entry) = snippet else { return };
        let message = format!(
            "{} puts text into the configuration of its controller (`{}`)",
            phrases::object(object),
            entry.name(),
        );
        findings.push(
            context
                .finding(Self::RULE, object, entry.value, message)
                .why(
                    "An attacker who may change the Ingress runs code in the controller, and reads \
                     all TLS keys and Secrets that it may (CVE-2021-25742).",
                )
                .help(
                    "Use the annotation that does the same, and set `allow-snippet-annotations: \
                     \"false\"` in the controller.",
                )
                .manual("use an annotation for the purpose", "allow-snippet-annotations: \"false\"")
                .done(),
        );
    }
}
