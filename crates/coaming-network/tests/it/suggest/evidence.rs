//! What shows a flow, or asks for one.

use super::*;

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
