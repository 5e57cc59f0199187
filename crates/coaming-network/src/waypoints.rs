//! Ways through the waypoints of Istio's ambient mesh.
//!
//! A connection through a waypoint is two: from the source to a pod of the waypoint, and from there to
//! the target, each under the policies of its own two ends; between them the waypoint authorizes it. What
//! comes that way adds to the profiles of both ends, so that every answer counts it. Where the pods' own
//! addresses lead through a waypoint too, there is no other way for TCP.

use std::collections::BTreeMap;
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

/// What comes in addition to some classes, or leaves them.
type Additions = BTreeMap<usize, Vec<(Connections, FixedBitSet)>>;

fn tcp() -> Connections {
    Connections::of(Protocol::Tcp, PortSet::all())
}

impl Reach {
    /// Adds to the profiles what comes through waypoints.
    pub(crate) fn pass_waypoints(&mut self) {
        let waypoints = self.model.waypoints.clone();
        self.waypoints = waypoints.iter().map(|it| self.compile_waypoint(it)).collect();
        let mut additions: [Additions; 2] = [Additions::new(), Additions::new()];
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
            self.add_ways(waypoint, compiled, &mut additions);
        }
        let direct = self.profiles.clone();
        let [ingress, egress] = additions;
        let [incoming, outgoing] = &mut self.profiles;
        for (target, sources) in &detours {
            if let Some(profile) = incoming.get_mut(*target) {
                Arc::make_mut(profile).change(sources, |known| known.difference(&tcp()));
            }
        }
        for (profiles, additions) in [(incoming, ingress), (outgoing, egress)] {
            for (class, more) in additions {
                let Some(profile) = profiles.get_mut(class).map(Arc::make_mut) else { continue };
                for (connections, members) in more {
                    profile.change(&members, |known| known.union(&connections));
                }
            }
        }
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
        additions: &mut [Additions; 2],
    ) {
        let ways: Vec<(usize, FixedBitSet)> = compiled
            .pods
            .ones()
            .map(|pods| (pods, self.arriving(pods, &compiled.carries.peers)))
            .filter(|(_, sources)| !sources.is_clear())
            .collect();
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
                    for source in members.ones() {
                        let mut own = FixedBitSet::with_capacity(self.space.universe);
                        own.insert(target);
                        additions[Direction::Egress as usize]
                            .entry(source)
                            .or_default()
                            .push((open.clone(), own));
                    }
                    additions[Direction::Ingress as usize]
                        .entry(target)
                        .or_default()
                        .push((open, members));
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
