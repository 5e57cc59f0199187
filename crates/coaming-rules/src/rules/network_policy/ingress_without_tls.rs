//! See [`IngressWithoutTls`].

use coaming_finding::{Confidence, Finding, RuleMeta};
use coaming_kube::{Fields as _, Object};
use coaming_yaml::Node;

use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, ObjectRule, ObjectScope};

rule! {
    /// ## What it looks for
    ///
    /// Ingresses without `tls`, and without an annotation that names a certificate or a secure
    /// entry point; and what does the same: a Gateway (of the Gateway API or of Istio) with HTTP
    /// listeners alone that do not redirect, an OpenShift Route, a Traefik IngressRoute on the entry
    /// point `web`, a Contour HTTPProxy. Hosts that exist on a developer's machine only (`localhost`,
    /// `*.local`, `*.test`) are ignored.
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
    /// A Gateway of Istio that serves HTTP and does not redirect to HTTPS.
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     istio: ingressgateway
    ///   servers:
    ///     - port: {number: 80, name: http, protocol: HTTP}
    ///       hosts: ["*"]
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
    /// A Gateway of Istio that redirects to HTTPS.
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     istio: ingressgateway
    ///   servers:
    ///     - port: {number: 80, name: http, protocol: HTTP}
    ///       tls: {httpsRedirect: true}
    ///       hosts: ["*"]
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
        let Some((node, hosts)) = unencrypted(object) else { return };
        if names_a_certificate(object) {
            return;
        }
        if !hosts.is_empty() && hosts.iter().all(|host| is_of_a_developer(host)) {
            return;
        }
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

/// Where an object says what it opens without TLS, and for which hosts; `None` of one with TLS, and of
/// every other kind.
fn unencrypted<'a>(object: Object<'a>) -> Option<(Option<Node<'a>>, Vec<&'a str>)> {
    let spec = object.spec();
    let has_tls = spec.field("tls").is_some();
    match (object.kind(), object.group()) {
        ("Ingress", "networking.k8s.io" | "extensions") => {
            let rules = || spec.list("rules").filter_map(|rule| rule.string("host"));
            let hosts: Vec<_> = rules().filter(|host| !is_encrypted(object, host)).collect();
            let node = spec.field("rules").or_else(|| spec.field("defaultBackend"));
            (spec.list("tls").next().is_none() || !hosts.is_empty()).then_some((node, hosts))
        }
        ("Route", "route.openshift.io") => {
            (!has_tls).then(|| (spec.field("to"), spec.string("host").into_iter().collect()))
        }
        ("Gateway", "gateway.networking.k8s.io") => {
            let protocols = || spec.list("listeners").filter_map(|it| it.string("protocol"));
            let hosts = spec.list("listeners").filter_map(|it| it.string("hostname")).collect();
            let is_plain = protocols().next().is_some() && protocols().all(|it| it == "HTTP");
            is_plain.then(|| (spec.field("listeners"), hosts))
        }
        ("Gateway", "networking.istio.io") => {
            // Gateways for the mesh itself listen on other ports.
            let is_plain = |server: Node<'_>| {
                let port = server.mapping("port");
                port.string("protocol") == Some("HTTP")
                    && port.field("number").and_then(Node::as_int) == Some(80)
                    && server.mapping("tls").boolean("httpsRedirect") != Some(true)
            };
            let leads_out =
                spec.pairs("selector").any(|entry| entry.value.text().contains("egress"));
            let servers = || spec.list("servers");
            let hosts = servers().flat_map(|it| it.strings("hosts")).filter(|host| *host != "*");
            let is_open = servers().next().is_some() && servers().all(is_plain) && !leads_out;
            is_open.then(|| (spec.field("servers"), hosts.collect()))
        }
        ("IngressRoute", "traefik.io" | "traefik.containo.us") => {
            // The entry point's name tells, and a middleware may redirect.
            let is_plain = spec.strings("entryPoints").any(|it| it == "web" || it == "http")
                && !spec.strings("entryPoints").any(|it| it.contains("secure") || it == "https");
            let has_steps = spec.list("routes").any(|it| it.list("middlewares").next().is_some());
            (!has_tls && is_plain && !has_steps).then(|| (spec.field("routes"), Vec::new()))
        }
        ("HTTPProxy", "projectcontour.io") => {
            let host = spec.mapping("virtualhost")?;
            host.field("tls")
                .is_none()
                .then(|| (Some(host), host.string("fqdn").into_iter().collect()))
        }
        _ => None,
    }
}

/// Whether the TLS of an Ingress is for a host, too: an entry names it, a wildcard for it, or none.
fn is_encrypted(ingress: Object<'_>, host: &str) -> bool {
    let above = host.split_once('.').map_or("", |(_, above)| above);
    let is_for = |own: &str| own == host || own.strip_prefix("*.").is_some_and(|it| it == above);
    ingress.spec().list("tls").any(|entry| {
        let mut hosts = entry.strings("hosts").peekable();
        hosts.peek().is_none() || hosts.any(is_for)
    })
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
