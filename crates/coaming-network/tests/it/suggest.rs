//! `net suggest`: sound on whatever shows flows, and right on a real application.

use coaming_network::suggest::{
    Answers, Format, Source, SuggestError, SuggestOptions, answer_template, suggest, suggest_with,
};
use coaming_network::{Connections, Filter, Model, PortSet, Protocol, from_world};
use coaming_test::manifests::{pod, service};
use insta::assert_snapshot;

use crate::common::{corpus, world};

pub(super) fn flows(
    model: &Model,
    suggestion: &coaming_network::suggest::Suggestion,
) -> Vec<String> {
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

/// A part of the policies: those of some workloads, whole, or the rules for some ports.
#[test]
fn a_part_is_shown() {
    let upstream = "image: i:1, env: [{name: UPSTREAM, value: 'http://db:5432 http://cache:6379'}]";
    let text = [
        pod("shop", "web", "app: web", "").replace("image: i:1", upstream),
        pod("shop", "db", "app: db", ""),
        pod("shop", "cache", "app: cache", ""),
        service("shop", "db", "{selector: {app: db}, ports: [{port: 5432}]}"),
        service("shop", "cache", "{selector: {app: cache}, ports: [{port: 6379}]}"),
        pod("ops", "scrape", "app: scrape", ""),
    ];
    let world = world(&text.concat());
    let model = from_world(&world);
    let part = |filter: &Filter| {
        let options = SuggestOptions { filter: Some(filter), ..SuggestOptions::default() };
        suggest_with(&world, &options).unwrap()
    };
    let names = |suggestion: &coaming_network::suggest::Suggestion| {
        let lines = suggestion.yaml.lines().filter_map(|line| line.strip_prefix("  name: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let all = part(&Filter::default());
    assert_eq!(all, suggest(&world, None).unwrap());
    let db = coaming_network::find_workload(&model, "shop/db").unwrap();
    let focus = [model.workloads[db].clone()].into();
    let only = part(&Filter { focus, ..Filter::default() });
    assert_eq!(names(&only), ["default-deny", "allow-dns", "db"]);
    assert!(only.questions.iter().all(|it| !it.text.contains("namespace ops")), "{only:?}");
    let elsewhere = part(&Filter { namespace: Some("ops".to_owned()), ..Filter::default() });
    assert_eq!(names(&elsewhere), ["default-deny", "allow-dns"]);
    let ports = Connections::of(Protocol::Tcp, PortSet::range(6379, 6379));
    let on_port = part(&Filter { ports: Some(ports), ..Filter::default() });
    assert_eq!(flows(&model, &on_port), ["web → cache: TCP 6379"]);
    assert!(!on_port.yaml.contains("5432"), "{}", on_port.yaml);
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
    // Who calls the load generator's target is shown; what is outside of the cluster is not.
    assert_eq!(suggestion.questions.len(), 2, "{:?}", suggestion.questions);
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
    # - nothing here shows that pods of namespace data (db) connect to anything outside of the cluster, and the policies do not let them: do they need to? `NAME to ADDRESS` answers for one of them
    # - nothing here shows that pods of namespace shop (cache) connect to anything outside of the cluster, and the policies do not let them: do they need to? `NAME to ADDRESS` answers for one of them
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
        for format in [Format::Kubernetes, Format::Calico, Format::Cilium] {
            let options = SuggestOptions { format, ..SuggestOptions::default() };
            let result = suggest_with(&world(&text), &options);
            assert!(result.is_ok(), "{format:?}, {seed}: {}\n{text}", result.unwrap_err());
        }
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
    assert!(
        suggestion.questions.iter().any(|it| it.text.contains("Service shop/ring")),
        "its clients"
    );
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
    let asks = |part: &str| questions.iter().filter(|it| it.text.contains(part)).count();
    assert_eq!(asks("at which address is the API server"), 1, "{questions:?}");
    assert_eq!(asks("RoleBinding shop/b gives rights"), 1, "{questions:?}");
    assert_eq!(asks("the API server calls Service shop/op"), 1, "{questions:?}");
    assert_eq!(asks("ServiceMonitor shop/m says that Prometheus scrapes Service shop/op"), 1);
}

fn with(text: &str, answers: &str, format: Format) -> coaming_network::suggest::Suggestion {
    let answers = Answers::read(answers).unwrap();
    let options = SuggestOptions { answers: Some(&answers), format, ..SuggestOptions::default() };
    suggest_with(&world(text), &options).unwrap()
}

/// The ids of questions.
pub(super) fn ids(suggestion: &coaming_network::suggest::Suggestion) -> Vec<&str> {
    suggestion.questions.iter().map(|question| question.id.as_str()).collect()
}

#[test]
fn answers_close_questions() {
    let open = suggest(&world(&app()), None).unwrap();
    let asked = [
        "ingress controller of Ingress",
        "namespace data to the outside",
        "namespace shop to the outside",
        "shop/web to api.stripe.com:443",
    ];
    assert_eq!(ids(&open), asked);
    let template = answer_template(&open.questions, true);
    let unanswered = with(&app(), &template, Format::Kubernetes);
    assert_eq!(ids(&unanswered), asked, "an empty answer is none");
    let answers = "ingress controller of Ingress: edge\n\
         namespace data to the outside: no\n\
         namespace shop to the outside: [cache to 192.0.2.0/24, 'any:udp/123']\n\
         'shop/web to api.stripe.com:443': yes\n\
         former question: no\n";
    let cilium = with(&app(), answers, Format::Cilium);
    assert_eq!(ids(&cilium), [""; 0]);
    assert_eq!(cilium.unasked, ["former question"]);
    for part in ["matchName: api.stripe.com", "namespace\": edge", "192.0.2.0/24", "matchPattern"] {
        assert!(cilium.yaml.contains(part), "{part}: {}", cilium.yaml);
    }
    // A NetworkPolicy cannot name a host.
    let kubernetes = with(&app(), answers, Format::Kubernetes);
    assert_eq!(ids(&kubernetes), ["shop/web to api.stripe.com:443"]);
    assert!(kubernetes.questions[0].text.contains("--format cilium"));
    let answers = answers.replace(": yes", ": '198.51.100.1, 198.51.100.2'");
    for format in [Format::Kubernetes, Format::Calico] {
        let all = with(&app(), &answers, format);
        assert_eq!(ids(&all), [""; 0], "{format:?}");
        assert!(all.yaml.contains("198.51.100.2/32"), "{}", all.yaml);
        assert!(!all.yaml.contains("ingress-nginx"), "{}", all.yaml);
    }
}

#[test]
fn answers_that_are_not_understood() {
    for bad in ["[", "- a\n", "x: {a: b}\n", "text\n"] {
        assert!(Answers::read(bad).is_err(), "{bad}");
    }
    for bad in ["web shop", "10.0.0.1:0", "any:http", "nobody", "[10.0.0.0/33]"] {
        let answers = Answers::read(&format!("'shop/web to api.stripe.com:443': {bad}\n")).unwrap();
        let options = SuggestOptions { answers: Some(&answers), ..SuggestOptions::default() };
        let error = suggest_with(&world(&app()), &options).unwrap_err();
        assert!(matches!(error, SuggestError::Answer(_)), "{bad}: {error}");
    }
}

/// Clients that are answered reach the Service, and a namespace's own pods may leave for it.
#[test]
fn answers_name_clients() {
    let text = [
        serves("db", 5432),
        runs("Deployment", "db", "ports: [{containerPort: 5432}]"),
        runs("Deployment", "web", "ports: [{containerPort: 80}]"),
    ]
    .concat();
    for format in [Format::Kubernetes, Format::Calico, Format::Cilium] {
        let clients = |answer: &str| {
            let answers = format!("clients of Service shop/db: {answer}\n");
            with(&text, &answers, format)
        };
        let named = clients("shop/web");
        assert_eq!(flows(&from_world(&world(&text)), &named), ["web → db: TCP 5432"]);
        assert_eq!(ids(&named), ["namespace shop to the outside"]);
        let yaml = clients("'namespace:batch, 192.0.2.0/24'").yaml;
        assert!(yaml.contains("batch") && yaml.contains("192.0.2.0/24"), "{format:?}: {yaml}");
        assert_eq!(clients("no").flows, []);
    }
}

/// What is on the network of nodes is asked for, not cut off; known nodes are named.
#[test]
fn connections_with_the_network_of_nodes() {
    let host = "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: shop}\nspec: {template: {metadata: {labels: {app: agent}}, spec: {hostNetwork: true, containers: [{name: c, image: x, env: [{name: API_URL, value: 'http://api:8080'}]}]}}}\n";
    let text = [
        serves("agent", 9100),
        serves("api", 8080),
        runs("Deployment", "api", "env: [{name: AGENT_URL, value: 'http://agent:9100'}]"),
        host.to_owned(),
    ]
    .concat();
    let asked = suggest(&world(&text), None).unwrap();
    let asks = |part: &str| ids(&asked).iter().any(|id| id.contains(part));
    assert!(asks("shop/api to shop/agent on its node:TCP/9100"), "{:?}", ids(&asked));
    assert!(asks("shop/api from shop/agent on its node:TCP/8080"), "{:?}", ids(&asked));
    let node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: n}\nstatus: {addresses: [{type: InternalIP, address: 192.0.2.7}]}\n";
    let known = suggest(&world(&format!("{text}{node}")), None).unwrap();
    assert_eq!(known.yaml.matches("192.0.2.7/32").count(), 2 + 2, "{}", known.yaml);
}

#[test]
fn evidence_of_addresses_and_names_outside() {
    let text = [
        "apiVersion: v1\nkind: Service\nmetadata: {name: pg, namespace: shop}\nspec: {type: ExternalName, externalName: pg.example.com}\n".to_owned(),
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: legacy, namespace: shop}\nspec: {ports: [{port: 80}]}\n".to_owned(),
        "---\napiVersion: v1\nkind: Endpoints\nmetadata: {name: legacy, namespace: shop}\nsubsets: [{addresses: [{ip: 192.0.2.9}], ports: [{port: 8081}]}]\n".to_owned(),
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: db, namespace: shop}\nspec: {clusterIP: 10.96.0.7, selector: {app: db}, ports: [{port: 5432}]}\n".to_owned(),
        runs("Deployment", "db", "ports: [{containerPort: 5432}]"),
        runs("Deployment", "web", "env: [{name: A_URL, value: 'http://legacy'}, {name: B_URL, value: 'postgres://pg/x'}, {name: C_HOST, value: '10.96.0.7:5432'}, {name: D_URL, value: 'http://198.51.100.4:8080'}, {name: LISTEN_ADDR, value: '0.0.0.0:80'}]"),
    ]
    .concat();
    let suggestion = suggest(&world(&text), None).unwrap();
    assert_eq!(flows(&from_world(&world(&text)), &suggestion), ["web → db: TCP 5432"]);
    for part in ["cidr: 192.0.2.9/32", "port: 8081", "cidr: 198.51.100.4/32"] {
        assert!(suggestion.yaml.contains(part), "{part}: {}", suggestion.yaml);
    }
    assert!(!suggestion.yaml.contains("0.0.0.0/"), "{}", suggestion.yaml);
    assert!(
        ids(&suggestion).contains(&"shop/web to pg.example.com:5432"),
        "{:?}",
        ids(&suggestion)
    );
}

#[test]
fn prometheus_scrapes_what_monitors_select() {
    let text = [
        "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s, namespace: mon}\nspec: {alerting: {alertmanagers: [{name: am, namespace: mon, port: web}]}}\n".to_owned(),
        "---\napiVersion: monitoring.coreos.com/v1\nkind: Alertmanager\nmetadata: {name: main, namespace: mon}\nspec: {}\n".to_owned(),
        "---\napiVersion: v1\nkind: Service\nmetadata: {name: am, namespace: mon}\nspec: {selector: {app.kubernetes.io/name: alertmanager}, ports: [{name: web, port: 9093, targetPort: web}]}\n".to_owned(),
        "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m, namespace: shop}\nspec: {selector: {matchExpressions: [{key: app, operator: In, values: [web]}]}, endpoints: [{targetPort: 9102}]}\n".to_owned(),
        "---\napiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: p, namespace: shop}\nspec: {selector: {matchLabels: {app: job}}, podMetricsEndpoints: [{port: metrics}]}\n".to_owned(),
        serves("web", 80),
        runs("Deployment", "web", "ports: [{containerPort: 80}]"),
        runs("Deployment", "job", "ports: [{name: metrics, containerPort: 9400}]"),
    ]
    .concat();
    let suggestion = suggest(&world(&text), None).unwrap();
    for part in [
        "from mon/k8s (Prometheus): ServiceMonitor shop/m scrapes Service shop/web",
        "to shop/job (Deployment): PodMonitor shop/p scrapes shop/job (Deployment)",
        "to mon/main (Alertmanager): Prometheus mon/k8s sends alerts",
        "port: 9102",
        "port: 9400",
        "port: 9094",
    ] {
        assert!(suggestion.yaml.contains(part), "{part}: {}", suggestion.yaml);
    }
}

/// The API server is where its endpoints say; a controller's image needs it, too.
#[test]
fn the_address_of_the_api_server() {
    let text = [
        "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}\nendpoints: [{addresses: [192.0.2.5]}]\nports: [{port: 6443, protocol: TCP}]\n".to_owned(),
        "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: cm, namespace: shop}\nspec: {template: {metadata: {labels: {app: cm}}, spec: {containers: [{name: c, image: 'quay.io/jetstack/cert-manager-controller:v1.1.0'}]}}}\n".to_owned(),
    ]
    .concat();
    let suggestion = suggest(&world(&text), None).unwrap();
    assert!(suggestion.yaml.contains("cidr: 192.0.2.5/32"), "{}", suggestion.yaml);
    assert!(suggestion.yaml.contains("which looks like a controller"), "{}", suggestion.yaml);
    let cilium = with(&text, "", Format::Cilium).yaml;
    assert!(cilium.contains("kube-apiserver") && !cilium.contains("192.0.2.5"), "{cilium}");
}

#[test]
fn replicas_are_asked_for() {
    let text = serves("db", 5432)
        + &runs("StatefulSet", "db", "ports: [{containerPort: 5432}]")
            .replace("serviceName", "replicas: 3, serviceName");
    assert!(ids(&suggest(&world(&text), None).unwrap()).contains(&"replicas of shop/db"));
    let answered = with(&text, "replicas of shop/db: yes", Format::Kubernetes);
    assert_eq!(flows(&from_world(&world(&text)), &answered), ["db → db: TCP 5432"]);
}

/// OpenShift resolves names with pods of its own, others with a cache on each node.
#[test]
fn names_are_resolved_where_the_cluster_does() {
    let apps = serves("db", 5432) + &runs("Deployment", "db", "ports: [{containerPort: 5432}]");
    let openshift = "---\napiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: db, namespace: shop}\nspec: {to: {kind: Service, name: db}}\n";
    let cache = "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: node-local-dns, namespace: kube-system}\nspec: {template: {metadata: {labels: {k8s-app: node-local-dns}}, spec: {hostNetwork: true, containers: [{name: c, image: x}]}}}\n";
    for format in [Format::Kubernetes, Format::Calico, Format::Cilium] {
        let yaml = with(&(apps.clone() + openshift), "", format).yaml;
        assert!(yaml.contains("openshift-dns") && yaml.contains("5353"), "{format:?}: {yaml}");
        assert!(yaml.contains("openshift-ingress"), "{format:?}: {yaml}");
        let yaml = with(&(apps.clone() + cache), "", format).yaml;
        let shown = yaml.contains("169.254.20.10/32") || yaml.contains("- host\n");
        assert!(shown && !yaml.contains("openshift"), "{format:?}: {yaml}");
    }
}

/// An ingress controller that is in the input is guarded by the policies too: it must be let out.
#[test]
fn controller_of_the_input() {
    let ingress = "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: shop}\nspec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}\n";
    let spec = "{type: LoadBalancer, selector: {app: ctl}, ports: [{port: 80, targetPort: 8080}]}";
    let open = service("ingress-nginx", "ctl", spec);
    for open in ["", &open] {
        let manifests = [
            pod("ingress-nginx", "ctl", "app: ctl", ""),
            pod("ingress-nginx", "other", "app: other", ""),
            pod("shop", "web", "app: web", ""),
            service("shop", "web", "{selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}"),
            ingress.to_owned(),
            open.to_owned(),
        ];
        let suggestion = suggest(&world(&manifests.join("")), None).unwrap();
        let ids: Vec<&str> = suggestion.questions.iter().map(|it| it.id.as_str()).collect();
        assert!(!ids.contains(&"ingress controller of Ingress"), "{ids:?}");
        let out = suggestion.yaml.matches("# to shop/web (Pod): Ingress shop/web").count();
        // Those that are open to the outside, if any is.
        assert_eq!(out, if open.is_empty() { 2 } else { 1 }, "{}", suggestion.yaml);
    }
}

/// Policies that refuse more do not add up with the suggested ones.
#[test]
fn existing_policies_by_what_they_do() {
    let manifests = [
        pod("shop", "web", "app: web", ""),
        "---\n{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: np, namespace: shop}, spec: {podSelector: {}}}\n".to_owned(),
        "---\n{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: ap, namespace: shop}, spec: {}}\n".to_owned(),
        "---\n{apiVersion: policy.networking.k8s.io/v1alpha1, kind: AdminNetworkPolicy, metadata: {name: anp}, spec: {priority: 1, subject: {namespaces: {}}}}\n".to_owned(),
    ];
    let suggestion = suggest(&world(&manifests.join("")), None).unwrap();
    let texts: Vec<&str> = suggestion.questions.iter().map(|it| it.text.as_str()).collect();
    let has = |text: &str| texts.iter().any(|it| it.contains(text));
    assert!(has("exist already: NetworkPolicy shop/np; remove"), "{texts:#?}");
    assert!(has("decide before those below: AdminNetworkPolicy anp;"), "{texts:#?}");
    assert!(!has("AuthorizationPolicy"), "{texts:#?}");
}

/// Through a waypoint a flow is two, and both are let through.
#[test]
fn waypoints_are_let_through() {
    let client = "image: i:1, env: [{name: DB, value: 'db:5432'}]";
    let input = [
        "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio.io/dataplane-mode: ambient, istio.io/use-waypoint: wp}}}\n".to_owned(),
        "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: wp, namespace: shop}, spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}}\n".to_owned(),
        pod("shop", "web", "app: web", "").replace("image: i:1", client),
        pod("shop", "other", "app: other", ""),
        pod("shop", "db", "app: db", "{name: sql, containerPort: 5432}"),
        service("shop", "db", "{selector: {app: db}, ports: [{port: 5432, targetPort: sql}]}"),
    ]
    .concat();
    let suggested = suggest(&world(&input), None).unwrap();
    let model = from_world(&world(&input));
    assert_eq!(
        flows(&model, &suggested),
        ["web → db: TCP 5432", "web → wp: TCP 15008", "wp → db: TCP 5432"]
    );
    let applied = crate::common::reach(&format!("{input}---\n{}", suggested.yaml));
    let found = crate::why::explain_tcp(&applied, "web", "db", 5432);
    assert!(found.ways[0].is_allowed(), "{}", suggested.yaml);
    assert!(suggested.yaml.contains("gateway.networking.k8s.io/gateway-name: wp"));
    assert!(!suggested.yaml.contains("canonical-name"), "it depends on the version of Istio");
    assert!(!crate::why::explain_tcp(&applied, "other", "db", 5432).is_allowed());
}

/// Without its mesh's control plane, no proxy starts.
#[test]
fn proxies_reach_their_control_plane() {
    let istio = "---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {istio-injection: enabled}}}\n".to_owned()
        + &pod("shop", "web", "app: web", "");
    let yaml = suggest(&world(&istio), None).unwrap().yaml;
    let part = yaml.split("its proxy needs istiod").nth(1).unwrap();
    assert!(part.contains("kubernetes.io/metadata.name: istio-system"), "{yaml}");
    assert!(part.contains("port: 15012"), "{yaml}");
    // Where the control plane is here, both sides are opened, on its pods alone.
    let here = istio + &pod("istio-system", "istiod", "app: istiod", "");
    let suggested = suggest(&world(&here), None).unwrap();
    assert_eq!(flows(&from_world(&world(&here)), &suggested), ["web → istiod: TCP 15012"]);
    let linkerd = pod("shop", "web", "app: web", "").replace(
        "labels: {app: web}",
        "labels: {app: web}, annotations: {linkerd.io/inject: enabled}",
    );
    let yaml = suggest(&world(&linkerd), None).unwrap().yaml;
    for port in ["8080", "8086", "8090"] {
        assert!(yaml.contains(&format!("port: {port}")), "{port}: {yaml}");
    }
    let none = suggest(&world(&pod("shop", "web", "app: web", "")), None).unwrap().yaml;
    assert!(!none.contains("its proxy"), "{none}");
}

/// A load balancer that lets in some clients alone opens its pods to no others.
#[test]
fn clients_of_a_load_balancer_may_be_limited() {
    let service = |rest: &str| {
        service(
            "shop",
            "web",
            &format!(
                "{{type: LoadBalancer, {rest}, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8080}}]}}"
            ),
        )
    };
    let yaml = |rest: &str| {
        let input = pod("shop", "web", "app: web", "{containerPort: 8080}") + &service(rest);
        let suggested = suggest(&world(&input), None).unwrap();
        let questions = suggested.questions.iter().map(|it| it.text.clone()).collect::<String>();
        assert!(!questions.contains("what connects to Service"), "{questions}");
        suggested.yaml
    };
    let ranges = "loadBalancerSourceRanges: [203.0.113.0/24, 198.51.100.7/32]";
    let limited = yaml(&format!("externalTrafficPolicy: Local, {ranges}"));
    assert!(limited.contains("203.0.113.0/24") && limited.contains("198.51.100.7/32"), "{limited}");
    assert!(!limited.contains("0.0.0.0/0"), "{limited}");
    // Pods see the addresses of nodes there, and all of them must be let in.
    assert!(yaml(ranges).contains("0.0.0.0/0"));
}
