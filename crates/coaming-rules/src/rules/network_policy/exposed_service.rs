//! See [`ExposedService`].

use std::collections::BTreeMap;

use coaming_finding::{Confidence, Finding, RuleMeta, Severity};
use coaming_kube::{Fields as _, Object, Service, Workload};
use coaming_oci::Reference;
use coaming_yaml::Node;

use super::exposed_custom;
use super::openings::{Opening, leads_any_protocol, openings};
use crate::rule::{BuiltIn as _, rule};
use crate::rules::phrases;
use crate::{Context, WorldRule};

rule! {
    /// ## What it looks for
    ///
    /// Databases, caches, message queues and interfaces for administration that clients outside
    /// the cluster can reach: through a Service of type `LoadBalancer` or `NodePort`, or through an
    /// Ingress, a route of a gateway (`HTTPRoute`, `TCPRoute`) or of a controller (Traefik, Contour,
    /// Istio, OpenShift). What a Service leads to is known by the images of its pods; where no pod is known,
    /// by its port. What operators run (Kafka, PostgreSQL, RabbitMQ, Elasticsearch and others) is known by
    /// the type of their objects, and Traefik's dashboard by its name, `api@internal`.
    ///
    /// ## Why it matters
    ///
    /// Such programs are made for a private network. Many have no password by default, and all of
    /// them are searched for on the whole internet: an open database is found within hours.
    ///
    /// ## Bad
    ///
    /// A cache on a load balancer.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: cache
    ///   labels:
    ///     app: cache
    /// spec:
    ///   containers:
    ///     - name: cache
    ///       image: redis:7.2.5
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: cache
    /// spec:
    ///   type: LoadBalancer
    ///   selector:
    ///     app: cache
    ///   ports:
    ///     - port: 6379
    /// ```
    ///
    /// An interface for administration behind an Ingress without authentication.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: admin
    ///   labels:
    ///     app: admin
    /// spec:
    ///   containers:
    ///     - name: admin
    ///       image: adminer:4.8.1
    /// ---
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: admin
    /// spec:
    ///   selector:
    ///     app: admin
    ///   ports:
    ///     - port: 8080
    /// ---
    /// apiVersion: networking.k8s.io/v1
    /// kind: Ingress
    /// metadata:
    ///   name: admin
    /// spec:
    ///   tls:
    ///     - secretName: admin
    ///   rules:
    ///     - host: admin.example.com
    ///       http:
    ///         paths:
    ///           - path: /
    ///             pathType: Prefix
    ///             backend:
    ///               service:
    ///                 name: admin
    ///                 port:
    ///                   number: 8080
    /// ```
    ///
    /// A route to Traefik's own dashboard.
    ///
    /// ```yaml
    /// apiVersion: traefik.io/v1alpha1
    /// kind: IngressRoute
    /// metadata:
    ///   name: dashboard
    /// spec:
    ///   entryPoints: [websecure]
    ///   routes:
    ///     - match: Host(`traefik.example.com`)
    ///       kind: Rule
    ///       services:
    ///         - name: api@internal
    ///           kind: TraefikService
    ///   tls: {}
    /// ```
    ///
    /// A listener of Strimzi's Kafka that asks for nothing.
    ///
    /// ```yaml
    /// apiVersion: kafka.strimzi.io/v1beta2
    /// kind: Kafka
    /// metadata:
    ///   name: events
    /// spec:
    ///   kafka:
    ///     listeners:
    ///       - {name: plain, port: 9092, type: internal, tls: false}
    ///       - {name: external, port: 9094, type: loadbalancer, tls: false}
    /// ```
    ///
    /// A database whose operator makes a load balancer.
    ///
    /// ```yaml
    /// apiVersion: rabbitmq.com/v1beta1
    /// kind: RabbitmqCluster
    /// metadata:
    ///   name: queue
    /// spec:
    ///   service:
    ///     type: LoadBalancer
    /// ```
    ///
    /// ## Good
    ///
    /// Only the cluster reaches the cache.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: cache
    /// spec:
    ///   selector:
    ///     app: cache
    ///   ports:
    ///     - port: 6379
    /// ```
    ///
    /// The load balancer belongs to a private network.
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: cache
    ///   annotations:
    ///     service.beta.kubernetes.io/aws-load-balancer-internal: "true"
    /// spec:
    ///   type: LoadBalancer
    ///   selector:
    ///     app: cache
    ///   ports:
    ///     - port: 6379
    /// ```
    ///
    /// Clients of the listener show a certificate.
    ///
    /// ```yaml
    /// apiVersion: kafka.strimzi.io/v1beta2
    /// kind: Kafka
    /// metadata:
    ///   name: events
    /// spec:
    ///   kafka:
    ///     listeners:
    ///       - {name: external, port: 9094, type: loadbalancer, tls: true, authentication: {type: tls}}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use `type: ClusterIP`, and let clients come through the application, a VPN or
    /// `kubectl port-forward`. If outside clients need it, use an internal load balancer or
    /// `loadBalancerSourceRanges`.
    ///
    /// ## Limits
    ///
    /// Firewalls in front of the cluster are not known. Whether the program asks for a password is
    /// not judged.
    ExposedService {
        name: "exposed-service",
        summary: "Internal service is open to outside clients",
        category: NetworkPolicy,
        severity: High,
        default: true,
        since: "0.1.0",
        lifecycle: Stable,
        standards: [Nsa("Network separation and hardening"), Attack("T1133")],
    }
}

/// What is made for a private network.
#[derive(Clone, Copy, Debug)]
struct Internal {
    /// The last parts of its images' names.
    images: &'static [&'static str],
    /// Its ports; empty if only the image tells.
    ports: &'static [i64],
    /// What it is, with an article.
    what: &'static str,
    /// Whether it is an interface for people, which an Ingress usually serves.
    is_page: bool,
}

impl Internal {
    /// Whether an Ingress can lead to it: it is a page, or one of its ports speaks HTTP.
    fn speaks_http(&self, ports: &[i64]) -> bool {
        self.is_page || ports.iter().any(|port| HTTP_PORTS.contains(port))
    }
}

/// Ports of databases and queues that speak HTTP.
const HTTP_PORTS: &[i64] = &[2375, 5984, 8086, 8123, 9200, 15672];

const fn store(
    images: &'static [&'static str],
    ports: &'static [i64],
    what: &'static str,
) -> Internal {
    Internal { images, ports, what, is_page: false }
}

const fn page(images: &'static [&'static str], what: &'static str) -> Internal {
    Internal { images, ports: &[], what, is_page: true }
}

const INTERNAL: &[Internal] = &[
    store(
        &["postgres", "postgresql", "postgis", "pgvector", "timescaledb", "spilo", "pgbouncer"],
        &[5432],
        "a PostgreSQL database",
    ),
    store(
        &["mysql", "mysql-server", "mariadb", "mariadb-galera", "percona", "percona-server"],
        &[3306],
        "a MySQL database",
    ),
    store(&["mongo", "mongodb", "mongodb-community-server"], &[27017], "a MongoDB database"),
    store(
        &["redis", "redis-stack-server", "valkey", "keydb", "dragonfly", "redis-cluster"],
        &[6379],
        "a Redis cache",
    ),
    store(&["memcached"], &[11211], "a Memcached cache"),
    store(&["elasticsearch", "opensearch"], &[9200, 9300], "a search database"),
    store(&["cassandra", "scylla"], &[9042], "a Cassandra database"),
    store(&["couchdb", "couchbase"], &[5984], "a Couch database"),
    store(&["mssql-server", "server"], &[1433], "a SQL Server database"),
    store(&["clickhouse-server", "clickhouse"], &[], "a ClickHouse database"),
    store(&["cockroach"], &[26257], "a CockroachDB database"),
    store(&["neo4j"], &[], "a Neo4j database"),
    store(&["influxdb"], &[], "an InfluxDB database"),
    store(&["etcd"], &[2379], "an etcd database"),
    store(&["rabbitmq"], &[5672, 15672], "a RabbitMQ queue"),
    store(&["kafka", "cp-kafka"], &[9092], "a Kafka queue"),
    store(&["nats"], &[4222], "a NATS queue"),
    store(&["activemq", "activemq-artemis"], &[61616], "an ActiveMQ queue"),
    store(&["zookeeper", "cp-zookeeper"], &[2181], "a ZooKeeper"),
    store(&["dind"], &[2375], "a Docker daemon"),
    page(&["phpmyadmin", "adminer", "pgadmin4", "mongo-express"], "administration of databases"),
    page(
        &["redis-commander", "redisinsight", "kafka-ui", "kafdrop", "akhq"],
        "administration of data",
    ),
    page(
        &["dashboard", "kubernetes-dashboard", "headlamp", "octant", "portainer"],
        "administration of the cluster",
    ),
    page(&["scope", "kube-ops-view", "kubeview"], "an overview of the cluster"),
    page(&["prometheus", "alertmanager", "pushgateway", "thanos"], "monitoring without a password"),
    page(&["all-in-one", "jaeger-query", "zipkin"], "traces without a password"),
    page(&["kibana", "kibana-oss", "opensearch-dashboards"], "a window into logs"),
    page(&["flower", "spark-master", "jupyter", "notebook"], "a console that runs code"),
];

pub(super) const WHY: &str = "An attacker on the internet, or in the nodes' network, tries its \
                              passwords and its known vulnerabilities without first getting into a \
                              pod.";

impl WorldRule for ExposedService {
    const META: &'static RuleMeta = Self::RULE;
    const REVIEWS: bool = true;

    fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
        exposed_custom::check(context, findings);
        let services: Vec<Object<'_>> = context.world.of_kind("Service").collect();
        if services.is_empty() {
            return;
        }
        let mut workloads: BTreeMap<&str, Vec<Workload<'_>>> = BTreeMap::new();
        for workload in context.world.workloads() {
            let namespace = workload.object.namespace_or_default();
            workloads.entry(namespace).or_default().push(workload);
        }
        for object in services.into_iter().filter(|object| object.group().is_empty()) {
            let beside = workloads.get(object.namespace_or_default());
            let beside = beside.map(Vec::as_slice).unwrap_or_default();
            findings.extend(finding(context, Service { object }, beside));
        }
    }
}

fn finding<'a>(
    context: &Context<'a>,
    service: Service<'a>,
    beside: &[Workload<'a>],
) -> Option<Finding> {
    let opening = *openings(context.world, service).first()?;
    let is_selected = |workload: &&Workload<'a>| service.selects(&workload.pod_labels());
    let pods: Vec<Workload<'a>> = beside.iter().filter(is_selected).copied().collect();
    let containers = || pods.iter().flat_map(|workload| workload.pod().containers());
    // A target may be a port of the container by its name.
    let target = |node: Node<'_>| {
        node.as_int().or_else(|| {
            let name = node.as_str()?;
            let mut ports = containers().flat_map(|container| container.ports());
            ports.find(|port| port.name() == Some(name))?.container_port()
        })
    };
    let service_ports: Vec<i64> = service.ports().filter_map(|port| port.port()).collect();
    let ports: Vec<i64> = service
        .ports()
        .flat_map(|port| [port.port(), port.target_port().and_then(target)])
        .flatten()
        .collect();
    let by_image = pods
        .iter()
        .flat_map(|workload| workload.pod().containers())
        .filter_map(|container| Reference::parse(container.image()?).ok())
        .find_map(|image| internal_by_image(&image, &ports));
    let by_port =
        || INTERNAL.iter().find(|internal| internal.ports.iter().any(|port| ports.contains(port)));
    let (internal, confidence) = match by_image {
        Some(internal) => (internal, Confidence::High),
        // An image of one's own may well be a database: its port tells.
        None => (by_port()?, Confidence::Medium),
    };
    let (object, node, through) = match opening {
        Opening::LoadBalancer => (service.object, "type", "a load balancer".to_owned()),
        Opening::NodePort => (service.object, "type", "a port of every node".to_owned()),
        Opening::Ingress(route)
            if leads_any_protocol(route)
                || internal.speaks_http(&ports) && !asks_for_a_password(route) =>
        {
            let field = ["rules", "routes", "http", "to"]
                .into_iter()
                .find(|field| route.spec().field(field).is_some());
            (route, field.unwrap_or("rules"), phrases::object(route))
        }
        Opening::Ingress(_) => return None,
    };
    let node = object.spec().field(node).unwrap_or(object.node());
    let message = format!(
        "{} opens {}{} to clients outside the cluster through {through}",
        phrases::object(service.object),
        internal.what,
        port_in_parentheses(&service_ports),
    );
    let severity = match (opening, internal.is_page) {
        (Opening::LoadBalancer, _) => Severity::High,
        (Opening::NodePort | Opening::Ingress(_), _) => Severity::Medium,
    };
    Some(
        context
            .finding(ExposedService::RULE, object, node, message)
            .severity(severity)
            .confidence(confidence)
            .why(WHY)
            .help(match opening {
                Opening::Ingress(_) => {
                    "Let the Ingress ask for a password, or reach it by `kubectl port-forward`."
                }
                _ => {
                    "Use `type: ClusterIP`, an internal load balancer, or \
                     `loadBalancerSourceRanges`."
                }
            })
            .manual("keep it inside the cluster", "type: ClusterIP")
            .done(),
    )
}

/// The ports that clients use, as ` (port 5432)`.
fn port_in_parentheses(ports: &[i64]) -> String {
    let numbers: Vec<String> = ports.iter().map(i64::to_string).collect();
    match numbers.as_slice() {
        [] => String::new(),
        numbers => {
            format!(" ({} {})", phrases::plural(numbers.len(), "port", "ports"), numbers.join(", "))
        }
    }
}

fn internal_by_image(image: &Reference, ports: &[i64]) -> Option<&'static Internal> {
    let name = image.repository().rsplit('/').next().unwrap_or_default();
    let tag = image.tag().unwrap_or_default();
    INTERNAL.iter().find(|internal| {
        let named = internal.images.contains(&name) && name != "server"
            || name == "docker" && tag.contains("dind") && internal.images.contains(&"dind");
        // A sidecar of another program does not make the Service one.
        let port_fits =
            internal.ports.is_empty() || internal.ports.iter().any(|port| ports.contains(port));
        named && port_fits
    })
}

/// Whether the controller asks for a password, or takes certain addresses alone.
pub(super) fn asks_for_a_password(ingress: Object<'_>) -> bool {
    let words = [
        "auth",
        "oauth",
        "oidc",
        "whitelist",
        "allowlist",
        "source-range",
        "middlewares",
        "scheme",
    ];
    let spec = ingress.spec();
    // What they do is in other objects, or in the controller.
    let has_steps = spec.list("routes").any(|route| route.list("middlewares").next().is_some())
        || spec.mapping("virtualhost").mapping("authorization").is_some();
    has_steps
        || ingress
            .metadata()
            .pairs("annotations")
            .any(|entry| words.iter().any(|word| entry.name().to_ascii_lowercase().contains(word)))
}
