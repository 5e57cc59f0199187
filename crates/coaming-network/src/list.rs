//! Every connection that is possible, between workloads, outside addresses and ingress points.
//!
//! Invariants: connections of a workload to itself are left out; no entry is empty; outside
//! addresses with the same connections are merged; the order is that of the entries themselves.
//! The entries are enumerated, never searched for: listing takes time in proportion to the list,
//! and [`connections`] holds only those of one source at a time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::groups::Groups;
use crate::ip::IpSet;
use crate::model::{ExternalSource, IngressPoint, Mesh, Pods, Role, Workload};
use crate::pool::ConnectionId;
use crate::ports::{Connections, PortSet};
use crate::reach::{Endpoint, Reach};
use crate::selector::ISTIO;
use crate::views::is_controller;

/// One peer of a listed connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Peer {
    /// Outside addresses.
    Ip(IpSet),
    /// A workload.
    Workload(Arc<Workload>),
    /// Traffic that enters through an Ingress, a route, or an open Service.
    Ingress,
}

/// A possible connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// The peer that connects.
    pub source: Peer,
    /// The peer that is connected to.
    pub target: Peer,
    /// On which ports: never none.
    pub allowed: Connections,
    /// For traffic from outside: the objects that let it enter, such as `Ingress shop/web`.
    pub via: Vec<String>,
}

impl Connection {
    fn new(source: Peer, target: Peer, allowed: Connections) -> Self {
        Self { source, target, allowed, via: Vec::new() }
    }
}

/// Lists every connection.
#[must_use]
pub fn list(reach: &Reach) -> Vec<Connection> {
    connections(reach).collect()
}

/// Every connection, in the order of [`list()`], one source at a time.
pub fn connections(reach: &Reach) -> impl Iterator<Item = Connection> {
    let mut groups = Groups::new(reach);
    let peers = peers(reach, &groups);
    let incoming = incoming(&mut groups, &peers);
    let entering = entering(reach);
    let mut last: Option<(u32, Vec<(u32, ConnectionId)>)> = None;
    let between = (0..peers.len()).flat_map(move |rank| {
        let source = groups.source_of(rank);
        let row = match last.take() {
            Some((known, row)) if known == source => row,
            _ => members(&mut groups, source),
        };
        let outgoing = groups.outgoing(source);
        let mut outgoing: Vec<_> = outgoing.iter().collect();
        outgoing.sort_unstable_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
        let mut found: Vec<Connection> = outgoing
            .into_iter()
            .map(|(allowed, addresses)| {
                Connection::new(peers[rank].clone(), Peer::Ip(addresses.clone()), allowed.clone())
            })
            .collect();
        for &(target, allowed) in row.iter().filter(|(target, _)| *target as usize != rank) {
            let target = peers[target as usize].clone();
            let allowed = groups.connections(allowed).clone();
            found.push(Connection::new(peers[rank].clone(), target, allowed));
        }
        last = Some((source, row));
        found
    });
    incoming.into_iter().chain(between).chain(entering)
}

/// The workloads in their order, as peers.
fn peers(reach: &Reach, groups: &Groups<'_>) -> Vec<Peer> {
    let workloads = groups.workloads().iter();
    let workloads = workloads.filter_map(|&workload| reach.model().workloads.get(workload));
    workloads.map(|workload| Peer::Workload(Arc::new(workload.clone()))).collect()
}

/// The workloads that a source group may connect to, by rank.
fn members(groups: &mut Groups<'_>, source: u32) -> Vec<(u32, ConnectionId)> {
    let mut found = Vec::new();
    for (target, allowed) in groups.row(source) {
        found.extend(groups.target_members(target).iter().map(|&rank| (rank, allowed)));
    }
    found.sort_unstable();
    found
}

/// The connections from outside addresses.
fn incoming(groups: &mut Groups<'_>, peers: &[Peer]) -> Vec<Connection> {
    let mut found = Vec::new();
    for (rank, peer) in peers.iter().enumerate() {
        let target = groups.target_of(rank);
        found.extend(groups.incoming(target).iter().map(|(allowed, addresses)| {
            Connection::new(Peer::Ip(addresses.clone()), peer.clone(), allowed.clone())
        }));
    }
    found.sort_unstable();
    found
}

/// The connections through ingress points that the policies let through.
pub(crate) fn entering(reach: &Reach) -> Vec<Connection> {
    let model = reach.model();
    let mut check = IngressCheck::new(reach);
    let mut open: BTreeMap<&Workload, (Connections, Vec<String>)> = BTreeMap::new();
    for point in model.all_ingress_points() {
        let Some(pods) = model.pods.get(point.pods) else { continue };
        let Some(workload) = model.workloads.get(pods.workload) else { continue };
        if check.lets_in(point) {
            let port = Connections::of(point.protocol, PortSet::range(point.port, point.port));
            let (allowed, via) = open.entry(workload).or_default();
            *allowed = allowed.union(&port);
            via.push(point.via.clone());
        }
    }
    let found = open.into_iter().map(|(workload, (allowed, mut via))| {
        via.sort_unstable();
        via.dedup();
        let target = Peer::Workload(Arc::new(workload.clone()));
        Connection { source: Peer::Ingress, target, allowed, via }
    });
    found.collect()
}

/// Tells whether the policies let an ingress point reach its pods.
pub(crate) struct IngressCheck<'r> {
    reach: &'r Reach,
    /// The ingress controllers, the stand-ins for those that the input does not have first.
    controllers: Vec<Endpoint>,
    /// The gateways of Istio, the stand-in for those that the input does not have first.
    gateways: Vec<Endpoint>,
    /// Both.
    any: Vec<Endpoint>,
    /// By source addresses: the outside addresses that they overlap.
    overlapping: HashMap<&'r IpSet, Vec<Endpoint>>,
}

impl<'r> IngressCheck<'r> {
    pub(crate) fn new(reach: &'r Reach) -> Self {
        let is_gateway =
            |pods: &Pods| pods.labels.get(ISTIO).is_some_and(|mesh| mesh == Mesh::Gateway.name());
        // Those of the input have the policies and the proxies that are known.
        let is_controller = |pods: &Pods| match pods.role {
            Role::Controller => !is_gateway(pods),
            Role::Real => !pods.host_network && is_controller(&pods.labels),
        };
        let ids = |wanted: &dyn Fn(&Pods) -> bool| {
            let pods = reach.model().pods.iter().filter(|(_, pods)| wanted(pods));
            let mut found: Vec<_> = pods.map(|(id, pods)| (pods.role, id)).collect();
            found.sort_unstable_by_key(|(role, id)| (*role == Role::Real, *id));
            found.into_iter().map(|(_, id)| Endpoint::Pods(id)).collect::<Vec<Endpoint>>()
        };
        let (controllers, gateways) = (ids(&is_controller), ids(&is_gateway));
        let any = [controllers.as_slice(), &gateways].concat();
        Self { reach, controllers, gateways, any, overlapping: HashMap::new() }
    }

    pub(crate) fn lets_in(&mut self, point: &'r IngressPoint) -> bool {
        let reach = self.reach;
        let target = Endpoint::Pods(point.pods);
        self.sources(point)
            .iter()
            .any(|&source| reach.allowed(source, target).contains(point.protocol, point.port))
    }

    /// The source that the policies let in, or else one that they do not.
    pub(crate) fn source_of(&mut self, point: &'r IngressPoint) -> Option<Endpoint> {
        let reach = self.reach;
        let target = Endpoint::Pods(point.pods);
        let sources = self.sources(point);
        let open = sources
            .iter()
            .copied()
            .find(|&source| reach.allowed(source, target).contains(point.protocol, point.port));
        open.or_else(|| sources.first().copied())
    }

    fn sources(&mut self, point: &'r IngressPoint) -> &[Endpoint] {
        let reach = self.reach;
        match &point.source {
            ExternalSource::Controller => &self.controllers,
            ExternalSource::Gateway => &self.gateways,
            ExternalSource::ControllerOrGateway => &self.any,
            ExternalSource::Address(set) => self.overlapping.entry(set).or_insert_with(|| {
                let atoms = reach.externals().iter().enumerate();
                let overlapping = atoms.filter(|(_, atom)| !atom.intersection(set).is_empty());
                overlapping.map(|(atom, _)| Endpoint::External(atom)).collect()
            }),
        }
    }
}
