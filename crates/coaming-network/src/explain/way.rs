//! Ways through waypoints of Istio's ambient mesh.

use super::{Explanation, PolicyVerdict, RuleVerdict, Side, of_policies, pair, peer_of, rule_name};
use crate::advice::connections;
use crate::find::{AskedPort, FoundPeer};
use crate::list::Peer;
use crate::model::{Direction, Limit, TUNNEL_PORT, Waypoint};
use crate::ports::{Connections, Protocol};
use crate::reach::{Endpoint, Reach};
use crate::waypoints::CompiledWaypoint;

/// A way through a waypoint: two connections, and what is decided between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The waypoint: `shop/waypoint`.
    pub waypoint: String,
    /// The Service that leads through it; without one, the pods' own addresses do.
    pub service: Option<String>,
    /// From the source to the waypoint.
    pub first: Explanation,
    /// What the waypoint authorizes.
    pub authorization: Side,
    /// From the waypoint to the target.
    pub onward: Explanation,
    /// Everything that is allowed this way.
    pub allowed: Connections,
    /// What must hold besides.
    pub limits: Vec<Vec<Limit>>,
}

impl Way {
    /// Whether the port in question is allowed this way; without one, whether any is.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        !self.allowed.intersection(&connections(self.onward.port.as_ref())).is_empty()
    }
}

/// The ways from one endpoint to another, of all waypoints that lead to the port in question.
pub(super) fn ways(
    reach: &Reach,
    from: Endpoint,
    to: Endpoint,
    port: Option<&AskedPort>,
) -> Vec<Way> {
    let waypoints = reach.model().waypoints.iter().zip(&reach.waypoints);
    waypoints
        .filter_map(|(waypoint, compiled)| way(reach, (waypoint, compiled), from, to, port))
        .collect()
}

/// Whether the pods' own addresses lead through a waypoint, too.
pub(super) fn is_detour(ways: &[Way]) -> bool {
    ways.iter().any(|way| way.service.is_none())
}

fn way(
    reach: &Reach,
    (waypoint, compiled): (&Waypoint, &CompiledWaypoint),
    from: Endpoint,
    to: Endpoint,
    port: Option<&AskedPort>,
) -> Option<Way> {
    let (Endpoint::Pods(source), Endpoint::Pods(target)) = (from, to) else { return None };
    let (source, class) = (reach.class_of(source)?, reach.class_of(target)?);
    if !compiled.carries.peers.contains(source) || !compiled.target.contains(class) {
        return None;
    }
    let own = reach.model().pods.get(target)?;
    let carried = compiled.carries.expand(&reach.space, Direction::Ingress, own);
    let carried = carried.into_iter().fold(Connections::none(), |all, (_, some)| all.union(&some));
    if carried.intersection(&connections(port)).is_empty() {
        return None;
    }
    let pods = compiled.pods.ones().filter_map(|it| reach.classes().get(it)?.pods.first().copied());
    let found = pods.map(|pods| {
        let middle = Endpoint::Pods(pods);
        let nobody = FoundPeer::default();
        let tunnel = AskedPort::from((Protocol::Tcp, TUNNEL_PORT));
        let first = pair(reach, (from, &nobody), (middle, &nobody), Some(&tunnel));
        let onward = pair(reach, (middle, &nobody), (to, &nobody), port);
        let subject = peer_of(reach, middle);
        let authorization = authorization(reach, (waypoint, compiled), subject, target, from);
        let mut allowed = authorization.allowed.intersection(&onward.allowed);
        if !first.is_allowed() {
            allowed = Connections::none();
        }
        let mut way = Way {
            waypoint: waypoint.full_name(),
            service: waypoint.service.clone(),
            first,
            authorization,
            onward,
            allowed,
            limits: Vec::new(),
        };
        if way.is_allowed() {
            let asked = connections(port).intersection(&way.allowed);
            way.limits.extend(way.first.limits.iter().cloned());
            way.limits.extend(of_policies(&way.authorization.policies, &asked));
            way.limits.extend(way.onward.limits.iter().cloned());
        }
        way
    });
    // Of several pods of the waypoint, that which opens most.
    found.max_by_key(Way::is_allowed)
}

/// What a waypoint decides.
fn authorization(
    reach: &Reach,
    (waypoint, compiled): (&Waypoint, &CompiledWaypoint),
    subject: Peer,
    target: usize,
    from: Endpoint,
) -> Side {
    let (model, direction) = (reach.model(), Direction::Ingress);
    let (class, member) = (reach.class_of(target), reach.member(from));
    let allowed = class.zip(member).and_then(|(class, member)| {
        reach.authorized(waypoint, compiled, class).at(member).cloned()
    });
    let own = model.pods.get(target);
    let policies = waypoint.policies.iter().zip(&compiled.policies).map(|(policy, compiled)| {
        let rules = policy.rules(direction).unwrap_or_default().iter();
        let rules = rules.zip(compiled.rules(direction).unwrap_or_default()).enumerate();
        let rules = rules.map(|(position, (rule, compiled))| {
            let pairs = own.map(|own| compiled.expand(&reach.space, direction, own));
            let pairs = pairs.into_iter().flatten();
            let meant = pairs.filter(|(peers, _)| member.is_some_and(|it| peers.contains(it)));
            RuleVerdict {
                name: rule_name(rule, direction, position),
                location: rule.location.clone(),
                action: rule.action,
                matches: member.is_some_and(|it| compiled.peers.contains(it)),
                connections: meant.fold(Connections::none(), |all, (_, some)| all.union(&some)),
                limits: rule.limits.clone(),
            }
        });
        PolicyVerdict::new(policy, model, direction, rules.collect())
    });
    Side {
        direction,
        subject,
        policies: policies.collect(),
        allowed: allowed.unwrap_or_default(),
        governed: true,
        host_network: false,
    }
}
