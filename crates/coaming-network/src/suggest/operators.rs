//! The Prometheus operator: the pods that it makes, and what they scrape.
//!
//! A namespace whose every pod is closed would cut off Prometheus and Alertmanager too, of which the
//! manifests hold only custom resources: their pods are put into the model, with the labels that the
//! operator gives them.

use std::collections::BTreeSet;
use std::sync::Arc;

use coaming_kube::{Fields, Object, World};
use coaming_yaml::Node;

use super::found::{Asked, Found, Port, Proposal};
use super::{Flow, Source};
use crate::index::ModelIndex;
use crate::ip::IpSet;
use crate::model::{ContainerPort, Model, Pods, Role, Service, ServicePort, Workload};
use crate::ports::Protocol;
use crate::selector::{NAMESPACE, ORCHESTRATOR, SERVICE_ACCOUNT, Selector};
use crate::views::lenient_selector;

const GROUP: &str = "monitoring.coreos.com";

/// Ports with their names.
type Ports = &'static [(&'static str, Protocol, u16)];

/// The custom resources that pods are made of, with the value of `app.kubernetes.io/name` and the ports.
const MADE: [(&str, &str, Ports); 2] = [
    ("Prometheus", "prometheus", &[("web", Protocol::Tcp, 9090)]),
    (
        "Alertmanager",
        "alertmanager",
        &[
            ("web", Protocol::Tcp, 9093),
            ("mesh-tcp", Protocol::Tcp, 9094),
            ("mesh-udp", Protocol::Udp, 9094),
        ],
    ),
];

/// Puts the pods of the operator into the model.
pub(super) fn add_pods(world: &World, model: &mut Model) {
    for (kind, name, ports) in MADE {
        for object in world.of_kind(kind).filter(|it| it.group() == GROUP) {
            let pods = pods(object, name, ports);
            let workload = Workload {
                namespace: pods.namespace.to_string(),
                name: object.name().to_owned(),
                kind: kind.to_owned(),
            };
            model.mention_namespace(&workload.namespace);
            let id = model.workloads.insert(workload);
            model.pods.insert(Pods { workload: id, ..pods });
        }
    }
}

fn pods(object: Object<'_>, name: &str, ports: Ports) -> Pods {
    let spec = object.spec();
    let namespace = object.namespace_or_default();
    let metadata = spec.mapping("podMetadata");
    let mut labels: crate::selector::Labels = metadata
        .pairs("labels")
        .filter_map(|entry| Some((entry.name().to_owned(), entry.value.as_str()?.to_owned())))
        .collect();
    let account = spec.string("serviceAccountName").unwrap_or("default");
    for (key, value) in [
        ("app.kubernetes.io/name", name),
        ("app.kubernetes.io/instance", object.name()),
        ("app.kubernetes.io/managed-by", "prometheus-operator"),
        (SERVICE_ACCOUNT, account),
        (ORCHESTRATOR, "k8s"),
        (NAMESPACE, namespace),
    ] {
        labels.insert(key.to_owned(), value.to_owned());
    }
    let ports = ports.iter().map(|&(name, protocol, number)| ContainerPort {
        name: Some(name.to_owned()),
        protocol,
        number,
    });
    Pods {
        workload: 0,
        namespace: Arc::from(namespace),
        labels: Arc::new(labels),
        ports: ports.collect(),
        host_network: spec.boolean("hostNetwork") == Some(true),
        addresses: IpSet::none(),
        role: Role::Real,
        location: None,
    }
}

/// The workloads of a kind that the operator makes.
fn made<'m>(model: &'m Model, kind: &'m str) -> impl Iterator<Item = (usize, &'m Workload)> {
    model.workloads.iter().filter(move |(id, workload)| {
        let of_operator = |pods: &Pods| pods.workload == *id && pods.location.is_none();
        workload.kind == kind && model.pods.iter().any(|(_, pods)| of_operator(pods))
    })
}

/// What scrapes metrics, and what sends alerts.
pub(super) fn scrapes(world: &World, model: &Model, found: &mut Found) {
    let prometheus: Vec<usize> = made(model, "Prometheus").map(|(id, _)| id).collect();
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    let mut without: BTreeSet<String> = BTreeSet::new();
    for monitor in world.of_kind("ServiceMonitor").filter(|it| it.group() == GROUP) {
        let services = model.services.iter().map(|(_, service)| service);
        let mut meant =
            services.filter(|it| watches(monitor, &it.namespace, &it.labels)).peekable();
        if meant.peek().is_none() {
            without.insert(format!("{}/{}", monitor.namespace_or_default(), monitor.name()));
        }
        for service in meant {
            let shown = format!("Service {}/{}", service.namespace, service.name);
            let to = scraped(model, &index, monitor, service);
            scrape(monitor, &shown, to, &prometheus, found);
        }
    }
    for monitor in world.of_kind("PodMonitor").filter(|it| it.group() == GROUP) {
        let mut by_workload: std::collections::BTreeMap<usize, BTreeSet<(usize, Port)>> =
            std::collections::BTreeMap::new();
        let real = model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
        for pods in real.filter(|it| watches(monitor, &it.namespace, &it.labels)) {
            let ports = monitor.spec().list("podMetricsEndpoints");
            let ports = ports.flat_map(|endpoint| ports_of_pod(endpoint, pods));
            let known = by_workload.entry(pods.workload).or_default();
            known.extend(ports.map(|port| (pods.workload, port)));
        }
        for (id, to) in by_workload {
            let Some(workload) = model.workloads.get(id) else { continue };
            scrape(monitor, &workload.to_string(), to, &prometheus, found);
        }
    }
    for &id in prometheus.iter().filter(|_| !without.is_empty()) {
        let Some(workload) = model.workloads.get(id) else { continue };
        let names: Vec<&str> = without.iter().map(String::as_str).collect();
        let text = format!(
            "{workload} scrapes what ServiceMonitors {} select, of which no Service is here: where \
             is that? No policy below lets it connect there",
            names.join(", ")
        );
        let asked =
            Asked::Egress { from: vec![id], proposal: Proposal::default(), ports: Vec::new() };
        let id = format!("{}/{} to other monitors", workload.namespace, workload.name);
        found.ask(id, text, asked);
    }
    alerts(world, model, &index, found);
    gossip(model, found);
}

/// One target of a monitor: flows from each Prometheus here, or a question.
fn scrape(
    monitor: Object<'_>,
    shown: &str,
    to: BTreeSet<(usize, Port)>,
    prometheus: &[usize],
    found: &mut Found,
) {
    let of = format!("{} {}/{}", monitor.kind(), monitor.namespace_or_default(), monitor.name());
    if prometheus.is_empty() {
        let text = format!(
            "{of} says that Prometheus scrapes {shown}: which pods are that? No policy below lets \
             them in"
        );
        let to = to.into_iter().collect();
        let asked = Asked::Ingress { to, proposal: Proposal::default() };
        found.ask(format!("Prometheus to {shown}"), text, asked);
        return;
    }
    for &source in prometheus {
        for &(target, (protocol, port)) in to.iter().filter(|(target, _)| *target != source) {
            let flow = Flow { source: Source::Workload(source), target, protocol, port };
            found.add(flow, format!("{of} scrapes {shown}"));
        }
    }
}

/// The ports of the pods behind a Service that a monitor scrapes.
fn scraped(
    model: &Model,
    index: &ModelIndex<'_>,
    monitor: Object<'_>,
    service: &Service,
) -> BTreeSet<(usize, Port)> {
    let mut to = BTreeSet::new();
    for pods in index.pods_of(service).into_iter().filter_map(|id| model.pods.get(id)) {
        for endpoint in monitor.spec().list("endpoints") {
            let by_name = |port: &&ServicePort| endpoint.string("port") == Some(port.name.as_str());
            for port in service.ports.iter().filter(by_name) {
                let numbers = port.targets(pods).into_iter();
                to.extend(numbers.map(|number| (pods.workload, (port.protocol, number))));
            }
            to.extend(ports_of_pod(endpoint, pods).into_iter().map(|port| (pods.workload, port)));
        }
    }
    to
}

/// The ports of a pod that an endpoint names: by `targetPort`, or by `port` or `portNumber` of a
/// PodMonitor.
fn ports_of_pod(endpoint: Node<'_>, pods: &Pods) -> Vec<Port> {
    let number = endpoint.integer("targetPort").or_else(|| endpoint.integer("portNumber"));
    if let Some(number) = number.and_then(|number| u16::try_from(number).ok()) {
        return vec![(Protocol::Tcp, number)];
    }
    let name = endpoint.string("targetPort").or_else(|| endpoint.string("port"));
    let named = name.into_iter().flat_map(|name| Model::named_ports(pods, None, name));
    named.map(|port| (port.protocol, port.number)).collect()
}

/// Where Prometheus sends alerts.
fn alerts(world: &World, model: &Model, index: &ModelIndex<'_>, found: &mut Found) {
    for object in world.of_kind("Prometheus").filter(|it| it.group() == GROUP) {
        let own = object.namespace_or_default();
        let mut ids = made(model, "Prometheus")
            .filter(|(_, it)| it.name == object.name() && it.namespace == own);
        let Some((source, _)) = ids.next() else { continue };
        for target in object.spec().mapping("alerting").list("alertmanagers") {
            let namespace = target.string("namespace").unwrap_or(own);
            let Some(name) = target.string("name") else { continue };
            let Some(service) = index.service(namespace, name) else { continue };
            let (port, number) = (target.string("port"), target.integer("port"));
            let is_meant = |it: &&ServicePort| {
                port == Some(it.name.as_str()) || number == Some(i64::from(it.port))
            };
            for pods in index.pods_of(service).into_iter().filter_map(|id| model.pods.get(id)) {
                for port in service.ports.iter().filter(is_meant) {
                    for number in port.targets(pods) {
                        let flow = Flow {
                            source: Source::Workload(source),
                            target: pods.workload,
                            protocol: port.protocol,
                            port: number,
                        };
                        found.add(flow, format!("Prometheus {own}/{} sends alerts", object.name()));
                    }
                }
            }
        }
    }
}

/// The replicas of an Alertmanager tell each other what they sent.
fn gossip(model: &Model, found: &mut Found) {
    let all: Vec<usize> = made(model, "Alertmanager").map(|(id, _)| id).collect();
    for id in all {
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            let flow = Flow { source: Source::Workload(id), target: id, protocol, port: 9094 };
            found.add(flow, "replicas of Alertmanager are a cluster".to_owned());
        }
    }
}

/// Whether a monitor selects what is in this namespace and has these labels.
fn watches(monitor: Object<'_>, namespace: &str, labels: &crate::selector::Labels) -> bool {
    let spec = monitor.spec();
    let namespaces = spec.mapping("namespaceSelector");
    let mut named = namespaces.strings("matchNames").peekable();
    let here = namespaces.boolean("any") == Some(true)
        || match named.peek() {
            Some(_) => named.any(|name| name == namespace),
            None => monitor.namespace_or_default() == namespace,
        };
    let wanted = spec.mapping("selector").map_or_else(Selector::everything, lenient_selector);
    here && wanted.matches(labels)
}
