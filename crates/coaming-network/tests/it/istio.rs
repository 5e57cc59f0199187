//! Policies of Istio, from their text: expectations written by hand, and random objects against a slow
//! evaluator that reads the same values and decides one connection at a time.

use coaming_network::model::Model;
use coaming_network::{Reach, unevaluated};

use crate::common;
use crate::why::{explain_tcp, why};

/// Namespaces `shop` with sidecars, `node` in ambient mode, `legacy` without; `far` is not here.
const CLUSTER: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: node, labels: {istio.io/dataplane-mode: ambient}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: legacy}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: plain, namespace: shop, labels: {app: plain, sidecar.istio.io/inject: 'false'}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: api, namespace: node, labels: {app: api}}, spec: {serviceAccountName: api, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: old, namespace: legacy, labels: {app: old}}, spec: {serviceAccountName: web, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: asked, namespace: legacy, labels: {app: asked, sidecar.istio.io/inject: 'true'}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: host, namespace: shop, labels: {app: host}}, spec: {hostNetwork: true, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: who, namespace: far, labels: {app: who}}, spec: {containers: [{name: c, image: x}]}}
---
";

fn reach(documents: &[&str]) -> Reach {
    let reach = common::reach(&format!("{CLUSTER}{}", documents.join("\n---\n")));
    assert!(reach.model().problems.is_empty(), "{:?}", reach.model().problems);
    reach
}

fn authorization(namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: p, namespace: {namespace}}}, spec: {spec}}}"
    )
}

fn authentication(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: {name}, namespace: {namespace}}}, spec: {spec}}}"
    )
}

#[test]
fn strict_takes_encrypted_connections_only() {
    let strict = authentication("shop", "default", "{mtls: {mode: STRICT}}");
    let reach = reach(&[&strict]);
    for from in ["web", "node/api", "legacy/asked"] {
        assert_eq!(why(&reach, from, "db", 80), "allowed", "{from}");
    }
    for from in ["plain", "legacy/old", "host", "8.8.8.8"] {
        assert_eq!(why(&reach, from, "db", 80), "denied", "{from}");
    }
    assert_eq!(
        why(&reach, "far/who", "db", 80),
        "allowed?",
        "whether it has a sidecar is not known"
    );
    assert_eq!(why(&reach, "legacy/old", "plain", 80), "allowed", "it has no sidecar");
    assert_eq!(why(&reach, "legacy/old", "node/api", 80), "allowed", "not of that namespace");
    assert_eq!(why(&reach, "legacy/old", "db", 15021), "allowed", "the port of the proxy itself");
}

#[test]
fn the_narrower_authentication_counts() {
    let mesh = authentication("istio-system", "default", "{mtls: {mode: STRICT}}");
    let open = authentication("shop", "default", "{mtls: {mode: PERMISSIVE}}");
    let one = authentication(
        "shop",
        "db",
        "{selector: {matchLabels: {app: db}}, mtls: {mode: STRICT}, portLevelMtls: {'9090': {mode: PERMISSIVE}}}",
    );
    let whole = reach(&[&mesh]);
    assert_eq!(why(&whole, "legacy/old", "db", 80), "denied");
    assert_eq!(why(&whole, "legacy/old", "node/api", 80), "denied");
    assert_eq!(why(&whole, "node/api", "legacy/old", 80), "allowed", "it has no sidecar");
    assert_eq!(why(&reach(&[&mesh, &open]), "legacy/old", "db", 80), "allowed");
    let all = reach(&[&mesh, &open, &one]);
    assert_eq!(why(&all, "legacy/old", "db", 80), "denied");
    assert_eq!(why(&all, "legacy/old", "db", 9090), "allowed");
    assert_eq!(why(&all, "legacy/old", "web", 80), "allowed");
    let inherits = authentication(
        "shop",
        "db",
        "{selector: {matchLabels: {app: db}}, portLevelMtls: {'9090': {mode: PERMISSIVE}}}",
    );
    let inherits = reach(&[&mesh, &inherits]);
    assert_eq!(why(&inherits, "legacy/old", "db", 9090), "allowed");
    assert_eq!(why(&inherits, "legacy/old", "db", 80), "denied");
}

#[test]
fn allow_policies_isolate_and_deny_policies_refuse() {
    let allow = authorization(
        "shop",
        "{selector: {matchLabels: {app: db}}, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/web]}}], to: [{operation: {ports: ['5432']}}]}]}",
    );
    let reach_of_allow = reach(&[&allow]);
    assert_eq!(why(&reach_of_allow, "web", "db", 5432), "allowed");
    assert_eq!(why(&reach_of_allow, "web", "db", 5433), "denied");
    assert_eq!(why(&reach_of_allow, "node/api", "db", 5432), "denied");
    assert_eq!(why(&reach_of_allow, "legacy/old", "db", 5432), "denied", "it has no identity");
    assert_eq!(why(&reach_of_allow, "db", "web", 1), "allowed", "nothing selects web");
    let nobody = reach(&[&authorization("shop", "{}")]);
    assert_eq!(why(&nobody, "web", "db", 1), "denied");
    assert_eq!(why(&nobody, "web", "node/api", 1), "allowed");
    assert_eq!(why(&nobody, "node/api", "plain", 1), "allowed");
    let everybody = reach(&[&authorization("shop", "{rules: [{}]}")]);
    assert_eq!(why(&everybody, "legacy/old", "db", 1), "allowed");
    let deny = authorization(
        "istio-system",
        "{action: DENY, rules: [{from: [{source: {notNamespaces: [shop]}}], to: [{operation: {notPorts: ['80']}}]}]}",
    );
    let deny = reach(&[&deny, &authorization("shop", "{rules: [{}]}")]);
    assert_eq!(why(&deny, "web", "db", 1), "allowed");
    assert_eq!(why(&deny, "node/api", "db", 1), "denied");
    assert_eq!(why(&deny, "node/api", "db", 80), "allowed");
    assert_eq!(why(&deny, "legacy/old", "node/api", 1), "denied", "no identity is not shop");
    assert_eq!(why(&deny, "8.8.8.8", "db", 1), "denied");
}

#[test]
fn who_the_source_is() {
    let from = |source: &str| {
        reach(&[&authorization("shop", &format!("{{rules: [{{from: [{{source: {source}}}]}}]}}"))])
    };
    let any = from("{principals: ['*']}");
    assert_eq!(why(&any, "node/api", "db", 1), "allowed");
    assert_eq!(why(&any, "legacy/old", "db", 1), "denied");
    let end = from("{principals: ['*/sa/web']}");
    assert_eq!(why(&end, "web", "db", 1), "allowed");
    assert_eq!(why(&end, "node/api", "db", 1), "denied");
    let start = from("{namespaces: ['no*', x]}");
    assert_eq!(why(&start, "node/api", "db", 1), "allowed");
    assert_eq!(why(&start, "web", "db", 1), "denied");
    let account = from("{serviceAccounts: [web, node/api]}");
    assert_eq!(why(&account, "web", "db", 1), "allowed");
    assert_eq!(why(&account, "node/api", "db", 1), "allowed");
    assert_eq!(why(&account, "db", "web", 1), "denied");
    let both = from("{namespaces: [shop], notPrincipals: ['*/sa/web']}");
    assert_eq!(why(&both, "db", "web", 1), "allowed");
    assert_eq!(why(&both, "web", "db", 1), "denied");
    let address = from("{ipBlocks: [8.8.0.0/16], notIpBlocks: [8.8.4.0/24]}");
    assert_eq!(why(&address, "8.8.8.8", "db", 1), "allowed");
    assert_eq!(why(&address, "8.8.4.4", "db", 1), "denied");
    assert_eq!(why(&address, "web", "db", 1), "denied");
    let domain = from("{principals: [old.example.com/ns/shop/sa/web]}");
    assert_eq!(why(&domain, "web", "db", 1), "allowed?", "the trust domain is not known");
}

#[test]
fn requests_are_limits() {
    let get = "{from: [{source: {namespaces: [node]}}], to: [{operation: {methods: [GET], paths: [/a, '/b*']}}, {operation: {ports: ['9090']}}]}";
    let allow = reach(&[&authorization("shop", &format!("{{rules: [{get}]}}"))]);
    assert_eq!(why(&allow, "node/api", "db", 80), "allowed HTTP GET /a or /b*");
    assert_eq!(why(&allow, "node/api", "db", 9090), "allowed");
    assert_eq!(why(&allow, "web", "db", 80), "denied");
    let deny = reach(&[&authorization("shop", &format!("{{action: DENY, rules: [{get}]}}"))]);
    assert_eq!(why(&deny, "node/api", "db", 80), "allowed anything but HTTP GET /a or /b*");
    assert_eq!(why(&deny, "node/api", "db", 9090), "denied");
    assert_eq!(why(&deny, "web", "db", 80), "allowed");
    let token = reach(&[&authorization(
        "shop",
        "{rules: [{when: [{key: 'request.auth.claims[iss]', values: [me]}]}]}",
    )]);
    assert_eq!(
        why(&token, "web", "db", 80),
        "allowed connections where request.auth.claims[iss] is me"
    );
    // The proxy of a node sees no requests.
    let node = |action: &str| {
        let spec =
            format!("{{action: {action}, rules: [{{to: [{{operation: {{paths: [/a]}}}}]}}]}}");
        reach(&[&authorization("node", &spec)])
    };
    assert_eq!(why(&node("ALLOW"), "web", "node/api", 80), "denied");
    assert_eq!(why(&node("DENY"), "web", "node/api", 80), "denied");
    let both = from_two();
    assert_eq!(why(&both, "web", "db", 80), "allowed HTTP GET|HTTP POST");
}

fn from_two() -> Reach {
    let allow = authorization("shop", "{rules: [{to: [{operation: {methods: [GET]}}]}]}");
    let other = authorization("istio-system", "{rules: [{to: [{operation: {methods: [POST]}}]}]}");
    reach(&[&allow, &other])
}

#[test]
fn traffic_from_outside_enters_through_the_gateway() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {selector: {app: db}, ports: [{port: 80}]}}";
    let route = "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: db, namespace: shop}, spec: {gateways: [istio-system/public], http: [{route: [{destination: {host: db}}]}]}}";
    let strict = authentication("istio-system", "default", "{mtls: {mode: STRICT}}");
    let enters = |documents: &[&str]| {
        let reach = reach(&[&[service, route, &strict], documents].concat());
        coaming_network::connections(&reach).any(|it| it.source == coaming_network::Peer::Ingress)
    };
    assert!(enters(&[]), "the gateway encrypts");
    let from = |namespace: &str| {
        let spec = format!("{{rules: [{{from: [{{source: {{namespaces: [{namespace}]}}}}]}}]}}");
        authorization("shop", &spec)
    };
    assert!(enters(&[&from("istio-system")]));
    assert!(!enters(&[&from("shop")]));
    let gateway = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: gw, namespace: edge}, spec: {template: {metadata: {labels: {istio: gw}, annotations: {inject.istio.io/templates: gateway}}, spec: {containers: [{name: istio-proxy, image: auto}]}}}}";
    assert!(enters(&[&from("edge"), gateway]), "a gateway of the input");
    let node_port = service.replace("spec: {", "spec: {type: NodePort, ");
    let reach = reach(&[&node_port, &strict]);
    assert_eq!(
        coaming_network::connections(&reach)
            .filter(|it| it.source == coaming_network::Peer::Ingress)
            .count(),
        0
    );
}

#[test]
fn network_policies_count_first() {
    let closed = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: n, namespace: shop}, spec: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}}";
    let allow = authorization("shop", "{rules: [{to: [{operation: {ports: ['80']}}]}]}");
    let both = reach(&[closed, &allow]);
    assert_eq!(why(&both, "web", "db", 80), "allowed");
    assert_eq!(why(&both, "web", "db", 81), "denied");
    assert_eq!(why(&both, "node/api", "db", 80), "denied");
}

#[test]
fn what_is_not_known_or_not_evaluated_is_named() {
    let far = reach(&[&authorization("far", "{}")]);
    assert_eq!(why(&far, "web", "far/who", 1), "allowed?");
    assert_eq!(why(&far, "far/who", "legacy/old", 1), "allowed", "the target's proxy decides");
    let legacy = reach(&[&authorization("legacy", "{}")]);
    assert_eq!(why(&legacy, "web", "legacy/old", 1), "allowed?", "no label, yet a policy");
    assert_eq!(why(&legacy, "web", "legacy/asked", 1), "denied");
    let sources = reach(&[&authorization("shop", "{rules: [{}]}")]);
    assert_eq!(why(&sources, "far/who", "db", 1), "allowed?");
    assert_eq!(unevaluated(sources.model(), None).len(), 1);
    for spec in
        ["{targetRefs: [{kind: Service, name: db}], rules: [{}]}", "{rules: [{}], later: true}"]
    {
        let gap = reach(&[&authorization("shop", spec)]);
        assert_eq!(why(&gap, "web", "db", 1), "allowed?", "{spec}");
        assert_eq!(why(&gap, "web", "node/api", 1), "allowed", "{spec}");
    }
    let custom =
        "{action: CUSTOM, provider: {name: x}, rules: [{to: [{operation: {paths: [/a]}}]}]}";
    let custom = reach(&[&authorization("shop", custom)]);
    let approved = "allowed what the external authorizer x approves of HTTP /a";
    assert_eq!(why(&custom, "web", "db", 1), approved);
    assert_eq!(why(&custom, "web", "node/api", 1), "allowed");
    let disabled = reach(&[&authentication("shop", "default", "{mtls: {mode: DISABLE}}")]);
    assert_eq!(why(&disabled, "web", "db", 1), "allowed?");
    let rule = |mode: &str| {
        let rule = format!(
            "{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: db, namespace: shop}}, spec: {{host: db, trafficPolicy: {{tls: {{mode: {mode}}}}}}}}}"
        );
        why(&reach(&[&rule]), "web", "db", 1)
    };
    assert_eq!((rule("DISABLE"), rule("ISTIO_MUTUAL")), ("allowed?".into(), "allowed".into()));
    let audit = reach(&[&authorization("shop", "{action: AUDIT, rules: [{}]}")]);
    assert_eq!(why(&audit, "web", "db", 1), "allowed");
}

#[test]
fn what_istio_refuses_does_not_count() {
    let refused = |text: &str| {
        let model: Model = common::model(text);
        assert_eq!((model.policies.len(), model.problems.len()), (0, 1), "{text}");
    };
    for spec in [
        "{action: PERMIT}",
        "{rules: [{to: [{operation: {ports: ['http']}}]}]}",
        "{rules: [{from: [{source: {ipBlocks: [10.0.0.0/40]}}]}]}",
        "{selector: {matchLabels: {'a b': c}}}",
        "{rules: {}}",
    ] {
        refused(&authorization("shop", spec));
    }
    refused(&authentication("shop", "x", "{mtls: {mode: LOOSE}}"));
    refused(&authentication(
        "shop",
        "x",
        "{selector: {matchLabels: {app: db}}, portLevelMtls: {http: {mode: STRICT}}}",
    ));
}

/// The policies of the root namespace apply to all, and the settings of the mesh name it.
#[test]
fn another_root_namespace() {
    let settings = |revision: &str, root: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: istio{revision}, namespace: mesh}}, data: {{mesh: \"accessLogFile: x\\nrootNamespace: {root}\\n\"}}}}"
        )
    };
    let policy = authorization("mesh", "{}");
    let other = reach(&[&settings("", "mesh"), &policy]);
    assert_eq!(why(&other, "web", "db", 80), "denied");
    assert_eq!(why(&other, "web", "legacy/old", 80), "allowed", "no proxy, no policy");
    let json = settings("", "x")
        .replace("accessLogFile: x\\nrootNamespace: x", "{\\\"rootNamespace\\\": \\\"mesh\\\"}");
    assert_eq!(why(&reach(&[&json, &policy]), "web", "db", 80), "denied");
    let left = reach(&[&settings("", "mesh"), &authorization("istio-system", "{}")]);
    assert_eq!(why(&left, "web", "db", 80), "allowed", "no longer the root");
    let usual = reach(&[&settings("", "istio-system"), &policy]);
    assert_eq!(why(&usual, "web", "db", 80), "allowed");
    let both = reach(&[&settings("", "mesh"), &settings("-canary", "istio-system"), &policy]);
    assert_eq!(why(&both, "web", "db", 80), "allowed?", "which revision has the pod is not known");
    for (kind, spec) in [
        (
            "apiVersion: install.istio.io/v1alpha1, kind: IstioOperator",
            "meshConfig: {rootNamespace: mesh}",
        ),
        (
            "apiVersion: sailoperator.io/v1, kind: Istio",
            "values: {meshConfig: {rootNamespace: mesh}}",
        ),
    ] {
        let operator = format!("{{{kind}, metadata: {{name: default}}, spec: {{{spec}}}}}");
        assert_eq!(why(&reach(&[&operator, &policy]), "web", "db", 80), "denied", "{kind}");
    }
}

/// An ingress controller reaches a pod that takes encrypted connections only if it has a proxy.
#[test]
fn ingress_controllers_need_a_proxy() {
    let service = "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {selector: {app: db}, ports: [{port: 80}]}}";
    let strict = authentication("shop", "default", "{mtls: {mode: STRICT}}");
    let ingress = |more: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: db, namespace: shop}}, spec: {{{more}defaultBackend: {{service: {{name: db, port: {{number: 80}}}}}}}}}}"
        )
    };
    let enters = |documents: &[&str]| {
        let reach = reach(&[&[service, strict.as_str()], documents].concat());
        coaming_network::connections(&reach).any(|it| it.source == coaming_network::Peer::Ingress)
    };
    assert!(!enters(&[&ingress("")]));
    assert!(enters(&[&ingress("ingressClassName: istio, ")]));
    let controller = |inject: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: ctl, namespace: edge, labels: {{app.kubernetes.io/name: ingress-nginx, app.kubernetes.io/instance: ingress-nginx, app.kubernetes.io/component: controller, sidecar.istio.io/inject: '{inject}'}}}}, spec: {{containers: [{{name: c, image: x}}]}}}}"
        )
    };
    assert!(enters(&[&ingress(""), &controller("true")]));
    assert!(!enters(&[&ingress(""), &controller("false")]));
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: db, namespace: shop}, spec: {rules: [{backendRefs: [{name: db, port: 80}]}]}}";
    assert!(enters(&[route]), "Istio may serve its Gateway");
}

/// Where proxies let their pods connect to is a setting of the mesh, and of Sidecars.
#[test]
fn what_the_mesh_does_not_list_may_be_refused() {
    let settings = |mode: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: istio, namespace: istio-system}}, data: {{mesh: \"outboundTrafficPolicy:\\n  mode: {mode}\\n\"}}}}"
        )
    };
    let sidecar = |spec: &str| {
        format!(
            "{{apiVersion: networking.istio.io/v1, kind: Sidecar, metadata: {{name: default, namespace: shop}}, spec: {spec}}}"
        )
    };
    let hosts = sidecar("{egress: [{hosts: ['./*']}]}");
    let own = sidecar(
        "{workloadSelector: {labels: {app: web}}, outboundTrafficPolicy: {mode: REGISTRY_ONLY}}",
    );
    let (open, closed) = (settings("ALLOW_ANY"), settings("REGISTRY_ONLY"));
    let cases: [(&[&str], &str, &str, &str); 9] = [
        (&[&open], "web", "8.8.8.8", "allowed"),
        (&[&closed], "web", "8.8.8.8", "allowed?"),
        // What has no sidecar is not asked, and the mesh lists its own pods.
        (&[&closed], "plain", "8.8.8.8", "allowed"),
        (&[&closed], "8.8.8.8", "web", "allowed"),
        (&[&closed], "web", "db", "allowed"),
        // A list of hosts refuses only together with the mode.
        (&[&hosts], "web", "8.8.8.8", "allowed"),
        (&[&closed, &hosts], "web", "node/api", "allowed?"),
        (&[&own], "web", "8.8.8.8", "allowed?"),
        (&[&own], "db", "8.8.8.8", "allowed"),
    ];
    for (documents, from, to, expected) in cases {
        assert_eq!(why(&reach(documents), from, to, 443), expected, "{documents:?} {from} {to}");
    }
}

/// Each obstacle is named, not only the one that decides first.
#[test]
fn advice_names_every_obstacle() {
    let strict = authentication("shop", "default", "{mtls: {mode: STRICT}}");
    let nothing = authorization("shop", "{}");
    let found = explain_tcp(&reach(&[&strict, &nothing]), "legacy/old", "db", 80);
    let advice: Vec<String> = found.advice.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(advice.len(), 2, "{advice:?}");
    assert!(advice[0].starts_with("JoinMesh"), "{advice:?}");
    assert!(advice[1].starts_with("Authorize"), "{advice:?}");
}
