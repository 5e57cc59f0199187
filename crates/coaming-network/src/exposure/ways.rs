//! What is open to pods to come through waypoints of Istio's ambient mesh.
//!
//! Where a pod is reached through a waypoint, a pod to come must be let in by the policies of the
//! waypoint's pods, on the port of the mesh, and be authorized by the waypoint. From there on everybody is
//! known.

use super::walk::{Piece, PortName, Region, Walk};
use super::{Direction, PodSelector, Policy, Work};
use crate::model::{TUNNEL_PORT, Waypoint};
use crate::ports::{Connections, PortSet, Protocol};
use crate::waypoints::CompiledWaypoint;

impl Work<'_> {
    /// What is open to one group of pods directly, and through waypoints. Where the pods' own addresses lead
    /// through one, TCP from those who use it has no other way.
    pub(super) fn with_ways(
        &self,
        own: usize,
        direct: Vec<(Region, Piece)>,
    ) -> Vec<(Region, Piece)> {
        let model = self.reach.model();
        let Some(class) = self.reach.class_of(own) else { return direct };
        let waypoints = model.waypoints.iter().zip(&self.reach.waypoints);
        let ways: Vec<_> =
            waypoints.filter(|(_, compiled)| compiled.target.contains(class)).collect();
        let detours = ways.iter().filter(|(waypoint, _)| waypoint.service.is_none());
        let users = detours.flat_map(|(waypoint, _)| waypoint.users());
        let users: Vec<PodSelector> = users.cloned().collect();
        let Some(walk) = self.walk(own, Direction::Ingress).filter(|_| !ways.is_empty()) else {
            return direct;
        };
        let without_users = direct.into_iter().filter_map(|((pods, except), piece)| {
            if piece.0.ports(Protocol::Tcp).is_empty() {
                return Some(((pods, except), piece));
            }
            let except = [except, users.clone()].concat();
            Some((walk.simplified((pods, except))?, piece))
        });
        let mut found: Vec<_> = without_users.collect();
        for (waypoint, compiled) in ways {
            found.extend(self.through(own, class, waypoint, compiled));
        }
        found
    }

    /// What is open to one group of pods through one waypoint.
    fn through(
        &self,
        own: usize,
        class: usize,
        waypoint: &Waypoint,
        compiled: &CompiledWaypoint,
    ) -> Vec<(Region, Piece)> {
        let model = self.reach.model();
        let Some(target) = model.pods.get(own) else { return Vec::new() };
        let policies: Vec<&Policy> = waypoint.policies.iter().collect();
        let walk = Walk { model, own: target, direction: Direction::Ingress, policies };
        let carried = walk.numbers(&waypoint.carries);
        let mut found = Vec::new();
        for pods in compiled.pods.ones() {
            let onward = self.reach.between(pods, class).intersection(&carried);
            let members = self.reach.classes().get(pods).map(|class| class.pods.as_slice());
            let Some(&member) = members.and_then(|members| members.first()) else { continue };
            if onward.is_empty() {
                continue;
            }
            let arriving = self.arriving(member, waypoint);
            for (ports, name) in walk.pieces() {
                let open = ports.intersection(&onward);
                if open.is_empty() || arriving.is_empty() {
                    continue;
                }
                let piece = (ports, name);
                let regions = walk.open_by(&walk.policies, &piece, arriving.clone());
                let open = (open, PortName::Any { unless: Vec::new() });
                found.extend(regions.into_iter().map(|region| (region, open.clone())));
            }
        }
        found
    }

    /// The pods to come that use a waypoint and that these pods of it let in.
    fn arriving(&self, waypoint: usize, facts: &Waypoint) -> Vec<Region> {
        let Some(walk) = self.walk(waypoint, Direction::Ingress) else { return Vec::new() };
        let tunnel = PortSet::range(TUNNEL_PORT, TUNNEL_PORT);
        let tunnel = Connections::of(Protocol::Tcp, tunnel);
        let pieces = walk.pieces().into_iter();
        let pieces = pieces.filter(|(ports, _)| !ports.intersection(&tunnel).is_empty());
        let open = pieces.flat_map(|piece| walk.open_for(&piece));
        let mut found = Vec::new();
        for (pods, except) in open {
            for users in facts.users() {
                let both = walk.both(&pods, users).map(|pods| (pods, except.clone()));
                found.extend(both.and_then(|region| walk.simplified(region)));
            }
        }
        found
    }
}
