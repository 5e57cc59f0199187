//! Reachability: which endpoint may connect to which, on which ports, computed once.
//!
//! A connection is allowed where the source's egress profile and the target's ingress profile (see
//! [`crate::evaluate`]) both allow it; one pair costs two look-ups. How a change is taken in is in
//! [`crate::update`].

use std::sync::Arc;

use crate::class::Class;
use crate::compile::CompiledPolicy;
use crate::evaluate::Profile;
use crate::ip::IpSet;
use crate::model::{Direction, Model, Pods, Tier};
use crate::ports::Connections;
use crate::refresh::Derivation;
use crate::space::{FEW_FREE_CLASSES, Space};
use crate::waypoints::CompiledWaypoint;

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Endpoint {
    /// Pods, by their id in [`Model::pods`].
    Pods(usize),
    /// Outside addresses, by their position in [`Reach::externals`].
    External(usize),
}

/// A model, and what may connect to what in it.
#[derive(Debug)]
pub struct Reach {
    pub(crate) model: Model,
    pub(crate) space: Space,
    /// By id in the model.
    pub(crate) policies: Vec<Option<CompiledPolicy>>,
    /// The profile of each class, for ingress and for egress.
    pub(crate) profiles: [Vec<Arc<Profile>>; 2],
    /// The policies that make it, by id, in the order of evaluation.
    pub(crate) governing: [Vec<Arc<[usize]>>; 2],
    /// The ways through waypoints.
    pub(crate) waypoints: Vec<CompiledWaypoint>,
    /// The profiles without these ways, where there are any.
    pub(crate) direct: Option<[Vec<Arc<Profile>>; 2]>,
    /// What the model derives from; `None` if it was not made from a world.
    pub(crate) derivation: Option<Box<Derivation>>,
}

impl Reach {
    /// Computes everything.
    #[must_use]
    pub fn new(model: Model) -> Self {
        let space = Space::new(&model, FEW_FREE_CLASSES);
        let mut reach = Self {
            model,
            space,
            policies: Vec::new(),
            profiles: [Vec::new(), Vec::new()],
            governing: [Vec::new(), Vec::new()],
            waypoints: Vec::new(),
            direct: None,
            derivation: None,
        };
        reach.compile();
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

    /// What one endpoint may connect to at the other. Connections from outside to outside are
    /// not modeled, and empty.
    #[must_use]
    pub fn allowed(&self, source: Endpoint, target: Endpoint) -> Connections {
        if let (Endpoint::External(_), Endpoint::External(_)) = (source, target) {
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
            (Endpoint::External(_), _, _, Some(ingress)) => ingress.clone(),
            (_, Endpoint::External(_), Some(egress), _) => egress.clone(),
            (Endpoint::Pods(_), Endpoint::Pods(_), Some(egress), Some(ingress)) => {
                egress.intersection(ingress)
            }
            _ => Connections::none(),
        }
    }

    /// What the policies on one side alone allow: those of `subject` for a direction, with `peer`
    /// on the other side, whatever comes through a waypoint.
    #[must_use]
    pub fn allowed_by(&self, subject: usize, direction: Direction, peer: Endpoint) -> Connections {
        let profiles = self.direct.as_ref().unwrap_or(&self.profiles);
        let allowed = self
            .class_of(subject)
            .and_then(|class| profiles[direction as usize].get(class))
            .and_then(|profile| profile.at(self.member(peer)?));
        allowed.cloned().unwrap_or_default()
    }

    /// The policies that select these pods and govern a direction, by their ids, in the order in
    /// which they are evaluated.
    #[must_use]
    pub fn policies_of(&self, pods: usize, direction: Direction) -> &[usize] {
        self.class_of(pods).map_or(&[], |class| self.governing(class, direction))
    }

    /// As [`Reach::policies_of`], for a class.
    pub(crate) fn governing(&self, class: usize, direction: Direction) -> &[usize] {
        self.governing[direction as usize].get(class).map_or(&[], |it| it)
    }

    /// Whether any policy decides about a direction of these pods: one that only allows, and isolates
    /// nothing, does not.
    #[must_use]
    pub fn guards(&self, pods: usize, direction: Direction) -> bool {
        let policies = self.policies_of(pods, direction).iter();
        policies
            .filter_map(|&id| self.model.policies.get(id))
            .filter(|policy| policy.kind.is_network_policy())
            .any(|policy| policy.tier != Tier::Network || policy.isolates(direction))
    }

    /// Whether a rule of a policy matches an endpoint.
    #[must_use]
    pub fn rule_matches(
        &self,
        policy: usize,
        direction: Direction,
        rule: usize,
        endpoint: Endpoint,
    ) -> bool {
        let rule = self.compiled(policy).and_then(|policy| policy.rules(direction)?.get(rule));
        match (rule, self.member(endpoint)) {
            (Some(rule), Some(member)) => rule.peers.contains(member),
            _ => false,
        }
    }

    /// The connections that a rule is about, for these pods and that endpoint.
    #[must_use]
    pub fn rule_connections(
        &self,
        policy: usize,
        direction: Direction,
        rule: usize,
        pods: usize,
        endpoint: Endpoint,
    ) -> Connections {
        let rule = self.compiled(policy).and_then(|policy| policy.rules(direction)?.get(rule));
        let (Some(rule), Some(own), Some(member)) =
            (rule, self.model.pods.get(pods), self.member(endpoint))
        else {
            return Connections::none();
        };
        rule.expand(&self.space, direction, own)
            .into_iter()
            .filter(|(peers, _)| peers.contains(member))
            .fold(Connections::none(), |all, (_, some)| all.union(&some))
    }

    /// The connections that a rule is about for these pods, whatever the peer; for egress, named
    /// ports are left out, as they depend on the peer.
    #[must_use]
    pub fn rule_ports(
        &self,
        policy: usize,
        direction: Direction,
        rule: usize,
        pods: usize,
    ) -> Connections {
        let rule = self.compiled(policy).and_then(|policy| policy.rules(direction)?.get(rule));
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

    /// The pods that a policy selects, by their ids.
    #[must_use]
    pub fn subject(&self, policy: usize) -> Vec<usize> {
        let classes = self.compiled(policy).map(|policy| &policy.subject);
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

    fn compiled(&self, policy: usize) -> Option<&CompiledPolicy> {
        self.policies.get(policy)?.as_ref()
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.space.classes
    }

    /// One of the pods of a class, which is the same as the others to every policy.
    pub(crate) fn representative(&self, class: usize) -> Option<&Pods> {
        self.space.representative(&self.model, class)
    }

    pub(crate) fn profile(&self, class: usize, direction: Direction) -> Option<&Profile> {
        self.profiles[direction as usize].get(class).map(Arc::as_ref)
    }

    fn profile_of(&self, endpoint: Endpoint, direction: Direction) -> Option<&Profile> {
        match endpoint {
            Endpoint::Pods(pods) => self.profile(self.class_of(pods)?, direction),
            Endpoint::External(_) => None,
        }
    }

    pub(crate) fn class_of(&self, pods: usize) -> Option<usize> {
        self.space.class_of(pods)
    }

    pub(crate) fn member(&self, endpoint: Endpoint) -> Option<usize> {
        match endpoint {
            Endpoint::Pods(pods) => self.class_of(pods),
            Endpoint::External(atom) if atom < self.space.externals.len() => {
                Some(self.space.classes.len() + atom)
            }
            Endpoint::External(_) => None,
        }
    }
}
