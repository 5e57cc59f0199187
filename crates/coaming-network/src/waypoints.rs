//! Ways through the waypoints of Istio's ambient mesh.
//!
//! A connection through a waypoint is two: from the source to a pod of the waypoint, and from there to
//! the target, each under the policies of its own two ends; between them the waypoint authorizes it. What
//! comes that way adds to the profiles of both ends, so that every answer counts it. Where the pods' own
//! addresses lead through a waypoint too, there is no other way for TCP.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fixedbitset::FixedBitSet;

use crate::compile::{CompiledPolicy, CompiledRule};
use crate::evaluate::{Profile, authorized};
use crate::model::{Direction, Policy, TUNNEL_PORT, Waypoint};
use crate::ports::{Connections, PortSet, Protocol};
use crate::reach::Reach;

/// A waypoint over the universe.
#[derive(Debug)]
pub(crate) struct CompiledWaypoint {
    /// The classes of its pods.
    pub(crate) pods: Arc<FixedBitSet>,
    /// The classes that it leads to.
    pub(crate) target: Arc<FixedBitSet>,
    /// Who uses it, on which ports.
    pub(crate) carries: CompiledRule,
    /// What it authorizes.
    pub(crate) policies: Vec<CompiledPolicy>,
}

impl CompiledWaypoint {
    /// Its policies as they are written, each with its rules.
    fn rules<'w>(&'w self, waypoint: &'w Waypoint) -> Vec<(&'w Policy, &'w [CompiledRule])> {
        let policies = waypoint.policies.iter().zip(&self.policies);
        let rules = policies
            .filter_map(|(policy, compiled)| Some((policy, compiled.rules(Direction::Ingress)?)));
        rules.collect()
    }
}

/// What is open through waypoints, to which targets: by the ports and the sources. Many targets have the
/// same of both.
type Additions = BTreeMap<(Connections, FixedBitSet), FixedBitSet>;

/// The pods that a waypoint's pods let in, by the class of these and by who uses the waypoint.
type Arrivals = HashMap<(usize, *const FixedBitSet), FixedBitSet>;

fn tcp() -> Connections {
    Connections::of(Protocol::Tcp, PortSet::all())
}

/// Adds to the profiles of some classes what is open with others. Classes with the same profile and the
/// same additions still share one.
fn add<'w>(
    profiles: &mut [Arc<Profile>],
    additions: impl Iterator<Item = (&'w FixedBitSet, &'w Connections, &'w FixedBitSet)>,
) {
    let additions: Vec<_> = additions.collect();
    let mut of_classes: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, (classes, ..)) in additions.iter().enumerate() {
        for class in classes.ones() {
            of_classes.entry(class).or_default().push(position);
        }
    }
    let mut known: HashMap<(*const Profile, Vec<usize>), Arc<Profile>> = HashMap::new();
    // What is no longer used keeps its address until all are done.
    let mut before: Vec<Arc<Profile>> = Vec::new();
    for (class, positions) in of_classes {
        let Some(profile) = profiles.get_mut(class) else { continue };
        let key = (Arc::as_ptr(profile), positions);
        let changed = match known.get(&key) {
            Some(changed) => Arc::clone(changed),
            None => {
                let mut changed = (**profile).clone();
                let more = key.1.iter().filter_map(|&position| additions.get(position));
                for (_, open, members) in more {
                    changed.change(members, |known| known.union(open));
                }
                let changed = Arc::new(changed);
                known.insert(key, Arc::clone(&changed));
                changed
            }
        };
        before.push(std::mem::replace(profile, changed));
    }
}

impl Reach {
    /// Adds to the profiles what comes through waypoints.
    pub(crate) fn pass_waypoints(&mut self) {
        let waypoints = self.model.waypoints.clone();
        self.waypoints = waypoints.iter().map(|it| self.compile_waypoint(it)).collect();
        let mut additions = Additions::new();
        let mut arrivals = Arrivals::new();
        let mut detours: BTreeMap<usize, FixedBitSet> = BTreeMap::new();
        for (waypoint, compiled) in waypoints.iter().zip(&self.waypoints) {
            if waypoint.service.is_none() {
                for target in compiled.target.ones() {
                    let sources = (*compiled.carries.peers).clone();
                    match detours.get_mut(&target) {
                        Some(known) => known.union_with(&sources),
                        None => drop(detours.insert(target, sources)),
                    }
                }
            }
            self.add_ways(waypoint, compiled, &mut arrivals, &mut additions);
        }
        let direct = self.profiles.clone();
        let [incoming, outgoing] = &mut self.profiles;
        for (target, sources) in &detours {
            if let Some(profile) = incoming.get_mut(*target) {
                Arc::make_mut(profile).change(sources, |known| known.difference(&tcp()));
            }
        }
        let ways: Vec<_> = additions.into_iter().collect();
        let ways = || ways.iter().map(|((open, sources), targets)| (open, sources, targets));
        add(incoming, ways().map(|(open, sources, targets)| (targets, open, sources)));
        add(outgoing, ways().map(|(open, sources, targets)| (sources, open, targets)));
        self.direct = Some(direct);
    }

    fn compile_waypoint(&mut self, waypoint: &Waypoint) -> CompiledWaypoint {
        let policies = waypoint.policies.iter();
        let policies =
            policies.map(|policy| CompiledPolicy::new(&mut self.space, &self.model, policy));
        let policies = policies.collect();
        CompiledWaypoint {
            policies,
            carries: CompiledRule::new(&mut self.space, &self.model, &waypoint.carries),
            pods: self.space.select(&self.model, &waypoint.pods),
            target: self.space.select(&self.model, &waypoint.target),
        }
    }

    /// What comes through one waypoint.
    fn add_ways(
        &self,
        waypoint: &Waypoint,
        compiled: &CompiledWaypoint,
        arrivals: &mut Arrivals,
        additions: &mut Additions,
    ) {
        let users = &compiled.carries.peers;
        let mut ways: Vec<(usize, FixedBitSet)> = Vec::new();
        for pods in compiled.pods.ones() {
            let known = arrivals.entry((pods, Arc::as_ptr(users)));
            let sources = known.or_insert_with(|| self.arriving(pods, users));
            if !sources.is_clear() {
                ways.push((pods, sources.clone()));
            }
        }
        for target in compiled.target.ones().filter(|_| !ways.is_empty()) {
            let allowed = self.authorized(waypoint, compiled, target);
            for (pods, sources) in &ways {
                let onward = self.between(*pods, target);
                for (connections, members) in &allowed.cells {
                    let open = connections.intersection(&onward);
                    let mut members = members.clone();
                    members.intersect_with(sources);
                    if open.is_empty() || members.is_clear() {
                        continue;
                    }
                    let targets = additions.entry((open, members));
                    targets
                        .or_insert_with(|| FixedBitSet::with_capacity(self.space.universe))
                        .insert(target);
                }
            }
        }
    }

    /// What a waypoint authorizes towards a class, by the source.
    pub(crate) fn authorized(
        &self,
        waypoint: &Waypoint,
        compiled: &CompiledWaypoint,
        target: usize,
    ) -> Profile {
        let Some(own) = self.representative(target) else { return Profile::default() };
        let rules = compiled.rules(waypoint);
        authorized(&self.model, &self.space, &compiled.carries, &rules, own)
    }

    /// The sources that reach a class of a waypoint's pods.
    fn arriving(&self, waypoint: usize, users: &FixedBitSet) -> FixedBitSet {
        let mut found = FixedBitSet::with_capacity(self.space.universe);
        let is_open = |allowed: &Connections| allowed.contains(Protocol::Tcp, TUNNEL_PORT);
        let profile = self.profile(waypoint, Direction::Ingress);
        for (allowed, members) in profile.into_iter().flat_map(|profile| &profile.cells) {
            if is_open(allowed) {
                found.union_with(members);
            }
        }
        found.intersect_with(users);
        let leaves = |source: &usize| {
            let profile = self.profile(*source, Direction::Egress);
            profile.and_then(|profile| profile.at(waypoint)).is_some_and(is_open)
        };
        let sources: Vec<usize> = found.ones().filter(leaves).collect();
        let mut found = FixedBitSet::with_capacity(self.space.universe);
        found.extend(sources);
        found
    }

    /// What one class may connect to at another, by the policies of both.
    pub(crate) fn between(&self, source: usize, target: usize) -> Connections {
        let egress = self.profile(source, Direction::Egress).and_then(|it| it.at(target));
        let ingress = self.profile(target, Direction::Ingress).and_then(|it| it.at(source));
        match (egress, ingress) {
            (Some(egress), Some(ingress)) => egress.intersection(ingress),
            _ => Connections::none(),
        }
    }
}
