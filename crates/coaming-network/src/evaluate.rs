//! What the policies on one side of a connection allow.
//!
//! For each class of pods and each direction there is a *profile*: the universe, cut into few sets,
//! each with the connections that the policies on this side allow with it. Classes under the same
//! policies share one.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;

use crate::compile::{CompiledPolicy, CompiledRule};
use crate::model::{Action, Direction, Model, Pods, Policy, TUNNEL_PORT, Tier};
use crate::ports::{Connections, FIRST_PORT, LAST_PORT, PortSet, Protocol};
use crate::space::Space;

/// What the policies on one side allow, by the other side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Profile {
    /// Disjoint sets of members; what is in none may not connect at all.
    pub(crate) cells: Vec<(Connections, FixedBitSet)>,
}

impl Profile {
    /// What is allowed with this member of the universe; `None` for nothing.
    pub(crate) fn at(&self, member: usize) -> Option<&Connections> {
        let cell = self.cells.iter().find(|(_, members)| members.contains(member))?;
        Some(&cell.0)
    }

    /// Changes what is allowed with these members.
    pub(crate) fn change(
        &mut self,
        members: &FixedBitSet,
        change: impl Fn(&Connections) -> Connections,
    ) {
        let mut next: BTreeMap<Connections, FixedBitSet> = BTreeMap::new();
        let mut rest = members.clone();
        for (allowed, known) in std::mem::take(&mut self.cells) {
            rest.difference_with(&known);
            let mut inside = known.clone();
            inside.intersect_with(members);
            let mut outside = known;
            outside.difference_with(members);
            let changed = change(&allowed);
            for (allowed, members) in [(allowed, outside), (changed, inside)] {
                if !members.is_clear() && !allowed.is_empty() {
                    add_members(&mut next, allowed, members);
                }
            }
        }
        let changed = change(&Connections::none());
        if !rest.is_clear() && !changed.is_empty() {
            add_members(&mut next, changed, rest);
        }
        self.cells = next.into_iter().collect();
    }
}

/// The profile of pods under these policies, given by their ids in the order of evaluation.
pub(crate) fn profile(
    model: &Model,
    space: &Space,
    compiled: &[Option<CompiledPolicy>],
    policies: &[usize],
    direction: Direction,
    own: &Pods,
) -> Profile {
    let policies: Vec<(&Policy, &[CompiledRule])> = policies
        .iter()
        .filter_map(|&id| {
            let rules = compiled.get(id)?.as_ref()?.rules(direction)?;
            Some((model.policies.get(id)?, rules))
        })
        .collect();
    let mut cells = Cells::new(space.everything());
    let mesh = policies.partition_point(|(policy, _)| !policy.tier.is_mesh());
    let (network, mesh) = policies.split_at(mesh);
    for tier in network.chunk_by(|(a, _), (b, _)| a.tier == b.tier) {
        cells.tier(model, space, direction, own, tier);
    }
    cells.allow_open();
    let tunnels = mesh.partition_point(|(policy, _)| policy.tier == Tier::Tunnel);
    let (tunnels, mesh) = mesh.split_at(tunnels);
    for rule in tunnels.iter().flat_map(|(_, rules)| *rules) {
        cells.carry(&rule.peers);
    }
    if !mesh.is_empty() {
        cells.open_again(&proxied(mesh.iter().map(|(policy, _)| *policy)));
        for tier in mesh.chunk_by(|(a, _), (b, _)| a.tier == b.tier) {
            cells.tier(model, space, direction, own, tier);
        }
        cells.allow_open();
    }
    cells.into_profile()
}

/// What a waypoint with these policies lets through to these pods, of what it `carries`.
pub(crate) fn authorized(
    model: &Model,
    space: &Space,
    carries: &CompiledRule,
    policies: &[(&Policy, &[CompiledRule])],
    own: &Pods,
) -> Profile {
    let mut cells = Cells::new(space.everything());
    cells.change_all(|state| state.open = Connections::none());
    for (peers, connections) in carries.expand(space, Direction::Ingress, own) {
        cells.change(&peers, |state| state.open = state.open.union(&connections));
    }
    cells.tier(model, space, Direction::Ingress, own, policies);
    cells.allow_open();
    cells.into_profile()
}

/// What goes through the proxies of the service mesh that has these policies: TCP, but for the ports of
/// Istio's proxies themselves.
pub(crate) fn proxied<'p>(mut policies: impl Iterator<Item = &'p Policy>) -> Connections {
    const PORTS: [(u16, u16); 3] = [(FIRST_PORT, 15019), (15022, 15089), (15091, LAST_PORT)];
    if policies.all(|policy| policy.kind.is_linkerd()) {
        return Connections::of(Protocol::Tcp, PortSet::all());
    }
    let ports = PORTS.into_iter().map(|(first, last)| PortSet::range(first, last));
    let ports = ports.fold(PortSet::none(), |all, some| all.union(&some));
    Connections::of(Protocol::Tcp, ports)
}

/// Whether a port is one of Istio's proxies themselves, which no policy of the mesh is about.
#[must_use]
pub fn is_port_of_proxy(protocol: Protocol, port: u16) -> bool {
    protocol == Protocol::Tcp && matches!(port, 15020 | 15021 | 15090)
}

/// What the ambient mesh lets pods do to each other of which the network allows this.
pub(crate) fn carried(allowed: &Connections) -> Connections {
    let tcp = Connections::of(Protocol::Tcp, PortSet::all());
    match allowed.contains(Protocol::Tcp, TUNNEL_PORT) {
        true => allowed.union(&tcp),
        false => allowed.difference(&tcp),
    }
}

/// How far the decision on some connections has come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    /// Decided: allowed.
    allowed: Connections,
    /// Not yet decided in this tier.
    open: Connections,
    /// Passed on to the next tier.
    passed: Connections,
}

/// The universe, cut by how far the decision has come.
struct Cells(BTreeMap<State, FixedBitSet>);

impl Cells {
    fn new(everything: &FixedBitSet) -> Self {
        let state = State {
            allowed: Connections::none(),
            open: Connections::all(),
            passed: Connections::none(),
        };
        Self(BTreeMap::from([(state, everything.clone())]))
    }

    /// Changes the state of the members in `peers`.
    fn change(&mut self, peers: &FixedBitSet, change: impl Fn(&mut State)) {
        if peers.is_clear() {
            return;
        }
        let mut next: BTreeMap<State, FixedBitSet> = BTreeMap::new();
        let mut add = |state, members| add_members(&mut next, state, members);
        for (state, members) in std::mem::take(&mut self.0) {
            if members.is_disjoint(peers) {
                add(state, members);
                continue;
            }
            let mut changed = state.clone();
            change(&mut changed);
            if changed == state {
                add(state, members);
                continue;
            }
            let mut inside = members.clone();
            inside.intersect_with(peers);
            add(changed, inside);
            let mut outside = members;
            outside.difference_with(peers);
            if !outside.is_clear() {
                add(state, outside);
            }
        }
        self.0 = next;
    }

    /// Changes the state of all members.
    fn change_all(&mut self, change: impl Fn(&mut State)) {
        for (mut state, members) in std::mem::take(&mut self.0) {
            change(&mut state);
            add_members(&mut self.0, state, members);
        }
    }

    /// One tier, with its policies in their order.
    fn tier(
        &mut self,
        model: &Model,
        space: &Space,
        direction: Direction,
        own: &Pods,
        policies: &[(&Policy, &[CompiledRule])],
    ) {
        let Some((first, _)) = policies.first() else { return };
        let isolated = policies.iter().any(|(policy, _)| policy.isolates(direction));
        let ends = isolated && !model.passes(&first.tier);
        let part = |early: bool| {
            let rules = policies.iter().flat_map(|(policy, rules)| {
                rules.iter().map(|rule| (policy.kind.comes_first(rule.action), rule))
            });
            rules.filter(move |(first, _)| *first == early).map(|(_, rule)| rule)
        };
        self.ordered(part(true), space, direction, own, false);
        let in_order = first.tier.is_in_order(policies.iter().map(|(policy, _)| policy.kind));
        match (in_order, ends) {
            (true, _) => self.ordered(part(false), space, direction, own, ends),
            (false, true) => self.additive(part(false), space, direction, own),
            (false, false) => {}
        }
    }

    /// A tier in which the first rule that matches decides. What it passes on is open again
    /// afterwards, and so is what it leaves open, unless it `ends`: then that is refused.
    fn ordered<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r CompiledRule>,
        space: &Space,
        direction: Direction,
        own: &Pods,
        ends: bool,
    ) {
        for rule in rules {
            for (peers, connections) in rule.expand(space, direction, own) {
                self.change(&peers, |state| {
                    let decided = state.open.intersection(&connections);
                    state.open = state.open.difference(&connections);
                    match rule.action {
                        Action::Allow => state.allowed = state.allowed.union(&decided),
                        Action::Pass => state.passed = state.passed.union(&decided),
                        Action::Deny => {}
                    }
                });
            }
        }
        self.change_all(|state| {
            let passed = std::mem::replace(&mut state.passed, Connections::none());
            state.open = if ends { passed } else { state.open.union(&passed) };
        });
    }

    /// The tier of NetworkPolicies: of what is open, everything that any rule allows is allowed,
    /// and the rest is not.
    fn additive<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r CompiledRule>,
        space: &Space,
        direction: Direction,
        own: &Pods,
    ) {
        let mut by_ports: BTreeMap<Connections, FixedBitSet> = BTreeMap::new();
        for rule in rules.filter(|rule| rule.action == Action::Allow) {
            for (peers, connections) in rule.expand(space, direction, own) {
                match by_ports.get_mut(&connections) {
                    Some(known) => known.union_with(&peers),
                    None => {
                        by_ports.insert(connections, (*peers).clone());
                    }
                }
            }
        }
        for (connections, peers) in by_ports {
            self.change(&peers, |state| {
                state.allowed = state.allowed.union(&state.open.intersection(&connections));
            });
        }
        self.change_all(|state| state.open = Connections::none());
    }

    /// TCP with these members goes through the port of the ambient mesh, whatever port it is for.
    fn carry(&mut self, peers: &FixedBitSet) {
        self.change(peers, |state| state.allowed = carried(&state.allowed));
    }

    /// What no policy has decided is allowed.
    fn allow_open(&mut self) {
        self.change_all(|state| {
            state.allowed = state.allowed.union(&state.open);
            state.open = Connections::none();
        });
    }

    /// What is allowed so far is to be decided again, where it is about these connections.
    fn open_again(&mut self, connections: &Connections) {
        self.change_all(|state| {
            state.open = state.allowed.intersection(connections);
            state.allowed = state.allowed.difference(connections);
        });
    }

    fn into_profile(self) -> Profile {
        let mut by_allowed: BTreeMap<Connections, FixedBitSet> = BTreeMap::new();
        for (state, members) in self.0 {
            if state.allowed.is_empty() {
                continue;
            }
            add_members(&mut by_allowed, state.allowed, members);
        }
        Profile { cells: by_allowed.into_iter().collect() }
    }
}

/// Adds members to those that are known under a key.
fn add_members<K: Ord>(known: &mut BTreeMap<K, FixedBitSet>, key: K, members: FixedBitSet) {
    match known.get_mut(&key) {
        Some(known) => known.union_with(&members),
        None => {
            known.insert(key, members);
        }
    }
}
