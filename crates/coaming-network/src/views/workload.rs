//! Pods and what they belong to.

use std::net::IpAddr;
use std::sync::Arc;

use coaming_kube::{ContainerKind, Fields, Object, PodSpec};
use coaming_yaml::Node;

use super::{Reader, labels_of, port_number};
use crate::facts::Identity;
use crate::ip::IpSet;
use crate::model::{ContainerPort, NetworkPlugin, Pods, Role};
use crate::ports::Protocol;
use crate::selector::{ISTIO, NAMESPACE, ORCHESTRATOR, SERVICE_ACCOUNT};

/// The pods that an object is or makes; their workload is derived.
pub(super) fn read(reader: &Reader<'_>, object: Object<'_>) -> Vec<Pods> {
    let mut found = Vec::new();
    if runs(object) {
        for workload in reader.world.workloads_of(object) {
            let pods = pods(reader, object, workload.template(), Some(workload.pod()));
            found.extend(with_automatic_labels(object, pods));
        }
    }
    if object.kind() == "VirtualMachine"
        && object.group() == "kubevirt.io"
        && let Some(template) = object.spec().mapping("template")
    {
        found.push(pods(reader, object, template, None));
    }
    found
}

/// For an object with owner references: the owner, if one counts.
pub(super) fn owner(object: Object<'_>) -> Option<Option<Identity>> {
    object.metadata().sequence("ownerReferences")?;
    let owner = object.owners().into_iter().find(|(kind, _)| *kind != "Node");
    let namespace = object.namespace_or_default();
    Some(owner.map(|(kind, name)| (kind.to_owned(), namespace.to_owned(), name.to_owned())))
}

/// A node.
pub(super) fn node(object: Object<'_>) -> crate::model::Node {
    crate::model::Node {
        labels: labels_of(object.metadata()),
        addresses: addresses(object.node().mapping("status").list("addresses"), "address"),
    }
}

/// The network plugin that a DaemonSet runs on every node.
pub(super) fn plugin(reader: &Reader<'_>, object: Object<'_>) -> Option<NetworkPlugin> {
    const PLUGINS: [(&str, NetworkPlugin); 9] = [
        ("calico-node", NetworkPlugin::Calico),
        ("calico/node", NetworkPlugin::Calico),
        ("canal", NetworkPlugin::Calico),
        ("cilium/cilium", NetworkPlugin::Cilium),
        ("antrea/antrea", NetworkPlugin::Kubernetes),
        ("antrea-agent", NetworkPlugin::Kubernetes),
        ("kube-router", NetworkPlugin::Kubernetes),
        ("ovnkube-node", NetworkPlugin::Kubernetes),
        ("weave-npc", NetworkPlugin::Kubernetes),
    ];
    let known = |text: &str| {
        let found = PLUGINS.iter().find(|(part, _)| text.contains(part));
        found.map(|(_, plugin)| *plugin)
    };
    if object.name() == "cilium" {
        return Some(NetworkPlugin::Cilium);
    }
    known(object.name()).or_else(|| {
        let pods = reader.world.workloads_of(object).map(|workload| workload.pod());
        let mut images = pods.flat_map(|pod| pod.containers()).filter_map(|it| it.image());
        images.find_map(known)
    })
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
pub(super) fn may_make_pods(object: Object<'_>) -> bool {
    const NO_PODS: [&str; 16] = [
        "bitnami.com",
        "cert-manager.io",
        "cilium.io",
        "crd.projectcalico.org",
        "external-secrets.io",
        "k8s.cni.cncf.io",
        "k8s.ovn.org",
        "kustomize.config.k8s.io",
        "kyverno.io",
        "networking.istio.io",
        "policy.linkerd.io",
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
    let mut labels = labels_of(template.mapping("metadata"));
    if let Some(spec) = spec {
        labels.insert(SERVICE_ACCOUNT.to_owned(), spec.service_account_name().to_owned());
    }
    if let Some(wish) = super::istio::wish(template, spec) {
        labels.insert(ISTIO.to_owned(), wish.name().to_owned());
    }
    super::linkerd::wishes(template, spec, &mut labels);
    labels.insert(ORCHESTRATOR.to_owned(), "k8s".to_owned());
    labels.insert(NAMESPACE.to_owned(), object.namespace_or_default().to_owned());
    Pods {
        workload: 0,
        namespace: Arc::from(object.namespace_or_default()),
        labels: Arc::new(labels),
        ports: spec.map(container_ports).unwrap_or_default(),
        host_network,
        addresses: known,
        role: Role::Real,
        location: Some(reader.location(object, template)),
    }
}

/// The most pods of one StatefulSet that are distinguished.
const MOST_ORDINALS: i64 = 64;

/// The pods with the labels that their controller adds: for a StatefulSet, one group for each pod.
fn with_automatic_labels(object: Object<'_>, pods: Pods) -> Vec<Pods> {
    let with = |pods: &Pods, added: &[(&str, &str)]| {
        let mut labels = (*pods.labels).clone();
        for (key, value) in added {
            labels.insert((*key).to_owned(), (*value).to_owned());
        }
        Pods { labels: Arc::new(labels), ..pods.clone() }
    };
    match (object.group(), object.kind()) {
        ("batch", "Job") => {
            let name = object.name();
            vec![with(&pods, &[("job-name", name), ("batch.kubernetes.io/job-name", name)])]
        }
        ("apps", "StatefulSet") => {
            let spec = object.spec();
            let replicas = spec.integer("replicas").unwrap_or(1).clamp(0, MOST_ORDINALS);
            let first = spec.mapping("ordinals").integer("start").unwrap_or(0).max(0);
            let ordinals = (0..replicas.max(1)).map(|replica| first.saturating_add(replica));
            let groups = ordinals.map(|ordinal| {
                let index = ordinal.to_string();
                let name = format!("{}-{index}", object.name());
                with(
                    &pods,
                    &[
                        ("statefulset.kubernetes.io/pod-name", name.as_str()),
                        ("apps.kubernetes.io/pod-index", index.as_str()),
                    ],
                )
            });
            groups.collect()
        }
        _ => vec![pods],
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
