//! `net suggest`: sound on whatever shows flows, and right on a real application.

use coaming_network::suggest::{Source, SuggestError, suggest};
use coaming_network::{Model, from_world};
use coaming_test::manifests::{pod, service};
use insta::assert_snapshot;

use crate::common::{corpus, world};

fn flows(model: &Model, suggestion: &coaming_network::suggest::Suggestion) -> Vec<String> {
    let name = |place: usize| model.workloads[place].name.clone();
    let flows = suggestion.flows.iter().map(|flow| {
        let source = match flow.source {
            Source::Workload(place) => name(place),
            Source::Controller => "controller".to_owned(),
            Source::Outside => "outside".to_owned(),
        };
        format!("{source} → {}: {} {}", name(flow.target), flow.protocol, flow.port)
    });
    let mut flows: Vec<String> = flows.collect();
    flows.sort();
    flows
}

/// The connections of the application's own architecture, and no other.
#[test]
fn online_boutique() {
    let Some(world) = corpus(&["online-boutique/kubernetes-manifests"]) else { return };
    let suggestion = suggest(&world, None).unwrap();
    assert_eq!(
        flows(&from_world(&world), &suggestion),
        [
            "cartservice → redis-cart: TCP 6379",
            "checkoutservice → cartservice: TCP 7070",
            "checkoutservice → currencyservice: TCP 7000",
            "checkoutservice → emailservice: TCP 8080",
            "checkoutservice → paymentservice: TCP 50051",
            "checkoutservice → productcatalogservice: TCP 3550",
            "checkoutservice → shippingservice: TCP 50051",
            "frontend → adservice: TCP 9555",
            "frontend → cartservice: TCP 7070",
            "frontend → checkoutservice: TCP 5050",
            "frontend → currencyservice: TCP 7000",
            "frontend → productcatalogservice: TCP 3550",
            "frontend → recommendationservice: TCP 8080",
            "frontend → shippingservice: TCP 50051",
            "loadgenerator → frontend: TCP 8080",
            "outside → frontend: TCP 8080",
            "recommendationservice → productcatalogservice: TCP 3550",
        ]
    );
    assert_eq!(suggestion.questions.len(), 1, "{:?}", suggestion.questions);
}

fn app() -> String {
    "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf, namespace: shop}\ndata: {app.ini: \"cache = redis://cache:6379/0\"}\n\
     ---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\n\
     spec:\n  containers:\n  - name: web\n    image: web:1\n    ports: [{containerPort: 8080}]\n    \
     env:\n    - {name: DB_HOST, value: db.data}\n    - {name: DB_PORT, value: \"5432\"}\n    \
     - {name: STRIPE, value: \"https://user:hunter2@api.stripe.com/x\"}\n    \
     envFrom: [{configMapRef: {name: conf}}]\n"
        .to_owned()
        + &pod("shop", "cache", "app: cache", "{containerPort: 6379}")
        + &pod("data", "db", "app: db", "{name: sql, containerPort: 5432}")
        + &service("shop", "cache", "{selector: {app: cache}, ports: [{port: 6379}]}")
        + &service("data", "db", "{selector: {app: db}, ports: [{port: 5432, targetPort: sql}]}")
        + &service("shop", "web", "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}")
        + "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {rules: [{http: {paths: [{backend: {service: {name: web, port: {number: 80}}}}]}}]}\n"
}

#[test]
fn the_policies_say_why() {
    let suggestion = suggest(&world(&app()), None).unwrap();
    assert!(!suggestion.yaml.contains("hunter2"), "a credential in the output");
    assert_snapshot!(suggestion.yaml, @r#"
    # Least-privilege network policies, written by `coaming net suggest`.
    #
    # What the evidence does not show:
    # - in which namespace does the ingress controller run? The policies say `ingress-nginx`
    # - shop/web (Pod) names api.stripe.com:443 in env STRIPE (input.yaml:18), which is not a Service here: does it need to connect to it?
    ---
    # Nothing may connect to or from a pod of this namespace unless a policy below allows it.
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: default-deny
      namespace: data
    spec:
      podSelector: {}
      policyTypes:
      - Ingress
      - Egress
    ---
    # Every pod may resolve names.
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: allow-dns
      namespace: data
    spec:
      podSelector: {}
      policyTypes:
      - Egress
      egress:
      - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
        ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: db
      namespace: data
    spec:
      podSelector:
        matchLabels:
          app: db
      policyTypes:
      - Ingress
      ingress:
      # from shop/web (Pod): env DB_HOST names db.data:5432 (input.yaml:16)
      - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: shop
          podSelector:
            matchLabels:
              app: web
        ports:
        - protocol: TCP
          port: 5432
    ---
    # Nothing may connect to or from a pod of this namespace unless a policy below allows it.
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: default-deny
      namespace: shop
    spec:
      podSelector: {}
      policyTypes:
      - Ingress
      - Egress
    ---
    # Every pod may resolve names.
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: allow-dns
      namespace: shop
    spec:
      podSelector: {}
      policyTypes:
      - Egress
      egress:
      - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
          podSelector:
            matchLabels:
              k8s-app: kube-dns
        ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: cache
      namespace: shop
    spec:
      podSelector:
        matchLabels:
          app: cache
      policyTypes:
      - Ingress
      ingress:
      # from shop/web (Pod): ConfigMap conf app.ini names cache:6379 (input.yaml:5)
      - from:
        - podSelector:
            matchLabels:
              app: web
        ports:
        - protocol: TCP
          port: 6379
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata:
      name: web
      namespace: shop
    spec:
      podSelector:
        matchLabels:
          app: web
      policyTypes:
      - Ingress
      - Egress
      ingress:
      # from the ingress controller: Ingress shop/web
      - from:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: ingress-nginx
        ports:
        - protocol: TCP
          port: 8080
      egress:
      # to data/db (Pod): env DB_HOST names db.data:5432 (input.yaml:16)
      - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: data
          podSelector:
            matchLabels:
              app: db
        ports:
        - protocol: TCP
          port: 5432
      # to shop/cache (Pod): ConfigMap conf app.ini names cache:6379 (input.yaml:5)
      - to:
        - podSelector:
            matchLabels:
              app: cache
        ports:
        - protocol: TCP
          port: 6379
    "#);
}

#[test]
fn from_recorded_flows() {
    let flow = |verdict: &str, source: &str, target: &str, port: u16, reply: bool| {
        format!(
            "{{\"flow\": {{\"verdict\": \"{verdict}\", \"is_reply\": {reply}, \"l4\": {{\"TCP\": {{\"source_port\": 40000, \"destination_port\": {port}}}}}, \
             \"source\": {{\"namespace\": \"shop\", \"pod_name\": \"{source}\", \"labels\": [\"k8s:app={source}\"]}}, \
             \"destination\": {{\"namespace\": \"data\", \"labels\": [\"k8s:app={target}\", \"k8s:x=y\"]}}}}}}\n"
        )
    };
    let log = flow("FORWARDED", "web", "db", 5432, false)
        + &flow("FORWARDED", "web", "db", 40000, true)
        + &flow("DROPPED", "cache", "db", 5432, false)
        + "\n";
    let input = world(&app());
    let suggestion = suggest(&input, Some(&log)).unwrap();
    let found = flows(&from_world(&input), &suggestion);
    assert_eq!(found, ["controller → web: TCP 8080", "web → db: TCP 5432"]);
    let error = suggest(&input, Some("{\"flow\": {}}\nnonsense")).unwrap_err();
    assert!(matches!(error, SuggestError::FlowLog { line: 2, .. }), "{error}");
}

#[test]
fn nothing_to_protect() {
    let nothing = world("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    assert_eq!(suggest(&nothing, None), Err(SuggestError::NoWorkloads));
}

/// Random applications: whatever refers to whatever, the policies allow exactly that, or the
/// workload is asked about. `suggest` itself checks it; here it must never fail.
#[test]
fn is_sound() {
    for seed in 0..200 {
        let mut random = crate::random::Random::new(seed);
        let count = 2 + random.below(6);
        let mut text = String::new();
        for n in 0..count {
            let namespace = format!("ns{}", random.below(2));
            let label = if random.chance(80) { n } else { random.below(count) };
            let env: String = (0..random.below(3))
                .map(|e| {
                    let to = random.below(count);
                    let host =
                        if random.chance(50) { format!("s{to}.ns0") } else { format!("s{to}") };
                    format!("\n    - {{name: E{e}_ADDR, value: \"{host}:80\"}}")
                })
                .collect();
            let host_network = random.chance(10);
            text += &format!(
                "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{n}, namespace: {namespace}, labels: {{app: a{label}}}}}\n\
                 spec:\n  hostNetwork: {host_network}\n  containers:\n  - name: c\n    image: i\n    env:{env}\n"
            );
            let kind = if random.chance(20) { "LoadBalancer" } else { "ClusterIP" };
            text += &service(
                &namespace,
                &format!("s{n}"),
                &format!(
                    "{{type: {kind}, selector: {{app: a{n}}}, ports: [{{port: 80, targetPort: 8080}}]}}"
                ),
            );
        }
        let result = suggest(&world(&text), None);
        assert!(result.is_ok(), "seed {seed}: {}\n{text}", result.unwrap_err());
    }
}

/// A workload of one container, with these fields.
fn runs(kind: &str, name: &str, container: &str) -> String {
    format!(
        "---\napiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop}}\nspec: {{serviceName: {name}, template: {{metadata: {{labels: {{app: {name}}}}}, spec: {{serviceAccountName: {name}, containers: [{{name: c, image: x, {container}}}]}}}}}}\n"
    )
}

fn serves(name: &str, port: u16) -> String {
    format!(
        "---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: shop, labels: {{app: {name}}}}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: {port}}}]}}\n"
    )
}

#[test]
fn evidence_in_secrets_variables_and_options() {
    let text = [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: conf, namespace: shop}\nstringData: {URL: 'postgres://u:hunter2@db.shop.svc.cluster.local:5432/x'}\ndata: {OTHER: cmVkaXM6Ly9jYWNoZTo2Mzc5, AWAY: aHR0cHM6Ly9odW50ZXIzLmV4YW1wbGUuY29t}\n".to_owned(),
        serves("db", 5432),
        serves("cache", 6379),
        serves("ring", 7000),
        runs("StatefulSet", "db", "ports: [{containerPort: 5432}]"),
        runs("Deployment", "cache", "ports: [{containerPort: 6379}]"),
        runs("StatefulSet", "ring", "env: [{name: PEERS, value: 'ring:7000'}]"),
        runs("Deployment", "one", "env: [{name: X, valueFrom: {secretKeyRef: {name: conf, key: URL}}}]"),
        runs("Deployment", "all", "envFrom: [{secretRef: {name: conf}}]"),
        runs("Deployment", "var", "env: [{name: PGNAME, value: db-0.db}, {name: DSN, value: 'host=$(PGNAME) port=5432'}]"),
        runs("Deployment", "dump", "command: [pg_dump, -h, db, -p, '5432']"),
        runs("Deployment", "go", "env: [{name: DSN, value: 'u:hunter2@tcp(db:5432)/x'}]"),
        runs("Deployment", "grpc", "env: [{name: T, value: 'dns:///cache:6379'}]"),
    ]
    .concat();
    let world = world(&text);
    let suggestion = suggest(&world, None).unwrap();
    assert_eq!(
        flows(&from_world(&world), &suggestion),
        [
            "all → cache: TCP 6379",
            "all → db: TCP 5432",
            "dump → db: TCP 5432",
            "go → db: TCP 5432",
            "grpc → cache: TCP 6379",
            "one → db: TCP 5432",
            "ring → ring: TCP 7000",
            "var → db: TCP 5432",
        ]
    );
    assert!(!suggestion.yaml.contains("hunter"), "{}", suggestion.yaml);
    assert!(suggestion.questions.iter().any(|it| it.contains("Service shop/ring")), "its clients");
}

#[test]
fn asks_for_the_api_server_and_for_scrapes() {
    let text = [
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: shop}\nroleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}\nsubjects: [{kind: ServiceAccount, name: op}]\n".to_owned(),
        "---\napiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.x}\nspec: {service: {name: op, namespace: shop}}\n".to_owned(),
        "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m, namespace: shop}\nspec: {selector: {matchLabels: {app: op}}, endpoints: [{port: http}]}\n".to_owned(),
        serves("op", 443),
        runs("Deployment", "op", "ports: [{containerPort: 443}]"),
        runs("Deployment", "idle", "ports: [{containerPort: 443}]"),
    ]
    .concat();
    let questions = suggest(&world(&text), None).unwrap().questions;
    let asks = |part: &str| questions.iter().filter(|it| it.contains(part)).count();
    assert_eq!(asks("at which address is the API server"), 1, "{questions:?}");
    assert_eq!(asks("RoleBinding shop/b gives rights"), 1, "{questions:?}");
    assert_eq!(asks("the API server calls Service shop/op"), 1, "{questions:?}");
    assert_eq!(asks("ServiceMonitor shop/m says that Prometheus scrapes Service shop/op"), 1);
}
