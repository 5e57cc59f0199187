//! What custom resources open to clients outside the cluster: listeners and Services that an operator
//! makes, and the dashboard of Traefik, which has no Service.

use coaming_finding::{Confidence, Finding, Severity};
use coaming_kube::{Fields as _, Object, World};
use coaming_yaml::Node;

use super::exposed_service::{ExposedService, WHY, asks_for_a_password};
use crate::Context;
use crate::rule::BuiltIn as _;
use crate::rules::phrases;

/// Groups of operators, with what they run.
const OPERATORS: &[(&str, &str)] = &[
    ("acid.zalan.do", "a PostgreSQL database"),
    ("clickhouse.altinity.com", "a ClickHouse database"),
    ("databases.spotahome.com", "a Redis cache"),
    ("dragonflydb.io", "a Redis cache"),
    ("elasticsearch.k8s.elastic.co", "a search database"),
    ("k8s.mariadb.com", "a MySQL database"),
    ("k8ssandra.io", "a Cassandra database"),
    ("kafka.strimzi.io", "a Kafka queue"),
    ("kibana.k8s.elastic.co", "a window into logs"),
    ("minio.min.io", "an object store"),
    ("mysql.oracle.com", "a MySQL database"),
    ("opensearch.opster.io", "a search database"),
    ("postgres-operator.crunchydata.com", "a PostgreSQL database"),
    ("postgresql.cnpg.io", "a PostgreSQL database"),
    ("ps.percona.com", "a MySQL database"),
    ("psmdb.percona.com", "a MongoDB database"),
    ("pxc.percona.com", "a MySQL database"),
    ("rabbitmq.com", "a RabbitMQ queue"),
    ("redis.redis.opstreelabs.in", "a Redis cache"),
    ("scylla.scylladb.com", "a Cassandra database"),
];

/// Fields that say how clients reach what an operator runs.
const TYPES: &[&str] = &["type", "serviceType", "exposeType"];

/// Switches of operators for a load balancer.
const SWITCHES: &[&str] = &[
    "enableMasterLoadBalancer",
    "enableMasterPoolerLoadBalancer",
    "enableReplicaLoadBalancer",
    "enableReplicaPoolerLoadBalancer",
];

/// An opening that an object makes.
struct Opened<'a> {
    node: Node<'a>,
    what: &'static str,
    through: &'static str,
    severity: Severity,
}

/// Adds a finding for each object that opens something.
pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let world = context.world;
    let dashboards = world.of_kind("IngressRoute").filter_map(|it| Some((it, dashboard(it)?)));
    let of_operators = objects_of_operators(world)
        .filter_map(|(object, what)| Some((object, opened(object, what)?)));
    for (object, opened) in dashboards.chain(of_operators) {
        findings.push(finding(context, object, &opened));
    }
}

fn objects_of_operators(world: &World) -> impl Iterator<Item = (Object<'_>, &'static str)> {
    let what = |group: &str| OPERATORS.iter().find(|(own, _)| *own == group);
    world.objects().filter_map(move |object| Some((object, what(object.group())?.1)))
}

/// A route of Traefik to its own dashboard and API, which ask for no password.
fn dashboard(route: Object<'_>) -> Option<Opened<'_>> {
    let is_traefik = matches!(route.group(), "traefik.io" | "traefik.containo.us");
    // The chart's own route is at a port that is not open outside the pod.
    let spec = route.spec();
    let is_inside = spec.strings("entryPoints").next().is_some()
        && spec.strings("entryPoints").all(|name| name == "traefik");
    if !is_traefik || is_inside || asks_for_a_password(route) {
        return None;
    }
    let services = spec.list("routes").flat_map(|route| route.list("services"));
    let names = services.filter_map(|service| service.field("name"));
    let node = names.into_iter().find(|name| name.as_str() == Some("api@internal"))?;
    Some(Opened {
        node,
        what: "the dashboard and the API of Traefik",
        through: "a route",
        severity: Severity::Medium,
    })
}

/// What an operator opens.
fn opened<'a>(object: Object<'a>, what: &'static str) -> Option<Opened<'a>> {
    let spec = object.spec()?;
    if object.group() == "kafka.strimzi.io" {
        return listener(spec, what);
    }
    let of_service = spec.descendants().find_map(|node| {
        let field = TYPES.iter().find_map(|field| node.field(field))?;
        let (through, severity) = match field.as_str()? {
            "LoadBalancer" => ("a load balancer", Severity::High),
            "NodePort" => ("a port of every node", Severity::Medium),
            _ => return None,
        };
        let is_open = !is_limited(node) && !node.parent().is_some_and(is_limited);
        is_open.then_some(Opened { node: field, what, through, severity })
    });
    of_service.or_else(|| {
        let is_on = |field: &&str| spec.boolean(field) == Some(true);
        let field = SWITCHES.iter().find(|field| is_on(field))?;
        let node = spec.field(field)?;
        let is_open = !are_closed(spec.strings("allowedSourceRanges"));
        let (through, severity) = ("a load balancer", Severity::High);
        is_open.then_some(Opened { node, what, through, severity })
    })
}

/// A listener of Kafka for clients outside the cluster that asks for nothing.
fn listener<'a>(spec: Node<'a>, what: &'static str) -> Option<Opened<'a>> {
    let kafka = spec.mapping("kafka");
    // Before Strimzi 0.21, there was one.
    let old = kafka.mapping("listeners").mapping("external");
    kafka.list("listeners").chain(old).find_map(|listener| {
        let (through, severity) = match listener.string("type")? {
            "loadbalancer" => ("a load balancer", Severity::High),
            "nodeport" => ("a port of every node", Severity::Medium),
            "ingress" => ("an Ingress", Severity::Medium),
            "route" => ("a Route", Severity::Medium),
            _ => return None,
        };
        let settings = listener.mapping("configuration");
        let is_limited = settings.is_some_and(is_limited)
            || settings.mapping("bootstrap").is_some_and(is_limited)
            || listener.mapping("authentication").is_some();
        let node = listener.field("type")?;
        (!is_limited).then_some(Opened { node, what, through, severity })
    })
}

/// Whether there are ranges of addresses, and none of them is the whole Internet.
fn are_closed<'a>(ranges: impl Iterator<Item = &'a str>) -> bool {
    let mut ranges = ranges.peekable();
    ranges.peek().is_some() && ranges.all(|range| !matches!(range, "0.0.0.0/0" | "::/0"))
}

/// Whether a Service is for a private network, or for certain addresses alone.
fn is_limited(service: Node<'_>) -> bool {
    let has_ranges = are_closed(service.strings("loadBalancerSourceRanges"));
    let metadata = service.mapping("metadata");
    let annotations = service.pairs("annotations").chain(metadata.pairs("annotations"));
    has_ranges
        || annotations.into_iter().any(|entry| {
            let is_internal = |text: &str| text.to_ascii_lowercase().contains("internal");
            (is_internal(entry.name()) || entry.value.as_str().is_some_and(is_internal))
                && !matches!(entry.value.text(), "false")
        })
}

fn finding(context: &Context<'_>, object: Object<'_>, opened: &Opened<'_>) -> Finding {
    let Opened { node, what, through, severity } = opened;
    let name = phrases::object(object);
    let message = format!("{name} opens {what} to clients outside the cluster through {through}");
    let (help, title, snippet) = match object.kind() {
        "IngressRoute" => (
            "Add a middleware that asks for a password, or reach it by `kubectl port-forward`.",
            "ask for a password",
            "middlewares: [{name: dashboard-auth}]",
        ),
        "Kafka" => (
            "Use a listener of type `internal`, or ask for a certificate or a password in \
             `authentication`.",
            "ask clients who they are",
            "authentication: {type: tls}",
        ),
        _ => (
            "Let it be a Service of the cluster, an internal load balancer, or one with \
             `loadBalancerSourceRanges`.",
            "keep it inside the cluster",
            "type: ClusterIP",
        ),
    };
    context
        .finding(ExposedService::RULE, object, *node, message)
        .severity(*severity)
        .confidence(Confidence::High)
        .why(WHY)
        .help(help)
        .manual(title, snippet)
        .done()
}
