//! What is beyond the workloads here: addresses of Services and endpoints, and the rest of the world.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use coaming_kube::{Fields, Object, World};
use coaming_yaml::Node;

use super::found::{Asked, Dns, Found, Port, Proposal};
use super::is_system;
use crate::model::{Direction, Model, Role};
use crate::ports::Protocol;

/// The Services by their addresses in the cluster, as namespace and name.
pub(super) fn service_addresses(world: &World) -> HashMap<IpAddr, (String, String)> {
    let mut found = HashMap::new();
    for service in world.of_kind("Service") {
        let spec = service.spec();
        let texts = spec.string("clusterIP").into_iter().chain(spec.strings("clusterIPs"));
        for address in texts.filter_map(|text| text.parse::<IpAddr>().ok()) {
            let name = (service.namespace_or_default().to_owned(), service.name().to_owned());
            found.insert(address, name);
        }
    }
    found
}

/// Where names are resolved, as far as the input shows it.
pub(super) fn dns(world: &World) -> Dns {
    let of_openshift = |object: Object<'_>| object.group().ends_with("openshift.io");
    let is_cache = |object: &Object<'_>| object.name().contains("node-local-dns");
    Dns {
        openshift: world.objects().any(of_openshift),
        node_local: world.of_kind("DaemonSet").any(|object| is_cache(&object)),
    }
}

/// The addresses and ports that the Endpoints and EndpointSlices of a Service list.
pub(super) fn endpoints(
    world: &World,
    namespace: &str,
    name: &str,
) -> BTreeSet<(IpAddr, Option<Port>)> {
    let mut found = BTreeSet::new();
    let subsets = world.find("Endpoints", namespace, name);
    for subset in subsets.into_iter().flat_map(|object| object.node().list("subsets")) {
        let addresses = subset.list("addresses").filter_map(|item| item.string("ip"));
        add(addresses, subset, &mut found);
    }
    let is_of = |slice: &Object<'_>| {
        let mut labels = slice.metadata().pairs("labels");
        labels.any(|entry| {
            entry.name() == "kubernetes.io/service-name" && entry.value.as_str() == Some(name)
        })
    };
    for slice in world.of_kind_in("EndpointSlice", namespace).filter(is_of) {
        for endpoint in slice.node().list("endpoints") {
            add(endpoint.strings("addresses"), slice.node(), &mut found);
        }
    }
    found
}

fn add<'t>(
    addresses: impl Iterator<Item = &'t str>,
    with_ports: Node<'_>,
    found: &mut BTreeSet<(IpAddr, Option<Port>)>,
) {
    let ports: Vec<Port> = with_ports
        .list("ports")
        .filter_map(|port| {
            let protocol = Protocol::from_name(port.string("protocol").unwrap_or("TCP"))?;
            Some((protocol, u16::try_from(port.integer("port")?).ok()?))
        })
        .collect();
    for address in addresses.filter_map(|text| text.parse::<IpAddr>().ok()) {
        match ports.is_empty() {
            true => {
                found.insert((address, None));
            }
            false => found.extend(ports.iter().map(|&port| (address, Some(port)))),
        }
    }
}

/// Asks for what no manifest shows: whether the pods whose egress is closed need anything outside.
pub(super) fn ask(model: &Model, found: &mut Found) {
    let mut known: BTreeSet<usize> = found
        .grants
        .keys()
        .filter(|grant| grant.direction == Direction::Egress)
        .map(|grant| grant.workload)
        .collect();
    for question in found.questions.values() {
        if let Asked::Egress { from, proposal, .. } = &question.asked
            && !proposal.is_api_server
        {
            known.extend(from);
        }
    }
    let mut silent: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (_, pods) in model.pods.iter().filter(|(_, pods)| pods.role == Role::Real) {
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        if !pods.host_network && !is_system(&pods.namespace) && !known.contains(&pods.workload) {
            let of_namespace = silent.entry(&workload.namespace).or_default();
            of_namespace.insert(&workload.name, pods.workload);
        }
    }
    for (namespace, workloads) in silent {
        const SHOWN: usize = 8;
        let mut names: Vec<&str> = workloads.keys().copied().take(SHOWN).collect();
        let more = format!("{} more", workloads.len().saturating_sub(SHOWN));
        if workloads.len() > SHOWN {
            names.push(&more);
        }
        let text = format!(
            "nothing here shows that pods of namespace {namespace} ({}) connect to anything outside of \
             the cluster, and the policies do not let them: do they need to? `NAME to ADDRESS` \
             answers for one of them",
            names.join(", ")
        );
        let from = workloads.into_values().collect();
        let asked = Asked::Egress { from, proposal: Proposal::default(), ports: Vec::new() };
        found.ask(format!("namespace {namespace} to the outside"), text, asked);
    }
}
