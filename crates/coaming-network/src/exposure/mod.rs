//! What is open beyond the known workloads: to the internet, and to pods that do not exist yet.
//!
//! For pods to come the rules are worked out symbolically: [`OpenTo`] says which pods (those that
//! some selectors match and others do not) may connect on which ports, whatever else they are. The
//! law, which the tests hold: what is said of a pod here is what the list of connections says once
//! that pod is in the input.
//!
//! Ports are cut where rules cut them. For each piece only the rules about it count, and each of
//! them decides alone, so that one walk over the rules gives the pods for which the piece is open.
//!
//! Workloads of the same classes are open to the same, which is worked out once.

mod walk;
mod ways;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::groups::{ByAddress, Groups};
use crate::ip::IpSet;
use crate::list::{Peer, entering};
use crate::model::{
    Direction, Model, Namespaces, PeerKind, PodSelector, Policy, Role, Rule, Workload,
};
use crate::ports::Connections;
use crate::reach::Reach;
use walk::{Piece, PortName, Region, Walk, anybody};

/// Pods, existing or not, that one direction of a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpenTo {
    /// The pods.
    pub pods: PodSelector,
    /// But not these.
    pub except: Vec<PodSelector>,
    /// On which ports.
    pub allowed: Connections,
    /// Of those, only the port that the receiving pods call by this name.
    pub port_name: Option<String>,
    /// Of those, not the ports that the receiving pods call by these names: rules deny them.
    pub unless_named: Vec<String>,
    /// Whether the input contains such pods.
    pub exists: bool,
}

/// What rules can name that is neither pods nor addresses that the input knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beyond {
    /// Nodes, and the pods on their networks.
    Nodes,
    /// The API server, whose address is not known.
    ApiServer,
    /// What some domain names mean.
    Names,
}

impl Beyond {
    const ALL: [Self; 3] = [Self::Nodes, Self::ApiServer, Self::Names];

    /// What of this a peer is.
    #[must_use]
    pub fn of(kind: &PeerKind) -> Option<Self> {
        match kind {
            PeerKind::Hosts | PeerKind::Nodes(_) => Some(Self::Nodes),
            PeerKind::ApiServer => Some(Self::ApiServer),
            PeerKind::Unknown => Some(Self::Names),
            _ => None,
        }
    }

    /// Whether the input does not have its addresses, whatever else it has.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self != Self::Nodes
    }
}

/// What one direction of a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Openness {
    /// Whether any policy guards this direction.
    pub guarded: bool,
    /// Open to any pod of any namespace, existing or not.
    pub cluster: Connections,
    /// Open to any pod of its own namespace, existing or not.
    pub namespace: Connections,
    /// Open to outside addresses.
    pub internet: Vec<(IpSet, Connections)>,
    /// Open to pods, existing or not: all of them, the first two kinds included.
    pub pods: Vec<OpenTo>,
    /// What rules open by name, beside what is open to any address.
    pub beyond: Vec<(Beyond, Connections)>,
}

impl Openness {
    /// The part of it that is about these ports.
    #[must_use]
    pub(crate) fn on_ports(&self, ports: &Connections) -> Self {
        let internet = self
            .internet
            .iter()
            .map(|(addresses, allowed)| (addresses.clone(), allowed.intersection(ports)));
        let pods = self.pods.iter().map(|open| {
            let allowed = open.allowed.intersection(ports);
            OpenTo { allowed, ..open.clone() }
        });
        let beyond = self.beyond.iter();
        let beyond = beyond.map(|(what, allowed)| (*what, allowed.intersection(ports)));
        Self {
            beyond: beyond.filter(|(_, allowed)| !allowed.is_empty()).collect(),
            guarded: self.guarded,
            cluster: self.cluster.intersection(ports),
            namespace: self.namespace.intersection(ports),
            internet: internet.filter(|(_, allowed)| !allowed.is_empty()).collect(),
            pods: pods.filter(|open| !open.allowed.is_empty()).collect(),
        }
    }
}

/// What a workload is open to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The workload.
    pub workload: Workload,
    /// What may connect to it.
    pub ingress: Arc<Openness>,
    /// What it may connect to.
    pub egress: Arc<Openness>,
    /// The ports that ingress points reach.
    pub ingress_points: Connections,
}

/// What every workload of the model is open to, in their order.
#[must_use]
pub fn exposure(model: Model) -> Vec<Exposure> {
    let reach = Reach::new(model);
    let mut ingress_points: BTreeMap<Arc<Workload>, Connections> = BTreeMap::new();
    for connection in entering(&reach) {
        if let Peer::Workload(target) = connection.target {
            ingress_points.insert(target, connection.allowed);
        }
    }
    let mut groups = Groups::new(&reach);
    let mut work = Work { reach: &reach, exists: HashMap::new() };
    let mut known: [HashMap<Vec<usize>, Arc<Openness>>; 2] = [HashMap::new(), HashMap::new()];
    let mut exposures = Vec::new();
    let workloads = one_of_each_class(&reach, groups.workloads());
    for (rank, (workload, pods)) in workloads.into_iter().enumerate() {
        let classes: Vec<usize> = pods.iter().filter_map(|&pods| reach.class_of(pods)).collect();
        let [ingress, egress] = Direction::BOTH.map(|direction| {
            let known = known[direction as usize].entry(classes.clone());
            Arc::clone(known.or_insert_with(|| {
                let internet = match direction {
                    Direction::Ingress => groups.incoming(groups.target_of(rank)),
                    Direction::Egress => groups.outgoing(groups.source_of(rank)),
                };
                Arc::new(work.openness(&workload.namespace, &pods, direction, &internet))
            }))
        });
        exposures.push(Exposure {
            workload: workload.clone(),
            ingress,
            egress,
            ingress_points: ingress_points.get(workload).cloned().unwrap_or_default(),
        });
    }
    exposures
}

/// The workloads, each with one of its pods for each class, in the order of the pods.
fn one_of_each_class<'r>(reach: &'r Reach, workloads: &[usize]) -> Vec<(&'r Workload, Vec<usize>)> {
    let model = reach.model();
    let mut pods_of: HashMap<usize, Vec<usize>> = HashMap::new();
    for (id, pods) in &model.pods {
        if pods.role == Role::Real {
            pods_of.entry(pods.workload).or_default().push(id);
        }
    }
    workloads
        .iter()
        .filter_map(|id| {
            let mut pods = pods_of.remove(id).unwrap_or_default();
            let mut seen = BTreeSet::new();
            pods.retain(|&pods| seen.insert(reach.class_of(pods)));
            Some((model.workloads.get(*id)?, pods))
        })
        .collect()
}

/// What is worked out once for all workloads.
struct Work<'r> {
    reach: &'r Reach,
    /// By selector: whether it selects any known pod.
    exists: HashMap<PodSelector, bool>,
}

impl Work<'_> {
    fn openness(
        &mut self,
        namespace: &str,
        pods: &[usize],
        direction: Direction,
        internet: &ByAddress,
    ) -> Openness {
        let mut internet: Vec<_> =
            internet.iter().map(|(allowed, set)| (set.clone(), allowed.clone())).collect();
        internet.sort_unstable();
        let mut regions = Regions::new();
        for &own in pods {
            for (region, (ports, name)) in self.regions(own, direction) {
                let known = regions.entry((region, name)).or_default();
                *known = known.union(&ports);
            }
        }
        let open: Vec<OpenTo> = merged(regions)
            .into_iter()
            .map(|(((pods, except), name), allowed)| {
                let (port_name, unless_named) = match name {
                    PortName::Any { unless } => (None, unless),
                    PortName::Is(name) => (Some(name), Vec::new()),
                };
                let exists = self.exists(&pods);
                OpenTo { pods, except, allowed, port_name, unless_named, exists }
            })
            .collect();
        let open = without_repetition(open);
        let own = Namespaces::Named(namespace.to_owned());
        let of = |wanted: &dyn Fn(&PodSelector) -> bool| {
            open.iter()
                .filter(|it| it.except.is_empty() && it.port_name.is_none())
                .filter(|it| it.unless_named.is_empty() && wanted(&it.pods))
                .fold(Connections::none(), |all, some| all.union(&some.allowed))
        };
        let reach = self.reach;
        let anywhere = internet.iter().filter(|(addresses, _)| addresses.covers_a_family());
        let anywhere = anywhere.fold(Connections::none(), |all, (_, allowed)| all.union(allowed));
        let beyond = Beyond::ALL.into_iter().filter_map(|what| {
            let allowed = pods.iter().fold(Connections::none(), |all, &own| {
                all.union(&self.beyond(own, direction, what))
            });
            let allowed = allowed.difference(&anywhere);
            (!allowed.is_empty()).then_some((what, allowed))
        });
        Openness {
            beyond: beyond.collect(),
            guarded: pods.iter().all(|&pods| reach.guards(pods, direction)),
            cluster: of(&|pods| *pods == anybody()),
            namespace: of(&|pods| {
                let here = pods.namespaces == own || pods.namespaces == anybody().namespaces;
                here && pods.pods.is_everything()
            }),
            internet,
            pods: open,
        }
    }

    fn walk(&self, own: usize, direction: Direction) -> Option<Walk<'_>> {
        let model = self.reach.model();
        let policies = self.reach.policies_of(own, direction).iter();
        let policies: Vec<&Policy> = policies.filter_map(|&id| model.policies.get(id)).collect();
        Some(Walk { model, own: model.pods.get(own)?, direction, policies })
    }

    /// The ports that are open between one group of pods and something that rules name.
    fn beyond(&self, own: usize, direction: Direction, what: Beyond) -> Connections {
        let Some(walk) = self.walk(own, direction) else { return Connections::none() };
        let names_it = |rule: &Rule| {
            rule.peers.iter().flatten().any(|peer| Beyond::of(&peer.kind) == Some(what))
        };
        if walk.own.host_network || !walk.all_rules().any(names_it) {
            return Connections::none();
        }
        let pieces = walk.pieces().into_iter();
        let pieces = pieces.filter(|(_, name)| matches!(name, PortName::Any { .. }));
        let open = pieces.filter(|piece| walk.lets_through(piece, what));
        open.fold(Connections::none(), |all, (piece, _)| all.union(&piece))
    }

    /// The regions of pods to which one group of pods is open, each with a piece of the ports.
    fn regions(&self, own: usize, direction: Direction) -> Vec<(Region, Piece)> {
        let Some(walk) = self.walk(own, direction) else { return Vec::new() };
        let pieces = walk.pieces();
        let direct = pieces.into_iter().flat_map(|piece| {
            let regions = walk.open_for(&piece);
            regions.into_iter().map(move |region| (region, piece.clone()))
        });
        match direction {
            Direction::Ingress => self.with_ways(own, direct.collect()),
            Direction::Egress => direct.collect(),
        }
    }

    fn exists(&mut self, selector: &PodSelector) -> bool {
        let reach = self.reach;
        *self.exists.entry(selector.clone()).or_insert_with(|| {
            let mut pods = (0..reach.classes().len()).filter_map(|it| reach.representative(it));
            pods.any(|pods| {
                pods.role == Role::Real && crate::space::selects(reach.model(), selector, pods)
            })
        })
    }
}

/// What is open by region, and by the names of ports.
type Regions = BTreeMap<(Region, PortName), Connections>;

/// With regions for what is open both to some pods and to those that are left out of a region.
fn merged(mut regions: Regions) -> Regions {
    loop {
        let mut found: Vec<((Region, PortName), Connections)> = Vec::new();
        for (((pods, except), name), open) in &regions {
            for (position, other) in except.iter().enumerate() {
                let mut rest = except.clone();
                rest.remove(position);
                let same = regions.iter().filter(|(((pods, except), it), _)| {
                    pods == other && it == name && except.iter().all(|it| rest.contains(it))
                });
                let shared = same.fold(Connections::none(), |all, (_, some)| all.union(some));
                let shared = shared.intersection(open);
                let key = ((pods.clone(), rest), name.clone());
                let known = regions.get(&key).cloned().unwrap_or_default();
                if !shared.difference(&known).is_empty() {
                    found.push((key, shared));
                }
            }
        }
        if found.is_empty() {
            return regions;
        }
        for (key, shared) in found {
            let known = regions.entry(key).or_default();
            *known = known.union(&shared);
        }
    }
}

/// Drops what another entry says too.
fn without_repetition(open: Vec<OpenTo>) -> Vec<OpenTo> {
    let covers = |wide: &OpenTo, narrow: &OpenTo| {
        let region = (wide.pods == narrow.pods && wide.except == narrow.except)
            || (wide.pods == anybody() && wide.except.is_empty());
        let names = match (&wide.port_name, &narrow.port_name) {
            (None, Some(name)) => !wide.unless_named.contains(name),
            (None, None) => wide.unless_named == narrow.unless_named,
            (wide, narrow) => wide == narrow,
        };
        region && names && narrow.allowed.difference(&wide.allowed).is_empty()
    };
    let is_repeated = |position: usize, entry: &OpenTo| {
        let mut others = open.iter().enumerate().filter(|(other, _)| *other != position);
        others
            .any(|(other, wide)| covers(wide, entry) && (other < position || !covers(entry, wide)))
    };
    let kept: Vec<bool> =
        open.iter().enumerate().map(|(position, entry)| !is_repeated(position, entry)).collect();
    open.iter().zip(kept).filter(|(_, kept)| *kept).map(|(entry, _)| entry.clone()).collect()
}
