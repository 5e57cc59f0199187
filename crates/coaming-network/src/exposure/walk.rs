//! A walk over the rules that apply to pods in one direction: which pods to come they are open to.

use std::collections::BTreeSet;

use super::Beyond;
use crate::evaluate::proxied;
use crate::model::{
    Action, Direction, Model, Namespaces, PeerKind, PodSelector, Pods, Policy, PortNumbers, Rule,
    TUNNEL_PORT, Tier,
};
use crate::ports::{Connections, PortSet, Protocol};
use crate::selector::Selector;
use crate::sets::set_addresses;
use crate::space::led_to;

/// Any pod.
pub(super) fn anybody() -> PodSelector {
    PodSelector {
        namespaces: Namespaces::Selected(Selector::everything()),
        pods: Selector::everything(),
    }
}

/// Pods that a selector matches and others do not.
pub(super) type Region = (PodSelector, Vec<PodSelector>);

/// A piece of the ports: the same to every rule.
pub(super) type Piece = (Connections, PortName);

/// Which ports of a piece are meant, by the names that the receiving pods give them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PortName {
    /// All, but not those of these names.
    Any { unless: Vec<String> },
    /// Those of this name.
    Is(String),
}

/// What one tier does.
struct Turn<'m> {
    /// Whether what no rule decides is refused.
    ends: bool,
    /// The rules, in the order in which they decide.
    rules: Vec<&'m Rule>,
}

/// A walk over the rules that apply to a group of pods in one direction.
pub(super) struct Walk<'m> {
    pub(super) model: &'m Model,
    pub(super) own: &'m Pods,
    pub(super) direction: Direction,
    pub(super) policies: Vec<&'m Policy>,
}

impl<'m> Walk<'m> {
    pub(super) fn all_rules(&self) -> impl Iterator<Item = &'m Rule> {
        let direction = self.direction;
        let policies = self.policies.iter();
        policies.flat_map(move |policy| policy.rules(direction).unwrap_or_default())
    }

    /// The policies of a service mesh, which come last.
    fn of_mesh(&self) -> &[&'m Policy] {
        let first = self.policies.partition_point(|policy| !policy.tier.is_mesh());
        self.policies.get(first..).unwrap_or_default()
    }

    /// The ports cut where rules cut them; once for ports of any name, and once for each name that
    /// rules mention and that depends on pods to come.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let mut pieces = vec![Connections::all()];
        let by_mesh = self.policies.iter().any(|policy| policy.tier.is_mesh());
        let proxied = || proxied(self.of_mesh().iter().copied());
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
    pub(super) fn numbers(&self, rule: &Rule) -> Connections {
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
                | PeerKind::CidrGroups(_)
                | PeerKind::Hosts
                | PeerKind::Controllers
                | PeerKind::ApiServer
                | PeerKind::Unknown => {}
            }
        }
        found
    }

    /// The pods to come for which a piece of the ports is open.
    pub(super) fn open_for(&self, piece: &Piece) -> Vec<Region> {
        if self.own.host_network {
            return vec![(anybody(), Vec::new())];
        }
        let mesh = self.policies.partition_point(|policy| !policy.tier.is_mesh());
        let (network, mesh) = self.policies.split_at(mesh);
        let carried = self.carried();
        let mut open = if carried.is_empty() || piece.0.ports(Protocol::Tcp).is_empty() {
            self.open_by(network, piece, vec![(anybody(), Vec::new())])
        } else {
            let number = PortSet::range(TUNNEL_PORT, TUNNEL_PORT);
            let tunnel =
                (Connections::of(Protocol::Tcp, number), PortName::Any { unless: Vec::new() });
            let through = carried.iter().map(|pods| (pods.clone(), Vec::new())).collect();
            let mut open = self.open_by(network, &tunnel, through);
            open.extend(self.open_by(network, piece, vec![(anybody(), carried)]));
            open
        };
        if !mesh.is_empty() && piece.0.difference(&proxied(mesh.iter().copied())).is_empty() {
            open = self.open_by(mesh, piece, open);
        }
        open
    }

    /// The pods to come with which the ambient mesh carries connections through its port.
    fn carried(&self) -> Vec<PodSelector> {
        let policies = self.of_mesh().iter().filter(|policy| policy.tier == Tier::Tunnel);
        let rules = policies.flat_map(|policy| policy.rules(self.direction).unwrap_or_default());
        rules.flat_map(|rule| self.peers(rule)).collect()
    }

    /// Whether a piece of the ports is open to something that rules name.
    pub(super) fn lets_through(&self, piece: &Piece, what: Beyond) -> bool {
        let mesh = self.policies.partition_point(|policy| !policy.tier.is_mesh());
        let (network, mesh) = self.policies.split_at(mesh);
        let proxied =
            !mesh.is_empty() && piece.0.difference(&proxied(mesh.iter().copied())).is_empty();
        self.opens(network, piece, what) && (!proxied || self.opens(mesh, piece, what))
    }

    fn opens(&self, policies: &[&'m Policy], piece: &Piece, what: Beyond) -> bool {
        let matches = |rule: &Rule| {
            let peers = rule.peers.as_ref();
            peers.is_none_or(|peers| peers.iter().any(|it| Beyond::of(&it.kind) == Some(what)))
        };
        for tier in policies.chunk_by(|a, b| a.tier == b.tier) {
            let Some(turn) = self.turn(tier, piece) else { continue };
            match turn.rules.iter().find(|rule| matches(rule)).map(|rule| rule.action) {
                Some(Action::Allow) => return true,
                Some(Action::Deny) => return false,
                Some(Action::Pass) => {}
                None if turn.ends => return false,
                None => {}
            }
        }
        true
    }

    /// The rules of a tier about a piece of the ports, in the order in which they decide.
    fn turn(&self, policies: &[&'m Policy], piece: &Piece) -> Option<Turn<'m>> {
        // What the ambient mesh carries is decided with the network policies.
        let first = policies.first().filter(|policy| policy.tier != Tier::Tunnel)?;
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
        Some(Turn { ends, rules: rules.into_iter().map(|(_, rule)| rule).collect() })
    }

    /// The regions that these policies leave open, of those that they are asked about.
    pub(super) fn open_by(
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
        let Some(Turn { ends, rules }) = self.turn(policies, piece) else {
            return entering.to_vec();
        };
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
        for rule in rules {
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
    pub(super) fn simplified(&self, (pods, except): Region) -> Option<Region> {
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
    pub(super) fn both(&self, a: &PodSelector, b: &PodSelector) -> Option<PodSelector> {
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
