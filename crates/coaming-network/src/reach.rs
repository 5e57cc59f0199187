//! Who can reach whom, on which ports: the answer to every such question, computed once.
//!
//! For each class of pods and each direction there is a *profile*: the universe cut into few sets,
//! each with the connections that the policies on this side allow with it. Classes under the same
//! policies share one. A connection is allowed where the source's egress profile and the target's
//! ingress profile both allow it; asking that for one pair costs two look-ups.
//!
//! A change of one policy or one group of pods recompiles what it touches and keeps the rest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::class::Class;
use crate::compile::{CompiledPolicy, CompiledRule, Put, Space};
use crate::ip::IpSet;
use crate::model::{Action, ContainerPort, Direction, Model, Pods, Policy, Tier};
use crate::ports::Connections;

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Pods, by their place in [`Model::pods`].
    Pods(usize),
    /// Outside addresses, by their place in [`Reach::externals`].
    External(usize),
}

/// What makes two classes' profiles the same: the policies, and if they name ports, the ports.
type Alike<'r> = (&'r [usize], Option<&'r [ContainerPort]>);

/// What the policies on one side allow, by the other side.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Disjoint sets of others; whoever is in none may connect to nothing.
    pub(crate) cells: Vec<(Connections, FixedBitSet)>,
}

impl Profile {
    /// What is allowed with this member of the universe; `None` for nothing.
    pub(crate) fn at(&self, member: usize) -> Option<&Connections> {
        let cell = self.cells.iter().find(|(_, members)| members.contains(member))?;
        Some(&cell.0)
    }
}

/// A model, and who can reach whom in it.
#[derive(Debug)]
pub struct Reach {
    model: Model,
    space: Space,
    policies: Vec<CompiledPolicy>,
    /// The profile of each class, for ingress and for egress.
    profiles: [Vec<Arc<Profile>>; 2],
}

impl Reach {
    /// Works everything out.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let mut space = Space::new(&model);
        let policies = model
            .policies
            .iter()
            .map(|policy| CompiledPolicy::new(&mut space, &model, policy))
            .collect();
        let nothing = Arc::new(Profile { cells: Vec::new() });
        let profiles = Direction::BOTH.map(|_| vec![Arc::clone(&nothing); space.classes.len()]);
        let mut reach = Self { model, space, policies, profiles };
        let everything = Arc::clone(reach.space.everything());
        reach.evaluate([&everything, &everything]);
        reach
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model back, to be changed freely.
    #[must_use]
    pub fn into_model(self) -> Model {
        self.model
    }

    /// The outside addresses, in pieces that no policy tells apart.
    #[must_use]
    pub fn externals(&self) -> &[IpSet] {
        &self.space.externals
    }

    /// How many classes of pods the policies can tell apart.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.space.classes.iter().filter(|class| !class.pods.is_empty()).count()
    }

    /// Puts another policy in the place of the one at `place`, or adds it at the end.
    pub fn set_policy(&mut self, place: usize, policy: Policy) {
        if !self.space.knows(&policy) {
            let mut model = std::mem::take(&mut self.model);
            put(&mut model.policies, place, policy);
            *self = Self::new(model);
            return;
        }
        let compiled = CompiledPolicy::new(&mut self.space, &self.model, &policy);
        let mut touched = (*compiled.subject).clone();
        if let Some(before) = self.policies.get(place) {
            touched.union_with(&before.subject);
        }
        put(&mut self.model.policies, place, policy);
        put(&mut self.policies, place, compiled);
        self.evaluate([&touched, &touched]);
    }

    /// Takes a policy away.
    pub fn remove_policy(&mut self, place: usize) {
        if place < self.policies.len() {
            self.model.policies.remove(place);
            let touched = self.policies.remove(place).subject;
            self.evaluate([&touched, &touched]);
        }
    }

    /// Changes a group of pods, or adds one at the end.
    pub fn set_pods(&mut self, place: usize, pods: Pods) {
        let place = place.min(self.model.pods.len());
        let left = self.class_of(place);
        match self.space.put(&self.model, place, &pods) {
            Put::Known => {
                put(&mut self.model.pods, place, pods);
                // These may have been the last pods of their class.
                let mut touched = self.no_classes();
                touched.extend(left);
                self.evaluate([&touched, &touched]);
            }
            Put::New(class) => {
                let touched = self.renew(class, &pods);
                put(&mut self.model.pods, place, pods);
                let [ingress, egress] = &touched;
                self.evaluate([ingress, egress]);
            }
            Put::Full => {
                let mut model = std::mem::take(&mut self.model);
                put(&mut model.pods, place, pods);
                *self = Self::new(model);
            }
        }
    }

    /// Brings the policies up to date with a class that now stands for `pods`. Gives the classes
    /// whose profiles that changes, for ingress and for egress: its own, and those of the pods
    /// under policies that see it with other eyes.
    fn renew(&mut self, class: usize, pods: &Pods) -> [FixedBitSet; 2] {
        let mut touched = Direction::BOTH.map(|_| self.no_classes());
        touched.iter_mut().for_each(|classes| classes.insert(class));
        for (compiled, policy) in self.policies.iter_mut().zip(&self.model.policies) {
            let changed = compiled.renew(&self.model, policy, class, pods);
            for (changed, classes) in changed.into_iter().zip(&mut touched) {
                if changed {
                    classes.union_with(&compiled.subject);
                }
            }
        }
        touched
    }

    fn no_classes(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.space.universe)
    }

    /// What may be connected to, from one end to the other. From outside to outside is not ours
    /// to say, and none.
    #[must_use]
    pub fn allowed(&self, source: End, target: End) -> Connections {
        if let (End::External(_), End::External(_)) = (source, target) {
            return Connections::none();
        }
        let (Some(from), Some(to)) = (self.member(source), self.member(target)) else {
            return Connections::none();
        };
        let egress = match self.profile_of(source, Direction::Egress) {
            Some(profile) => profile.at(to),
            None => None,
        };
        let ingress = match self.profile_of(target, Direction::Ingress) {
            Some(profile) => profile.at(from),
            None => None,
        };
        match (source, target, egress, ingress) {
            (End::External(_), _, _, Some(ingress)) => ingress.clone(),
            (_, End::External(_), Some(egress), _) => egress.clone(),
            (End::Pods(_), End::Pods(_), Some(egress), Some(ingress)) => {
                egress.intersection(ingress)
            }
            _ => Connections::none(),
        }
    }

    /// What the policies on one side alone allow: those of `subject` for a direction, with `peer`
    /// at the other end.
    #[must_use]
    pub fn allowed_by(&self, subject: usize, direction: Direction, peer: End) -> Connections {
        let allowed = self
            .profile_of(End::Pods(subject), direction)
            .and_then(|profile| profile.at(self.member(peer)?));
        allowed.cloned().unwrap_or_default()
    }

    /// The policies that select these pods and have a say in a direction, by their places in the
    /// model, in the order in which they are asked.
    #[must_use]
    pub fn policies_of(&self, pods: usize, direction: Direction) -> Vec<usize> {
        let Some(class) = self.class_of(pods) else { return Vec::new() };
        let mut found: Vec<usize> = (0..self.policies.len())
            .filter(|&place| self.concerns(place, class, direction))
            .collect();
        found.sort_by_key(|&place| self.turn(place));
        found
    }

    fn concerns(&self, policy: usize, class: usize, direction: Direction) -> bool {
        self.policies.get(policy).is_some_and(|policy| {
            policy.rules(direction).is_some() && policy.subject.contains(class)
        })
    }

    fn turn(&self, place: usize) -> Option<(Tier, u32, &str)> {
        let policy = self.model.policies.get(place)?;
        Some((policy.tier, policy.priority, policy.name.as_str()))
    }

    /// Whether a rule of a policy matches the other end.
    #[must_use]
    pub fn rule_matches(&self, policy: usize, direction: Direction, rule: usize, end: End) -> bool {
        let rule = self.policies.get(policy).and_then(|policy| policy.rules(direction)?.get(rule));
        match (rule, self.member(end)) {
            (Some(rule), Some(member)) => rule.peers.contains(member),
            _ => false,
        }
    }

    /// The connections that a rule speaks of, for these pods and that other end.
    #[must_use]
    pub fn rule_connections(
        &self,
        policy: usize,
        direction: Direction,
        rule: usize,
        pods: usize,
        end: End,
    ) -> Connections {
        let rule = self.policies.get(policy).and_then(|policy| policy.rules(direction)?.get(rule));
        let (Some(rule), Some(own), Some(member)) =
            (rule, self.model.pods.get(pods), self.member(end))
        else {
            return Connections::none();
        };
        rule.expand(&self.space, direction, own)
            .into_iter()
            .filter(|(peers, _)| peers.contains(member))
            .fold(Connections::none(), |all, (_, some)| all.union(&some))
    }

    /// The connections that a rule speaks of for these pods, whoever is at the other end; for
    /// egress, named ports are left out, as only the other end knows them.
    #[must_use]
    pub fn rule_ports(
        &self,
        policy: usize,
        direction: Direction,
        rule: usize,
        pods: usize,
    ) -> Connections {
        let rule = self.policies.get(policy).and_then(|policy| policy.rules(direction)?.get(rule));
        let (Some(rule), Some(own)) = (rule, self.model.pods.get(pods)) else {
            return Connections::none();
        };
        match direction {
            Direction::Egress => rule.fixed.clone(),
            Direction::Ingress => rule
                .expand(&self.space, direction, own)
                .into_iter()
                .fold(Connections::none(), |all, (_, some)| all.union(&some)),
        }
    }

    /// The places in the model of the pods that a policy selects.
    #[must_use]
    pub fn subject(&self, policy: usize) -> Vec<usize> {
        let classes = self.policies.get(policy).map(|policy| &policy.subject);
        self.pods_in(classes.into_iter().flat_map(|classes| classes.ones()))
    }

    fn pods_in(&self, classes: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut found: Vec<usize> = classes
            .filter_map(|class| self.space.classes.get(class))
            .flat_map(|class| class.pods.iter().copied())
            .collect();
        found.sort_unstable();
        found
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.space.classes
    }

    pub(crate) fn profile(&self, class: usize, direction: Direction) -> Option<&Profile> {
        self.profiles[direction as usize].get(class).map(Arc::as_ref)
    }

    fn profile_of(&self, end: End, direction: Direction) -> Option<&Profile> {
        match end {
            End::Pods(pods) => self.profile(self.class_of(pods)?, direction),
            End::External(_) => None,
        }
    }

    pub(crate) fn class_of(&self, pods: usize) -> Option<usize> {
        self.space.class_of.get(pods).map(|&class| class as usize)
    }

    fn member(&self, end: End) -> Option<usize> {
        match end {
            End::Pods(pods) => self.class_of(pods),
            End::External(atom) if atom < self.space.externals.len() => {
                Some(self.space.classes.len() + atom)
            }
            End::External(_) => None,
        }
    }

    /// Works out the profiles of these classes, for ingress and for egress, from the compiled
    /// policies; the others stay as they are.
    fn evaluate(&mut self, touched: [&FixedBitSet; 2]) {
        for (direction, touched) in Direction::BOTH.into_iter().zip(touched) {
            for (class, profile) in self.evaluate_direction(direction, touched) {
                if let Some(known) = self.profiles[direction as usize].get_mut(class) {
                    *known = profile;
                }
            }
        }
    }

    fn evaluate_direction(
        &self,
        direction: Direction,
        touched: &FixedBitSet,
    ) -> Vec<(usize, Arc<Profile>)> {
        let concerned = |place: usize| {
            let policy = self.policies.get(place)?;
            let rules = policy.rules(direction)?;
            (!policy.subject.is_disjoint(touched)).then_some((place, policy, rules))
        };
        let mut order: Vec<_> = (0..self.policies.len()).filter_map(concerned).collect();
        order.sort_by_key(|&(place, ..)| self.turn(place));
        let mut policies_of: Vec<Vec<usize>> = vec![Vec::new(); self.space.classes.len()];
        let mut asks_names = vec![false; self.space.classes.len()];
        for (place, policy, rules) in order {
            let named =
                direction == Direction::Ingress && rules.iter().any(|rule| !rule.named.is_empty());
            for class in policy.subject.intersection(touched) {
                policies_of[class].push(place);
                asks_names[class] |= named;
            }
        }
        let mut known: HashMap<Alike<'_>, Arc<Profile>> = HashMap::new();
        let mut profiles = Vec::new();
        for class in touched.ones().take_while(|&class| class < self.space.classes.len()) {
            let Some(pods) = self.space.representative(&self.model, class) else {
                profiles.push((class, Arc::new(Profile { cells: Vec::new() })));
                continue;
            };
            let policies = policies_of[class].as_slice();
            let names = asks_names[class].then_some(pods.ports.as_slice());
            let profile = known
                .entry((policies, names))
                .or_insert_with(|| Arc::new(self.decide(policies, direction, pods)));
            profiles.push((class, Arc::clone(profile)));
        }
        profiles
    }

    /// The profile under these policies, which come in the order of their turns.
    fn decide(&self, policies: &[usize], direction: Direction, own: &Pods) -> Profile {
        let tier = |tier: Tier| {
            let rules = policies.iter().filter(move |&&place| {
                self.model.policies.get(place).is_some_and(|policy| policy.tier == tier)
            });
            rules.filter_map(|&place| self.policies.get(place)?.rules(direction))
        };
        let (admin, baseline) = (tier(Tier::Admin), tier(Tier::Baseline));
        let isolated = tier(Tier::Network).next().is_some();
        let mut cells = Cells::new(self.space.everything());
        cells.ordered(admin.flatten(), &self.space, direction, own);
        if isolated {
            cells.additive(tier(Tier::Network).flatten(), &self.space, direction, own);
        } else {
            cells.ordered(baseline.flatten(), &self.space, direction, own);
            cells.allow_open();
        }
        cells.into_profile()
    }
}

fn put<T>(list: &mut Vec<T>, place: usize, value: T) {
    match list.get_mut(place) {
        Some(slot) => *slot = value,
        None => list.push(value),
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

    /// The tier of NetworkPolicies: of what is open, whatever any rule allows is allowed, and the
    /// rest is not.
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
