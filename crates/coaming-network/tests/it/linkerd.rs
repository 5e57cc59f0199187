//! Linkerd: whom the proxies let in, by hand and against a slow evaluator that reads the same values,
//! as Linkerd's documentation describes them.

use coaming_network::{Endpoint, Protocol, find_endpoint};
use serde_json::{Value, json};

use crate::common;
use crate::random::Random;
use crate::why::{explain_tcp, why};

const PODS: &str = "
{apiVersion: v1, kind: Namespace, metadata: {name: shop, annotations: {linkerd.io/inject: enabled}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: strict, annotations: {linkerd.io/inject: enabled, config.linkerd.io/default-inbound-policy: deny}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: old}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: db, namespace: shop, labels: {app: db}}, spec: {serviceAccountName: db, containers: [{name: c, image: x, ports: [{name: sql, containerPort: 5432}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: bare, namespace: shop, labels: {app: bare}, annotations: {linkerd.io/inject: disabled}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: vault, namespace: strict, labels: {app: vault}}, spec: {serviceAccountName: vault, containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: open, namespace: strict, labels: {app: open}, annotations: {config.linkerd.io/default-inbound-policy: all-authenticated}}, spec: {containers: [{name: c, image: x}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: legacy, namespace: old, labels: {app: legacy}}, spec: {containers: [{name: c, image: x}]}}
";

const SERVER: &str = "{apiVersion: policy.linkerd.io/v1beta3, kind: Server, metadata: {name: db, namespace: shop, labels: {tier: data}}, spec: {podSelector: {matchLabels: {app: db}}, port: sql}}";
const CLIENT: &str = "{apiVersion: policy.linkerd.io/v1alpha1, kind: MeshTLSAuthentication, metadata: {name: web, namespace: shop}, spec: {identityRefs: [{kind: ServiceAccount, name: web}]}}";

fn reach(documents: &[&str]) -> coaming_network::Reach {
    common::reach(&format!("{PODS}---\n{}", documents.join("\n---\n")))
}

fn authorization(target: &str, references: &str) -> String {
    format!(
        "{{apiVersion: policy.linkerd.io/v1alpha1, kind: AuthorizationPolicy, metadata: {{name: a, namespace: shop}}, \
         spec: {{targetRef: {target}, requiredAuthenticationRefs: [{references}]}}}}"
    )
}

#[test]
fn a_server_lets_in_who_is_authorized() {
    let closed = reach(&[SERVER]);
    assert_eq!(why(&closed, "web", "db", 5432), "denied");
    assert_eq!(why(&closed, "web", "db", 80), "allowed", "no Server has the port");
    let by_name = authorization(
        "{group: policy.linkerd.io, kind: Server, name: db}",
        "{group: policy.linkerd.io, kind: MeshTLSAuthentication, name: web}",
    );
    let open = reach(&[SERVER, CLIENT, &by_name]);
    assert_eq!(why(&open, "web", "db", 5432), "allowed");
    assert_eq!(why(&open, "vault", "db", 5432), "denied");
    assert_eq!(why(&open, "bare", "db", 5432), "denied", "it has no proxy");
    assert_eq!(why(&open, "legacy", "db", 5432), "denied");
    assert_eq!(why(&open, "192.0.2.1", "db", 5432), "denied");
    // What it refers to is not here.
    assert_eq!(why(&reach(&[SERVER, &by_name]), "web", "db", 5432), "denied?");
    // All of the namespace, by account.
    let all = authorization(
        "{group: core, kind: Namespace, name: shop}",
        "{group: '', kind: ServiceAccount, name: vault, namespace: strict}",
    );
    let open = reach(&[SERVER, &all]);
    assert_eq!(why(&open, "vault", "db", 5432), "allowed");
    assert_eq!(why(&open, "web", "db", 5432), "denied");
    // Anyone.
    let any = authorization("{group: policy.linkerd.io, kind: Server, name: db}", "");
    assert_eq!(why(&reach(&[SERVER, &any]), "legacy", "db", 5432), "allowed");
    // Requests of a route.
    let route = authorization(
        "{group: policy.linkerd.io, kind: HTTPRoute, name: get}",
        "{group: '', kind: ServiceAccount, name: web}",
    );
    let open = reach(&[SERVER, &route]);
    assert_eq!(why(&open, "web", "db", 5432), "allowed requests of HTTPRoute get");
    assert_eq!(why(&open, "vault", "db", 5432), "denied");
}

#[test]
fn server_authorizations_and_access_policies() {
    let old = |client: &str| {
        format!(
            "{{apiVersion: policy.linkerd.io/v1beta1, kind: ServerAuthorization, metadata: {{name: a, namespace: shop}}, \
             spec: {{server: {{selector: {{matchLabels: {{tier: data}}}}}}, client: {client}}}}}"
        )
    };
    let accounts = old("{meshTLS: {serviceAccounts: [{name: web}]}}");
    let open = reach(&[SERVER, &accounts]);
    assert_eq!(why(&open, "web", "db", 5432), "allowed");
    assert_eq!(why(&open, "vault", "db", 5432), "denied");
    let names =
        old("{meshTLS: {identities: ['*.strict.serviceaccount.identity.linkerd.cluster.local']}}");
    let open = reach(&[SERVER, &names]);
    assert_eq!(why(&open, "vault", "db", 5432), "allowed");
    assert_eq!(why(&open, "web", "db", 5432), "denied");
    let networks =
        old("{unauthenticated: true, networks: [{cidr: 192.0.2.0/24, except: [192.0.2.8/29]}]}");
    let open = reach(&[SERVER, &networks]);
    assert_eq!(why(&open, "192.0.2.1", "db", 5432), "allowed");
    assert_eq!(why(&open, "192.0.2.9", "db", 5432), "denied");
    let tls = reach(&[SERVER, &old("{meshTLS: {unauthenticatedTLS: true}}")]);
    assert_eq!(why(&tls, "vault", "db", 5432), "allowed");
    assert_eq!(why(&tls, "legacy", "db", 5432), "denied");
    for (policy, vault, legacy, outside) in [
        ("deny", "denied", "denied", "denied"),
        ("audit", "allowed", "allowed", "allowed"),
        ("all-unauthenticated", "allowed", "allowed", "allowed"),
        ("all-authenticated", "allowed", "denied", "denied"),
        ("cluster-authenticated", "allowed", "denied", "denied"),
        ("cluster-unauthenticated", "allowed", "allowed", "denied"),
    ] {
        let server = SERVER.replace("port: sql", &format!("port: 5432, accessPolicy: {policy}"));
        let reach = reach(&[&server]);
        let found = ["vault", "legacy", "192.0.2.1"].map(|from| why(&reach, from, "db", 5432));
        assert_eq!(found, [vault, legacy, outside], "{policy}");
    }
}

/// What neither pods nor namespaces say, the control plane says: its values, its arguments, the
/// environment of a proxy.
#[test]
fn the_control_plane_has_a_default_of_its_own() {
    let config = |values: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: linkerd-config, namespace: linkerd}}, data: {{values: \"{values}\"}}}}"
        )
    };
    let values = reach(&[&config(
        "clusterNetworks: 192.0.2.0/24\\nproxy:\\n  defaultInboundPolicy: deny\\n",
    )]);
    assert_eq!(why(&values, "web", "db", 80), "denied");
    assert_eq!(why(&values, "web", "legacy", 80), "allowed", "it has no proxy");
    assert_eq!(why(&values, "web", "open", 80), "allowed", "its annotation counts first");
    let old = reach(&[&config("policyController: {defaultAllowPolicy: all-authenticated}")]);
    assert_eq!(why(&old, "web", "db", 80), "allowed");
    assert_eq!(why(&old, "legacy", "db", 80), "denied");
    let networks = reach(&[&config(
        "{clusterNetworks: '192.0.2.0/24,10.0.0.0/8', proxy: {defaultInboundPolicy: cluster-unauthenticated}}",
    )]);
    assert_eq!(why(&networks, "192.0.2.7", "db", 80), "allowed");
    assert_eq!(why(&networks, "198.51.100.7", "db", 80), "denied");
    let runs = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: linkerd-destination, namespace: linkerd}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: policy, image: x, args: [--default-policy=all-unauthenticated]}]}}}}";
    let both = reach(&[&config("proxy: {defaultInboundPolicy: deny}"), runs]);
    assert_eq!(why(&both, "web", "db", 80), "allowed", "what runs counts");
    let release = "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: l, namespace: linkerd}, spec: {chart: {spec: {chart: linkerd-control-plane}}, values: {proxy: {defaultInboundPolicy: deny}}}}";
    assert_eq!(why(&reach(&[release]), "web", "db", 80), "denied");
    let injected = "{apiVersion: v1, kind: Pod, metadata: {name: in, namespace: old}, spec: {containers: [{name: c, image: x}, {name: linkerd-proxy, image: p, env: [{name: LINKERD2_PROXY_INBOUND_DEFAULT_POLICY, value: deny}]}]}}";
    assert_eq!(why(&reach(&[injected]), "web", "old/in", 80), "denied");
}

#[test]
fn ports_without_a_server_have_the_default_of_their_pods() {
    let defaults = reach(&[]);
    assert_eq!(why(&defaults, "web", "vault", 80), "denied");
    assert_eq!(why(&defaults, "web", "open", 80), "allowed");
    assert_eq!(why(&defaults, "legacy", "open", 80), "denied");
    assert_eq!(why(&defaults, "legacy", "db", 80), "allowed");
    // A Server counts before the default.
    let server = "{apiVersion: policy.linkerd.io/v1beta3, kind: Server, metadata: {name: v, namespace: strict}, spec: {podSelector: {}, port: 80, accessPolicy: all-unauthenticated}}";
    let open = reach(&[server]);
    assert_eq!(why(&open, "legacy", "vault", 80), "allowed");
    assert_eq!(why(&open, "legacy", "vault", 81), "denied");
}

#[test]
fn what_is_not_known_is_named() {
    // Whether these have a proxy is not known.
    let elsewhere = "{apiVersion: v1, kind: Pod, metadata: {name: far, namespace: far, labels: {app: far}}, spec: {containers: [{name: c, image: x}]}}";
    let server = SERVER.replace("namespace: shop", "namespace: far").replace("app: db", "app: far");
    let reach = reach(&[elsewhere, &server.replace("port: sql", "port: 80"), SERVER]);
    assert_eq!(why(&reach, "web", "far", 80), "allowed?");
    assert_eq!(why(&reach, "far", "db", 5432), "denied?");
    assert_eq!(why(&reach, "far", "web", 80), "allowed");
    // `scan` says it, too.
    let input = format!("{PODS}---\n{elsewhere}\n---\n{server}\n---\n{SERVER}");
    let kinds = coaming_network::unevaluated_kinds(&common::world(&input));
    assert!(kinds.iter().any(|it| it.kind == "Server"), "{kinds:?}");
    let known = coaming_network::unevaluated_kinds(&common::world(&format!("{PODS}---\n{SERVER}")));
    assert_eq!(known, []);
}

#[test]
fn advice_names_what_to_write() {
    let advice = |reach: &coaming_network::Reach, to: &str| {
        let found = explain_tcp(reach, "web", to, 5432);
        found.advice.iter().map(|it| format!("{it:?}")).collect::<String>()
    };
    let closed = reach(&[SERVER]);
    let server = advice(&closed, "db");
    assert!(server.contains("AuthorizeClient") && server.contains("Server shop/db"), "{server}");
    let default = advice(&closed, "vault");
    assert!(default.contains("default-inbound-policy deny"), "{default}");
}

/// Who is at one side.
struct Side {
    name: &'static str,
    namespace: &'static str,
    proxy: bool,
    /// The default for its ports.
    inbound: Option<&'static str>,
}

const SIDES: [Side; 6] = [
    Side { name: "web", namespace: "shop", proxy: true, inbound: None },
    Side { name: "db", namespace: "shop", proxy: true, inbound: None },
    Side { name: "bare", namespace: "shop", proxy: false, inbound: None },
    Side { name: "vault", namespace: "strict", proxy: true, inbound: Some("deny") },
    Side { name: "open", namespace: "strict", proxy: true, inbound: Some("all-authenticated") },
    Side { name: "legacy", namespace: "old", proxy: false, inbound: None },
];

impl Side {
    fn identity(&self) -> String {
        let account =
            if ["web", "db", "vault"].contains(&self.name) { self.name } else { "default" };
        format!("{account}.{}.serviceaccount.identity.linkerd.cluster.local", self.namespace)
    }
}

fn has_identity(names: &Value, from: &Side) -> bool {
    let own = from.identity();
    from.proxy
        && names.as_array().unwrap().iter().any(|name| {
            let name = name.as_str().unwrap();
            name.strip_prefix('*').map_or(own == name, |end| own.ends_with(end))
        })
}

/// Whether a default policy lets a client in.
fn by_default(policy: &str, from: &Side) -> bool {
    match policy {
        "all-authenticated" | "cluster-authenticated" => from.proxy,
        "deny" => false,
        _ => true,
    }
}

/// Whether the proxy lets a connection in: one at a time, as the documentation says.
fn lets_in(objects: &[Value], from: &Side, to: &Side, port: u16) -> bool {
    if !to.proxy {
        return true;
    }
    let of_kind = |kind: &'static str| objects.iter().filter(move |it| it["kind"] == kind);
    let server = of_kind("Server").find(|it| {
        let app = &it["spec"]["podSelector"]["matchLabels"]["app"];
        it["metadata"]["namespace"] == to.namespace
            && (app.is_null() || *app == *to.name)
            && it["spec"]["port"] == port
    });
    let Some(server) = server else {
        return by_default(to.inbound.unwrap_or("all-unauthenticated"), from);
    };
    let name = &server["metadata"]["name"];
    let mut authorized =
        of_kind("AuthorizationPolicy").filter(|it| it["metadata"]["namespace"] == to.namespace);
    let by_policy = authorized.any(|it| {
        let target = &it["spec"]["targetRef"];
        let meant = target["kind"] == "Namespace" || target["name"] == *name;
        let mut references = it["spec"]["requiredAuthenticationRefs"].as_array().unwrap().iter();
        meant
            && references.all(|reference| {
                let mut found = of_kind("MeshTLSAuthentication").filter(|it| {
                    it["metadata"]["name"] == reference["name"]
                        && it["metadata"]["namespace"] == reference["namespace"]
                });
                found.next().is_some_and(|it| has_identity(&it["spec"]["identities"], from))
            })
    });
    let access = server["spec"]["accessPolicy"].as_str().unwrap_or("deny");
    by_policy || by_default(access, from)
}

fn objects(random: &mut Random) -> Vec<Value> {
    let namespaces = ["shop", "strict", "old"];
    let mut found = Vec::new();
    for (position, port) in [80, 5432].into_iter().enumerate() {
        let namespace = namespaces[random.below(3)];
        let mut spec = json!({"podSelector": {}, "port": port});
        if random.below(2) == 0 {
            let app = SIDES[random.below(SIDES.len())].name;
            spec["podSelector"] = json!({"matchLabels": {"app": app}});
        }
        if random.below(3) == 0 {
            let policies = ["deny", "audit", "all-authenticated", "cluster-unauthenticated"];
            spec["accessPolicy"] = json!(policies[random.below(4)]);
        }
        found.push(json!({
            "apiVersion": "policy.linkerd.io/v1beta3", "kind": "Server",
            "metadata": {"name": format!("s{position}"), "namespace": namespace}, "spec": spec,
        }));
    }
    for position in 0..2 {
        let mut names = vec![json!(SIDES[random.below(SIDES.len())].identity())];
        match random.below(4) {
            0 => names.push(json!("*")),
            1 => names.push(json!("*.strict.serviceaccount.identity.linkerd.cluster.local")),
            _ => {}
        }
        found.push(json!({
            "apiVersion": "policy.linkerd.io/v1alpha1", "kind": "MeshTLSAuthentication",
            "metadata": {"name": format!("m{position}"), "namespace": namespaces[random.below(2)]},
            "spec": {"identities": names},
        }));
    }
    let known: Vec<Value> = found.iter().skip(2).map(|it| it["metadata"].clone()).collect();
    for position in 0..random.below(4) {
        let target = match random.below(3) {
            0 => json!({"group": "core", "kind": "Namespace", "name": "x"}),
            other => {
                json!({"group": "policy.linkerd.io", "kind": "Server", "name": format!("s{}", other - 1)})
            }
        };
        let references = (0..random.below(2)).map(|_| {
            let of = &known[random.below(known.len())];
            json!({"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": of["name"], "namespace": of["namespace"]})
        });
        let references: Vec<Value> = references.collect();
        found.push(json!({
            "apiVersion": "policy.linkerd.io/v1alpha1", "kind": "AuthorizationPolicy",
            "metadata": {"name": format!("a{position}"), "namespace": namespaces[random.below(3)]},
            "spec": {"targetRef": target, "requiredAuthenticationRefs": references},
        }));
    }
    found
}

#[test]
fn random_objects_against_the_slow_evaluator() {
    for seed in 0..1_000 {
        let mut random = Random::new(seed);
        let objects = objects(&mut random);
        let documents: Vec<String> = objects.iter().map(ToString::to_string).collect();
        let documents: Vec<&str> = documents.iter().map(String::as_str).collect();
        let reach = reach(&documents);
        let end = |side: &Side| -> Endpoint {
            find_endpoint(&reach, &format!("{}/{}", side.namespace, side.name)).unwrap().endpoints
                [0]
        };
        for from in &SIDES {
            for to in SIDES.iter().filter(|to| to.name != from.name) {
                let allowed = reach.allowed(end(from), end(to));
                for port in [80, 81, 5432] {
                    assert_eq!(
                        allowed.contains(Protocol::Tcp, port),
                        lets_in(&objects, from, to, port),
                        "seed {seed}: {}/{} to {}/{} on {port}: {objects:#?}",
                        from.namespace,
                        from.name,
                        to.namespace,
                        to.name
                    );
                }
                assert!(allowed.contains(Protocol::Udp, 80), "proxies see only TCP");
            }
        }
    }
}

/// Whether a client has an identity is not known where the input does not have its namespace.
#[test]
fn clients_of_unknown_namespaces_may_have_no_identity() {
    let far = "{apiVersion: v1, kind: Pod, metadata: {name: who, namespace: far, labels: {app: who}}, spec: {containers: [{name: c, image: x}]}}";
    let reach = reach(&[far]);
    assert_eq!(why(&reach, "far/who", "open", 80), "allowed?");
    assert_eq!(why(&reach, "far/who", "vault", 80), "denied", "nobody is let in");
    assert_eq!(why(&reach, "far/who", "web", 80), "allowed", "anybody is let in");
}
