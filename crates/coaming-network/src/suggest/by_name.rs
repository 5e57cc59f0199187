//! Connections with the API server, which no text names: what its addresses are is rarely in the
//! manifests, so that most are questions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use coaming_kube::{Fields, World};

use super::found::{Asked, Found, Grant, Outer, Port, Proposal};
use super::{answers::single, evidence, outside, ports_behind};
use crate::index::ModelIndex;
use crate::model::{Direction, Model, Pods, Role};
use crate::ports::Protocol;
use crate::selector::SERVICE_ACCOUNT;

/// The namespace and the name of an account.
type Account = (String, String);

/// The ports of the API server where they are not known.
const USUAL: [Port; 2] = [(Protocol::Tcp, 443), (Protocol::Tcp, 6443)];

/// Finds or asks for what the API server needs, and what needs it.
pub(super) fn ask(world: &World, model: &Model, found: &mut Found) {
    let servers = servers(world, model);
    clients(world, model, &servers, found);
    let index = ModelIndex::new(model, |pods| pods.role == Role::Real);
    for (_, service) in model.services.iter().filter(|(_, service)| service.serves_api) {
        let text = format!(
            "the API server calls Service {}/{}, as an APIService or a webhook says: from which \
             addresses (those of its nodes, or of their tunnels)? No policy below lets it in",
            service.namespace, service.name
        );
        let addresses: BTreeSet<IpAddr> = servers.iter().map(|(address, _)| *address).collect();
        let addresses = addresses.into_iter().collect();
        let proposal = Proposal { host: None, addresses, is_api_server: true };
        let asked = Asked::Ingress { to: ports_behind(model, &index, service), proposal };
        let id = format!("the API server to Service {}/{}", service.namespace, service.name);
        found.ask(id, text, asked);
    }
}

/// Where the API server is, as far as the input says: the endpoints of Service `default/kubernetes`,
/// else the pods that it runs in.
fn servers(world: &World, model: &Model) -> BTreeSet<(IpAddr, Option<Port>)> {
    let known = outside::endpoints(world, "default", "kubernetes");
    if !known.is_empty() {
        return known;
    }
    let is_server = |pods: &&Pods| {
        super::is_system(&pods.namespace)
            && pods.labels.get("component").is_some_and(|it| it == "kube-apiserver")
    };
    let pods = model.pods.iter().map(|(_, pods)| pods).filter(is_server);
    let of = |pods: &Pods| pods.addresses.each().collect::<Vec<_>>();
    pods.flat_map(of).map(|address| (address, Some((Protocol::Tcp, 6443)))).collect()
}

/// Workloads whose account has rights most likely use them, and controllers do.
fn clients(
    world: &World,
    model: &Model,
    servers: &BTreeSet<(IpAddr, Option<Port>)>,
    found: &mut Found,
) {
    let rights = accounts_with_rights(world);
    let controllers = controllers(world, model);
    let real = model.pods.iter().map(|(_, pods)| pods).filter(|it| it.role == Role::Real);
    let mut asked = BTreeSet::new();
    for pods in real.filter(|it| !super::is_system(&it.namespace) && !it.host_network) {
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        let account = pods.labels.get(SERVICE_ACCOUNT);
        let binding = account.and_then(|name| {
            let known = rights.get(&(pods.namespace.to_string(), name.clone()))?;
            Some(format!(
                "runs as ServiceAccount {}/{name}, to which {known} gives rights",
                pods.namespace
            ))
        });
        let image = || {
            let image = controllers.get(&pods.workload)?;
            Some(format!("runs {image}, which looks like a controller"))
        };
        let Some(reason) = binding.or_else(image) else { continue };
        if !asked.insert(pods.workload) {
            continue;
        }
        for &(address, port) in servers {
            let peer = Outer::ApiServer(Some(single(address)));
            let workload = pods.workload;
            let grant = Grant { workload, direction: Direction::Egress, peer, port };
            found.grant(grant, format!("it {reason}"));
        }
        if servers.is_empty() {
            let text = format!(
                "{workload} {reason}: at which address is the API server? No policy below lets it \
                 connect there"
            );
            let proposal = Proposal { is_api_server: true, ..Proposal::default() };
            let from = vec![pods.workload];
            let id = format!("{}/{} to the API server", workload.namespace, workload.name);
            found.ask(id, text, Asked::Egress { from, proposal, ports: USUAL.to_vec() });
        }
    }
}

/// The workloads whose image is most likely a controller's, with the image.
fn controllers<'w>(world: &'w World, model: &Model) -> BTreeMap<usize, &'w str> {
    let by_place = evidence::workloads_by_place(model);
    let mut found = BTreeMap::new();
    for workload in world.workloads() {
        let place = (workload.object.id, workload.template().id());
        let Some(&id) = by_place.get(&place) else { continue };
        let pod = workload.pod();
        let images = pod.containers().filter_map(|container| container.image());
        if let Some(image) = images.into_iter().find(|image| is_controller(image)) {
            found.insert(id, image);
        }
    }
    found
}

/// Whether an image's name says that it watches objects of the API.
fn is_controller(image: &str) -> bool {
    const WORDS: [&str; 3] = ["controller", "operator", "kube-state-metrics"];
    let name = image.split('@').next().unwrap_or_default();
    let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
    let name = name.split(':').next().unwrap_or_default();
    WORDS.iter().any(|word| name.contains(word))
}

/// The accounts that bindings name, each with one of these bindings.
fn accounts_with_rights(world: &World) -> BTreeMap<Account, String> {
    let mut found = BTreeMap::new();
    for kind in ["ClusterRoleBinding", "RoleBinding"] {
        for binding in world.of_kind(kind) {
            let shown = match binding.namespace() {
                "" => format!("{kind} {}", binding.name()),
                namespace => format!("{kind} {namespace}/{}", binding.name()),
            };
            for subject in binding.node().list("subjects") {
                if subject.string("kind") != Some("ServiceAccount") {
                    continue;
                }
                let own = binding.namespace_or_default();
                let namespace = subject.string("namespace").unwrap_or(own).to_owned();
                let name = subject.string("name").unwrap_or_default().to_owned();
                found.entry((namespace, name)).or_insert_with(|| shown.clone());
            }
        }
    }
    found
}
