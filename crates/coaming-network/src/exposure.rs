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

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::evaluate::proxied;
use crate::groups::{ByAddress, Groups};
use crate::ip::IpSet;
use crate::list::{Peer, entering};
use crate::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, Policy, PortNumbers, Role,
    Rule, Workload,
};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::Reach;
use crate::selector::Selector;
use crate::space::{led_to, set_addresses};

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
        Self {
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

/// Any pod.
fn anybody() -> PodSelector {
    PodSelector {
        namespaces: Namespaces::Selected(Selector::everything()),
        pods: Selector::everything(),
    }
}

/// Pods that a selector matches and others do not.
type Region = (PodSelector, Vec<PodSelector>);

/// A piece of the ports: the same to every rule.
type Piece = (Connections, PortName);

/// Which ports of a piece are meant, by the names that the receiving pods give them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PortName {
    /// All, but not those of these names.
    Any { unless: Vec<String> },
    /// Those of this name.
    Is(String),
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
        let mut regions: BTreeMap<(Region, PortName), Connections> = BTreeMap::new();
        for &own in pods {
            for (region, (ports, name)) in self.regions(own, direction) {
                let known = regions.entry((region, name)).or_default();
                *known = known.union(&ports);
            }
        }
        let open: Vec<OpenTo> = regions
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
        Openness {
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

    /// The regions of pods to which one group of pods is open, each with a piece of the ports.
    fn regions(&self, own: usize, direction: Direction) -> Vec<(Region, Piece)> {
        let model = self.reach.model();
        let Some(pods) = model.pods.get(own) else { return Vec::new() };
        let policies = self.reach.policies_of(own, direction).iter();
        let policies: Vec<&Policy> = policies.filter_map(|&id| model.policies.get(id)).collect();
        let walk = Walk { model, own: pods, direction, policies };
        let pieces = walk.pieces();
        pieces
            .into_iter()
            .flat_map(|piece| {
                let regions = walk.open_for(&piece);
                regions.into_iter().map(move |region| (region, piece.clone()))
            })
            .collect()
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

/// A walk over the rules that apply to a group of pods in one direction.
struct Walk<'m> {
    model: &'m Model,
    own: &'m Pods,
    direction: Direction,
    policies: Vec<&'m Policy>,
}

impl<'m> Walk<'m> {
    fn all_rules(&self) -> impl Iterator<Item = &'m Rule> {
        let direction = self.direction;
        let policies = self.policies.iter();
        policies.flat_map(move |policy| policy.rules(direction).unwrap_or_default())
    }

    /// The ports cut where rules cut them; once for ports of any name, and once for each name that
    /// rules mention and that depends on pods to come.
    fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![Connections::all()];
        let by_mesh = self.policies.iter().any(|policy| policy.tier.is_mesh());
        let sets = self.all_rules().filter(|rule| rule.ports.is_some());
        let sets = sets.map(|rule| self.numbers(rule)).chain(by_mesh.then(proxied));
        for set in sets {
            let cut =
                pieces.iter().flat_map(|piece| [piece.intersection(&set), piece.difference(&set)]);
            pieces = cut.filter(|piece| !piece.is_empty()).collect();
        }
        let all = self.names(|_| true);
        // Ports of a name that only allowing rules mention are open where the others are, too.
        let unless: Vec<String> =
            self.names(|rule| rule.action != Action::Allow).into_iter().collect();
        let mut found: Vec<Piece> = Vec::new();
        for piece in pieces {
            // A rule by name may be about one protocol.
            for protocol in Protocol::ALL {
                let piece = Connections::of(protocol, piece.ports(protocol).clone());
                if piece.is_empty() {
                    continue;
                }
                let named = all.iter().map(|name| (piece.clone(), PortName::Is(name.clone())));
                found.extend(named);
                found.push((piece, PortName::Any { unless: unless.clone() }));
            }
        }
        found
    }

    /// The names of ports in rules for leaving; for entering, the pods' own ports are known.
    fn names(&self, wanted: impl Fn(&Rule) -> bool) -> BTreeSet<String> {
        if self.direction == Direction::Ingress {
            return BTreeSet::new();
        }
        let rules = self.all_rules().filter(|rule| wanted(rule));
        let ports = rules.flat_map(|rule| rule.ports.iter().flatten());
        let named = ports.filter_map(|port| match &port.numbers {
            PortNumbers::Named(name) => Some(name.clone()),
            _ => None,
        });
        named.collect()
    }

    /// The ports that a rule is about whatever pods are at the other side.
    fn numbers(&self, rule: &Rule) -> Connections {
        let mut found = crate::compile::ports_without_names(rule.ports.as_deref());
        if self.direction == Direction::Ingress {
            for port in rule.ports.iter().flatten() {
                let PortNumbers::Named(name) = &port.numbers else { continue };
                for own in Model::named_ports(self.own, port.protocol, name) {
                    let number = PortSet::range(own.number, own.number);
                    found = found.union(&Connections::of(own.protocol, number));
                }
            }
        }
        found
    }

    /// Whether a rule is about a piece of the ports.
    fn concerns(&self, rule: &Rule, (piece, name): &Piece) -> bool {
        let by_name = || {
            rule.ports.iter().flatten().any(|port| {
                matches!((&port.numbers, name), (PortNumbers::Named(it), PortName::Is(is)) if it == is)
                    && port.protocol.is_none_or(|it| !piece.ports(it).is_empty())
            })
        };
        rule.ports.is_none()
            || piece.difference(&self.numbers(rule)).is_empty()
            || self.direction == Direction::Egress && by_name()
    }

    /// The pods to come that a rule matches.
    fn peers(&self, rule: &Rule) -> Vec<PodSelector> {
        let Some(peers) = &rule.peers else { return vec![anybody()] };
        let blocks = self.model.plugin.blocks_mean_pods();
        let mut found = Vec::new();
        for peer in peers {
            match &peer.kind {
                PeerKind::Pods(selector) => found.push(selector.clone()),
                // The address of a pod to come may be any.
                PeerKind::Networks(set) if set.covers_a_family() => found.push(anybody()),
                PeerKind::Block(set) if blocks && set.covers_a_family() => found.push(anybody()),
                PeerKind::Services(services) => found.extend(led_to(self.model, services)),
                PeerKind::NetworkSets(sets) => {
                    let covers = set_addresses(self.model, sets).covers_a_family();
                    found.extend(covers.then(anybody));
                }
                PeerKind::Networks(_)
                | PeerKind::Block(_)
                | PeerKind::Nodes(_)
                | PeerKind::Outside(_)
                | PeerKind::Hosts
                | PeerKind::Controllers
                | PeerKind::ApiServer
                | PeerKind::Unknown => {}
            }
        }
        found
    }

    /// The pods to come for which a piece of the ports is open.
    fn open_for(&self, piece: &Piece) -> Vec<Region> {
        if self.own.host_network {
            return vec![(anybody(), Vec::new())];
        }
        let mesh = self.policies.partition_point(|policy| !policy.tier.is_mesh());
        let (network, mesh) = self.policies.split_at(mesh);
        let mut open = self.open_by(network, piece, vec![(anybody(), Vec::new())]);
        if !mesh.is_empty() && piece.0.difference(&proxied()).is_empty() {
            open = self.open_by(mesh, piece, open);
        }
        open
    }

    /// The regions that these policies leave open, of those that they are asked about.
    fn open_by(
        &self,
        policies: &[&'m Policy],
        piece: &Piece,
        mut entering: Vec<Region>,
    ) -> Vec<Region> {
        let mut open = Vec::new();
        for tier in policies.chunk_by(|a, b| a.tier == b.tier) {
            entering = self.tier(tier, piece, &entering, &mut open);
        }
        open.extend(entering);
        open.into_iter().filter_map(|region| self.simplified(region)).collect()
    }

    /// Walks over one tier: adds what it opens, and gives what goes on to the next.
    fn tier(
        &self,
        policies: &[&'m Policy],
        piece: &Piece,
        entering: &[Region],
        open: &mut Vec<Region>,
    ) -> Vec<Region> {
        let Some(first) = policies.first() else { return entering.to_vec() };
        let isolated = policies.iter().any(|policy| policy.isolates(self.direction));
        let ends = isolated && !self.model.passes(&first.tier);
        let in_order = first.tier.is_in_order(policies.iter().map(|policy| policy.kind));
        let mut rules: Vec<(bool, &Rule)> = Vec::new();
        for policy in policies {
            let own = policy.rules(self.direction).unwrap_or_default().iter();
            let own = own.filter(|rule| self.concerns(rule, piece));
            rules.extend(own.map(|rule| (!policy.kind.comes_first(rule.action), rule)));
        }
        rules.sort_by_key(|(late, _)| *late);
        // A policy that only allows, and isolates nothing, decides nothing.
        rules.retain(|(late, rule)| in_order || !late || ends && rule.action == Action::Allow);
        // Within what comes in: what was denied, and what was passed on.
        let mut denied: Vec<PodSelector> = Vec::new();
        let mut passed: Vec<PodSelector> = Vec::new();
        let mut onward: Vec<Region> = Vec::new();
        let within = |peer: &PodSelector, except: &[PodSelector]| {
            let parts = entering.iter().filter_map(|(pods, known)| {
                Some((self.both(pods, peer)?, [known.as_slice(), except].concat()))
            });
            parts.collect::<Vec<Region>>()
        };
        for (_, rule) in rules {
            for peer in self.peers(rule) {
                match rule.action {
                    Action::Allow => open.extend(within(&peer, &[&denied[..], &passed].concat())),
                    Action::Deny => denied.push(peer),
                    Action::Pass => {
                        onward.extend(within(&peer, &denied));
                        passed.push(peer);
                    }
                }
            }
        }
        if !ends {
            onward.extend(within(&anybody(), &denied));
        }
        onward
    }

    /// The region without exceptions that change nothing; `None` if nothing is left of it.
    fn simplified(&self, (pods, except): Region) -> Option<Region> {
        let mut kept: Vec<PodSelector> = Vec::new();
        for other in except {
            if other == anybody() || other == pods {
                return None;
            }
            if self.both(&pods, &other).is_some() && !kept.contains(&other) {
                kept.push(other);
            }
        }
        kept.sort_unstable();
        Some((pods, kept))
    }

    /// The pods that both selectors match; `None` if there can be none.
    fn both(&self, a: &PodSelector, b: &PodSelector) -> Option<PodSelector> {
        let namespaces = match (&a.namespaces, &b.namespaces) {
            (Namespaces::Named(a), Namespaces::Named(b)) => {
                (a == b).then(|| Namespaces::Named(a.clone()))?
            }
            (Namespaces::Named(name), Namespaces::Selected(selector))
            | (Namespaces::Selected(selector), Namespaces::Named(name)) => {
                let namespace = self.model.namespaces.get(name)?;
                let here = selector.matches(&namespace.labels);
                here.then(|| Namespaces::Named(name.clone()))?
            }
            (Namespaces::Selected(a), Namespaces::Selected(b)) => Namespaces::Selected(a.and(b)?),
        };
        Some(PodSelector { namespaces, pods: a.pods.and(&b.pods)? })
    }
}
