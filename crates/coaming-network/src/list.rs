//! Every connection that is possible, between workloads, the outside, and the ways in.
//!
//! Invariants: connections of a workload to itself are left out; no entry is empty; outside
//! addresses with the same connections are merged; the order is that of the entries themselves.

use std::collections::BTreeMap;

use crate::ip::IpSet;
use crate::model::{Knocker, Model, Role, WayIn, Workload};
use crate::ports::{Connections, PortSet};
use crate::reach::{End, Reach};

/// One end of a listed connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// Outside addresses.
    Ip(IpSet),
    /// A workload.
    Workload(Workload),
    /// Whatever comes in through an Ingress, a route, or an open Service.
    Ingress,
}

/// A possible connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// Who connects.
    pub source: Party,
    /// To whom.
    pub target: Party,
    /// On which ports: never none.
    pub allowed: Connections,
    /// For what comes in from outside: the objects that open the way.
    pub via: Vec<String>,
}

/// Lists every connection.
#[must_use]
pub fn list(reach: &Reach) -> Vec<Connection> {
    let model = reach.model();
    let members = members(model);
    let mut found = Vec::new();
    for (source, from) in &members {
        for (target, to) in &members {
            if source == target {
                continue;
            }
            let allowed = between(reach, from, to);
            if !allowed.is_empty() {
                found.push(Connection {
                    source: Party::Workload(workload(model, *source)),
                    target: Party::Workload(workload(model, *target)),
                    allowed,
                    via: Vec::new(),
                });
            }
        }
    }
    for (place, pods) in &members {
        outside(reach, *place, pods, &mut found);
    }
    ways_in(reach, &mut found);
    found.sort_unstable();
    found
}

/// The pods of each workload that the input holds: by workload, one of each class.
fn members(model: &Model) -> BTreeMap<usize, Vec<usize>> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, pods) in model.pods.iter().enumerate() {
        if pods.role == Role::Real {
            members.entry(pods.workload).or_default().push(place);
        }
    }
    members
}

fn workload(model: &Model, place: usize) -> Workload {
    model.workloads.get(place).cloned().unwrap_or_else(|| Workload {
        namespace: String::new(),
        name: String::new(),
        kind: String::new(),
    })
}

/// What any pod of one workload may connect to at any pod of the other.
fn between(reach: &Reach, from: &[usize], to: &[usize]) -> Connections {
    let (from, to) = (distinct(reach, from), distinct(reach, to));
    let mut allowed = Connections::none();
    for &source in &from {
        for &target in &to {
            allowed = allowed.union(&reach.allowed(End::Pods(source), End::Pods(target)));
            if allowed.is_all() {
                return allowed;
            }
        }
    }
    allowed
}

/// One of the pods of each class.
fn distinct(reach: &Reach, pods: &[usize]) -> Vec<usize> {
    let by_class: BTreeMap<_, _> =
        pods.iter().rev().map(|&pods| (reach.class_of(pods), pods)).collect();
    by_class.into_values().collect()
}

fn outside(reach: &Reach, place: usize, pods: &[usize], found: &mut Vec<Connection>) {
    let party = || Party::Workload(workload(reach.model(), place));
    let pods = distinct(reach, pods);
    let mut incoming: BTreeMap<Connections, IpSet> = BTreeMap::new();
    let mut outgoing: BTreeMap<Connections, IpSet> = BTreeMap::new();
    for (atom, addresses) in reach.externals().iter().enumerate() {
        let any = |allowed: &dyn Fn(End) -> Connections| {
            pods.iter().fold(Connections::none(), |all, &pods| all.union(&allowed(End::Pods(pods))))
        };
        let into = any(&|pods| reach.allowed(End::External(atom), pods));
        let out = any(&|pods| reach.allowed(pods, End::External(atom)));
        for (allowed, merged) in [(into, &mut incoming), (out, &mut outgoing)] {
            if !allowed.is_empty() {
                let known = merged.entry(allowed).or_default();
                *known = known.union(addresses);
            }
        }
    }
    found.extend(incoming.into_iter().map(|(allowed, addresses)| Connection {
        source: Party::Ip(addresses),
        target: party(),
        allowed,
        via: Vec::new(),
    }));
    found.extend(outgoing.into_iter().map(|(allowed, addresses)| Connection {
        source: party(),
        target: Party::Ip(addresses),
        allowed,
        via: Vec::new(),
    }));
}

fn ways_in(reach: &Reach, found: &mut Vec<Connection>) {
    let model = reach.model();
    let mut open: BTreeMap<usize, (Connections, Vec<String>)> = BTreeMap::new();
    for way in &model.ways_in {
        let Some(pods) = model.pods.get(way.pods) else { continue };
        if lets_in(reach, way) {
            let port = Connections::of(way.protocol, PortSet::range(way.port, way.port));
            let (allowed, via) = open.entry(pods.workload).or_default();
            *allowed = allowed.union(&port);
            via.push(way.via.clone());
        }
    }
    found.extend(open.into_iter().map(|(place, (allowed, mut via))| {
        via.sort_unstable();
        via.dedup();
        let target = Party::Workload(workload(model, place));
        Connection { source: Party::Ingress, target, allowed, via }
    }));
}

/// Whether the policies let a way in reach its pods.
#[must_use]
pub fn lets_in(reach: &Reach, way: &WayIn) -> bool {
    let target = End::Pods(way.pods);
    let arrives = |source: End| reach.allowed(source, target).contains(way.protocol, way.port);
    match &way.knocker {
        Knocker::Controller => {
            let pods = reach.model().pods.iter().enumerate();
            let mut controllers = pods.filter(|(_, pods)| pods.role == Role::Controller);
            controllers.any(|(place, _)| arrives(End::Pods(place)))
        }
        Knocker::Address(set) => reach.externals().iter().enumerate().any(|(atom, known)| {
            !known.intersection(set).is_empty() && arrives(End::External(atom))
        }),
    }
}
