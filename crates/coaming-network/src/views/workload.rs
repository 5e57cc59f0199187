//! Pods and what they belong to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use coaming_kube::{ContainerKind, Fields, Object, PodSpec};
use coaming_yaml::Node;

use super::{Reader, labels_of, port_number};
use crate::ip::IpSet;
use crate::model::{ContainerPort, Model, Pods, Role, Workload};
use crate::ports::Protocol;

/// How long a chain of owners may be.
const MAX_OWNERS: usize = 8;

type Owned<'i> = BTreeMap<(&'i str, &'i str, &'i str), Object<'i>>;

/// Reads every group of pods, and the nodes.
pub(crate) fn read(reader: &Reader<'_>, model: &mut Model) {
    let inventory = reader.inventory;
    let owned: Owned<'_> = inventory
        .objects()
        .filter(|object| object.metadata().sequence("ownerReferences").is_some())
        .map(|object| ((object.kind(), object.namespace_or_default(), object.name()), object))
        .collect();
    let mut found = Vec::new();
    for workload in inventory.all_workloads().filter(|workload| runs(workload.object)) {
        let owner = topmost_owner(workload.object, &owned);
        let template = workload.template();
        let pods = pods(reader, workload.object, template, Some(workload.pod()));
        found.push((owner, pods));
    }
    for object in inventory.of_kind("VirtualMachine").filter(|o| o.group() == "kubevirt.io") {
        if let Some(template) = object.spec().mapping("template") {
            found.push((topmost_owner(object, &owned), pods(reader, object, template, None)));
        }
    }
    model.workloads.reserve(found.len());
    model.pods.reserve(found.len());
    let mut by_owner: Vec<usize> = (0..found.len()).collect();
    by_owner.sort_by(|&a, &b| found[a].0.cmp(&found[b].0));
    for place in by_owner {
        let (owner, pods) = &mut found[place];
        if model.workloads.last() != Some(owner) {
            model.mention_namespace(&owner.namespace);
            model.workloads.push(std::mem::take(owner));
        }
        pods.workload = model.workloads.len() - 1;
    }
    for (_, pods) in found {
        model.ipv6 |= pods.addresses.has_v6();
        model.pods.push(pods);
    }
    for object in inventory.objects().filter(|object| may_make_pods(*object)) {
        let name = object.namespace_or_default();
        model.mention_namespace(name);
        if let Some(namespace) = model.namespaces.get_mut(name) {
            namespace.opaque = true;
        }
    }
    for object in inventory.of_kind("Node").filter(|object| object.group().is_empty()) {
        model.nodes.push(crate::model::Node {
            labels: labels_of(object.metadata()),
            addresses: addresses(object.node().mapping("status").list("addresses"), "address"),
        });
    }
}

/// Whether the object has pods that send or receive: not a template alone, not pods that are
/// done, and not what is left of an earlier roll-out.
fn runs(object: Object<'_>) -> bool {
    let status = object.node().mapping("status");
    match object.kind() {
        "Pod" => !matches!(status.string("phase"), Some("Succeeded" | "Failed")),
        "PodTemplate" => false,
        "Job" => !status.list("conditions").any(|condition| {
            matches!(condition.string("type"), Some("Complete" | "Failed"))
                && condition.string("status") == Some("True")
        }),
        "ReplicaSet" | "ReplicationController" => {
            object.owners().is_empty() || object.spec().integer("replicas") != Some(0)
        }
        _ => true,
    }
}

/// Whether a custom resource's controller may make pods of it. Kinds that are known to make none
/// are not meant.
fn may_make_pods(object: Object<'_>) -> bool {
    const NO_PODS: [&str; 13] = [
        "bitnami.com",
        "cert-manager.io",
        "cilium.io",
        "crd.projectcalico.org",
        "external-secrets.io",
        "kustomize.config.k8s.io",
        "kyverno.io",
        "networking.istio.io",
        "projectcalico.org",
        "route.openshift.io",
        "security.istio.io",
        "templates.gatekeeper.sh",
        "traefik.io",
    ];
    const NO_PODS_KINDS: [&str; 6] = [
        "AlertmanagerConfig",
        "PodMonitor",
        "Probe",
        "PrometheusRule",
        "ScrapeConfig",
        "ServiceMonitor",
    ];
    let group = object.group();
    let own = !group.contains('.') || group.ends_with(".k8s.io");
    !own && !NO_PODS.contains(&group) && !NO_PODS_KINDS.contains(&object.kind())
}

/// The topmost owner that the input names.
fn topmost_owner<'i>(object: Object<'i>, owned: &Owned<'i>) -> Workload {
    let namespace = object.namespace_or_default();
    let (mut kind, mut name) = (object.kind(), object.name());
    let mut next = Some(object);
    for _ in 0..MAX_OWNERS {
        let Some(object) = next else { break };
        let owner = object.owners().into_iter().find(|(kind, _)| *kind != "Node");
        let Some(owner) = owner else { break };
        (kind, name) = owner;
        next = owned.get(&(kind, namespace, name)).copied();
    }
    Workload { namespace: namespace.to_owned(), name: name.to_owned(), kind: kind.to_owned() }
}

fn pods(
    reader: &Reader<'_>,
    object: Object<'_>,
    template: Node<'_>,
    spec: Option<PodSpec<'_>>,
) -> Pods {
    let host_network = spec.is_some_and(PodSpec::host_network);
    let status = object.node().mapping("status").filter(|_| object.kind() == "Pod");
    let known = if host_network {
        one_and_list(status, "hostIP", "hostIPs")
    } else {
        one_and_list(status, "podIP", "podIPs")
    };
    Pods {
        workload: 0,
        namespace: Arc::from(object.namespace_or_default()),
        labels: Arc::new(labels_of(template.mapping("metadata"))),
        ports: spec.map(container_ports).unwrap_or_default(),
        host_network,
        addresses: known,
        role: Role::Real,
        place: Some(reader.place(object, template)),
    }
}

fn one_and_list(status: Option<Node<'_>>, one: &str, list: &str) -> IpSet {
    let first = status.string(one).and_then(|text| text.parse::<IpAddr>().ok());
    let all = addresses(status.list(list), "ip");
    first.map_or_else(|| all.clone(), |address| all.union(&IpSet::address(address)))
}

fn addresses<'a>(items: impl Iterator<Item = Node<'a>>, field: &str) -> IpSet {
    items
        .filter_map(|item| item.string(field)?.parse::<IpAddr>().ok())
        .fold(IpSet::none(), |found, address| found.union(&IpSet::address(address)))
}

/// The ports of containers that go on running: init containers are done by then.
fn container_ports(spec: PodSpec<'_>) -> Vec<ContainerPort> {
    let running =
        |kind: ContainerKind| matches!(kind, ContainerKind::Regular | ContainerKind::Sidecar);
    let mut ports: Vec<_> = spec
        .containers()
        .filter(|container| running(container.kind()))
        .flat_map(|container| container.ports())
        .filter_map(|port| {
            Some(ContainerPort {
                name: port.name().map(str::to_owned),
                protocol: Protocol::from_name(port.protocol())?,
                number: port_number(port.container_port()?)?,
            })
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
