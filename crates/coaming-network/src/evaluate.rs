//! What the policies on one side of a connection allow.
//!
//! For each class of pods and each direction there is a *profile*: the universe, cut into few sets,
//! each with the connections that the policies on this side allow with it. Classes under the same
//! policies share one.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;

use crate::compile::{CompiledPolicy, CompiledRule};
use crate::model::{Action, Direction, Model, Pods, Tier};
use crate::ports::Connections;
use crate::space::Space;

/// What the policies on one side allow, by the other side.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
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
    let tier = |tier: Tier| {
        let policies = policies
            .iter()
            .filter(move |&&id| model.policies.get(id).is_some_and(|policy| policy.tier == tier));
        policies.filter_map(|&id| compiled.get(id)?.as_ref()?.rules(direction))
    };
    let isolated = tier(Tier::Network).next().is_some();
    let mut cells = Cells::new(space.everything());
    cells.ordered(tier(Tier::Admin).flatten(), space, direction, own);
    if isolated {
        cells.additive(tier(Tier::Network).flatten(), space, direction, own);
    } else {
        cells.ordered(tier(Tier::Baseline).flatten(), space, direction, own);
        cells.allow_open();
    }
    cells.into_profile()
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
        let mut add = |state: State, members: FixedBitSet| match next.get_mut(&state) {
            Some(known) => known.union_with(&members),
            None => {
                next.insert(state, members);
            }
        };
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

    /// A tier in which the first rule that matches decides. What it leaves open or passes on is
    /// open again afterwards.
    fn ordered<'r>(
        &mut self,
        rules: impl Iterator<Item = &'r CompiledRule>,
        space: &Space,
        direction: Direction,
        own: &Pods,
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
        for (mut state, members) in std::mem::take(&mut self.0) {
            state.open = state.open.union(&state.passed);
            state.passed = Connections::none();
            match self.0.get_mut(&state) {
                Some(known) => known.union_with(&members),
                None => {
                    self.0.insert(state, members);
                }
            }
        }
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
        for rule in rules {
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
    }

    /// What no policy has decided is allowed.
    fn allow_open(&mut self) {
        for (mut state, members) in std::mem::take(&mut self.0) {
            state.allowed = state.allowed.union(&state.open);
            state.open = Connections::none();
            match self.0.get_mut(&state) {
                Some(known) => known.union_with(&members),
                None => {
                    self.0.insert(state, members);
                }
            }
        }
    }

    fn into_profile(self) -> Profile {
        let mut by_allowed: BTreeMap<Connections, FixedBitSet> = BTreeMap::new();
        for (state, members) in self.0 {
            if state.allowed.is_empty() {
                continue;
            }
            match by_allowed.get_mut(&state.allowed) {
                Some(known) => known.union_with(&members),
                None => {
                    by_allowed.insert(state.allowed, members);
                }
            }
        }
        Profile { cells: by_allowed.into_iter().collect() }
    }
}
