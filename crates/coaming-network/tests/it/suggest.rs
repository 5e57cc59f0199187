//! `net suggest`: sound on whatever shows flows, and right on a real application.

mod evidence;
mod mesh;

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
fn replicas_are_asked_for() {
    let text = serves("db", 5432)
        + &runs("StatefulSet", "db", "ports: [{containerPort: 5432}]")
            .replace("serviceName", "replicas: 3, serviceName");
    assert!(ids(&suggest(&world(&text), None).unwrap()).contains(&"replicas of shop/db"));
    let answered = with(&text, "replicas of shop/db: yes", Format::Kubernetes);
    assert_eq!(flows(&from_world(&world(&text)), &answered), ["db → db: TCP 5432"]);
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
