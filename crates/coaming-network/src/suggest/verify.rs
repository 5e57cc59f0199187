//! Reading policies back: they allow what was found, and nothing else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use coaming_kube::World;

use super::found::{Grant, NODE_LOCAL, Outer};
use super::write::controller_namespace;
use super::{Flow, Format, Found, Source, SuggestError, is_system};
use crate::ip::IpSet;
use crate::list::{Peer, connections};
use crate::model::{Direction, Model, NetworkPlugin, Role, TUNNEL_PORT, Workload, is_carried};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::Reach;
use crate::views::from_world;

/// Reads the policies back and compares what they allow with the flows and grants.
pub(super) fn verify(
    mut model: Model,
    yaml: &str,
    found: &Found,
    format: Format,
) -> Result<(), SuggestError> {
    let stream = coaming_yaml::parse(Arc::from(yaml));
    if let Some(error) = stream.errors.first() {
        return Err(SuggestError::Unsound(error.to_string()));
    }
    let file = coaming_kube::Source::new("suggested.yaml", stream.source, stream.documents);
    let read = from_world(&World::new(vec![file]));
    if let Some(problem) = read.problems.first() {
        return Err(SuggestError::Unsound(problem.message.clone()));
    }
    stand_in(&mut model, found);
    model.policies = read.policies;
    // Who may pass a waypoint may reach all that is behind it, as far as policies of networks go.
    model.waypoints.clear();
    match format {
        Format::Kubernetes => {}
        Format::Calico => model.plugin = NetworkPlugin::Calico,
        Format::Cilium => model.plugin = NetworkPlugin::Cilium,
    }
    let reach = Reach::new(model);
    let permitted = Permitted::new(reach.model(), found);
    permitted.compare(&reach)
}

/// Gives the stand-ins for ingress controllers the labels of those that the input has.
fn stand_in(model: &mut Model, found: &Found) {
    let labels_of = |namespace: &str| {
        let workloads = found.controllers_in(model, namespace);
        let mut pods = model.pods.iter().map(|(_, pods)| pods);
        let pods = pods.find(|pods| workloads.contains(&pods.workload))?;
        Some(Arc::clone(&pods.labels))
    };
    let stand_ins = model.pods.iter().filter(|(_, pods)| pods.role == Role::Controller);
    let known: Vec<_> =
        stand_ins.filter_map(|(id, pods)| Some((id, labels_of(&pods.namespace)?))).collect();
    for (id, labels) in known {
        if let Some(pods) = model.pods.get_mut(id) {
            pods.labels = labels;
        }
    }
}

/// Source and target, in terms of flows.
type Pair = (Source, usize);

/// What may be listed, and what must be.
struct Permitted<'m> {
    model: &'m Model,
    found: &'m Found,
    ids: HashMap<&'m Workload, usize>,
    /// The workloads with pods on their node's network.
    hosts: HashSet<usize>,
    /// The workloads to which Istio's ambient mesh carries connections.
    carried: HashSet<usize>,
}

impl<'m> Permitted<'m> {
    fn new(model: &'m Model, found: &'m Found) -> Self {
        let ids = model.workloads.iter().map(|(id, workload)| (workload, id));
        let hosts = model.pods.iter().filter(|(_, pods)| pods.host_network);
        let hosts = hosts.map(|(_, pods)| pods.workload).collect();
        let carried = model.pods.iter().filter(|(_, pods)| is_carried(&pods.labels));
        let carried = carried.map(|(_, pods)| pods.workload).collect();
        Self { model, found, ids: ids.collect(), hosts, carried }
    }

    fn compare(&self, reach: &Reach) -> Result<(), SuggestError> {
        let wanted = self.needed();
        let mut met: BTreeSet<Pair> = BTreeSet::new();
        for connection in connections(reach) {
            if let (Some(source), Peer::Ip(addresses)) =
                (self.workload(&connection.source), &connection.target)
            {
                let granted = self.granted(source, Direction::Egress, addresses);
                let more = connection.allowed.difference(&granted);
                if !more.is_empty() {
                    let name = self.model.workloads.get(source);
                    let name = name.map_or_else(String::new, ToString::to_string);
                    let text = format!("{name} may leave the cluster on {more} to {addresses}");
                    return Err(SuggestError::Unsound(text));
                }
            }
            let Some(pair) = self.pair(&connection.source, &connection.target) else { continue };
            let needed = wanted.get(&pair).cloned().unwrap_or_default();
            let more = connection.allowed.difference(&needed);
            let more = more.difference(&self.tolerated(&pair, &connection.source));
            // What outside addresses reach is listed by ranges: each must have what any needs.
            let less = needed.difference(&connection.allowed);
            if !more.is_empty() || !less.is_empty() {
                return Err(SuggestError::Unsound(format!(
                    "{:?} to {:?}: {} too much, {} missing",
                    connection.source, connection.target, more, less
                )));
            }
            met.insert(pair);
        }
        match wanted.into_iter().find(|(pair, _)| !met.contains(pair)) {
            Some((pair, missing)) => {
                Err(SuggestError::Unsound(format!("{missing} is missing between {pair:?}")))
            }
            None => Ok(()),
        }
    }

    /// A pair of peers, `None` for what no policy governs.
    fn pair(&self, source: &Peer, target: &Peer) -> Option<Pair> {
        let target = self.workload(target)?;
        let source = match source {
            Peer::Workload(workload) => {
                let id = *self.ids.get(&**workload)?;
                // Traffic from a node's network is traffic from outside.
                if self.hosts.contains(&id) {
                    return None;
                }
                Source::Workload(id)
            }
            Peer::Ingress => Source::Controller,
            Peer::Ip(_) => Source::Outside,
        };
        Some((source, target))
    }

    /// The workload that a peer is, if the policies govern it.
    fn workload(&self, peer: &Peer) -> Option<usize> {
        let Peer::Workload(workload) = peer else { return None };
        let id = *self.ids.get(&**workload)?;
        (!self.hosts.contains(&id) && !is_system(&workload.namespace)).then_some(id)
    }

    /// The ports that grants open between a workload and all of these addresses.
    fn granted(&self, workload: usize, direction: Direction, addresses: &IpSet) -> Connections {
        let cache = IpSet::cidr(NODE_LOCAL).unwrap_or_default();
        let leaves = direction == Direction::Egress;
        if leaves && self.found.dns.node_local && addresses.is_subset(&cache) {
            let port = PortSet::range(53, 53);
            return [Protocol::Tcp, Protocol::Udp]
                .into_iter()
                .fold(self.by_grants(workload, direction, addresses), |ports, protocol| {
                    ports.union(&Connections::of(protocol, port.clone()))
                });
        }
        self.by_grants(workload, direction, addresses)
    }

    fn by_grants(&self, workload: usize, direction: Direction, addresses: &IpSet) -> Connections {
        let own = |grant: &&Grant| grant.workload == workload && grant.direction == direction;
        let mut by_port: BTreeMap<_, IpSet> = BTreeMap::new();
        for grant in self.found.grants.keys().filter(own) {
            let known = by_port.entry(grant.port).or_default();
            *known = known.union(&grant.peer.addresses());
        }
        let any = by_port.get(&None).cloned().unwrap_or_default();
        let mut ports = Connections::none();
        for (port, known) in by_port {
            if addresses.is_subset(&known.union(&any)) {
                ports = ports.union(&port.map_or_else(Connections::all, |(protocol, port)| {
                    Connections::of(protocol, PortSet::range(port, port))
                }));
            }
        }
        ports
    }

    /// What may be open beside the flows.
    fn tolerated(&self, pair: &Pair, peer: &Peer) -> Connections {
        let target = pair.1;
        let incoming = self
            .found
            .grants
            .keys()
            .filter(|grant| grant.workload == target && grant.direction == Direction::Ingress);
        let mut ports = match peer {
            Peer::Ip(addresses) => self.granted(target, Direction::Ingress, addresses),
            // What reaches it from outside enters through what is open.
            Peer::Ingress => {
                incoming.fold(Connections::none(), |ports, grant| ports.union(&grant.ports()))
            }
            Peer::Workload(workload) => {
                let covers = |grant: &&Grant| match &grant.peer {
                    Outer::Namespace(name) => *name == workload.namespace,
                    // Blocks mean pods by their addresses with some plugins.
                    _ => self.model.plugin.blocks_mean_pods(),
                };
                incoming
                    .filter(covers)
                    .fold(Connections::none(), |ports, grant| ports.union(&grant.ports()))
            }
        };
        if self.carried.contains(&target) && !matches!(peer, Peer::Ip(_)) {
            let tunnel = PortSet::range(TUNNEL_PORT, TUNNEL_PORT);
            ports = ports.union(&Connections::of(Protocol::Tcp, tunnel));
        }
        for (flow, evidence) in self.found.flows.iter().filter(|(flow, _)| flow.target == target) {
            let also = match (&flow.source, peer) {
                (Source::Controller, Peer::Workload(workload)) => {
                    let namespaces = self.found.controller_namespaces(evidence);
                    namespaces.contains(workload.namespace.as_str())
                }
                (Source::Controller, Peer::Ingress) => true,
                (Source::Outside, Peer::Workload(_)) => self.model.plugin.blocks_mean_pods(),
                _ => false,
            };
            if also {
                ports = ports.union(&port_of(flow));
            }
        }
        ports
    }

    /// What must be listed: `list` shows an open Service both as outside addresses and as ingress.
    fn needed(&self) -> BTreeMap<Pair, Connections> {
        let mut needed: BTreeMap<Pair, Connections> = BTreeMap::new();
        let mut add = |pair: Pair, flow: &Flow| {
            let known = needed.entry(pair).or_default();
            *known = known.union(&port_of(flow));
        };
        let is_system =
            |id: usize| self.model.workloads.get(id).is_some_and(|it| is_system(&it.namespace));
        let elsewhere = self.found.controllers.iter().any(|(kind, namespaces)| {
            namespaces.iter().any(|namespace| namespace != controller_namespace(kind))
        });
        for flow in self.found.flows.keys().filter(|flow| !is_system(flow.target)) {
            // A list of connections leaves out those of a workload with itself. The model knows only
            // where ingress controllers usually are: another namespace, from an answer, is taken as
            // it is.
            let is_elsewhere = flow.source == Source::Controller && elsewhere;
            if flow.source == Source::Workload(flow.target) || is_elsewhere {
                continue;
            }
            add((flow.source.clone(), flow.target), flow);
            if flow.source == Source::Outside {
                add((Source::Controller, flow.target), flow);
            }
        }
        needed
    }
}

fn port_of(flow: &Flow) -> Connections {
    Connections::of(flow.protocol, PortSet::range(flow.port, flow.port))
}
